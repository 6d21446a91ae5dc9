"""Runs a lead list through scoring: what the command asks for, put together."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

from cluster.bulk_progress import BulkProgress
from cluster.bulk_summary import BulkSummary, DryRun, write_summary
from config.reading import read_yaml
from config.settings import DISTRIBUTION, Settings
from deployments.bulk_output import OutputFormat
from deployments.bulk_parts import PartCutter, WorkerFactory
from deployments.bulk_run import BulkRun
from deployments.bulk_score import ScoreFactory
from deployments.bulk_workers import ProcessWorkers, Workers
from followup.backends.lead_list import LeadList, ListIdentity
from followup.backends.ledger import RUN_FILE, RunFolder
from followup.errors import InvalidInputError
from followup.lead_map import LeadMap, with_defaults

MAPS_FOLDER = "lead_maps"
ROWS_PER_SCORE_PART = 2_000
SAMPLE_ROWS = 1_000
RULES_CHARACTERS = 12


@dataclass(frozen=True, slots=True)
class BulkOptions:
    """What the command line says."""

    leads: str
    output: Path
    file_format: OutputFormat
    today: date
    lead_map: str | None = None
    defaults: Mapping[str, str] = field(default_factory=dict)
    limit: int | None = None
    num_workers: int = 1
    as_of: date | None = None
    restart: bool = False
    rows_per_part: int | None = None


@dataclass(frozen=True, slots=True)
class BulkWork:
    """What is done with each part, and what makes it another run when it changes."""

    name: str
    factory: WorkerFactory
    settings: Mapping[str, Any]
    rows_per_part: int
    max_workers: int


def run_score(settings: Settings, options: BulkOptions, progress: BulkProgress) -> BulkSummary:
    """Score the list. Raises what the list, the folder and the workers raise."""
    return run_bulk(settings, options, score_work(settings, options), progress)


def dry_run_score(settings: Settings, options: BulkOptions) -> DryRun:
    """Read the first rows, score them here, and say how long all would take."""
    return dry_run(settings, options, score_work(settings, options), SAMPLE_ROWS)


def score_work(settings: Settings, options: BulkOptions) -> BulkWork:
    """Scoring, with the settings that shape a score."""
    return BulkWork(
        name="score",
        factory=ScoreFactory(settings.scoring, settings.compliance),
        settings={
            "scoring": settings.scoring.model_dump(mode="json"),
            "rules": settings.settings_version,
        },
        rows_per_part=options.rows_per_part or ROWS_PER_SCORE_PART,
        max_workers=options.num_workers,
    )


def run_bulk(
    settings: Settings, options: BulkOptions, what: BulkWork, progress: BulkProgress
) -> BulkSummary:
    """Do every part that is not done yet; write summary and report."""
    began = time.monotonic()
    leads = LeadList.open(options.leads)
    lead_map = read_lead_map(settings, options)
    identity = leads.identify()
    as_of = options.as_of or _earlier_day(options) or options.today
    num_rows = _estimate(leads, identity, options)
    identified = _identity(options, what, lead_map, identity, as_of)
    with RunFolder.open(options.output, identified, restart=options.restart) as folder:
        if folder.finished:
            progress.step(f"Going on: {len(folder.finished):,} parts are finished already.")
        progress.begin(num_rows)
        run = BulkRun(
            folder=folder,
            cutter=_cutter(leads, lead_map, as_of, what),
            output=options.file_format,
            limit=options.limit,
            on_progress=progress.show,
        )
        facts = run.finish(leads.rows(), _starter(what, num_rows, progress))
        summary = BulkSummary.of(what.name, folder, facts, time.monotonic() - began)
        write_summary(summary, folder)
        # Imported here: matplotlib takes a second to load.
        from cluster.bulk_report import write_report  # noqa: PLC0415

        write_report(summary, folder)
    return summary


def dry_run(settings: Settings, options: BulkOptions, what: BulkWork, sample_rows: int) -> DryRun:
    """What a run would do, from a sample of the list done in this process."""
    leads = LeadList.open(options.leads)
    identity = leads.identify()
    num_rows = _estimate(leads, identity, options)
    as_of = options.as_of or options.today
    lead_map = read_lead_map(settings, options)
    cutter = _cutter(leads, lead_map, as_of, what)
    worker = what.factory.build()
    began = time.monotonic()
    limit = min(sample_rows, options.limit or sample_rows)
    results = [(part, worker.take(part)) for part in cutter.cut(islice(leads.rows(), limit))]
    seconds = time.monotonic() - began
    return DryRun.of(results, cutter.facts, num_rows, seconds, what.max_workers)


def read_lead_map(settings: Settings, options: BulkOptions) -> LeadMap:
    """The map of a preset or a file, with the defaults of the command line."""
    found = LeadMap()
    if options.lead_map is not None:
        presets = settings.environment.config_dir / MAPS_FOLDER
        preset = presets / f"{options.lead_map}.yaml"
        path = Path(options.lead_map)
        if not path.suffix and not preset.is_file():
            names = ", ".join(sorted(file.stem for file in presets.glob("*.yaml")))
            message = f"--map has value '{options.lead_map}'. Allowed: {names}, or a .yaml file."
            raise InvalidInputError(message, field="map")
        found = read_yaml(path if path.suffix else preset, LeadMap)
    return with_defaults(found, options.defaults)


def _identity(
    options: BulkOptions, what: BulkWork, lead_map: LeadMap, leads: ListIdentity, as_of: date
) -> dict[str, Any]:
    return {
        "work": what.name,
        "list_sha256": leads.sha256,
        "list_bytes": leads.num_bytes,
        "settings": dict(what.settings),
        "map": lead_map.model_dump(mode="json"),
        "as_of": as_of.isoformat(),
        "format": options.file_format,
        "limit": options.limit,
        "rows_per_part": what.rows_per_part,
        "version": version(DISTRIBUTION),
    }


def _earlier_day(options: BulkOptions) -> date | None:
    """The day that a run in this folder was begun with: it ends with the same one."""
    if options.restart:
        return None
    try:
        known = json.loads((options.output / RUN_FILE).read_text(encoding="utf-8"))
        return date.fromisoformat(known["as_of"])
    except (OSError, ValueError, KeyError):
        return None


def _estimate(leads: LeadList, identity: ListIdentity, options: BulkOptions) -> int:
    num_rows = leads.estimate_rows(identity)
    return min(num_rows, options.limit) if options.limit else num_rows


def _cutter(leads: LeadList, lead_map: LeadMap, as_of: date, what: BulkWork) -> PartCutter:
    has_header = leads.kind != ".jsonl"
    return PartCutter(lead_map, as_of, what.rows_per_part, has_header=has_header)


def _starter(what: BulkWork, num_rows: int, progress: BulkProgress) -> Callable[[], Workers]:
    num_parts = max(1, -(-num_rows // what.rows_per_part))
    num_workers = min(what.max_workers, num_parts)

    def start() -> Workers:
        progress.step(f"{num_workers} worker{'s' * (num_workers > 1)}")
        return ProcessWorkers(what.factory, num_workers)

    return start
