"""A facts file: what a knowledge base states, in words of our own. Its format: README.md."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from benchmarks.altered_messages.values import Value
from followup.passage import Chunk

FOLDER = Path(__file__).parent
SLOT = re.compile(r"\{(\w+)(?: (adjective))?\}")


class FactsError(ValueError):
    """A facts file that does not fit its format or its documents."""


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(_Entry):
    """Where a document states the fact."""

    document: str = Field(description="Path inside the knowledge base.")
    quote: str = Field(min_length=5, description="Words of one chunk of it, as the reader reads.")


class Fact(_Entry):
    """One thing that a message may say."""

    id: str
    subject: str = Field(description="What it is about; swapped if `subjects` lists it.")
    attribute: str = Field(description="What it says of the subject: price per month.")
    values: dict[str, Value] = Field(default_factory=dict, description="By slot of the sentences.")
    true_of: tuple[str, ...] = Field(default=(), description="All subjects for which it holds.")
    also_true: tuple[float, ...] = Field(
        default=(), description="Other numbers that some document states of the same thing."
    )
    bound: Literal["at_least", "at_most"] | None = Field(
        default=None, description="For 'more than 200': a smaller number would be true as well."
    )
    sources: tuple[Source, ...] = ()
    history: tuple[str, ...] = Field(
        default=(),
        description="The lead's own words, for a fact that the request states and no document.",
    )
    sentences: tuple[str, ...] = Field(min_length=1, description="Ways to say it.")
    negated: tuple[str, ...] = Field(default=(), description="Ways to say that it is not so.")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if bool(self.sources) == bool(self.history):
            message = f"fact '{self.id}' needs either sources or history"
            raise ValueError(message)
        known = {"subject", *self.values}
        for text in (*self.sentences, *self.negated, *self.history):
            unknown = {name for name, _ in SLOT.findall(text)} - known
            if unknown:
                message = (
                    f"fact '{self.id}': '{text}' names {sorted(unknown)}; known: {sorted(known)}"
                )
                raise ValueError(message)
        return self

    @property
    def holds_for(self) -> tuple[str, ...]:
        """The subjects of which it is true."""
        return self.true_of or (self.subject,)


class Facts(_Entry):
    """Everything the generator knows of one knowledge base."""

    name: str
    folder: str = Field(description="Folder under the repository, else under BENCH_DATA.")
    product: str
    company: str
    category: str
    domains: tuple[str, ...] = Field(min_length=1)
    subjects: dict[str, dict[str, tuple[str, ...]]] = Field(
        description="Kind (plan, customer) to names to their written forms."
    )
    questions: tuple[str, ...]
    facts: tuple[Fact, ...]
    request_facts: tuple[Fact, ...]

    def kind_of(self, subject: str) -> str:
        """plan or customer; empty for a subject that is never swapped."""
        return next((kind for kind, names in self.subjects.items() if subject in names), "")

    def forms_of(self, subject: str) -> tuple[str, ...]:
        """How a subject may be written."""
        kind = self.kind_of(subject)
        return self.subjects[kind][subject] if kind else (subject,)


@dataclass(frozen=True, slots=True)
class KnowledgeBase:
    """Facts with the chunks that state them: `support[fact id]` holds at least one chunk."""

    facts: Facts
    chunks: tuple[Chunk, ...]
    support: dict[str, tuple[Chunk, ...]]


def load_facts(path: Path) -> Facts:
    """Read a facts file. Errors: FactsError naming the file and the field."""
    try:
        return Facts.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (ValidationError, yaml.YAMLError) as error:
        message = f"{path}: {error}"
        raise FactsError(message) from error


def join_with_chunks(facts: Facts, chunks: tuple[Chunk, ...]) -> KnowledgeBase:
    """Find the chunk of each quote. Errors: FactsError for each quote that no chunk holds."""
    support: dict[str, tuple[Chunk, ...]] = {}
    missing: list[str] = []
    for fact in facts.facts:
        found: list[Chunk] = []
        for source in fact.sources:
            quote = _plain(source.quote)
            holders = [
                chunk
                for chunk in chunks
                if chunk.document == source.document and quote in _plain(chunk.text)
            ]
            found += holders[:1]
            if not holders:
                missing.append(f"{fact.id}: '{source.quote}' is not in {source.document}")
        support[fact.id] = tuple({chunk.chunk_id: chunk for chunk in found}.values())
    if missing:
        message = f"facts of '{facts.name}' without their source:\n" + "\n".join(missing)
        raise FactsError(message)
    return KnowledgeBase(facts, chunks, support)


def _plain(text: str) -> str:
    straight = text.translate({0x2019: "'", 0x2018: "'", 0x201C: '"', 0x201D: '"', 0x00A0: " "})
    return " ".join(straight.split())
