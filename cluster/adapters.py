"""The adapter commands: versions in their folder, aliases in the database, kept in step."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cluster.reporting import Reporter
from config.settings import Settings
from followup.backends.adapter_aliases import AdapterAliases, AliasPlace
from followup.backends.adapter_library import AdapterCard, AdapterLibrary
from followup.backends.database import Database
from followup.backends.tables import AliasChange
from followup.errors import AlreadyDecidedError, FollowupError, NotFoundError

if TYPE_CHECKING:
    from training.publish import Published, PublishRequest

UP = "lead-assistant up"


@dataclass(frozen=True, slots=True)
class Listing:
    """What is published, and what names it."""

    cards: list[AdapterCard]
    aliases: list[AliasChange]


def publish_adapter(settings: Settings, request: "PublishRequest") -> "Published":
    """Make a version. Errors: as `publish`."""
    from training.publish import publish  # noqa: PLC0415 - the model libraries take seconds

    with _library(settings).locked():
        return publish(request, settings.engine, settings.adapters.gate)


async def list_adapters(settings: Settings) -> Listing:
    """Every version with its card, and every alias. Errors: AdapterMissingError for a damaged card,
    PartUnavailableError."""
    async with _open(settings) as aliases:
        return Listing(_library(settings).versions(), await aliases.current())


async def history(settings: Settings, place: AliasPlace) -> list[AliasChange]:
    """Every change of an alias, oldest first. Errors: PartUnavailableError."""
    async with _open(settings) as aliases:
        return await aliases.history(place)


async def promote(
    settings: Settings, place: AliasPlace, version: str, changed_by: str
) -> AliasChange:
    """Point an alias at a version that is published for the base model of models.yaml.

    Errors: AdapterMissingError, InvalidInputError, AlreadyDecidedError, PartUnavailableError.
    """
    library = _library(settings)
    async with _open(settings) as aliases:
        with library.locked():
            card = library.card(version)
            library.check_base(version, settings.model_version)
            return await aliases.promote(
                place, version, changed_by=changed_by, forced=card.gate.forced
            )


async def rollback(settings: Settings, place: AliasPlace, changed_by: str) -> AliasChange:
    """Point an alias at the version before. Errors: NotFoundError also where that is removed."""
    library = _library(settings)
    async with _open(settings) as aliases:
        with library.locked():
            version = await aliases.before(place)
            if version is not None and not library.has(version):
                message = (
                    f"The version before, '{version}', was removed. Publish it again, or promote "
                    "another: lead-assistant adapters list"
                )
                raise NotFoundError(message, field="version")
            return await aliases.rollback(place, changed_by=changed_by)


async def remove(settings: Settings, version: str) -> None:
    """Delete a version that no alias names.

    Errors: AlreadyDecidedError where one does, AdapterMissingError, PartUnavailableError.
    """
    library = _library(settings)
    async with _open(settings) as aliases:
        with library.locked():
            named = [change for change in await aliases.current() if change.version == version]
            if named:
                places = ", ".join(f"{item.alias} of {item.tenant}" for item in named)
                message = (
                    f"Adapter '{version}' is what {places} names. Promote another first: "
                    "lead-assistant adapters promote"
                )
                raise AlreadyDecidedError(message, field="version")
            library.remove(version)


def publish_example(settings: Settings, example: Path, tenant: str, reporter: Reporter) -> None:
    """Publish and promote the example adapter, once.

    Nothing is done while it is not there, and nothing is promoted where the tenant's alias was ever
    set, by whomever. One that does not pass the gate is left out, and said to be.
    """
    if not (example / "adapter_config.json").is_file():
        return
    from training.publish import PublishRequest, version_of  # noqa: PLC0415 - as above

    place = AliasPlace(tenant=tenant, alias=settings.models.adapter_alias)
    try:
        changes = asyncio.run(history(settings, place))
        version = version_of(example, example.name, settings.engine)
        current = changes[-1].version if changes else version
        if current != version:
            reporter.step(f"Adapter: tenant '{tenant}' has its own alias; left alone")
            return
        request = PublishRequest(example, example.name, published_by=UP)
        with reporter.waiting("Publishing the example adapter"):
            published = publish_adapter(settings, request)
            if not changes:
                asyncio.run(promote(settings, place, version, UP))
    except FollowupError as error:
        reporter.note(f"The example adapter is not served: {error.message}")
        return
    reporter.step(f"Adapter {version}: {'published' if published.is_new else 'there'}")


def _library(settings: Settings) -> AdapterLibrary:
    return AdapterLibrary(settings.model_cache_dir / settings.models.adapter_path)


@asynccontextmanager
async def _open(settings: Settings) -> AsyncIterator[AdapterAliases]:
    database = Database(settings.database)
    try:
        await database.migrate()
        yield AdapterAliases(database)
    finally:
        await database.close()
