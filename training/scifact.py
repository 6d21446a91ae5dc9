"""SciFact in BEIR form: a corpus of abstracts, claims, and which abstract answers which claim.

Of the train claims every third is held out: what is fitted or chosen is fitted and chosen on the
others, and measured on these.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from followup.backends.vector_store import VectorStore
from followup.passage import Chunk

HELD_OUT_EVERY = 3
DOCUMENTS_PER_WRITE = 500


class TextEmbedder(Protocol):
    """What indexing needs of the embedder."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of length 1, shape (len(texts), dimension)."""


@dataclass(frozen=True)
class JudgedClaims:
    """A corpus (title and text by id), claims by id, and the ids of each claim's documents."""

    documents: dict[str, tuple[str, str]]
    claims: dict[str, str]
    relevant: dict[str, frozenset[str]]

    def only(self, claims: list[str]) -> "JudgedClaims":
        """The same corpus with these claims."""
        return JudgedClaims(
            self.documents,
            {claim: self.claims[claim] for claim in claims},
            {claim: self.relevant[claim] for claim in claims},
        )

    def to_fit_on(self) -> "JudgedClaims":
        """Two thirds of the claims."""
        return self.only([c for i, c in enumerate(self.claims) if i % HELD_OUT_EVERY])

    def held_out(self) -> "JudgedClaims":
        """The other third."""
        return self.only([c for i, c in enumerate(self.claims) if not i % HELD_OUT_EVERY])


def read_scifact(folder: Path, judgements: str = "qrels_train.tsv") -> JudgedClaims:
    """The corpus, and the claims that this file judges and that have a relevant document."""
    relevant: dict[str, set[str]] = {}
    for line in (folder / judgements).read_text(encoding="utf-8").splitlines()[1:]:
        claim, document, grade = line.split("\t")
        if int(grade) > 0:
            relevant.setdefault(claim, set()).add(document)
    texts = {row["_id"]: row["text"] for row in _rows(folder / "queries.jsonl")}
    claims = sorted(relevant, key=int)
    return JudgedClaims(
        documents={
            row["_id"]: (row["title"], row["text"]) for row in _rows(folder / "corpus.jsonl")
        },
        claims={claim: texts[claim] for claim in claims},
        relevant={claim: frozenset(relevant[claim]) for claim in claims},
    )


def to_chunks(claims: JudgedClaims) -> list[Chunk]:
    """Each abstract as one passage, as the published figures take it."""
    return [
        Chunk(
            chunk_id=name,
            document=name,
            title=title,
            source_type="abstracts",
            position=0,
            text=text,
        )
        for name, (title, text) in claims.documents.items()
    ]


async def index_claims(
    store: VectorStore, tenant: str, claims: JudgedClaims, embedder: TextEmbedder
) -> None:
    """Embed the corpus and put it into the store."""
    await store.ensure_collection()
    draft = await store.open_draft(tenant)
    chunks = to_chunks(claims)
    for start in range(0, len(chunks), DOCUMENTS_PER_WRITE):
        batch = chunks[start : start + DOCUMENTS_PER_WRITE]
        vectors = embedder.embed([f"{chunk.title}\n{chunk.text}" for chunk in batch])
        await draft.write(batch, vectors, {chunk.document: "1" for chunk in batch})
    await draft.publish({chunk.document for chunk in chunks})


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)
