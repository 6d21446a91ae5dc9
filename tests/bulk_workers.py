"""Workers and writers for tests, which fail as told at leads with certain names."""

import asyncio
import math
import os
import signal
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from config.settings import load_settings
from deployments.bulk_parts import Part, PartResult
from deployments.bulk_score import ScoreFactory, ScoreWorker
from deployments.lead_writer import WrittenReply
from followup.errors import FollowupError
from followup.lead import Lead
from followup.passage import Chunk, Passage
from followup.pipeline import Pipeline
from followup.prompts import Approach
from followup.request import FollowupRequest, Versions
from followup.rules import ComplianceRules
from followup.scoring import ScoringRules
from tests.fakes import FakeNodes

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


@dataclass(frozen=True, slots=True)
class KilledFactory:
    """Its process is killed while it builds a worker, the first so many times."""

    factory: PoisonedFactory
    num_kills: int
    folder: Path

    def build(self) -> PoisonedWorker:
        marks = len(list(self.folder.glob("killed-*")))
        if marks < self.num_kills:
            (self.folder / f"killed-{marks}").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return self.factory.build()


PASSAGE = Passage(
    chunk=Chunk(
        chunk_id="a", document="a.md", title="Plans", source_type="pricing", position=0,
        text="The Growth plan is the mid-tier plan and costs $299 per month.",
    ),
    score=0.9,
)  # fmt: skip
VERSIONS = Versions(prompt="p", model="m", rules="r", knowledge_base="k", adapter="a@0")


class PipelineWriter:
    """The real pipeline over nodes in this process; fails as told, lead by lead."""

    def __init__(self, failures: dict[str, list[FollowupError]] | None = None) -> None:
        self.failures = failures or {}
        self.num_running = self.most_running = 0
        self.num_written: Counter[str] = Counter()
        settings = load_settings()
        self._compliance = settings.compliance
        self._pipeline = Pipeline(settings.scoring, settings.compliance, settings.prompts, 0.65)

    async def write(self, lead: Lead) -> WrittenReply:
        self.num_running += 1
        self.most_running = max(self.most_running, self.num_running)
        try:
            await asyncio.sleep(0)
            if failures := self.failures.get(lead.lead_name):
                raise failures.pop()
            request = FollowupRequest(tenant="default", approach=Approach.RAG, lead=lead)
            situation = self._pipeline.check(request, None)
            nodes = FakeNodes(self._compliance, (PASSAGE,))
            reply = await self._pipeline.write(request, nodes, None, situation, math.inf)
            self.num_written[lead.lead_name] += 1
            return WrittenReply(reply, VERSIONS, 0.5)
        finally:
            self.num_running -= 1
