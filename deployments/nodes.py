"""The pipeline's nodes, reached through handles of the deployments."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from cachetools import TTLCache
from ray.serve.handle import DeploymentHandle

from deployments.drafts import candidate_of, sampling_of
from deployments.handles import NodeCaller
from followup.backends.engines.protocol import Generation
from followup.backends.single_flight import SingleFlight
from followup.fusion import Candidate, CandidatePlan
from followup.passage import Passage
from followup.prompts import Prompt
from followup.request import GenerationOptions, RetrievalOptions
from followup.validation import Validated, ValidationTask

VERSION_SECONDS = 1.0
"""How old the known version of a knowledge base may be when a reply is looked up under it."""
MAX_TENANTS_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class SamplingDefaults:
    """How tokens are drawn where a request does not say."""

    top_p: float
    repetition_penalty: float
    seed: int


@dataclass(frozen=True, slots=True)
class Graph:
    """The nodes behind the ingress."""

    embedder: NodeCaller
    retriever: NodeCaller
    generator: NodeCaller
    validator: NodeCaller
    sampling: SamplingDefaults

    @classmethod
    def of(cls, handles: Mapping[str, DeploymentHandle], sampling: Mapping[str, Any]) -> "Graph":
        """Of the handles by the names of their nodes."""
        callers = {name: NodeCaller(name, handle) for name, handle in handles.items()}
        return cls(**callers, sampling=SamplingDefaults(**sampling))

    def nodes_for(self, tenant: str, deadline: float, knowledge_base_version: str) -> "HandleNodes":
        """The nodes for one request that must be answered by `deadline` (time.monotonic())."""
        return HandleNodes(self, tenant, deadline, knowledge_base_version)


@dataclass(frozen=True, slots=True)
class HandleNodes:
    """The pipeline's `Nodes` on Ray Serve."""

    graph: Graph
    tenant: str
    deadline: float
    knowledge_base_version: str
    generate_method: str = "generate"

    async def embed(self, texts: tuple[str, ...]) -> npt.NDArray[np.float32]:
        """Mean vector of texts: float32, shape (dimension,)."""
        vector: npt.NDArray[np.float32] = await self.graph.embedder.call(
            "embed", self.tenant, texts, deadline=self.deadline
        )
        return vector

    async def likeness(self, question: str, texts: tuple[str, ...]) -> list[float]:
        """Cosine of each text with the question."""
        cosines: list[float] = await self.graph.embedder.call(
            "likeness", self.tenant, question, texts, deadline=self.deadline
        )
        return cosines

    async def retrieve(
        self,
        tenant: str,
        query: str,
        vector: npt.NDArray[np.float32],
        options: RetrievalOptions,
    ) -> Sequence[Passage]:
        """Passages above the threshold, best first."""
        passages: tuple[Passage, ...] = await self.graph.retriever.call(
            "retrieve",
            tenant,
            query,
            vector,
            options,
            self.knowledge_base_version,
            deadline=self.deadline,
        )
        return passages

    async def generate(
        self, plan: CandidatePlan, prompt: Prompt, options: GenerationOptions, adapter: str | None
    ) -> Candidate:
        """Write one candidate."""
        sampling = sampling_of(self.graph.sampling, options)
        generation: Generation = await self.graph.generator.call(
            self.generate_method,
            self.tenant,
            prompt,
            sampling,
            adapter,
            max(0.0, self.deadline - time.monotonic()),
            deadline=self.deadline,
            model_id=adapter or "",
        )
        return candidate_of(plan, prompt, generation)

    async def validate(self, task: ValidationTask) -> Validated:
        """Repair, check and choose."""
        validated: Validated = await self.graph.validator.call(
            "validate", self.tenant, task, deadline=self.deadline
        )
        return validated


class KnowledgeBaseVersions:
    """The version of each tenant's documents, asked for at most once in VERSION_SECONDS."""

    def __init__(self, retriever: NodeCaller) -> None:
        self._retriever = retriever
        self._known: TTLCache[str, str] = TTLCache(MAX_TENANTS_REMEMBERED, VERSION_SECONDS)
        self._flights: SingleFlight[str] = SingleFlight()

    async def __call__(self, tenant: str, deadline: float) -> str:
        """Raises PartUnavailableError while the vector store is away."""
        version: str | None = self._known.get(tenant)
        if version is not None:
            return version
        return await self._flights.run(tenant, lambda: self._ask(tenant, deadline))

    async def _ask(self, tenant: str, deadline: float) -> str:
        version: str = await self._retriever.call(
            "knowledge_base_version", tenant, deadline=deadline
        )
        self._known[tenant] = version
        return version
