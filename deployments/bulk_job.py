"""A lead list with what is to be done with it: the command line and HTTP batches both run it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from typing import Any

from config.lead_map_file import read_lead_map as read_map_file
from config.settings import DISTRIBUTION, Settings
from deployments.bulk_options import BulkOptions, WriteOptions
from deployments.bulk_parts import PartCutter
from deployments.bulk_run import BulkRun, Progress
from followup.backends.lead_list import LeadList
from followup.backends.ledger import RUN_FILE, RunFolder
from followup.errors import InvalidInputError
from followup.lead_map import LeadMap, with_defaults

ROWS_PER_SCORE_PART = 2_000
ROWS_PER_WRITE_PART = 256


@dataclass(frozen=True, slots=True)
class BulkWork:
    """What is done with each part, and what makes it another run when it changes."""

    name: str
    settings: Mapping[str, Any]
    rows_per_part: int


def score_work(settings: Settings, rows_per_part: int | None = None) -> BulkWork:
    """Scoring, with the settings that shape a score."""
    return BulkWork(
        name="score",
        settings={
            "scoring": settings.scoring.model_dump(mode="json"),
            "rules": settings.settings_version,
        },
        rows_per_part=rows_per_part or ROWS_PER_SCORE_PART,
    )


def write_work(
    settings: Settings, asked: WriteOptions, rows_per_part: int | None = None
) -> BulkWork:
    """Writing. Raises InvalidInputError while messages are held for review."""
    if settings.approval.holds_any:
        message = (
            "approval.yaml holds messages for review, which lists cannot ask for. Write one by one "
            "over HTTP, or set CONFIG_DIR to a folder whose approval.yaml holds none."
        )
        raise InvalidInputError(message, field="approval")
    return BulkWork(
        name="write",
        settings={
            "tenant": asked.tenant,
            "approach": asked.approach.value,
            "temperature": asked.temperature,
            "max_tokens": asked.max_tokens,
            "model": settings.model_version,
            "prompt": settings.prompts.version,
            "rules": settings.settings_version,
        },
        rows_per_part=rows_per_part or ROWS_PER_WRITE_PART,
    )


@dataclass(frozen=True, slots=True)
class BulkJob:
    """A list that was read once. `num_rows` is about how many it has."""

    leads: LeadList
    cutter: PartCutter
    options: BulkOptions
    identity: Mapping[str, Any]
    num_rows: int

    @classmethod
    def open(cls, settings: Settings, options: BulkOptions, what: BulkWork) -> "BulkJob":
        """Raises InvalidInputError for a list or a map that cannot be read."""
        leads = LeadList.open(options.leads)
        lead_map = read_lead_map(settings, options)
        identity = leads.identify()
        num_rows = leads.estimate_rows(identity)
        as_of = options.as_of or _earlier_day(options) or options.today
        return cls(
            leads=leads,
            cutter=PartCutter(
                lead_map, as_of, what.rows_per_part, has_header=leads.kind != ".jsonl"
            ),
            options=options,
            identity={
                "work": what.name,
                "list_sha256": identity.sha256,
                "list_bytes": identity.num_bytes,
                "settings": dict(what.settings),
                "map": lead_map.model_dump(mode="json"),
                "as_of": as_of.isoformat(),
                "format": options.file_format,
                "limit": options.limit,
                "rows_per_part": what.rows_per_part,
                "version": version(DISTRIBUTION),
            },
            num_rows=min(num_rows, options.limit) if options.limit else num_rows,
        )

    def run_in(self, folder: RunFolder, on_progress: Callable[[Progress], None]) -> BulkRun:
        """The run of this list in its folder."""
        return BulkRun(
            folder=folder,
            cutter=self.cutter,
            output=self.options.file_format,
            limit=self.options.limit,
            on_progress=on_progress,
        )


def read_lead_map(settings: Settings, options: BulkOptions) -> LeadMap:
    """The map of a preset or a file, with the defaults of the command line."""
    found = read_map_file(settings.environment.config_dir, options.lead_map)
    return with_defaults(found, options.defaults)


def _earlier_day(options: BulkOptions) -> date | None:
    """The day that a run in this folder was begun with: it ends with the same one."""
    if options.restart:
        return None
    try:
        known = json.loads((options.output / RUN_FILE).read_text(encoding="utf-8"))
        return date.fromisoformat(known["as_of"])
    except (OSError, ValueError, KeyError):
        return None
