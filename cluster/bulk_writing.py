"""Runs a lead list through writing."""

from dataclasses import dataclass

from cluster.bulk import BulkOptions, BulkWork, dry_run, run_bulk
from cluster.bulk_progress import BulkProgress
from cluster.bulk_summary import BulkSummary, DryRun
from config.settings import Settings
from deployments.bulk_options import WriteOptions
from deployments.bulk_write import WriteFactory
from followup.errors import InvalidInputError

ROWS_PER_WRITE_PART = 64
SAMPLE_ROWS = 8


@dataclass(frozen=True, slots=True)
class WritingOptions:
    """What only writing asks for."""

    write: WriteOptions
    num_in_flight: int


def run_write(
    settings: Settings, options: BulkOptions, writing: WritingOptions, progress: BulkProgress
) -> BulkSummary:
    """Write for each lead. Raises what the list, the folder and the workers raise."""
    return run_bulk(settings, options, _write_work(settings, options, writing), progress)


def dry_run_write(settings: Settings, options: BulkOptions, writing: WritingOptions) -> DryRun:
    """Write for the first few leads here, keep nothing, and say what all would take."""
    return dry_run(settings, options, _write_work(settings, options, writing), SAMPLE_ROWS)


def _write_work(settings: Settings, options: BulkOptions, writing: WritingOptions) -> BulkWork:
    if settings.approval.holds_any:
        message = (
            "approval.yaml holds messages for review, which bulk cannot ask for. Write over HTTP, "
            "or set CONFIG_DIR to a folder whose approval.yaml holds none."
        )
        raise InvalidInputError(message, field="approval")
    asked = writing.write
    return BulkWork(
        name="write",
        factory=WriteFactory(settings.without_caller_secrets(), asked, writing.num_in_flight),
        settings={
            "tenant": asked.tenant,
            "approach": asked.approach.value,
            "temperature": asked.temperature,
            "max_tokens": asked.max_tokens,
            "model": settings.model_version,
            "prompt": settings.prompts.version,
            "rules": settings.settings_version,
        },
        rows_per_part=options.rows_per_part or ROWS_PER_WRITE_PART,
        max_workers=options.num_workers,
    )
