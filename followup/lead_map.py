"""Which column of a lead list is which field of a lead, and how its values are read.

A list in the product's own names needs no map. A CRM's export does: its names, its picklist values,
its dates instead of days. Names are compared without case, spaces, hyphens and underscores.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import lru_cache

from pydantic import BaseModel, ConfigDict, Field, field_validator

from followup.errors import InvalidInputError
from followup.lead import CompanySize, EngagementPattern, Lead, LeadStage, Tone

ID_NAMES = ("id", "lead_id")
LIST_SEPARATOR = ";"
MAX_NAMES_SHOWN = 12
_YES = frozenset({"1", "true", "yes", "y", "t", "x", "on", "checked"})
_NOTHING = frozenset({"", "nan", "null", "none", "n/a", "#n/a"})
_ENUMS: dict[str, type[StrEnum]] = {
    "lead_stage": LeadStage,
    "tone_required": Tone,
    "company_size": CompanySize,
    "engagement_pattern": EngagementPattern,
}
_NUMBERS = ("engagement_score", "lead_score", "days_since_contact", "deal_value")
_MAX_DATE_CHARACTERS = 40
MAX_KNOWN_CHARACTERS = 40

ColumnNames = tuple[str | tuple[str, ...], ...]
"""Names to look for, the first that is there and filled wins; an inner list is joined by spaces."""


class LeadMap(BaseModel):
    """A map file, such as those of config/lead_maps/."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: tuple[str, ...] = Field(default=(), description="Names of the id column.")
    columns: dict[str, ColumnNames] = Field(
        default_factory=dict, description="By field of the lead, the columns that hold it."
    )
    dates: dict[str, ColumnNames] = Field(
        default_factory=dict, description="By field of days, the columns that hold a date instead."
    )
    at_least: dict[str, dict[str, float]] = Field(
        default_factory=dict,
        description="By field, the least number that means each value: company_size by employees.",
    )
    values: dict[str, dict[str, str]] = Field(
        default_factory=dict, description="By field, what a value of the list means."
    )
    defaults: dict[str, str] = Field(
        default_factory=dict, description="By field, the value where the list has none."
    )
    opted_out: tuple[str, ...] = Field(
        default=(), description="Columns in which yes, true or 1 means: do not contact."
    )

    @field_validator("columns", "dates", "at_least", "values", "defaults")
    @classmethod
    def _are_fields(cls, value: dict[str, object]) -> dict[str, object]:
        unknown = [name for name in value if name not in Lead.model_fields]
        if unknown:
            message = f"no field of a lead: {', '.join(unknown)}. Fields: {', '.join(FIELDS)}"
            raise ValueError(message)
        return value

    @property
    def id_names(self) -> tuple[str, ...]:
        """Names of the id column, the map's own first."""
        return (*self.id, *ID_NAMES)


FIELDS = tuple(Lead.model_fields)


@dataclass(frozen=True, slots=True)
class MappedRow:
    """The fields of a row, as text or as the list's own values; not validated yet."""

    fields: dict[str, object]
    opted_out: bool


@dataclass(frozen=True, slots=True)
class _Cell:
    """Where a field comes from: places of which the first filled one counts, each joined."""

    field: str
    places: tuple[tuple[int, ...], ...]
    read: Callable[[object], object]


class ColumnPlan:
    """The map for one header."""

    def __init__(
        self, names: Sequence[str], lead_map: LeadMap, as_of: date, *, needs_id: bool = True
    ) -> None:
        """Raises InvalidInputError where `needs_id` and no column holds the id."""
        self._places: dict[str, int] = {}
        for place, name in enumerate(names):
            self._places.setdefault(_plain(name), place)
        self.id_place = self._id_place(names, lead_map, needs_id=needs_id)
        self._cells = [*self._dated(lead_map, as_of), *self._mapped(lead_map)]
        self._opted_out = [
            self._places[_plain(name)]
            for name in lead_map.opted_out
            if _plain(name) in self._places
        ]
        self._defaults = lead_map.defaults
        used = {*self._opted_out, *(() if self.id_place is None else (self.id_place,))}
        used |= {place for cell in self._cells for group in cell.places for place in group}
        self.used = tuple(sorted(used))
        self.unknown = tuple(name for place, name in enumerate(names) if place not in used)
        self.known = {
            cell.field: " | ".join(" + ".join(names[i] for i in group) for group in cell.places)
            for cell in self._cells
        }

    def read(self, values: Sequence[object]) -> MappedRow:
        """The fields that the row gives."""
        fields: dict[str, object] = dict(self._defaults)
        for cell in self._cells:
            for group in cell.places:
                found = values[group[0]] if len(group) == 1 else _joined(values, group)
                if found == "" or not is_given(found):  # most cells of most rows are empty
                    continue
                read = cell.read(found)
                if read is not None:
                    fields[cell.field] = read
                break
        return MappedRow(fields, any(_is_yes(values[place]) for place in self._opted_out))

    def _id_place(self, names: Sequence[str], lead_map: LeadMap, *, needs_id: bool) -> int | None:
        for name in lead_map.id_names:
            place = self._places.get(_plain(name))
            if place is not None:
                return place
        if not needs_id:
            return None
        shown = ", ".join(map(repr, names[:MAX_NAMES_SHOWN]))
        more = f" and {len(names) - MAX_NAMES_SHOWN:,} more" if len(names) > MAX_NAMES_SHOWN else ""
        message = (
            f"No column holds the id of a lead. Looked for: {', '.join(lead_map.id_names)}. "
            f"There are: {shown}{more}. Name it under 'id:' in a map file: --map FILE"
        )
        raise InvalidInputError(message, field="id")

    def _mapped(self, lead_map: LeadMap) -> list[_Cell]:
        cells = []
        for field in FIELDS:
            places = self._groups((*lead_map.columns.get(field, ()), field))
            if places:
                cells.append(_Cell(field, places, _reader(field, lead_map)))
        return cells

    def _dated(self, lead_map: LeadMap, as_of: date) -> list[_Cell]:
        """Before the mapped ones: a column that holds the days themselves overrides a date."""
        return [
            _Cell(field, places, lambda value: _days_since(value, as_of))
            for field, names in lead_map.dates.items()
            if (places := self._groups(names))
        ]

    def _groups(self, names: ColumnNames) -> tuple[tuple[int, ...], ...]:
        found = []
        for name in names:
            parts = (name,) if isinstance(name, str) else name
            places = [self._places[key] for part in parts if (key := _plain(part)) in self._places]
            if places and tuple(places) not in found:
                found.append(tuple(places))
        return tuple(found)


def is_given(value: object) -> bool:
    """Whether a cell holds anything: not None, not NaN, not blank."""
    if value is None:
        return False
    if isinstance(value, str):
        return bool(value) and not value.isspace()
    return not (isinstance(value, float) and math.isnan(value))


def _reader(field: str, lead_map: LeadMap) -> Callable[[object], object]:
    values = lead_map.values.get(field, {})
    meant = {theirs.strip().casefold(): ours for theirs, ours in values.items()}
    bands = sorted(lead_map.at_least.get(field, {}).items(), key=lambda band: -band[1])
    is_enum, is_number = field in _ENUMS, field in _NUMBERS

    def read(value: object) -> object:
        if meant and isinstance(value, str | int):
            found = meant.get(str(value).strip().casefold())
            if found is not None:
                return _word(found, is_enum=is_enum)
        if bands and (number := _number(value)) is not None:
            return next((name for name, least in bands if number >= least), None)
        if field == "objections_raised":
            return _objections(value)
        if is_enum or is_number:
            return _word(value, is_enum=is_enum)
        return value if isinstance(value, str) else str(value)

    return read


def _word(value: object, *, is_enum: bool) -> object:
    """A number or a name as fields are written; None for a word that says there is none."""
    if not isinstance(value, str):
        return value
    if len(value) > MAX_KNOWN_CHARACTERS:
        return _written(value, is_enum=is_enum)
    return _known(value, is_enum=is_enum)


def _written(value: str, *, is_enum: bool) -> str | None:
    word = value.strip()
    if word.lower() in _NOTHING:
        return None
    return word.lower().replace(" ", "_").replace("-", "_") if is_enum else word


_known = lru_cache(maxsize=4_096)(_written)
"""Short ones: the numbers and names of a list repeat."""


def _objections(value: object) -> object:
    if isinstance(value, str):
        return [part.strip() for part in value.split(LIST_SEPARATOR) if part.strip()]
    return value


def _number(value: object) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    try:
        return float(str(value).strip().replace(",", ""))
    except ValueError:
        return None


def _days_since(value: object, as_of: date) -> object:
    """Days from a date to `as_of`, at least 0; the value itself where it is no ISO date."""
    if isinstance(value, datetime):
        value = value.astimezone(UTC).date() if value.tzinfo else value.date()
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip()[:_MAX_DATE_CHARACTERS]).date()
        except ValueError:
            return value
    return max(0, (as_of - value).days) if isinstance(value, date) else value


def _is_yes(value: object) -> bool:
    return value is True or (is_given(value) and str(value).strip().lower() in _YES)


def _joined(values: Sequence[object], group: tuple[int, ...]) -> str:
    return " ".join(str(values[place]).strip() for place in group if is_given(values[place]))


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum()) or name


def describe_unknown(names: Sequence[str]) -> str:
    """Unknown columns for people."""
    more = f" and {len(names) - MAX_NAMES_SHOWN:,} more" if len(names) > MAX_NAMES_SHOWN else ""
    return ", ".join(map(repr, names[:MAX_NAMES_SHOWN])) + more


def with_defaults(lead_map: LeadMap, given: Mapping[str, str]) -> LeadMap:
    """The map with defaults that win over its own. Raises InvalidInputError for no field."""
    unknown = [name for name in given if name not in FIELDS]
    if unknown:
        message = f"set names '{unknown[0]}'. Allowed: {', '.join(FIELDS)}."
        raise InvalidInputError(message, field="set")
    return lead_map.model_copy(update={"defaults": {**lead_map.defaults, **given}})
