"""`train finetune` on Ray Train: one curve for any number of workers, and after any kill.

Each test starts Ray clusters of its own through the command line, with a tiny model.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import yaml

from tests.training_data import conversation, write_csv, write_tiny_model

PROJECT = Path(__file__).parents[2]
LIMIT_SECONDS = 240.0
SAME_CURVE = 1e-6
"""A run that goes on computes the same numbers in the same order."""
SAME_CURVE_OF_TWO = 2e-4
"""Two workers add up the same gradients in another order, in float32."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


class Training:
    """A folder with a model, a configuration and prepared data; runs are started in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        write_tiny_model(folder / "models" / "tiny")
        config = folder / "config"
        ignored = shutil.ignore_patterns("*.py", "__pycache__")
        shutil.copytree(PROJECT / "config", config, ignore=ignored)
        models = yaml.safe_load((config / "models.yaml").read_text())
        models["base_model"] = {"name": "tiny", "path": "tiny", "source": {"kind": "local"}}
        (config / "models.yaml").write_text(yaml.safe_dump(models))
        training = yaml.safe_load((config / "training.yaml").read_text())
        training["finetune"] |= {
            "max_tokens": 4_096,
            "num_epochs": 6,
            "evaluate_every": 2,
            "patience": 100,
            "learning_rate": 0.01,
            "precision": "float32",
            "batch_size": 8,
            "rows_per_pass": 4,
        }
        (config / "training.yaml").write_text(yaml.safe_dump(training))
        write_csv(folder / "rows.csv", [conversation(number) for number in range(80)])
        self.start("prepare", "rows.csv", "-o", "data").wait(LIMIT_SECONDS)

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        environment = os.environ | {
            "PYTHONPATH": str(PROJECT),
            "CONFIG_DIR": str(self.folder / "config"),
            "MODEL_CACHE_DIR": str(self.folder / "models"),
            "STATE_DIR": str(self.folder / "state"),
        }
        with (self.folder / "log.txt").open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - our own command
                [sys.executable, "-m", "tests.command_line", "train", *command],
                cwd=self.folder,
                env=environment,
                stdout=log,
                stderr=log,
            )

    def finetune(self, run: str, *options: str) -> subprocess.Popen[bytes]:
        return self.start("finetune", "data", "-o", run, *options)

    def finish(self, process: subprocess.Popen[bytes]) -> None:
        status = process.wait(LIMIT_SECONDS)
        assert status == 0, (self.folder / "log.txt").read_text()[-4_000:]

    def curve(self, run: str, name: str) -> dict[int, float]:
        lines = (self.folder / run / "curves.jsonl").read_text().splitlines()
        entries = [json.loads(line) for line in lines]
        return {entry["step"]: entry[name] for entry in entries if name in entry}

    def wait_for_checkpoint(self, run: str) -> None:
        saved = self.folder / run / "ray"
        _wait_until(lambda: any(saved.glob("checkpoint_*/checkpoint/trainer_state.json")))


def _wait_until(holds: Callable[[], bool]) -> None:
    limit = time.monotonic() + LIMIT_SECONDS
    while not holds():
        assert time.monotonic() < limit
        time.sleep(0.1)


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> Training:
    made = Training(tmp_path_factory.mktemp("training"))
    made.finish(made.finetune("whole"))
    return made


def test_the_loss_falls_and_the_run_says_what_it_was(training: Training) -> None:
    losses = training.curve("whole", "eval_loss")
    assert losses[max(losses)] < losses[min(losses)] - 0.05
    record = json.loads((training.folder / "whole" / "run.json").read_text())
    assert record["best_validation_loss"] == pytest.approx(min(losses.values()))
    assert record["request"]["data_sha256"]
    assert record["packages"]["ray"] == "2.60.0"
    files = {path.name for path in (training.folder / "whole").iterdir()}
    kept = {"adapter", "curves.jsonl", "loss.png", "progress.log", "run.json", "started.json"}
    assert files == kept


def test_two_workers_give_the_curve_of_one_at_twice_the_rows(training: Training) -> None:
    training.finish(training.finetune("two", "--workers", "2"))
    for name in ("loss", "eval_loss"):
        one, two = training.curve("whole", name), training.curve("two", name)
        assert [*one] == [*two]
        assert [*two.values()] == pytest.approx([*one.values()], rel=SAME_CURVE_OF_TWO)


def test_a_range_of_workers_gives_the_curve_of_one(training: Training) -> None:
    training.finish(training.finetune("range", "--workers", "1-2"))
    one, found = training.curve("whole", "loss"), training.curve("range", "loss")
    assert found == pytest.approx(one, rel=SAME_CURVE_OF_TWO)


def test_a_killed_worker_is_replaced_and_the_curve_goes_on(training: Training) -> None:
    process = training.finetune("worker_killed")
    training.wait_for_checkpoint("worker_killed")
    [worker] = [
        child
        for child in psutil.Process(process.pid).children(recursive=True)
        if "RayTrainWorker" in " ".join(child.cmdline())
    ]
    worker.kill()
    training.finish(process)
    _assert_same(training, "worker_killed")


def test_a_killed_driver_is_started_again_and_the_curve_goes_on(training: Training) -> None:
    process = training.finetune("driver_killed")
    training.wait_for_checkpoint("driver_killed")
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGKILL)
    process.wait(LIMIT_SECONDS)
    assert not (training.folder / "driver_killed" / "run.json").exists()
    _wait_until(lambda: not any(child.is_running() for child in children))
    training.finish(training.finetune("driver_killed"))
    _assert_same(training, "driver_killed")


def test_a_finished_run_is_not_trained_over(training: Training) -> None:
    assert training.finetune("whole").wait(LIMIT_SECONDS) == 1
    assert "The run 'whole' is finished" in (training.folder / "log.txt").read_text()


def _assert_same(training: Training, run: str) -> None:
    for name in ("loss", "eval_loss"):
        whole, resumed = training.curve("whole", name), training.curve(run, name)
        assert resumed == pytest.approx(whole, rel=SAME_CURVE)
