"""Leads with what became of them, to fit the lead scoring on."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from followup.errors import InvalidInputError
from followup.lead import Lead
from training.sources import MAX_REASON_CHARACTERS, RENAMED, BadRow, read_records

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


def read_outcomes(path: Path) -> Outcomes:
    """Leads of a CSV, JSONL or Parquet file with a column `converted`.

    Raises InvalidInputError for a file that cannot be read or names no factor of the score.
    """
    leads: list[ScoredLead] = []
    bad: list[BadRow] = []
    seen: set[str] = set()
    for line, record in read_records(path, (OUTCOME,)):
        if isinstance(record, BadRow):
            bad.append(record)
            continue
        seen |= record.keys()
        made = _to_lead(line, record)
        if isinstance(made, BadRow):
            bad.append(made)
        else:
            leads.append(made)
    if not seen & set(FACTOR_COLUMNS):
        message = f"'{path}' holds none of the columns {', '.join(FACTOR_COLUMNS)}."
        raise InvalidInputError(message, field="leads")
    return Outcomes(leads, bad)


def _to_lead(line: int, record: Mapping[str, Any]) -> ScoredLead | BadRow:
    told = str(record.get(OUTCOME, "")).strip().lower()
    if told not in YES | NO:
        allowed = ", ".join(sorted(YES | NO))
        return BadRow(line, f"'{OUTCOME}' has value {told!r}; allowed are {allowed}")
    fields = _STAND_INS | {
        RENAMED.get(name, name): value
        for name, value in record.items()
        if value not in (None, "") and RENAMED.get(name, name) in Lead.model_fields
    }
    fields.pop("lead_score", None)
    fields.pop("objections_raised", None)
    try:
        return ScoredLead(Lead.model_validate(fields), told in YES)
    except ValidationError as error:
        fault = error.errors()[0]
        field = ".".join(map(str, fault["loc"]))
        text = f"'{field}' has value {fault['input']!r}: {fault['msg']}"
        return BadRow(line, text[:MAX_REASON_CHARACTERS])
