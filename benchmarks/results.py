"""What every benchmark writes: raw measurements, targets met or missed, the machine's facts."""

import json
import os
import platform
import subprocess
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from followup.backends.whole_file import write_whole

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("ray", "openvino-genai", "transformers", "torch", "fastapi", "pymilvus", "milvus-lite")


@dataclass(frozen=True, slots=True)
class Target:
    """A goal and what was measured. `at_least` says which side of the goal is good."""

    name: str
    value: float
    goal: float
    unit: str
    at_least: bool = True

    @property
    def met(self) -> bool:
        """Whether the goal was reached."""
        return self.value >= self.goal if self.at_least else self.value <= self.goal


def write_results(
    name: str, command: str, measurements: list[dict[str, Any]], targets: list[Target]
) -> Path:
    """Write `results/NAME.json`, whole or not at all, and print the targets."""
    document = {
        "name": name,
        "command": command,
        "commit": _commit(),
        "machine": _machine(),
        "measurements": measurements,
        "targets": [{**asdict(target), "met": target.met} for target in targets],
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    write_whole(path, f"{json.dumps(document, indent=2)}\n".encode())
    _print_targets(targets, path)
    return path


def read_results(name: str) -> tuple[list[dict[str, Any]], list[Target]]:
    """Measurements and targets of `results/NAME.json`; none where there is no such file."""
    path = RESULTS / f"{name}.json"
    if not path.is_file():
        return [], []
    document = json.loads(path.read_text(encoding="utf-8"))
    targets = [
        Target(**{key: value for key, value in target.items() if key != "met"})
        for target in document["targets"]
    ]
    return document["measurements"], targets


def _print_targets(targets: list[Target], path: Path) -> None:
    table = Table("target", "measured", "goal", "met")
    for target in targets:
        sign = ">=" if target.at_least else "<="
        table.add_row(
            target.name,
            f"{target.value:.3g} {target.unit}",
            f"{sign} {target.goal:g}",
            "yes" if target.met else "NO",
        )
    console = Console()
    console.print(table)
    console.print(f"Raw results: {path}")


def _commit() -> str:
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"],  # noqa: S607 - a developer's own git
        capture_output=True,
        text=True,
        check=False,
        timeout=10,
        cwd=RESULTS.parent,
    )
    return done.stdout.strip() or "unknown"


def _machine() -> dict[str, Any]:
    return {
        "cpu": _cpu_name(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "python": platform.python_version(),
        "versions": {package: _version(package) for package in PACKAGES},
    }


def _cpu_name() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
