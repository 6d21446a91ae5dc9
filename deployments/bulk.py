"""The nodes offline: the plain classes behind the deployments, in one process, for one lead list.

A row's message is what the HTTP endpoint of its approach writes for the same fields: the same
request model, the same pipeline, the same classes.
"""

import asyncio
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from config.models_file import SamplingDefaults
from config.settings import Settings
from deployments.bulk_options import WriteOptions
from deployments.bulk_write import PartWriter, WriteWorker
from deployments.drafts import candidate_of, sampling_of
from deployments.lead_writer import LeadWriter, build_pipeline
from followup.backends.adapter_aliases import AdapterAliases
from followup.backends.adapters import AdapterStore
from followup.backends.database import Database
from followup.backends.embedder import Embedder, mean_vector
from followup.backends.engines.build import build_engine
from followup.backends.engines.protocol import Engine
from followup.backends.likeness import Likeness
from followup.backends.passage_search import SearchOptions
from followup.backends.reranking import build_reranker
from followup.backends.statement_checker import build_statement_checker
from followup.backends.vector_store import VectorStore
from followup.errors import AdapterMissingError
from followup.fusion import Candidate, CandidatePlan
from followup.passage import Passage
from followup.pipeline import NO_ADAPTER
from followup.prompts import Approach, Prompt
from followup.request import GenerationOptions, RetrievalOptions
from followup.rules import ComplianceRules
from followup.statements import StatementChecker
from followup.validation import Validated, ValidationTask, validate

LEAD_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class PlainParts:
    """The classes that the deployments hold."""

    embedder: Embedder
    likeness: Likeness
    store: VectorStore
    engine: Engine
    rules: ComplianceRules
    statements: StatementChecker
    sampling: SamplingDefaults


@dataclass(frozen=True, slots=True)
class PlainNodes:
    """The pipeline's `Nodes` on plain classes."""

    parts: PlainParts
    deadline: float

    async def embed(self, texts: tuple[str, ...]) -> npt.NDArray[np.float32]:
        """Mean vector of texts: float32, shape (dimension,)."""
        return mean_vector(await asyncio.to_thread(self.parts.embedder.embed, texts))

    async def likeness(self, question: str, texts: tuple[str, ...]) -> list[float]:
        """Cosine of each text with the question."""
        return await asyncio.to_thread(self.parts.likeness.cosines, question, texts)

    async def retrieve(
        self,
        tenant: str,
        query: str,
        vector: npt.NDArray[np.float32],
        options: RetrievalOptions,
    ) -> list[Passage]:
        """Passages above the threshold, best first."""
        search = SearchOptions(
            top_k=options.top_k,
            threshold=options.retrieval_threshold,
            source_types=options.source_types,
            source_weights=options.source_weights,
            use_hybrid=options.use_hybrid_search,
            use_reranking=options.use_reranking,
        )
        return await self.parts.store.search(tenant, query, vector, search)

    async def generate(
        self, plan: CandidatePlan, prompt: Prompt, options: GenerationOptions, adapter: str | None
    ) -> Candidate:
        """Write one candidate."""
        sampling = sampling_of(self.parts.sampling, options)
        generation = await self.parts.engine.generate(
            prompt, sampling, adapter=adapter, deadline=self.deadline
        )
        return candidate_of(plan, prompt, generation)

    async def validate(self, task: ValidationTask) -> Validated:
        """Repair, check and choose."""
        return await asyncio.to_thread(validate, task, self.parts.rules, self.parts.statements)


@dataclass(frozen=True, slots=True)
class WriteFactory:
    """What a writing worker is built from."""

    settings: Settings
    options: WriteOptions
    num_in_flight: int

    def build(self) -> WriteWorker:
        """The worker, with its models loaded and the vector store reached.

        Raises SettingError for a model that is not there, and PartUnavailableError or
        AdapterMissingError where nothing could be written.
        """
        runner = asyncio.Runner()
        writer = runner.run(_build(self.settings, self.options))
        return WriteWorker(PartWriter(writer, self.num_in_flight), runner)


async def _build(settings: Settings, options: WriteOptions) -> LeadWriter:
    """The writer, in the process and the event loop that will use it."""
    parts = _load(settings)
    adapters = AdapterStore(
        AdapterAliases(Database(settings.database)), settings.models.adapter_alias
    )
    # A part that is not there at all is said at once, not after OUTAGE_SECONDS.
    await _check(parts, adapters, options)

    async def version(tenant: str, deadline: float) -> str:
        return await parts.store.version(tenant)

    def nodes_for(tenant: str, deadline: float, knowledge_base_version: str) -> PlainNodes:
        return PlainNodes(parts, deadline)

    return LeadWriter(
        pipeline=build_pipeline(settings),
        nodes_for=nodes_for,
        knowledge_base_version=version,
        adapters=adapters,
        settings=settings,
        options=options,
        lead_seconds=LEAD_SECONDS,
    )


def _load(settings: Settings) -> PlainParts:
    embedder = Embedder(settings.embedder, num_threads=1)
    store = VectorStore(
        settings.vector_store,
        embedder.dimension,
        build_reranker(settings.reranker),
        model=embedder.fingerprint,
    )
    return PlainParts(
        embedder=embedder,
        likeness=Likeness(embedder),
        store=store,
        engine=build_engine(settings.engine),
        rules=settings.compliance,
        statements=build_statement_checker(settings.statements),
        sampling=settings.models.sampling,
    )


async def _check(parts: PlainParts, adapters: AdapterStore, options: WriteOptions) -> None:
    if options.approach is not Approach.FINETUNED:
        await parts.store.check_health()
    elif await adapters.resolve(options.tenant) is None:
        raise AdapterMissingError(NO_ADAPTER)
