"""Workers for tests that end their process at leads with certain names."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from deployments.bulk_parts import Part, PartResult
from deployments.bulk_score import ScoreFactory, ScoreWorker
from followup.rules import ComplianceRules
from followup.scoring import ScoringRules

POISON, FAULT, FRAGILE = "Poison", "Fault", "Fragile"


@dataclass(frozen=True, slots=True)
class PoisonedFactory:
    """Builds scoring workers that die as told: always, by an error, or the first time only."""

    scoring: ScoringRules
    compliance: ComplianceRules
    folder: Path

    def build(self) -> "PoisonedWorker":
        return PoisonedWorker(
            ScoreFactory(self.scoring, self.compliance).build(), self.folder / "was_fragile"
        )


class PoisonedWorker:
    """A scoring worker that cannot stand some leads."""

    def __init__(self, worker: ScoreWorker, mark: Path) -> None:
        self._worker = worker
        self._mark = mark

    def take(self, part: Part) -> PartResult:
        names = {lead.mapped.fields.get("lead_name") for lead in part.leads}
        if POISON in names:
            os.kill(os.getpid(), signal.SIGKILL)
        if FAULT in names:
            message = "what nobody foresaw"
            raise RuntimeError(message)
        if FRAGILE in names and not self._mark.exists():
            self._mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return self._worker.take(part)
