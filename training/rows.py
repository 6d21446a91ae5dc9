"""A training row: a lead, the passages that the writer had, and the reply that succeeded."""

import hashlib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from followup.errors import InvalidInputError
from followup.lead import Lead
from followup.passage import Chunk, Passage

SPLITS = ("train", "validation", "test")
MAX_RESPONSE_CHARACTERS = 4_000
_DOCUMENT_TYPE = "document"


class RowPassage(BaseModel):
    """A passage as a training row holds it: what it says and where it stands."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    document: str = Field(min_length=1, description="Path of the document, such as faq/trial.html.")
    text: str = Field(min_length=1)
    title: str = ""
    section: str = ""

    def as_passage(self, position: int) -> Passage:
        """The passage as retrieval would hand it over, with full relevance."""
        digest = hashlib.sha256(f"{self.document}\0{self.text}".encode()).hexdigest()[:16]
        chunk = Chunk(
            chunk_id=digest,
            document=self.document,
            title=self.title,
            section=self.section,
            source_type=_DOCUMENT_TYPE,
            position=position,
            text=self.text,
        )
        return Passage(chunk=chunk, score=1.0)


class TrainingRow(BaseModel):
    """One good conversation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    line: int = Field(ge=0, description="Line of its source, 1-based; 0 for the database.")
    lead_key: str = Field(
        description="Equal for rows of one lead: these share a side of the split."
    )
    lead: Lead
    passages: tuple[RowPassage, ...] = ()
    response: str = Field(min_length=1, max_length=MAX_RESPONSE_CHARACTERS)

    def as_passages(self) -> tuple[Passage, ...]:
        """Its passages as the prompt and the validator take them."""
        return tuple(item.as_passage(index) for index, item in enumerate(self.passages))


def lead_key(lead_id: str, lead_name: str) -> str:
    """16 hex digits of the lead's id, or of its name where there is none."""
    told = f"id\0{lead_id.strip()}" if lead_id.strip() else f"name\0{lead_name.casefold().strip()}"
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def read_prepared(folder: Path, split: str) -> list[TrainingRow]:
    """The rows of one split that `train prepare` wrote. Raises InvalidInputError."""
    path = folder / f"{split}.jsonl"
    try:
        # Not splitlines: it also parts a text at the line separators that JSON leaves as they are.
        lines = [line for line in path.read_text(encoding="utf-8").split("\n") if line]
    except FileNotFoundError:
        command = f"lead-assistant train prepare SOURCE -o {folder}"
        message = f"'{path}' does not exist. Write it with: {command}"
        raise InvalidInputError(message, field="folder") from None
    try:
        return [TrainingRow.model_validate_json(line) for line in lines]
    except ValidationError as error:
        message = f"'{path}' is not what 'train prepare' writes: {error.errors()[0]['msg']}"
        raise InvalidInputError(message, field="folder") from error


def data_hash(folder: Path) -> str:
    """SHA-256 of the three prepared files, in the order of SPLITS."""
    digest = hashlib.sha256()
    for split in SPLITS:
        digest.update((folder / f"{split}.jsonl").read_bytes() + b"\0")
    return digest.hexdigest()
