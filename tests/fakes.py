"""Honest stand-ins for real parts: the same Protocol, the same errors."""

import asyncio
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence, Set

import numpy as np
from numpy.typing import NDArray

from followup.errors import FollowupError, InvalidInputError, PartUnavailableError
from followup.fusion import Candidate, CandidatePlan
from followup.passage import TENANT_PATTERN, Chunk, Passage
from followup.prompts import Prompt
from followup.request import GenerationOptions, RetrievalOptions
from followup.rules import ComplianceRules
from followup.validation import Validated, ValidationTask, validate


class FakeAliases:
    """Aliases in this process. As the database, it can be away."""

    def __init__(self) -> None:
        self.versions: dict[str, dict[str, str]] = {}
        """Version by industry, by tenant."""
        self.failure: Exception | None = None
        self.seconds = 0.0
        """How long a read takes; what it tells is as it was at its beginning."""
        self.num_reads = 0

    def promote(self, version: str, tenant: str = "default", industry: str = "") -> None:
        self.versions.setdefault(tenant, {})[industry] = version

    async def serving(self, tenant: str, alias: str) -> dict[str, str]:
        self.num_reads += 1
        if self.failure is not None:
            raise self.failure
        found = dict(self.versions.get(tenant, {}))
        await asyncio.sleep(self.seconds)
        return found


class FakeIngestEmbedder:
    """Vectors drawn from the text's hash; remembers each text that it embedded."""

    max_tokens = 256
    dimension = 8
    counts_add_up = True

    def __init__(self, fingerprint: str = "fake-1") -> None:
        self.fingerprint = fingerprint
        self.embedded: list[str] = []

    def count_tokens_batch(self, texts: Sequence[str]) -> list[int]:
        return [len(re.findall(r"\w+|[^\w\s]", text)) + 2 for text in texts]

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.embedded.extend(texts)
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for position, text in enumerate(texts):
            seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
            vector = np.random.default_rng(seed).standard_normal(self.dimension)
            vectors[position] = vector / np.linalg.norm(vector)
        return vectors


class FakeIngestStore:
    """Published chunks by tenant in this process. As the real one, it shows a draft when it is
    published, keeps one that was broken off, and refuses a wrong tenant, shape or missing hash.
    """

    def __init__(self) -> None:
        self.chunks: dict[str, dict[str, Chunk]] = {}
        self.hashes: dict[str, dict[str, str]] = {}
        self.drafted: dict[str, dict[str, tuple[str, list[Chunk]]]] = {}
        self.num_writes = 0
        self.num_published = 0
        self.writes_until_down = -1
        """Writes that still succeed before the store is down; -1: it stays up."""

    async def ensure_collection(self) -> None:
        pass

    async def open_draft(self, tenant: str) -> "FakeDraft":
        if re.fullmatch(TENANT_PATTERN, tenant) is None:
            message = f"'tenant' has value {tenant!r}; it must match {TENANT_PATTERN}."
            raise InvalidInputError(message, field="tenant")
        for part in (self.chunks, self.hashes, self.drafted):
            part.setdefault(tenant, {})
        return FakeDraft(self, tenant)


class FakeDraft:
    """The next state of a tenant in a `FakeIngestStore`."""

    def __init__(self, store: FakeIngestStore, tenant: str) -> None:
        self._store = store
        self._tenant = tenant
        self._drafted = store.drafted[tenant]

    def hashes(self) -> dict[str, str]:
        drafted = {name: content_hash for name, (content_hash, _) in self._drafted.items()}
        return self._store.hashes[self._tenant] | drafted

    async def write(
        self,
        chunks: Sequence[Chunk],
        vectors: NDArray[np.float32],
        document_hashes: Mapping[str, str],
    ) -> None:
        if vectors.shape[0] != len(chunks):
            message = f"{vectors.shape[0]} vectors for {len(chunks)} chunks."
            raise InvalidInputError(message, field="vectors")
        self._write()
        for name in {chunk.document for chunk in chunks}:
            own = [chunk for chunk in chunks if chunk.document == name]
            self._drafted[name] = (document_hashes[name], own)

    async def publish(self, documents: Set[str]) -> bool:
        store, tenant = self._store, self._tenant
        hashes = {name: value for name, value in self.hashes().items() if name in documents}
        if hashes == store.hashes[tenant]:
            return False
        kept = [c for c in store.chunks[tenant].values() if c.document not in self._drafted]
        new = [chunk for _, chunks in self._drafted.values() for chunk in chunks]
        store.hashes[tenant] = hashes
        store.chunks[tenant] = {c.chunk_id: c for c in [*kept, *new] if c.document in documents}
        self._drafted.clear()
        store.num_published += 1
        return True

    def _write(self) -> None:
        store = self._store
        if store.writes_until_down == 0:
            message = "The vector store does not answer."
            raise PartUnavailableError(message, retry_after_seconds=5.0)
        store.writes_until_down -= 1
        store.num_writes += 1


class FakeNodes:
    """The pipeline's nodes in this process: canned passages, the real validator.

    As the real ones, a call that cannot answer raises a FollowupError (`failure`), and the same
    prompt to the same adapter gives the same text: that of `write`.
    """

    def __init__(
        self,
        rules: ComplianceRules,
        passages: Sequence[Passage] = (),
        write: Callable[[Prompt, str | None], str] | None = None,
        failure: FollowupError | None = None,
    ) -> None:
        self._rules = rules
        self._passages = passages
        self._write = write
        self._failure = failure
        self.plans: list[CandidatePlan] = []
        self.prompts: list[Prompt] = []

    async def embed(self, texts: tuple[str, ...]) -> list[float]:
        return [float(len(text)) for text in texts]

    async def likeness(self, question: str, texts: tuple[str, ...]) -> list[float]:
        """Share of the question's words that each text has."""
        asked = set(question.lower().split())
        return [len(asked & set(text.lower().split())) / len(asked) for text in texts]

    async def retrieve(
        self, tenant: str, query: str, vector: list[float], options: RetrievalOptions
    ) -> Sequence[Passage]:
        if self._failure is not None:
            raise self._failure
        return [item for item in self._passages if item.score >= options.retrieval_threshold]

    async def generate(
        self, plan: CandidatePlan, prompt: Prompt, options: GenerationOptions, adapter: str | None
    ) -> Candidate:
        self.plans.append(plan)
        self.prompts.append(prompt)
        text = prompt.reply_start + " your interest."
        return Candidate(
            name=plan.name,
            text=self._write(prompt, adapter) if self._write else text,
            truncated=False,
            mean_log_prob=-0.5,
            num_prompt_tokens=100,
            num_completion_tokens=20,
        )

    async def validate(self, task: ValidationTask) -> Validated:
        return validate(task, self._rules)
