"""Runs a lead list, scored or written: what the command asks for, put together."""

import time
from itertools import islice

from cluster.bulk_progress import BulkProgress
from cluster.bulk_ray import StartWorkers, worker_place
from cluster.bulk_summary import (
    REPORT_FILE,
    SUMMARY_FILE,
    BulkSummary,
    DryRun,
    write_summary,
)
from config.settings import Settings
from deployments.bulk_job import BulkJob, BulkWork, score_work
from deployments.bulk_options import BulkOptions
from deployments.bulk_parts import WorkerFactory
from deployments.bulk_run import REJECTS_FILE
from deployments.bulk_score import ScoreFactory
from deployments.bulk_workers import Workers
from followup.backends.ledger import LEDGER_FILE, PARTS, RunFolder
from followup.backends.result_copy import ResultCopy

SAMPLE_ROWS = 1_000


def run_score(settings: Settings, options: BulkOptions, progress: BulkProgress) -> BulkSummary:
    """Score the list. Raises what the list, the folder and the workers raise."""
    factory = ScoreFactory(settings.scoring, settings.compliance)
    what = score_work(settings, options.rows_per_part)
    return run_bulk(settings, options, what, factory, progress)


def dry_run_score(settings: Settings, options: BulkOptions) -> DryRun:
    """Read the first rows, score them here, and say how long all would take."""
    factory = ScoreFactory(settings.scoring, settings.compliance)
    what = score_work(settings, options.rows_per_part)
    return dry_run(settings, options, what, factory, SAMPLE_ROWS)


def run_bulk(
    settings: Settings,
    options: BulkOptions,
    what: BulkWork,
    factory: WorkerFactory,
    progress: BulkProgress,
) -> BulkSummary:
    """Do every part that is not done yet; write summary and report."""
    began = time.monotonic()
    target = ResultCopy.open(options.copy_to) if options.copy_to else None
    job = BulkJob.open(settings, options, what)
    place = worker_place(settings, options.address, options.gpus_per_worker)
    with (
        RunFolder.open(options.output, job.identity, restart=options.restart) as folder,
        place as start_workers,
    ):
        if folder.finished:
            progress.step(f"Going on: {len(folder.finished):,} parts are finished already.")
        progress.begin(job.num_rows)
        run = job.run_in(folder, progress.show)
        facts = run.finish(
            job.leads.rows(), lambda: _start(start_workers, job, what, factory, progress)
        )
        summary = BulkSummary.of(what.name, folder, facts, time.monotonic() - began)
        write_summary(summary, folder)
        # Imported here: matplotlib takes a second to load.
        from cluster.bulk_report import write_report  # noqa: PLC0415

        write_report(summary, folder)
        if target is not None:
            num_sent = copy_results(folder, target)
            progress.step(f"{num_sent:,} files copied to {target.shown}")
    return summary


def copy_results(folder: RunFolder, target: ResultCopy) -> int:
    """Send parts, rejects, report and last the summary, which says that all is there."""
    unchanging = [
        stored.name
        for part in folder.in_order()
        for stored in part.files
        if stored.name.startswith(f"{PARTS}/")
    ]
    # The ledger holds each part's hash: equal ledgers are of equal parts.
    last = (REJECTS_FILE, REPORT_FILE, SUMMARY_FILE)
    return target.copy(folder.folder, LEDGER_FILE, unchanging, last)


def dry_run(
    settings: Settings,
    options: BulkOptions,
    what: BulkWork,
    factory: WorkerFactory,
    sample_rows: int,
) -> DryRun:
    """What a run would do, from a sample of the list done in this process."""
    job = BulkJob.open(settings, options, what)
    worker = factory.build()
    began = time.monotonic()
    limit = min(sample_rows, options.limit or sample_rows)
    parts = job.cutter.cut(islice(job.leads.rows(), limit))
    results = [(part, worker.take(part)) for part in parts]
    seconds = time.monotonic() - began
    return DryRun.of(results, job.cutter.facts, job.num_rows, seconds, options.num_workers)


def _start(
    start_workers: StartWorkers,
    job: BulkJob,
    what: BulkWork,
    factory: WorkerFactory,
    progress: BulkProgress,
) -> Workers:
    num_parts = max(1, -(-job.num_rows // what.rows_per_part))
    num_workers = min(job.options.num_workers, num_parts)
    progress.step(f"{num_workers} worker{'s' * (num_workers > 1)}")
    return start_workers(factory, num_workers)
