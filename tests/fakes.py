"""Honest stand-ins for real parts: the same Protocol, the same errors."""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

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
        self.num_reads = 0

    def promote(self, version: str, tenant: str = "default", industry: str = "") -> None:
        self.versions.setdefault(tenant, {})[industry] = version

    async def serving(self, tenant: str, alias: str) -> dict[str, str]:
        self.num_reads += 1
        if self.failure is not None:
            raise self.failure
        return dict(self.versions.get(tenant, {}))


class FakeIngestEmbedder:
    """Vectors drawn from the text's hash; remembers each text that it embedded."""

    max_tokens = 256
    dimension = 8

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
    """Chunks by tenant in this process. As the real one, it replaces whole documents, lists only
    those with their first chunk, and refuses a wrong tenant, shape or missing hash.
    """

    def __init__(self) -> None:
        self.chunks: dict[str, dict[str, Chunk]] = {}
        self.hashes: dict[str, dict[str, str]] = {}
        self.num_writes = 0
        self.num_flushes = 0
        self.writes_until_down = -1
        """Writes that still succeed before the store is down; -1: it stays up."""

    async def ensure_collection(self) -> None:
        pass

    async def document_hashes(self, tenant: str) -> dict[str, str]:
        first = {c.document for c in self._of(tenant).values() if c.position == 0}
        return {name: value for name, value in self.hashes[tenant].items() if name in first}

    async def upsert(
        self,
        tenant: str,
        chunks: Sequence[Chunk],
        vectors: NDArray[np.float32],
        document_hashes: Mapping[str, str],
    ) -> None:
        if vectors.shape[0] != len(chunks):
            message = f"{vectors.shape[0]} vectors for {len(chunks)} chunks."
            raise InvalidInputError(message, field="vectors")
        hashes = {chunk.document: document_hashes[chunk.document] for chunk in chunks}
        self._write()
        self._drop(tenant, hashes)
        self._of(tenant).update({chunk.chunk_id: chunk for chunk in chunks})
        self.hashes[tenant].update(hashes)

    async def delete_documents(self, tenant: str, documents: Iterable[str]) -> None:
        self._write()
        self._drop(tenant, documents)

    async def flush(self) -> None:
        self.num_flushes += 1

    def _of(self, tenant: str) -> dict[str, Chunk]:
        if re.fullmatch(TENANT_PATTERN, tenant) is None:
            message = f"'tenant' has value {tenant!r}; it must match {TENANT_PATTERN}."
            raise InvalidInputError(message, field="tenant")
        self.hashes.setdefault(tenant, {})
        return self.chunks.setdefault(tenant, {})

    def _write(self) -> None:
        if self.writes_until_down == 0:
            message = "The vector store does not answer."
            raise PartUnavailableError(message, retry_after_seconds=5.0)
        self.writes_until_down -= 1
        self.num_writes += 1

    def _drop(self, tenant: str, documents: Iterable[str]) -> None:
        names = set(documents)
        kept = {key: c for key, c in self._of(tenant).items() if c.document not in names}
        self.chunks[tenant] = kept
        for name in names:
            self.hashes[tenant].pop(name, None)


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

    async def embed(self, text: str) -> list[float]:
        return [float(len(text))]

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
