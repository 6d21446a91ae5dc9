"""Leads with what became of them, to fit the lead scoring on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from followup.errors import InvalidInputError
from followup.lead import Lead
from followup.lead_map import ColumnPlan, LeadMap
from training.sources import MAX_REASON_CHARACTERS, BadRow, read_records

OUTCOME = "converted"
YES, NO = frozenset({"1", "true", "yes", "won"}), frozenset({"0", "false", "no", "lost"})
FACTOR_COLUMNS = (
    "engagement_score", "engagement_pattern", "days_since_contact", "company_size",
)  # fmt: skip
# A lead needs these, the scoring does not: a file of outcomes may lack them.
_STAND_INS = {"lead_name": "Lead", "product_name": "Product", "interaction_history": "Unknown"}


@dataclass(frozen=True, slots=True)
class ScoredLead:
    """A lead without its given score, and whether it became a customer."""

    lead: Lead
    converted: bool


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What a file holds."""

    leads: list[ScoredLead]
    bad: list[BadRow]


def read_outcomes(
    path: Path, lead_map: LeadMap, as_of: date, *, outcome: str = OUTCOME
) -> Outcomes:
    """Leads of a CSV, JSONL or Parquet file; the column `outcome` says what became of them.

    `lead_map` names the other columns; dates among them count as days before `as_of`. Raises
    InvalidInputError for a file that cannot be read or gives no factor of the score.
    """
    leads: list[ScoredLead] = []
    bad: list[BadRow] = []
    plans: dict[tuple[str, ...], ColumnPlan] = {}
    for line, record in read_records(path, (outcome,)):
        if isinstance(record, BadRow):
            bad.append(record)
            continue
        names = tuple(record)
        if names not in plans:
            plans[names] = ColumnPlan(names, lead_map, as_of, needs_id=False)
        made = _to_lead(line, record, plans[names], outcome)
        if isinstance(made, BadRow):
            bad.append(made)
        else:
            leads.append(made)
    known = {field for plan in plans.values() for field in plan.known} | set(lead_map.defaults)
    if not known & set(FACTOR_COLUMNS):
        message = (
            f"'{path}' gives none of the fields {', '.join(FACTOR_COLUMNS)}. "
            "Name its columns in a map file: --map FILE"
        )
        raise InvalidInputError(message, field="leads")
    return Outcomes(leads, bad)


def _to_lead(
    line: int, record: Mapping[str, Any], plan: ColumnPlan, outcome: str
) -> ScoredLead | BadRow:
    told = str(record.get(outcome, "")).strip().lower()
    if told not in YES | NO:
        allowed = ", ".join(sorted(YES | NO))
        return BadRow(line, f"'{outcome}' has value {told!r}; allowed are {allowed}")
    fields = _STAND_INS | plan.read(tuple(record.values())).fields
    fields.pop("lead_score", None)
    try:
        return ScoredLead(Lead.model_validate(fields), told in YES)
    except ValidationError as error:
        fault = error.errors()[0]
        field = ".".join(map(str, fault["loc"]))
        text = f"'{field}' has value {fault['input']!r}: {fault['msg']}"
        return BadRow(line, text[:MAX_REASON_CHARACTERS])
