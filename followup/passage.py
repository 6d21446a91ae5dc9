"""A passage: a piece of a company's document, as retrieval hands it to the writer."""

from pydantic import BaseModel, ConfigDict, Field

TENANT_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,62}$"
SOURCE_TYPE_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,62}$"


class Chunk(BaseModel):
    """A piece of a document, ready to be embedded and indexed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    chunk_id: str = Field(description="Stable id: the same document and position give the same id.")
    document: str = Field(description="Path of the document inside its knowledge base.")
    title: str = Field(description="Title of the document.")
    section: str = Field(default="", description="Heading path, outermost first, joined by ' > '.")
    source_type: str = Field(pattern=SOURCE_TYPE_PATTERN)
    page: int = Field(default=0, ge=0, description="1-based page; 0 where there are no pages.")
    position: int = Field(ge=0, description="0-based order inside the document.")
    text: str = Field(min_length=1)
    flags: str = Field(
        default="",
        pattern=r"^([a-z_]+(,[a-z_]+)*)?$",
        max_length=256,
        description="Kinds of suspicious text in it, joined by commas; such as answer_directive.",
    )


class Passage(BaseModel):
    """A retrieved chunk with its scores."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    chunk: Chunk
    score: float = Field(
        ge=0,
        le=1,
        description="Calibrated relevance: the probability that the passage answers the query, "
        "against a random passage at even odds.",
    )
    dense_score: float | None = Field(default=None, description="Cosine similarity, -1 to 1.")
    bm25_score: float | None = Field(default=None, description="BM25 score, unbounded.")
