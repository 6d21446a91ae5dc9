"""What ingestion may take in, how long a file may take, and what happens to suspicious text."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

_MIB = 1024 * 1024


class FlagKind(StrEnum):
    """What makes a text suspicious."""

    MODEL_INSTRUCTION = "model_instruction"
    """Speaks to a language model: overrides its instructions, gives it a role, asks for secrets."""
    HIDDEN_INSTRUCTION = "hidden_instruction"
    """Text that a reader cannot see and that tells a model what to do."""
    ANSWER_DIRECTIVE = "answer_directive"
    """Tells whoever reads it how to write an answer: 'end your reply with', 'respond only in'."""
    TASK_REQUEST = "task_request"
    """Asks for a text to be written or translated, such as a poem, an essay or a speech."""
    HIDDEN_TEXT = "hidden_text"
    """Text that a reader cannot see. It is never indexed; the flag says that it was there."""
    INVISIBLE_CHARACTERS = "invisible_characters"
    """Zero-width characters inside words, bidirectional overrides, or tag characters."""
    ENCODED_DATA = "encoded_data"
    """A long run of base64."""


class FlagPolicy(StrEnum):
    """What happens to a document that holds flagged text."""

    QUARANTINE = "quarantine"
    """It is not indexed, and stands among the rejects with the text that was flagged."""
    MARK = "mark"
    """It is indexed, and its chunks carry the flag."""
    IGNORE = "ignore"
    """It is indexed as any other."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class IngestionLimits(_Strict):
    """Bounds for one file. A file beyond one of them is a reject and stops nothing."""

    max_document_bytes: int = Field(default=50 * _MIB, gt=0, description="Size of a file, bytes.")
    max_unpacked_bytes: int = Field(
        default=300 * _MIB, gt=0, description="Size of a DOCX once it is unpacked, bytes."
    )
    max_archive_entries: int = Field(
        default=10_000, gt=0, description="Files inside a DOCX, a number."
    )
    max_pages: int = Field(default=2_000, gt=0, description="Pages of a PDF, a number.")
    max_nesting: int = Field(
        default=200, gt=0, description="HTML elements inside one another, a number."
    )
    max_characters: int = Field(
        default=20_000_000, gt=0, description="Text of a document after parsing, characters."
    )
    max_parse_seconds: int = Field(
        default=180,
        gt=0,
        description="Processor time for one file, seconds; ten times that on the clock.",
    )
    max_parse_memory_bytes: int = Field(
        default=2_048 * _MIB, ge=256 * _MIB, description="Memory of the parsing process, bytes."
    )


class ScreeningPolicy(_Strict):
    """What happens to a document for each kind of suspicious text in it."""

    model_instruction: FlagPolicy = Field(
        default=FlagPolicy.QUARANTINE, description="Text that speaks to a language model."
    )
    hidden_instruction: FlagPolicy = Field(
        default=FlagPolicy.QUARANTINE, description="Instructions that a reader cannot see."
    )
    answer_directive: FlagPolicy = Field(
        default=FlagPolicy.MARK, description="Text that says how an answer is to be written."
    )
    task_request: FlagPolicy = Field(
        default=FlagPolicy.MARK, description="Requests to write or translate a text."
    )
    hidden_text: FlagPolicy = Field(
        default=FlagPolicy.MARK, description="Text that a reader cannot see."
    )
    invisible_characters: FlagPolicy = Field(
        default=FlagPolicy.MARK, description="Zero-width and direction-changing characters."
    )
    encoded_data: FlagPolicy = Field(default=FlagPolicy.MARK, description="Long runs of base64.")

    def of(self, kind: FlagKind) -> FlagPolicy:
        """The policy for a kind; the fields are named for the kinds."""
        policy: FlagPolicy = getattr(self, kind.value)
        return policy


class IngestionSettings(_Strict):
    """`ingestion.yaml`. What it does not name has the default that stands here."""

    limits: IngestionLimits = Field(default=IngestionLimits(), description="Bounds for one file.")
    screening: ScreeningPolicy = Field(
        default=ScreeningPolicy(), description="What happens to suspicious text."
    )
    chunk_overlap_tokens: int = Field(
        default=0,
        ge=0,
        le=128,
        description="Tokens of a chunk's end that the next chunk of its section repeats.",
    )
