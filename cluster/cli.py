"""The command line: lead-assistant up | down | status | models | ingest | keys | report | train |
adapters | bulk.

Each command imports what it runs, so that --help and a wrong option are answered at once.
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table
from typer.core import TyperGroup

from cluster.adapters_cli import adapters_app
from cluster.bulk_cli import bulk_app
from cluster.ingest_cli import ingest_app
from cluster.options import MODELS_FILE, JsonOption, ModelsFileOption
from cluster.reporting import Reporter
from cluster.train_cli import train_app
from followup.backends.access import Scope
from followup.errors import FollowupError, InvalidInputError

EXIT_CODES = "Exit codes: 0 done, 1 failed or not healthy, 2 wrong usage, 130 interrupted."
EXIT_FAILED = 1
EXIT_INTERRUPTED = 130


class OneLineErrors(TyperGroup):
    """Shows a known error as one line instead of a traceback."""

    def invoke(self, ctx: Any) -> Any:  # the context's type is private to typer
        """Run the command; turn a known error or an interrupt into its exit code."""
        errors = Console(stderr=True, soft_wrap=True, highlight=False)
        try:
            return super().invoke(ctx)
        except FollowupError as error:
            for line in error.message.splitlines():
                errors.print(f"error: {line}", style="red", markup=False)
            raise typer.Exit(EXIT_FAILED) from error
        except KeyboardInterrupt:
            errors.print("Interrupted. Run it again to go on, or: lead-assistant down")
            raise typer.Exit(EXIT_INTERRUPTED) from None


app = typer.Typer(
    cls=OneLineErrors,
    no_args_is_help=True,
    add_completion=False,
    help="Follow-up messages for sales leads, grounded in a company's own documents.",
    epilog=EXIT_CODES,
)
models_app = typer.Typer(no_args_is_help=True, help="The models that write and embed.")
keys_app = typer.Typer(no_args_is_help=True, help="API keys: who may call, as which tenant.")
app.add_typer(models_app, name="models")
app.add_typer(ingest_app, name="ingest")
app.add_typer(keys_app, name="keys")
app.add_typer(train_app, name="train")
app.add_typer(adapters_app, name="adapters")
app.add_typer(bulk_app, name="bulk")

DayOption = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
        help="Messages made from --since to before --until, in UTC.",
    ),
]


@app.command(epilog=EXIT_CODES)
def up(
    demo: Annotated[bool, typer.Option("--demo", help="Send the example requests.")] = False,
    config: Annotated[Path, typer.Option(help="Ray Serve config file.")] = Path(
        "serve_config.yaml"
    ),
    folder: Annotated[
        Path | None,
        typer.Option(
            "--documents",
            help="Make the documents of the tenant 'default' those of this folder. Without it: "
            "the examples, unless the tenant has documents of its own.",
        ),
    ] = None,
) -> None:
    """Start what is missing, wait until it is healthy, and leave it running."""
    from cluster import local
    from cluster.serve_config import read_arguments
    from deployments.arguments import load_graph_settings

    options = local.UpOptions(
        config=config,
        documents=folder,
        example_documents=Path("examples/knowledge_base"),
        example_adapter=Path("examples/adapters/techcorp-sales"),
        requests=Path("examples/requests") if demo else None,
    )
    local.up(load_graph_settings(read_arguments(config)), options, Reporter())


@app.command(epilog=EXIT_CODES)
def down() -> None:
    """Stop everything that 'up' started, and nothing else."""
    from cluster import local
    from cluster.state import StateFolder
    from config.environment import read_state_dir

    local.down(StateFolder(read_state_dir().absolute()), Reporter())


@app.command(epilog=EXIT_CODES)
def status(as_json: JsonOption = False) -> None:
    """Show each part; exit code 0 only when all are healthy."""
    from cluster import local
    from config.settings import load_settings

    found = local.status(load_settings())
    if as_json:
        typer.echo(found.model_dump_json())
    else:
        _print_table(
            ("part", "status", "detail"), [(p.name, p.status, p.detail) for p in found.parts]
        )
    raise typer.Exit(0 if found.healthy else EXIT_FAILED)


@models_app.command("pull", epilog=EXIT_CODES)
def models_pull(models_file: ModelsFileOption = MODELS_FILE) -> None:
    """Fetch the models of models.yaml that are not there yet."""
    from cluster import local
    from config.settings import load_settings

    local.pull_models(load_settings(models_file=models_file), Reporter())


@keys_app.command("create", epilog=EXIT_CODES)
def keys_create(
    tenant: Annotated[str, typer.Option(help="Tenant that the key acts for.")],
    name: Annotated[str, typer.Option(help="What the key is for, such as 'crm'.")],
    scope: Annotated[list[Scope], typer.Option(help="What it may do; may be repeated.")],
    as_json: JsonOption = False,
) -> None:
    """Make a key and print it, once: only a hash of it is kept."""
    from cluster import keys
    from config.settings import load_settings

    created = asyncio.run(keys.create_key(load_settings(), tenant, name, scope))
    if as_json:
        shown = {"token": created.token, **created.key.model_dump(mode="json")}
        typer.echo(json.dumps(shown))
        return
    typer.echo(created.token)
    typer.echo("Keep it now: it cannot be shown again.", err=True)


@keys_app.command("list", epilog=EXIT_CODES)
def keys_list(
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's keys.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List the keys, revoked ones too; never the secrets."""
    from cluster import keys
    from config.settings import load_settings

    found = asyncio.run(keys.list_keys(load_settings(), tenant))
    if as_json:
        typer.echo(json.dumps([key.model_dump(mode="json") for key in found]))
        return
    rows = [
        (key.key_id, key.tenant, key.name, ", ".join(key.scopes), f"{key.created_at:%Y-%m-%d}",
         "revoked" if key.revoked_at else "active")
        for key in found
    ]  # fmt: skip
    _print_table(("id", "tenant", "name", "scopes", "made", "state"), rows)


@keys_app.command("revoke", epilog=EXIT_CODES)
def keys_revoke(
    key_id: Annotated[str, typer.Argument(help="The id that 'keys list' shows.")],
) -> None:
    """Refuse a key from now on."""
    from cluster import keys
    from config.settings import load_settings

    revoked = asyncio.run(keys.revoke_key(load_settings(), key_id))
    typer.echo(f"Key '{revoked.key_id}' ({revoked.name}) is revoked.")


@app.command(epilog=EXIT_CODES)
def report(
    since: DayOption = None,
    until: DayOption = None,
    tenant: Annotated[str | None, typer.Option(help="Only this tenant; left out: all.")] = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder of report.png and report.html.")
    ] = None,
    min_group_size: Annotated[
        int, typer.Option(min=1, help="Released messages below which a group is marked (few).")
    ] = 30,
    as_json: JsonOption = False,
) -> None:
    """What became of the messages: reply and conversion rates, as tables, chart and page."""
    from cluster import report as reports
    from cluster import report_files
    from config.settings import load_settings
    from followup.backends.outcome_counts import Selection

    selection = Selection(tenant, _utc(since), _utc(until))
    if since is not None and until is not None and since >= until:
        message = f"--since has value {since:%Y-%m-%d %H:%M}; it must be before --until."
        raise InvalidInputError(message, field="since")
    settings = load_settings()
    made = asyncio.run(reports.make_report(settings, selection, min_group_size))
    if as_json:
        typer.echo(json.dumps(made.to_json()))
    elif made.is_empty:
        typer.echo(f"No messages yet: {made.scope}.")
    else:
        for section in made.sections:
            columns = (section.title, *reports.COLUMNS)
            _print_table(columns, [group.cells for group in section.groups], has_header=True)
    if not made.is_empty:
        folder = output or settings.environment.state_dir / "report"
        files = report_files.write_report(made, folder)
        typer.echo(f"Written: {files.chart} and {files.page}", err=True)


def _utc(day: datetime | None) -> datetime | None:
    return day and day.replace(tzinfo=UTC)


def _print_table(
    columns: tuple[str, ...], rows: Sequence[Sequence[str]], *, has_header: bool = False
) -> None:
    """For a program the rows alone; with `has_header` their names too, where numbers need them."""
    if not sys.stdout.isatty():
        for row in (columns, *rows) if has_header else rows:
            typer.echo("\t".join(row))
        return
    # A name that does not fit goes on in the next line instead of being cut.
    table = Table(*(Column(name, overflow="fold") for name in columns))
    for row in rows:
        table.add_row(*map(escape, row))
    Console().print(table)
