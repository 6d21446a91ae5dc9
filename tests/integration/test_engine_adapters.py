"""Adapters on the real engines: each writes its own text, whatever else is being written.

vLLM's run of those that hold for every engine is in test_vllm_contract.py.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import pytest_asyncio

from followup.backends.adapter_library import CARD_FILE, MERGED_FILE, PEFT_FOLDER
from followup.backends.engines.build import build_engine
from followup.backends.engines.protocol import Engine, Sampling
from followup.errors import AdapterMissingError, FollowupError, PartUnavailableError
from tests.integration.published_adapters import FOLDER, engine_settings, published_versions
from tests.integration.test_engine_contract import ENGINES, endless_prompt, prompt, until_load

pytestmark = pytest.mark.asyncio(loop_scope="module")

GREEDY = Sampling(max_tokens=12)
BROKEN, UNKNOWN, FOREIGN = (f"{name}@0123456789ab" for name in ("broken", "unknown", "foreign"))


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two good versions, a broken one, and one of another base model."""
    folder = tmp_path_factory.mktemp("adapters")
    good, other = published_versions(2)
    for version in (good, other):
        (folder / version).symlink_to(FOLDER / version)
    for bad in (BROKEN, FOREIGN):
        (folder / bad).mkdir()
        card = (FOLDER / good / CARD_FILE).read_text().replace(good, bad)
        if bad == FOREIGN:
            card = card.replace("SmolLM2-135M-Instruct@", "another@")
        (folder / bad / CARD_FILE).write_text(card)
        shutil.copytree(FOLDER / good / PEFT_FOLDER, folder / bad / PEFT_FOLDER)
        (folder / bad / MERGED_FILE).write_bytes(b"GGUF nonsense")
        (folder / bad / PEFT_FOLDER / "adapter_model.safetensors").write_bytes(b"nonsense")
    return folder


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=ENGINES)
async def engine(request: pytest.FixtureRequest, library: Path) -> AsyncIterator[Engine]:
    built = build_engine(engine_settings(library, request.param, max_loaded=2))
    yield built
    await built.close()


async def test_requests_of_two_adapters_and_none_each_get_the_text_they_get_alone(
    engine: Engine,
) -> None:
    asked = [(number, name) for number in range(2) for name in (None, *published_versions(2))]
    alone = [await engine.generate(prompt(n), GREEDY, adapter=name) for n, name in asked]
    together = await asyncio.gather(
        *(engine.generate(prompt(n), GREEDY, adapter=name) for n, name in asked)
    )
    assert [each.text for each in together] == [each.text for each in alone]
    texts = [each.text for each in alone]
    assert len({tuple(texts[start::3]) for start in range(3)}) == 3  # none writes as another


async def test_an_adapter_that_cannot_be_served_fails_alone(engine: Engine) -> None:
    [good] = published_versions(1)
    texts = [(await engine.generate(prompt(), GREEDY, adapter=good)).text]
    for bad, kind in (
        (UNKNOWN, AdapterMissingError),
        (FOREIGN, AdapterMissingError),
        (BROKEN, PartUnavailableError),
    ):
        going_on = asyncio.create_task(engine.generate(prompt(), GREEDY, adapter=good))
        with pytest.raises(kind, match=bad.partition("@")[0]):
            await engine.generate(prompt(), GREEDY, adapter=bad)
        with pytest.raises(FollowupError):
            engine.check_adapter(bad)
        texts.append((await going_on).text)
    assert len(set(texts)) == 1
    engine.check_adapter(good)
    await engine.check_health()


@pytest.mark.parametrize("engine", ["openvino"], indirect=True)
async def test_an_adapter_whose_process_is_killed_comes_back_with_the_next_request(
    engine: Engine,
) -> None:
    [good] = published_versions(1)
    before = (await engine.generate(prompt(), GREEDY, adapter=good)).text
    running = asyncio.create_task(
        engine.generate(endless_prompt(), Sampling(max_tokens=600), adapter=good)
    )
    await asyncio.sleep(0.3)
    kill_process_of(good)
    with pytest.raises(PartUnavailableError, match="ended"):
        await running
    assert (await engine.generate(prompt(), GREEDY, adapter=good)).text == before


async def test_a_base_model_whose_process_is_killed_is_started_again_and_nothing_is_lost(
    library: Path,
) -> None:
    engine = build_engine(engine_settings(library))
    before = (await engine.generate(prompt(), GREEDY)).text
    running = asyncio.create_task(engine.generate(prompt(), GREEDY))
    await until_load(engine, lambda load: load.num_running == 1)
    kill_process_of("base model")
    assert (await running).text == before
    kill_process_of("base model")
    with pytest.raises(PartUnavailableError, match="base model 'SmolLM2-135M-Instruct' ended"):
        async with asyncio.timeout(20):
            while True:
                await engine.check_health()  # by which Serve replaces a replica that nobody asks
                await asyncio.sleep(0.01)
    assert (await engine.generate(prompt(), GREEDY)).text == before
    await engine.check_health()
    await engine.close()


def kill_process_of(model: str) -> None:
    """The newest, with the signal that no process can hear."""
    children = psutil.Process().children()
    found = [child for child in children if model in " ".join(child.cmdline())]
    max(found, key=psutil.Process.create_time).kill()


@pytest.mark.parametrize("engine", ["openvino"], indirect=True)
async def test_a_cancelled_request_leaves_the_adapters_process(engine: Engine) -> None:
    [good] = published_versions(1)
    await engine.load_adapter(good)
    running = asyncio.create_task(
        engine.generate(endless_prompt(), Sampling(max_tokens=900), adapter=good)
    )
    await asyncio.sleep(0.3)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    async with asyncio.timeout(20):  # long before 900 tokens are written
        assert (await engine.generate(prompt(), GREEDY, adapter=good)).text


@pytest.mark.slow
@pytest.mark.parametrize("name", ENGINES)
async def test_four_adapters_under_32_clients_each_write_what_they_write_alone(name: str) -> None:
    versions = published_versions(4)
    built = build_engine(engine_settings(FOLDER, name))
    asked = [(number, versions[number % 4]) for number in range(32)]
    alone = [await built.generate(prompt(n), GREEDY, adapter=version) for n, version in asked]
    together = await asyncio.gather(
        *(built.generate(prompt(n), GREEDY, adapter=version) for n, version in asked)
    )
    await built.close()
    assert [each.text for each in together] == [each.text for each in alone]
    assert len({each.text for each in alone}) > 20
