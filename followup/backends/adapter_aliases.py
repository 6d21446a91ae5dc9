"""Aliases: which adapter version serves a tenant, or an industry of it, and who decided that.

One append-only table. The newest row of an alias says which version it names, so one insert is the
whole flip: a reader sees the old version or the new one. Its number is part of the primary key, so
of two who flip the same alias at the same time, the second is refused.
"""

import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime

from pydantic import ValidationError
from sqlalchemy import func
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from followup.backends.adapter_library import VERSION_PATTERN
from followup.backends.database import Database
from followup.backends.tables import AliasAction, AliasChange, AliasChangeRow
from followup.errors import AlreadyDecidedError, InvalidInputError, NotFoundError

EVERY_INDUSTRY = ""
"""The alias of the tenant itself, for leads of an industry without an alias of its own."""


class AliasPlace(SQLModel):
    """What an alias belongs to: a tenant, and within it an industry or none."""

    model_config = {"frozen": True}

    tenant: str
    alias: str
    industry: str = Field(default=EVERY_INDUSTRY)


class AdapterAliases:
    """The aliases in the database. Everything raises PartUnavailableError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def serving(self, tenant: str, alias: str) -> dict[str, str]:
        """The tenant's version of this alias by industry; EVERY_INDUSTRY is the tenant's own."""
        current = await self._current(tenant=tenant, alias=alias)
        return {change.industry: change.version for change in current if change.version}

    async def current(self, aliases: Sequence[str] | None = None) -> list[AliasChange]:
        """The newest change of every alias that names a version, latest first."""
        wanted = None if aliases is None else set(aliases)
        found = [
            change
            for change in await self._current()
            if change.version and (wanted is None or change.alias in wanted)
        ]
        return sorted(found, key=lambda change: change.changed_at, reverse=True)

    async def history(self, place: AliasPlace) -> list[AliasChange]:
        """Every change of one alias, oldest first."""
        async with self._database.session() as session:
            return await _history(session, place)

    async def before(self, place: AliasPlace) -> str | None:
        """The version that `rollback` would go back to."""
        standing = _standing(await self.history(place))
        return standing[-2] if len(standing) > 1 else None

    async def promote(
        self, place: AliasPlace, version: str, *, changed_by: str, forced: bool = False
    ) -> AliasChange:
        """Point the alias at a version. Where it does already, nothing is written.

        `forced` records that the version went past the gate. Errors: InvalidInputError for what is
        no tenant, industry, alias or version; AlreadyDecidedError when somebody else flipped the
        alias meanwhile.
        """
        if VERSION_PATTERN.fullmatch(version) is None:
            message = f"'version' has value '{version}'. Allowed: name@ and 12 hex digits."
            raise InvalidInputError(message, field="version")
        async with self._database.session() as session:
            before = await _history(session, place)
            if before and before[-1].version == version:
                return before[-1]
            change = _change(place, before, AliasAction.PROMOTE, version, changed_by, forced=forced)
            await _insert(session, change)
        return change

    async def rollback(self, place: AliasPlace, *, changed_by: str) -> AliasChange:
        """Point the alias at what it named before the version that it names now was promoted.

        Before the first version that is none at all. Again goes one more step back. Errors:
        NotFoundError where the alias names nothing; AlreadyDecidedError as in `promote`.
        """
        async with self._database.session() as session:
            before = await _history(session, place)
            standing = _standing(before)
            if not standing:
                message = (
                    f"The alias '{place.alias}' of {_shown(place)} names no version, so there is "
                    "nothing to go back from. See: lead-assistant adapters list"
                )
                raise NotFoundError(message, field="alias")
            version = standing[-2] if len(standing) > 1 else None
            change = _change(place, before, AliasAction.ROLLBACK, version, changed_by)
            await _insert(session, change)
        return change

    async def _current(self, **where: str) -> list[AliasChange]:
        newest = select(
            AliasChangeRow.tenant,
            AliasChangeRow.industry,
            AliasChangeRow.alias,
            func.max(AliasChangeRow.number).label("number"),
        ).group_by(
            col(AliasChangeRow.tenant), col(AliasChangeRow.industry), col(AliasChangeRow.alias)
        )
        for name, value in where.items():
            newest = newest.where(getattr(AliasChangeRow, name) == value)
        found = newest.subquery()
        statement = select(AliasChangeRow).join(
            found,
            (col(AliasChangeRow.tenant) == found.c.tenant)
            & (col(AliasChangeRow.industry) == found.c.industry)
            & (col(AliasChangeRow.alias) == found.c.alias)
            & (col(AliasChangeRow.number) == found.c.number),
        )
        async with self._database.session() as session:
            return [AliasChange.model_validate(row) for row in await session.exec(statement)]


def industry_key(industry: str | None) -> str:
    """The industry as aliases name it: lower case, words joined by a hyphen; none: ''."""
    plain = unicodedata.normalize("NFKC", industry or "").casefold()
    return "-".join(re.findall(r"\w+", plain))[:64]


def _standing(history: Sequence[AliasChange]) -> list[str]:
    """The versions promoted and not rolled back, oldest first."""
    standing: list[str] = []
    for change in history:
        if change.action is AliasAction.ROLLBACK:
            standing.pop()
        elif change.version:
            standing.append(change.version)
    return standing


async def _history(session: AsyncSession, place: AliasPlace) -> list[AliasChange]:
    statement = (
        select(AliasChangeRow)
        .where(AliasChangeRow.tenant == place.tenant)
        .where(AliasChangeRow.industry == place.industry)
        .where(AliasChangeRow.alias == place.alias)
        .order_by(col(AliasChangeRow.number))
    )
    return [AliasChange.model_validate(row) for row in await session.exec(statement)]


def _change(
    place: AliasPlace,
    before: Sequence[AliasChange],
    action: AliasAction,
    version: str | None,
    changed_by: str,
    *,
    forced: bool = False,
) -> AliasChange:
    try:
        return AliasChange(
            **place.model_dump(),
            number=len(before) + 1,
            action=action,
            version=version,
            previous=before[-1].version if before else None,
            changed_at=datetime.now(UTC),
            changed_by=changed_by,
            forced=forced,
        )
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0])
        message = f"'{field}' has value {first['input']!r}. {first['msg']}."
        raise InvalidInputError(message, field=field) from error


async def _insert(session: AsyncSession, change: AliasChange) -> None:
    session.add(AliasChangeRow(**change.model_dump()))
    try:
        await session.flush()
    except IntegrityError as error:
        message = (
            f"The alias '{change.alias}' was changed by somebody else at the same time. "
            "See what it names now: lead-assistant adapters list"
        )
        raise AlreadyDecidedError(message, field="alias") from error


def _shown(place: AliasPlace) -> str:
    industry = f", industry '{place.industry}'" if place.industry else ""
    return f"tenant '{place.tenant}'{industry}"
