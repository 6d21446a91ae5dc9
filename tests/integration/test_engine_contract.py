"""What every generation engine promises, tried on the real engines with the real model.

vLLM needs an environment of its own: `make test-slow` runs this file there, with CONTRACT_ENGINES
set to vllm (see test_vllm_contract.py).
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest
import pytest_asyncio
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from followup.backends.engines.build import build_engine
from followup.backends.engines.protocol import Engine, EngineLoad, Sampling
from followup.backends.engines.request import encode
from followup.backends.gguf_export import model_folder
from followup.backends.settings import EngineSettings
from followup.errors import (
    AdapterMissingError,
    DeadlineExceededError,
    InvalidInputError,
    PartUnavailableError,
)
from followup.prompts import Prompt
from tests.integration.models import base_model_file

pytestmark = pytest.mark.asyncio(loop_scope="module")

ENGINES = os.environ.get("CONTRACT_ENGINES", "openvino,transformers").split(",")
CONTEXT_TOKENS = 1_024
IDLE = EngineLoad(num_running=0, num_waiting=0)
TOPICS = ("pricing", "security", "integrations", "reports", "support", "invoices", "tax", "teams")
GREEDY = Sampling(max_tokens=24)
MAX_NATS = 0.03


def settings(engine: str, **changes: object) -> EngineSettings:
    values = {
        "engine": engine,
        "model_name": "SmolLM2-135M-Instruct",
        "model_path": base_model_file(),
        "context_tokens": CONTEXT_TOKENS,
        "kv_cache_gib": 1,
        **changes,
    }
    return EngineSettings.model_validate(values)


def prompt(number: int = 0) -> Prompt:
    """Prompts of different lengths, so that a batch has to pad or pack."""
    topic = TOPICS[number % len(TOPICS)]
    facts = " ".join(f"Plan {n} costs {n * 19 + number} dollars." for n in range(1 + number % 5))
    return Prompt(
        system="You write short follow-up emails for a sales team.",
        user=f"Write to lead number {number}, who asked about {topic}. {facts}",
    )


async def until_load(engine: Engine, expected: Callable[[EngineLoad], bool]) -> None:
    async with asyncio.timeout(60):
        while not expected(engine.load):  # noqa: ASYNC110 - an engine tells its load, not changes
            await asyncio.sleep(0.01)


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=ENGINES)
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[Engine]:
    built = build_engine(settings(request.param))
    yield built
    await built.close()


async def test_greedy_is_repeatable(engine: Engine) -> None:
    first = await engine.generate(prompt(), GREEDY)
    second = await engine.generate(prompt(), GREEDY)
    assert first == second
    assert first.text.strip()


async def test_requests_at_once_each_get_the_text_they_get_alone(engine: Engine) -> None:
    short = Sampling(max_tokens=12)
    alone = [await engine.generate(prompt(number), short) for number in range(8)]
    together = await asyncio.gather(*(engine.generate(prompt(n), short) for n in range(8)))
    assert [each.text for each in together] == [each.text for each in alone]
    assert len({each.text for each in together}) > 4


async def test_max_tokens_holds(engine: Engine) -> None:
    reply = await engine.generate(prompt(), Sampling(max_tokens=5))
    assert reply.num_completion_tokens == 5
    assert reply.finish_reason == "length"
    assert reply.num_prompt_tokens > 20
    assert reply.mean_log_prob is not None
    assert reply.mean_log_prob < 0


async def test_the_text_ends_before_a_stop_string(engine: Engine) -> None:
    whole = await engine.generate(prompt(), GREEDY)
    middle = len(whole.text) // 2
    stop = whole.text[middle : middle + 5]
    reply = await engine.generate(prompt(), Sampling(max_tokens=24, stop=("@@@", stop)))
    assert reply.text == whole.text[: whole.text.index(stop)]
    assert reply.finish_reason == "stop"
    assert reply.num_completion_tokens < whole.num_completion_tokens


async def test_the_reply_stops_at_the_end_of_turn_without_its_marker(engine: Engine) -> None:
    question = Prompt(system="Answer with one word.", user="What is the capital of France?")
    reply = await engine.generate(question, Sampling(max_tokens=60))
    assert reply.finish_reason == "stop"
    assert reply.num_completion_tokens < 60
    assert "<|" not in reply.text
    assert "Paris" in reply.text


async def test_a_seed_gives_one_text_and_another_seed_another(engine: Engine) -> None:
    def sampled(seed: int) -> Sampling:
        return Sampling(max_tokens=24, temperature=1.0, seed=seed)

    first, again, other = [await engine.generate(prompt(), sampled(seed)) for seed in (7, 7, 8)]
    assert first.text == again.text
    assert first.text != other.text


async def test_a_sampled_text_does_not_depend_on_its_neighbours(engine: Engine) -> None:
    sampling = [Sampling(max_tokens=24, temperature=0.8, seed=seed) for seed in range(4)]
    alone = [await engine.generate(prompt(n), sampling[n]) for n in range(4)]
    together = await asyncio.gather(*(engine.generate(prompt(n), sampling[n]) for n in range(4)))
    assert [each.text for each in together] == [each.text for each in alone]


async def test_a_cancelled_request_frees_its_place_and_others_finish(engine: Engine) -> None:
    alone = await engine.generate(prompt(1), GREEDY)
    long = Sampling(max_tokens=900)
    cancelled = asyncio.create_task(engine.generate(endless_prompt(), long))
    await until_load(engine, lambda load: load.num_running == 1)
    other = asyncio.create_task(engine.generate(prompt(1), GREEDY))
    await until_load(engine, lambda load: load.num_running + load.num_waiting == 2)
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    assert (await other).text == alone.text
    await until_load(engine, lambda load: load == IDLE)


async def test_a_deadline_during_generation_frees_the_place(engine: Engine) -> None:
    started = time.monotonic()
    with pytest.raises(DeadlineExceededError, match="not ready before the request's deadline"):
        await engine.generate(endless_prompt(), Sampling(max_tokens=900), deadline=started + 0.5)
    await until_load(engine, lambda load: load == IDLE)
    assert (await engine.generate(prompt(), GREEDY)).text


async def test_a_deadline_in_the_past_starts_nothing(engine: Engine) -> None:
    with pytest.raises(DeadlineExceededError, match="deadline"):
        await engine.generate(prompt(), GREEDY, deadline=time.monotonic() - 1)
    assert engine.load == IDLE


async def test_a_prompt_beyond_the_context_is_refused(engine: Engine) -> None:
    long = Prompt(system="Write.", user="billing " * (2 * CONTEXT_TOKENS))
    with pytest.raises(InvalidInputError, match=f"context length of {CONTEXT_TOKENS}"):
        await engine.generate(long, GREEDY)
    assert engine.load == IDLE


async def test_an_unknown_adapter_is_refused(engine: Engine) -> None:
    with pytest.raises(AdapterMissingError, match=r"acme@3f2a.*lead-assistant train publish"):
        await engine.generate(prompt(), GREEDY, adapter="acme@3f2a")


async def test_a_repetition_penalty_changes_the_text(engine: Engine) -> None:
    plain = await engine.generate(prompt(), Sampling(max_tokens=40))
    penalised = await engine.generate(prompt(), Sampling(max_tokens=40, repetition_penalty=1.5))
    assert plain.text != penalised.text


async def test_a_working_engine_is_healthy_and_names_its_model(engine: Engine) -> None:
    await engine.check_health()
    assert engine.model_name == "SmolLM2-135M-Instruct"


@pytest.mark.parametrize("name", ENGINES)
async def test_closing_fails_what_runs_and_whatever_comes_later(name: str) -> None:
    closing = build_engine(settings(name))
    running = asyncio.create_task(closing.generate(endless_prompt(), Sampling(max_tokens=900)))
    await until_load(closing, lambda load: load.num_running == 1)
    await closing.close()
    await closing.close()
    with pytest.raises(PartUnavailableError, match="closed"):
        await running
    with pytest.raises(PartUnavailableError, match="closed"):
        await closing.generate(prompt(), GREEDY)
    with pytest.raises(PartUnavailableError, match="closed"):
        await closing.check_health()


@pytest.mark.parametrize("name", ENGINES)
async def test_more_requests_than_places_wait_and_finish(name: str) -> None:
    small = build_engine(settings(name, max_running_requests=2))
    tasks = [asyncio.create_task(small.generate(prompt(n), GREEDY)) for n in range(5)]
    await until_load(small, lambda load: load == EngineLoad(num_running=2, num_waiting=3))
    replies = await asyncio.gather(*tasks)
    await small.close()
    assert all(reply.text for reply in replies)


def endless_prompt() -> Prompt:
    """A prompt whose greedy reply does not end within 900 tokens."""
    return Prompt(system="You count.", user="Count from 1 to 1000, one number a line.")


async def test_the_reply_goes_on_from_its_given_start(engine: Engine) -> None:
    prompt = Prompt(system="You repeat.", user="Count from one to ten, in words.")
    free = await engine.generate(prompt, Sampling(max_tokens=24))
    cut = free.text[: len(free.text) // 2]
    rest = await engine.generate(replace(prompt, reply_start=cut), Sampling(max_tokens=24))
    assert rest.num_prompt_tokens > free.num_prompt_tokens
    assert not rest.text.startswith(cut)


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(max_tokens=24),
        Sampling(max_tokens=24, repetition_penalty=1.3),
        Sampling(max_tokens=24, temperature=0.6, top_p=0.8, seed=3),
    ],
    ids=["greedy", "repetition penalty", "temperature and top_p"],
)
async def test_log_probabilities_are_those_of_the_model_before_any_sampling_rule(
    engine: Engine, sampling: Sampling
) -> None:
    """So the same text has the same fluency in every engine, at every temperature."""
    reply = await engine.generate(prompt(), sampling)
    assert reply.finish_reason == "length"
    assert reply.mean_log_prob == pytest.approx(plain_mean_log_prob(reply.text), abs=MAX_NATS)


def plain_mean_log_prob(text: str) -> float:
    """Mean log-probability that torch gives the tokens of a reply to `prompt()`."""
    folder = model_folder(base_model_file())
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    before = encode(tokenizer, prompt())
    after = tokenizer.encode(text, add_special_tokens=False)
    with torch.no_grad():
        logits = model(torch.tensor([before + after])).logits[0, len(before) - 1 : -1]
    log_probs = logits.log_softmax(dim=-1)
    return float(log_probs[range(len(after)), after].mean())
