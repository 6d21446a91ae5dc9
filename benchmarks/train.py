"""make bench-train

Tokens/s of `train finetune` next to the same PEFT run without Ray, in turns: the same rows, order,
model, precision and threads, the same Trainer in a plain process.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
import yaml

from benchmarks.results import Target, write_results
from config.environment import PACKAGED_CONFIG
from config.reading import read_yaml
from config.settings import load_settings
from config.training import TrainingSettings
from training.base_model import BaseModel
from training.examples import PromptRules

ROWS = Path("examples/training/techcorp_conversations.csv")
SETTINGS = Path("examples/training/demo.yaml")
NUM_TURNS = 2
NUM_STEPS = 25
BATCH_SIZE = 4
GOAL = 0.95
LIMIT_SECONDS = 280.0
PLAIN = "plain"


def main() -> None:
    """Measure in turns and write the results."""
    measurements: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _prepare(folder)
        for turn in range(NUM_TURNS):
            for kind in ("ray", PLAIN):
                rate = _on_ray(folder, turn) if kind == "ray" else _in_a_process(folder, turn)
                measurements.append({"kind": kind, "turn": turn, "tokens_per_second": rate})
                print(f"{kind}: {rate:.0f} tokens/s", flush=True)
    rates = {
        kind: statistics.median(
            item["tokens_per_second"] for item in measurements if item["kind"] == kind
        )
        for kind in ("ray", PLAIN)
    }
    target = Target("tokens/s on Ray over a plain process", rates["ray"] / rates[PLAIN], GOAL, "x")
    write_results("train", "make bench-train", measurements, [target])


def _prepare(folder: Path) -> None:
    """The rows, and settings under which both runs make the same few steps."""
    settings = yaml.safe_load(SETTINGS.read_text(encoding="utf-8"))
    # The order comes from the rows that fit and the seed, so both runs train on the same ones.
    settings["prepare"]["min_rows"] = NUM_STEPS * BATCH_SIZE
    settings["finetune"] |= {
        "num_epochs": 1,
        "batch_size": BATCH_SIZE,
        "rows_per_pass": BATCH_SIZE,
        "precision": "bfloat16",
        "evaluate_every": NUM_STEPS,
        "max_validation_rows": 1,
    }
    path = folder / "training.yaml"
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    _run("train", "prepare", str(ROWS), "-o", str(folder / "all"), "--training-file", str(path))
    data = folder / "data"
    data.mkdir()
    for split, number in (("train", NUM_STEPS * BATCH_SIZE), ("validation", 1), ("test", 1)):
        lines = (folder / "all" / f"{split}.jsonl").read_text(encoding="utf-8").split("\n")
        shortest = sorted(filter(None, lines), key=len)[:number]
        (data / f"{split}.jsonl").write_text("\n".join(shortest) + "\n", encoding="utf-8")


def _on_ray(folder: Path, turn: int) -> float:
    run = folder / f"ray-{turn}"
    _run(
        *("train", "finetune", str(folder / "data"), "-o", str(run)),
        *("--training-file", str(folder / "training.yaml")),
    )
    lines = (run / "curves.jsonl").read_text(encoding="utf-8").splitlines()
    return _last_rate([json.loads(line) for line in lines])


def _in_a_process(folder: Path, turn: int) -> float:
    from training.finetune import WORKER_ENVIRONMENT  # noqa: PLC0415 - Ray, which only it needs

    target = folder / f"plain-{turn}.json"
    subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "benchmarks.train", PLAIN, str(folder), str(target)],
        env=os.environ | WORKER_ENVIRONMENT,
        timeout=LIMIT_SECONDS,
        check=True,
    )
    return _last_rate(json.loads(target.read_text(encoding="utf-8")))


def train_without_ray(folder: Path, target: Path) -> None:
    """The run in this process; its log goes to `target`."""
    from training.finetune import FinetuneOptions, make_task, read_examples  # noqa: PLC0415
    from training.worker import build_trainer  # noqa: PLC0415

    settings = load_settings()
    asked = read_yaml(folder / "training.yaml", TrainingSettings).finetune
    base = BaseModel(settings.engine)
    rules = PromptRules(settings.prompts, settings.scoring, settings.compliance)
    options = FinetuneOptions(
        data=folder / "data", run=folder, cores_per_worker=os.cpu_count() or 1
    )
    task = make_task(read_examples(options.data, asked, rules, base), options, asked, base, None)
    torch.set_num_threads(task.num_threads)
    with tempfile.TemporaryDirectory() as scratch:
        trainer = build_trainer(task, Path(scratch), 1)
        trainer.train()
        target.write_text(json.dumps(trainer.state.log_history), encoding="utf-8")


def _last_rate(history: list[dict[str, Any]]) -> float:
    """Tokens/s over all steps, before the validation at the end."""
    rates: list[float] = [entry["tokens_per_second"] for entry in history if "loss" in entry]
    return rates[-1]


def _run(*command: str) -> None:
    subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-c", "from cluster.cli import app; app()", *command],
        env=os.environ | {"CONFIG_DIR": os.environ.get("CONFIG_DIR", str(PACKAGED_CONFIG))},
        timeout=LIMIT_SECONDS,
        check=True,
        stdout=subprocess.DEVNULL,
    )


if __name__ == "__main__":
    if sys.argv[1:2] == [PLAIN]:
        train_without_ray(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        main()
