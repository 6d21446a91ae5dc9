"""lead-assistant ingest LOCATION | verify | status | delete"""

import asyncio
import dataclasses
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from cluster.options import MODELS_FILE, JsonOption, ModelsFileOption
from cluster.reporting import Reporter
from followup.backends.access import DEFAULT_TENANT

if TYPE_CHECKING:
    from ingestion.planning import IngestPlan

EXIT_CODES = (
    "Exit codes: 0 done (documents that cannot be read are listed and left out), 1 failed or not "
    "healthy; verify: a fault was found, 2 wrong usage, 130 interrupted."
)
EXIT_FAILED = 1
MAX_NAMES_SHOWN = 20

TenantOption = Annotated[str, typer.Option(help="Whose documents they are.")]


class LocationOrCommand(TyperGroup):
    """`ingest LOCATION` is `ingest run LOCATION`; a folder named as a command: ./verify."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # its type is private to typer
        """Put 'run' before what is no command."""
        if args and args[0] not in {*self.commands, "--help"}:
            args = ["run", *args]
        parsed: list[str] = super().parse_args(ctx, args)
        return parsed


ingest_app = typer.Typer(
    cls=LocationOrCommand,
    no_args_is_help=True,
    epilog=EXIT_CODES,
    help="The documents: take them in, look at them, delete them. 'ingest LOCATION' takes in.",
)


@ingest_app.command("run", epilog=EXIT_CODES)
def run(
    location: Annotated[str, typer.Argument(help="Folder, file, glob or URI of the documents.")],
    tenant: TenantOption = DEFAULT_TENANT,
    models_file: ModelsFileOption = MODELS_FILE,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would happen; change nothing.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a tenant's documents those of a folder; unreadable ones are listed and left out."""
    from cluster import documents, local
    from config.settings import load_settings

    reporter = Reporter(quiet=as_json)
    settings = load_settings(models_file=models_file)
    if dry_run:
        plan = asyncio.run(documents.plan_documents(settings, location, tenant))
        _print_plan(plan, as_json=as_json)
        return
    summary = local.ingest(settings, location, tenant, reporter)
    if as_json:
        typer.echo(json.dumps(dataclasses.asdict(summary)))
        return
    local.report_ingest(summary, reporter)


@ingest_app.command("status", epilog=EXIT_CODES)
def status(models_file: ModelsFileOption = MODELS_FILE, as_json: JsonOption = False) -> None:
    """What is stored of each tenant, and which collections there are."""
    from cluster import knowledge
    from config.settings import load_settings

    found = asyncio.run(knowledge.read_status(load_settings(models_file=models_file)))
    if as_json:
        typer.echo(json.dumps(dataclasses.asdict(found)))
        return
    for tenant in found.tenants:
        running = f"; changed now by {tenant.running}" if tenant.running else ""
        typer.echo(
            f"{tenant.tenant}\t{tenant.num_documents} documents\t{tenant.num_chunks} chunks\t"
            f"{tenant.num_rejects} left out\t{tenant.published_at}{running}"
        )
    if not found.tenants:
        typer.echo("Nothing was ingested yet. Begin with: lead-assistant ingest FOLDER")
    for collection in found.collections:
        typer.echo(f"collection {collection.name}: {collection.role}")


@ingest_app.command("verify", epilog=EXIT_CODES)
def verify(
    tenant: TenantOption = DEFAULT_TENANT,
    sample: Annotated[
        int, typer.Option(min=1, help="Chunks that are searched for and embedded again.")
    ] = 50,
    models_file: ModelsFileOption = MODELS_FILE,
    as_json: JsonOption = False,
) -> None:
    """Check counts, orphans, sample queries and embedding drift; exit code 1 for a fault."""
    from cluster import knowledge
    from config.settings import load_settings

    settings = load_settings(models_file=models_file)
    reporter = Reporter(quiet=as_json)
    found = asyncio.run(knowledge.verify_tenant(settings, tenant, sample, reporter))
    if as_json:
        typer.echo(json.dumps({**dataclasses.asdict(found), "faults": found.faults}))
    else:
        for line in found.describe():
            typer.echo(line)
    raise typer.Exit(EXIT_FAILED if found.faults else 0)


@ingest_app.command("delete", epilog=EXIT_CODES)
def delete(
    names: Annotated[
        list[str] | None, typer.Argument(help="Documents, by the names that passages give.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All of the tenant.")] = False,
    old_models: Annotated[
        bool,
        typer.Option("--old-models", help="The collections of embedding models no longer in use."),
    ] = False,
    tenant: TenantOption = DEFAULT_TENANT,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    models_file: ModelsFileOption = MODELS_FILE,
) -> None:
    """Delete documents, or everything of a tenant, from the store; files stay where they are."""
    from cluster import knowledge, local
    from cluster.ingest_lock import only_ingestion
    from config.settings import load_settings

    if sum((bool(names), everything, old_models)) != 1:
        message = "Name documents, or give --all or --old-models."
        raise typer.BadParameter(message)
    settings = load_settings(models_file=models_file)
    if old_models:
        superseded = asyncio.run(knowledge.superseded_collections(settings))
        _ask(f"Delete the collections {', '.join(superseded) or '(none)'}?", yes=yes)
        asyncio.run(knowledge.drop_collections(settings, superseded))
        typer.echo(f"Deleted {len(superseded)} collections.")
        return
    what = "ALL documents" if everything else f"{len(names or [])} documents"
    _ask(f"Delete {what} of tenant '{tenant}' from the store?", yes=yes)
    with only_ingestion(local.state_folder(settings), tenant):
        deleted = asyncio.run(
            knowledge.delete_documents(settings, tenant, None if everything else names)
        )
    typer.echo(f"Deleted {len(deleted)} documents of tenant '{tenant}'.")


def _ask(question: str, *, yes: bool) -> None:
    if not yes:
        typer.confirm(question, abort=True)


def _print_plan(plan: "IngestPlan", *, as_json: bool) -> None:
    names = {
        "added": [file.name for file in plan.added],
        "changed": [file.name for file in plan.changed],
        "unchanged": plan.unchanged,
        "deleted": plan.deleted,
        "unreadable": [reject.document for reject in plan.rejects],
    }
    if as_json:
        typer.echo(json.dumps(names))
        return
    for kind, found in names.items():
        typer.echo(f"{kind}: {len(found)}{_some(found) if kind != 'unchanged' else ''}")
    typer.echo("Nothing was changed: this was a dry run.")


def _some(names: Sequence[str]) -> str:
    if not names:
        return ""
    more = f" and {len(names) - MAX_NAMES_SHOWN} more" if len(names) > MAX_NAMES_SHOWN else ""
    return f" ({', '.join(names[:MAX_NAMES_SHOWN])}{more})"
