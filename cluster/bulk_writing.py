"""Runs a lead list through writing."""

from dataclasses import dataclass

from cluster.bulk import dry_run, run_bulk
from cluster.bulk_progress import BulkProgress
from cluster.bulk_summary import BulkSummary, DryRun
from config.settings import Settings
from deployments.bulk import WriteFactory
from deployments.bulk_job import write_work
from deployments.bulk_options import BulkOptions, WriteOptions

SAMPLE_ROWS = 8


@dataclass(frozen=True, slots=True)
class WritingOptions:
    """What only writing asks for."""

    write: WriteOptions
    num_in_flight: int | None = None
    """Leads at the same time in a worker; None: as many as its engine runs."""


def run_write(
    settings: Settings, options: BulkOptions, writing: WritingOptions, progress: BulkProgress
) -> BulkSummary:
    """Write for each lead. Raises what the list, the folder and the workers raise."""
    what = write_work(settings, writing.write, options.rows_per_part)
    return run_bulk(settings, options, what, _factory(settings, writing), progress)


def dry_run_write(settings: Settings, options: BulkOptions, writing: WritingOptions) -> DryRun:
    """Write for the first few leads here, keep nothing, and say what all would take."""
    what = write_work(settings, writing.write, options.rows_per_part)
    return dry_run(settings, options, what, _factory(settings, writing), SAMPLE_ROWS)


def _factory(settings: Settings, writing: WritingOptions) -> WriteFactory:
    in_flight = writing.num_in_flight or settings.engine.max_running_requests
    return WriteFactory(settings.without_caller_secrets(), writing.write, in_flight)
