"""Scores the leads of a part. The same functions as online, a batch at a time where they allow."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pyarrow as pa
from pydantic import ValidationError

from deployments.bulk_parts import ListedLead, Part, PartResult, Reject, count_rejects
from deployments.scoring_api import ScoredLead
from followup.backends.score_batch import FACTORS, GIVEN, BatchScorer, ScoredBatch
from followup.lead import Lead
from followup.rules import ComplianceRules
from followup.scoring import ScoringRules
from followup.situation import Situation, detect_situation

SCORED, SUPPRESSED = "scored", "suppressed"
NUM_SCORE_BINS = 10
MAX_REASON_CHARACTERS = 300
_HASH_BYTES = 16
_SCHEMA = pa.schema(
    [
        ("lead_id", pa.string()),
        ("row", pa.int64()),
        ("lead_name", pa.string()),
        ("status", pa.string()),
        ("score", pa.float64()),
        ("strategy", pa.string()),
        ("strategy_confidence", pa.float64()),
        ("situation", pa.string()),
        *[(f"points_{name}", pa.float64()) for name in (*FACTORS, GIVEN)],
        ("content_hash", pa.string()),
    ]
)
AnyLead = TypeVar("AnyLead", bound=Lead)


@dataclass(frozen=True, slots=True)
class ScoreFactory:
    """What a scoring worker is built from."""

    scoring: ScoringRules
    compliance: ComplianceRules

    def build(self) -> "ScoreWorker":
        """The worker."""
        return ScoreWorker(self.scoring, self.compliance)


class ScoreWorker:
    """Scores parts. A lead needs no more than its id; what it lacks counts as unknown."""

    def __init__(self, scoring: ScoringRules, compliance: ComplianceRules) -> None:
        self._scorer = BatchScorer(scoring)
        self._compliance = compliance

    def take(self, part: Part) -> PartResult:
        """A row for each lead whose fields are allowed; a reject for each other."""
        listed, leads, rejects = validate_leads(part.leads, ScoredLead)
        situations = [
            Situation.OPTED_OUT
            if row.mapped.opted_out
            else detect_situation(lead, self._compliance)
            for row, lead in zip(listed, leads, strict=True)
        ]
        scored = self._scorer.score(leads)
        hashes = {row.lead_id: content_hash(row) for row in listed}
        return PartResult(
            number=part.number,
            first_row=part.first_row,
            table=_table(listed, leads, situations, scored, hashes),
            rejects=rejects,
            content_hashes=hashes,
            counts=_counts(situations, scored, rejects),
        )


def validate_leads(
    listed: Sequence[ListedLead], kind: type[AnyLead]
) -> tuple[list[ListedLead], list[AnyLead], list[Reject]]:
    """The rows that are leads, those leads, and the others with their first fault."""
    rows: list[ListedLead] = []
    leads: list[AnyLead] = []
    rejects: list[Reject] = []
    for row in listed:
        try:
            leads.append(kind.model_validate(row.mapped.fields))
            rows.append(row)
        except ValidationError as error:
            rejects.append(_reject(row, error))
    return rows, leads, rejects


def content_hash(listed: ListedLead) -> str:
    """Changes with anything that is read of the row, and with nothing else."""
    text = repr((listed.lead_id, listed.mapped.opted_out, sorted(listed.mapped.fields.items())))
    return hashlib.blake2b(
        text.encode("utf-8", "surrogatepass"), digest_size=_HASH_BYTES
    ).hexdigest()


def text_of(value: str) -> str:
    """Text that Arrow takes: no lone surrogates, which JSON lines may hold."""
    return value if value.isascii() else value.encode("utf-8", "replace").decode()


def _reject(row: ListedLead, error: ValidationError) -> Reject:
    fault = error.errors(include_url=False)[0]
    field = ".".join(map(str, fault["loc"]))
    shown = repr(fault["input"])
    shown = shown if len(shown) <= MAX_REASON_CHARACTERS // 2 else f"{shown[:60]}..."
    if fault["type"] == "missing":
        return Reject(row.row, row.lead_id, field, "it is missing", "missing")
    reason = f"it has value {shown}: {fault['msg']}"
    return Reject(
        row.row, row.lead_id, field, text_of(reason[:MAX_REASON_CHARACTERS]), fault["type"]
    )


def _table(
    listed: Sequence[ListedLead],
    leads: Sequence[Lead],
    situations: Sequence[Situation],
    scored: ScoredBatch,
    hashes: dict[str, str],
) -> pa.Table:
    is_out = np.array([item is Situation.OPTED_OUT for item in situations], dtype=bool)
    columns = [
        [text_of(row.lead_id) for row in listed],
        [row.row for row in listed],
        [text_of(lead.lead_name) for lead in leads],
        np.where(is_out, SUPPRESSED, SCORED),
        scored.score,
        # A lead that must not be contacted has no strategy for contacting it.
        [None if out else name for out, name in zip(is_out, scored.strategy, strict=True)],
        scored.strategy_confidence,
        [item.value for item in situations],
        *[scored.points[name] for name in (*FACTORS, GIVEN)],
        [hashes[row.lead_id] for row in listed],
    ]
    arrays = [
        pa.array(column, type=field.type, from_pandas=True)
        for field, column in zip(_SCHEMA, columns, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=_SCHEMA)


def _counts(
    situations: Sequence[Situation], scored: ScoredBatch, rejects: Sequence[Reject]
) -> dict[str, Counter[str]]:
    kept = [item is not Situation.OPTED_OUT for item in situations]
    bins = np.minimum(scored.score // (100 / NUM_SCORE_BINS), NUM_SCORE_BINS - 1).astype(int)
    return {
        "status": Counter(SCORED if keep else SUPPRESSED for keep in kept),
        "situation": Counter(item.value for item in situations),
        "strategy": Counter(
            str(name) for name, keep in zip(scored.strategy, kept, strict=True) if keep
        ),
        "score": Counter(str(place) for place in bins),
        "reject": count_rejects(rejects),
    }
