"""Adapters: does the published artifact say what the adapter says, and what does a cold load cost?

    make bench-adapters

Random LoRA adapters on the base model of models.yaml; the engines as they serve, without HTTP.
"""

import asyncio
import itertools
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from benchmarks.results import Target, write_results
from followup.backends.adapter_library import AdapterLibrary
from followup.backends.engines.build import build_engine
from followup.backends.engines.protocol import Engine, Sampling
from followup.backends.engines.request import encode
from followup.backends.gguf_export import export_gguf
from tests.integration.published_adapters import FOLDER, engine_settings, published_versions
from tests.integration.random_adapters import base_folder
from tests.integration.test_engine_contract import prompt

NUM_PROMPTS = 50
TEXT = Sampling(max_tokens=40)
SHORT = Sampling(max_tokens=24)
NUM_CLIENTS = 8
ROUNDS = 3
PHASE_SECONDS = 15.0


class Part(StrEnum):
    """What can be measured by itself."""

    DISTRIBUTIONS = "distributions"
    TEXTS = "texts"
    COLD_LOADS = "cold-loads"


@dataclass(frozen=True, slots=True)
class Request:
    """When one request to a warm adapter ran."""

    begun: float
    ended: float


def main(
    only: Annotated[
        Part | None, typer.Option(help="Measure one part and write results/adapters_PART.json.")
    ] = None,
) -> None:
    """Measure, print, write results/adapters.json."""
    versions = published_versions(2 + ROUNDS)
    rows: dict[Part, dict[str, Any]] = {}
    for part in [only] if only else Part:
        match part:
            case Part.DISTRIBUTIONS:
                rows[part] = _distributions(versions[0])
            case Part.TEXTS:
                rows[part] = asyncio.run(_texts(versions[0]))
            case Part.COLD_LOADS:
                rows[part] = asyncio.run(_cold_loads(versions))
        print(rows[part])
    name = f"adapters_{only}" if only else "adapters"
    command = "make bench-adapters" + (f" (--only {only})" if only else "")
    write_results(name, command, list(rows.values()), _targets(rows))


@torch.inference_mode()
def _distributions(version: str) -> dict[str, Any]:
    """Next-token distributions after each prompt: PEFT in float32 next to the merged Q8_0 file.

    The same merge without writing Q8_0 stands beside it: what that leaves is not quantisation.
    """
    library = AdapterLibrary(FOLDER)
    merged_folder = export_gguf(library.merged_file(version), FOLDER / f"{version}-hf")
    tokenizer = AutoTokenizer.from_pretrained(base_folder())
    base = _load(base_folder())
    peft, other = (
        PeftModel.from_pretrained(_load(base_folder()), library.peft_folder(version)).eval()
        for _ in range(2)
    )
    unquantised: Any = other.merge_and_unload()
    merged = _load(merged_folder)
    divergences, base_divergences, unquantised_divergences, same_top = [], [], [], 0
    for number in range(NUM_PROMPTS):
        tokens = torch.tensor([encode(tokenizer, prompt(number))])
        wanted, found, plain, exact = (
            _last(model, tokens) for model in (peft, merged, base, unquantised)
        )
        divergences.append(_divergence(wanted, found))
        base_divergences.append(_divergence(wanted, plain))
        unquantised_divergences.append(_divergence(wanted, exact))
        same_top += int(wanted.argmax() == found.argmax())
    return {
        "measure": "next-token distributions",
        "num_prompts": NUM_PROMPTS,
        "same_top_token": same_top / NUM_PROMPTS,
        "mean_kl_nats": statistics.fmean(divergences),
        "max_kl_nats": max(divergences),
        "mean_kl_unquantised_nats": statistics.fmean(unquantised_divergences),
        "mean_kl_of_base_nats": statistics.fmean(base_divergences),
    }


async def _texts(version: str) -> dict[str, Any]:
    """Greedy texts: the PEFT engine next to the engine that serves the merged file."""
    texts = {}
    for name in ("transformers", "openvino"):
        engine = build_engine(engine_settings(FOLDER, name))
        asked = (engine.generate(prompt(n), TEXT, adapter=version) for n in range(NUM_PROMPTS))
        texts[name] = [reply.text for reply in await asyncio.gather(*asked)]
        await engine.close()
    pairs = list(zip(texts["transformers"], texts["openvino"], strict=True))
    return {
        "measure": "greedy texts of 40 tokens",
        "num_prompts": NUM_PROMPTS,
        "equal": sum(a == b for a, b in pairs) / NUM_PROMPTS,
        "mean_share_before_they_part": statistics.fmean(_common(a, b) for a, b in pairs),
    }


async def _cold_loads(versions: Sequence[str]) -> dict[str, Any]:
    """Two warm adapters under load; in turns without and with a third that is loaded cold."""
    warm, cold = versions[:2], versions[2:]
    engine = build_engine(engine_settings(FOLDER, max_loaded=3))
    for version in warm:
        await engine.load_adapter(version)
    quiet: list[float] = []
    beside: list[float] = []
    loads = []
    for version in cold:
        requests, _ = await _under_load(engine, warm, None)
        quiet += [item.ended - item.begun for item in requests]
        requests, (begun, ended) = await _under_load(engine, warm, version)
        loads.append(ended - begun)
        beside += [i.ended - i.begun for i in requests if i.ended > begun and i.begun < ended]
    await engine.close()
    return {
        "measure": "requests to warm adapters beside a cold load",
        "num_clients": NUM_CLIENTS,
        "load_seconds": loads,
        "p95_seconds_without": _p95(quiet),
        "p95_seconds_beside_load": _p95(beside),
        "median_seconds_without": statistics.median(quiet),
        "median_seconds_beside_load": statistics.median(beside),
        "num_without": len(quiet),
        "num_beside_load": len(beside),
    }


async def _under_load(
    engine: Engine, warm: Sequence[str], cold: str | None
) -> tuple[list[Request], tuple[float, float]]:
    """The requests of one phase, and when the cold adapter was loaded in it."""
    requests: list[Request] = []
    until = time.monotonic() + PHASE_SECONDS
    loading = asyncio.Event()

    async def client(number: int) -> None:
        for turn in itertools.count():
            if time.monotonic() > until and not loading.is_set():
                return
            begun = time.monotonic()
            adapter = warm[number % len(warm)]
            await engine.generate(prompt(number + turn * NUM_CLIENTS), SHORT, adapter=adapter)
            requests.append(Request(begun, time.monotonic()))

    async def load() -> tuple[float, float]:
        await asyncio.sleep(3)
        loading.set()
        begun = time.monotonic()
        if cold is not None:
            await engine.load_adapter(cold)
        loading.clear()
        return begun, time.monotonic()

    clients = [asyncio.create_task(client(number)) for number in range(NUM_CLIENTS)]
    when = await load()
    await asyncio.gather(*clients)
    return requests, when


def _targets(rows: Mapping[Part, dict[str, Any]]) -> list[Target]:
    targets = []
    if row := rows.get(Part.DISTRIBUTIONS):
        targets.append(Target("same top token as PEFT", row["same_top_token"], 0.9, "share"))
    if row := rows.get(Part.TEXTS):
        targets.append(Target("same greedy text as PEFT", row["equal"], 0.5, "share"))
    if row := rows.get(Part.COLD_LOADS):
        ratio = row["p95_seconds_beside_load"] / row["p95_seconds_without"]
        name = "p95 of warm requests beside a cold load"
        targets.append(Target(name, ratio, 1.3, "times", at_least=False))
    return targets


def _load(folder: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def _last(model: Any, tokens: torch.Tensor) -> torch.Tensor:
    log_probs: torch.Tensor = model(input_ids=tokens).logits[0, -1].log_softmax(dim=-1)
    return log_probs


def _divergence(wanted: torch.Tensor, found: torch.Tensor) -> float:
    """Kullback-Leibler divergence in nats."""
    return float((wanted.exp() * (wanted - found)).sum())


def _common(first: str, second: str) -> float:
    """Share of the text before the two part."""
    same = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first, second)))  # noqa: B905 - lengths differ
    return same / max(len(first), len(second), 1)


def _p95(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


if __name__ == "__main__":
    typer.run(main)
