"""lead-assistant bulk score | write LEADS -o OUT"""

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cluster.options import MODELS_FILE, JsonOption, MapOption, ModelsFileOption
from cluster.reporting import Reporter
from deployments.bulk_options import BulkOptions, OutputFormat, WriteOptions, parse_values
from followup.backends.access import DEFAULT_TENANT
from followup.prompts import Approach

if TYPE_CHECKING:
    from cluster.bulk_summary import BulkSummary, DryRun

bulk_app = typer.Typer(
    no_args_is_help=True, help="A whole lead list: scores, and messages; nothing lost or twice."
)

EXIT_CODES = (
    "Exit codes: 0 done (rows that cannot be done are listed in rejects.jsonl), 1 failed: run the "
    "same command again to go on, 2 wrong usage, 130 interrupted."
)
LeadsArgument = Annotated[
    str, typer.Argument(help="CSV, JSONL or Parquet: a path or a URI such as s3://...")
]
OutputOption = Annotated[Path, typer.Option("--output", "-o", help="Folder of the run.")]
FormatOption = Annotated[
    OutputFormat, typer.Option("--format", help="Of the files with the results.")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="FIELD=VALUE for leads whose row has none; may be repeated."),
]
LimitOption = Annotated[int | None, typer.Option(min=1, help="Only the first so many rows.")]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Read the list, do a sample, estimate; write nothing.")
]
WorkersOption = Annotated[
    int | None, typer.Option(min=1, help="Worker processes; left out: one for each core.")
]
AddressOption = Annotated[
    str | None,
    typer.Option(
        help="Ray cluster that the workers are on; auto: RAY_ADDRESS, or what 'up' started. Left "
        "out: processes of this machine."
    ),
]
RestartOption = Annotated[
    bool, typer.Option("--restart", help="Delete what an earlier run left in the folder.")
]
AsOfOption = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="Day that days since a date count to; default today."),
]
RowsPerPartOption = Annotated[
    int | None, typer.Option(min=1, help="Rows of a part: what a kill costs at most, a worker.")
]
CopyToOption = Annotated[
    str | None,
    typer.Option(help="URI such as s3://bucket/folder that the results are copied to at the end."),
]


@bulk_app.command(epilog=EXIT_CODES)
def score(  # noqa: PLR0913, PLR0917 - options of a command
    leads: LeadsArgument,
    output: OutputOption,
    file_format: FormatOption = "csv",
    lead_map: MapOption = None,
    values: SetOption = None,
    limit: LimitOption = None,
    workers: WorkersOption = None,
    address: AddressOption = None,
    as_of: AsOfOption = None,
    rows_per_part: RowsPerPartOption = None,
    copy_to: CopyToOption = None,
    restart: RestartOption = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Score each lead of a list. Run it again after a kill: it goes on where it was."""
    if not (dry_run or address):
        # First of all: the workers' imports then run beside this process's own.
        from deployments.bulk_processes import start_fork_server

        start_fork_server()
    from cluster.bulk import dry_run_score, run_score
    from cluster.bulk_progress import BulkProgress
    from config.settings import load_settings

    options = BulkOptions(
        leads=leads,
        output=output,
        file_format=file_format,
        lead_map=lead_map,
        defaults=parse_values(values or []),
        limit=limit,
        num_workers=workers or os.cpu_count() or 1,
        as_of=as_of.date() if as_of else None,
        today=datetime.now(UTC).date(),
        restart=restart,
        rows_per_part=rows_per_part,
        address=address,
        copy_to=copy_to,
    )
    reporter = Reporter(quiet=as_json)
    settings = load_settings()
    if dry_run:
        _print(dry_run_score(settings, options), as_json=as_json)
        return
    with BulkProgress(reporter) as progress:
        summary = run_score(settings, options, progress)
    _print(summary, as_json=as_json)


@bulk_app.command(epilog=EXIT_CODES)
def write(  # noqa: PLR0913, PLR0917 - options of a command
    leads: LeadsArgument,
    output: OutputOption,
    approach: Annotated[Approach, typer.Option(help="As the endpoint of that name writes.")],
    tenant: Annotated[str, typer.Option(help="Whose documents and adapter.")] = DEFAULT_TENANT,
    temperature: Annotated[
        float | None,
        typer.Option(min=0, max=2, help="Left out: as the endpoint; rag is always greedy."),
    ] = None,
    max_tokens: Annotated[int, typer.Option(min=16, max=512, help="Of a message.")] = 150,
    in_flight: Annotated[
        int | None,
        typer.Option(min=1, help="Leads at once in a worker; default: what its engine runs."),
    ] = None,
    file_format: FormatOption = "csv",
    lead_map: MapOption = None,
    values: SetOption = None,
    limit: LimitOption = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes with an engine each.")] = 1,
    address: AddressOption = None,
    as_of: AsOfOption = None,
    rows_per_part: RowsPerPartOption = None,
    models_file: ModelsFileOption = MODELS_FILE,
    copy_to: CopyToOption = None,
    restart: RestartOption = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write to each lead of a list. Run it again after a kill: it goes on where it was."""
    from config.settings import load_settings

    options = BulkOptions(
        leads=leads,
        output=output,
        file_format=file_format,
        lead_map=lead_map,
        defaults=parse_values(values or []),
        limit=limit,
        num_workers=workers,
        as_of=as_of.date() if as_of else None,
        today=datetime.now(UTC).date(),
        restart=restart,
        rows_per_part=rows_per_part,
        address=address,
        copy_to=copy_to,
    )
    asked = WriteOptions(tenant, approach, temperature, max_tokens)
    reporter = Reporter(quiet=as_json)
    settings = load_settings(models_file=models_file)
    engine = settings.engine
    gpus = engine.tensor_parallel_size if engine.engine == "vllm" and address else 0
    options = replace(options, gpus_per_worker=gpus)
    # Only now, because they take seconds to load.
    from cluster.bulk_progress import BulkProgress
    from cluster.bulk_writing import WritingOptions, dry_run_write, run_write

    writing = WritingOptions(asked, in_flight)
    if dry_run:
        _print(dry_run_write(settings, options, writing), as_json=as_json)
        return
    with BulkProgress(reporter) as progress:
        summary = run_write(settings, options, writing, progress)
    _print(summary, as_json=as_json)


def _print(found: "BulkSummary | DryRun", *, as_json: bool) -> None:
    typer.echo(json.dumps(found.to_json()) if as_json else found.describe())
