"""Where a batch lies, and what a run of its list is told.

BATCH_DIR/<batch_id>/list.jsonl     as it was posted, or fetched (.csv, .parquet)
BATCH_DIR/<batch_id>/run/           a folder of `followup.backends.ledger`
"""

from datetime import datetime
from pathlib import Path

from config.settings import Settings
from deployments.batch_api import BatchOptions
from deployments.bulk_options import BulkOptions, parse_values

RUN = "run"


def batch_folder(settings: Settings, batch_id: str) -> Path:
    """The folder of one batch."""
    return settings.batches.folder / batch_id


def bulk_options(
    options: BatchOptions, leads: Path, output: Path, created_at: datetime
) -> BulkOptions:
    """The options of the run. Raises InvalidInputError for a wrong 'set'."""
    return BulkOptions(
        leads=str(leads),
        output=output,
        file_format="parquet",
        today=created_at.date(),
        lead_map=options.lead_map,
        defaults=parse_values(options.defaults),
        limit=options.limit,
        as_of=options.as_of or created_at.date(),
    )
