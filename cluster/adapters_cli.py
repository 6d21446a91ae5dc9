"""lead-assistant adapters list | history | promote | rollback | remove"""

import asyncio
import getpass
import json
from typing import TYPE_CHECKING, Annotated

import typer

from cluster.options import EXIT_CODES, MODELS_FILE, ByOption, JsonOption, ModelsFileOption
from followup.backends.access import DEFAULT_TENANT
from followup.errors import InvalidInputError

if TYPE_CHECKING:
    from followup.backends.adapter_aliases import AliasPlace
    from followup.backends.tables import AliasChange

adapters_app = typer.Typer(
    no_args_is_help=True, help="Published adapters, and the aliases that say which one serves."
)

Version = Annotated[str, typer.Argument(help="name@hash, as 'adapters list' shows it.")]
Tenant = Annotated[str, typer.Option(help="Whose alias it is.")]
Alias = Annotated[str, typer.Option(help="production serves; canary is loaded ahead.")]
Industry = Annotated[
    str, typer.Option(help="Only for leads of this industry; empty: for all without an own one.")
]


@adapters_app.command("list", epilog=EXIT_CODES)
def list_adapters(models_file: ModelsFileOption = MODELS_FILE, as_json: JsonOption = False) -> None:
    """List the versions and the aliases that name them."""
    from cluster import adapters
    from config.settings import load_settings

    found = asyncio.run(adapters.list_adapters(load_settings(models_file=models_file)))
    if as_json:
        shown = {
            "versions": [card.model_dump(mode="json") for card in found.cards],
            "aliases": [change.model_dump(mode="json") for change in found.aliases],
        }
        typer.echo(json.dumps(shown))
        return
    for card in found.cards:
        names = [_shown(change) for change in found.aliases if change.version == card.version]
        gate = "passed" if card.gate.passed else "forced"
        day = f"{card.published_at:%Y-%m-%d}"
        typer.echo("\t".join((card.version, card.base_model, day, gate, ", ".join(names) or "-")))


@adapters_app.command("history", epilog=EXIT_CODES)
def history(
    tenant: Tenant = DEFAULT_TENANT,
    alias: Alias = "production",
    industry: Industry = "",
    as_json: JsonOption = False,
) -> None:
    """Show every change of an alias: what, when, who, and whether past the gate."""
    from cluster import adapters
    from config.settings import load_settings

    changes = asyncio.run(adapters.history(load_settings(), _place(tenant, alias, industry)))
    if as_json:
        typer.echo(json.dumps([change.model_dump(mode="json") for change in changes]))
        return
    for change in changes:
        forced = "forced" if change.forced else ""
        day = f"{change.changed_at:%Y-%m-%d %H:%M:%S}"
        row = (day, change.action, change.version or "none", change.changed_by, forced)
        typer.echo("\t".join(row).rstrip())


@adapters_app.command("promote", epilog=EXIT_CODES)
def promote(
    version: Version,
    tenant: Tenant = DEFAULT_TENANT,
    alias: Alias = "production",
    industry: Industry = "",
    by: ByOption = "",
    models_file: ModelsFileOption = MODELS_FILE,
) -> None:
    """Point an alias at a version; a running service follows within seconds."""
    from cluster import adapters
    from config.settings import load_settings

    settings = load_settings(models_file=models_file)
    place = _place(tenant, alias, industry)
    change = asyncio.run(adapters.promote(settings, place, version, by or getpass.getuser()))
    typer.echo(f"{_shown(change)}: {change.version} (before: {change.previous or 'none'})")


@adapters_app.command("rollback", epilog=EXIT_CODES)
def rollback(
    tenant: Tenant = DEFAULT_TENANT,
    alias: Alias = "production",
    industry: Industry = "",
    by: ByOption = "",
    models_file: ModelsFileOption = MODELS_FILE,
) -> None:
    """Point an alias at the version before the one that it names."""
    from cluster import adapters
    from config.settings import load_settings

    settings = load_settings(models_file=models_file)
    place = _place(tenant, alias, industry)
    change = asyncio.run(adapters.rollback(settings, place, by or getpass.getuser()))
    typer.echo(f"{_shown(change)}: {change.version or 'none'} (before: {change.previous})")


@adapters_app.command("remove", epilog=EXIT_CODES)
def remove(version: Version) -> None:
    """Delete a version that no alias names."""
    from cluster import adapters
    from config.settings import load_settings

    asyncio.run(adapters.remove(load_settings(), version))
    typer.echo(f"Adapter '{version}' is removed.")


def _place(tenant: str, alias: str, industry: str) -> "AliasPlace":
    from followup.backends.adapter_aliases import AliasPlace, industry_key

    if industry and not industry_key(industry):
        message = f"--industry has value '{industry}'. Allowed: a name with a letter or digit."
        raise InvalidInputError(message, field="industry")
    return AliasPlace(tenant=tenant, alias=alias, industry=industry_key(industry))


def _shown(change: "AliasChange") -> str:
    industry = f"/{change.industry}" if change.industry else ""
    return f"{change.alias} of {change.tenant}{industry}"
