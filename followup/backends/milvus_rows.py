"""How a chunk lies in Milvus: fields, keys, and the filters that select it.

Filters are written out because Milvus Lite 3.2 knows no filter parameters. Only values that cannot
end a string literal get into one: tenants and source types that match their patterns, and hashes.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymilvus import CollectionSchema, DataType, Function, FunctionType, MilvusClient
from pymilvus.milvus_client.index import IndexParams

from followup.backends.ranking import indexed_text
from followup.errors import InvalidInputError
from followup.passage import SOURCE_TYPE_PATTERN, TENANT_PATTERN, Chunk

KEY_CHARACTERS = 32
NOT_REMOVED = 2**62
"""`removed_in` of a row that no generation has left behind."""
MAX_TEXT_BYTES = 65_535
# Largest size of each text field, in UTF-8 bytes, which is how Milvus counts.
MAX_BYTES = {
    "chunk_id": 1_024,
    "document": 4_096,
    "title": 4_096,
    "section": 8_192,
    "text": MAX_TEXT_BYTES,
    "indexed_text": MAX_TEXT_BYTES,
    "flags": 256,
    "content_hash": 128,
}
CHUNK_FIELDS = list(Chunk.model_fields)
# The terms are prepared in followup.backends.terms: the store only has to split them.
ANALYZER = {"tokenizer": "standard", "filter": ["lowercase"]}
BM25_PARAMETERS = {"bm25_k1": 1.2, "bm25_b": 0.75}


def passage_schema(dimension: int) -> CollectionSchema:
    """Every field of `Chunk`, what is searched, and the keys."""
    schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("id", DataType.VARCHAR, is_primary=True, max_length=KEY_CHARACTERS)
    schema.add_field("tenant", DataType.VARCHAR, max_length=64, is_partition_key=True)
    schema.add_field("document_key", DataType.VARCHAR, max_length=KEY_CHARACTERS)
    schema.add_field("source_type", DataType.VARCHAR, max_length=64)
    for name, max_bytes in MAX_BYTES.items():
        if name == "indexed_text":
            schema.add_field(
                name,
                DataType.VARCHAR,
                max_length=max_bytes,
                enable_analyzer=True,
                analyzer_params=ANALYZER,
            )
        else:
            schema.add_field(name, DataType.VARCHAR, max_length=max_bytes)
    schema.add_field("page", DataType.INT64)
    schema.add_field("position", DataType.INT64)
    # A reader of generation g sees the rows with added_in <= g < removed_in.
    schema.add_field("added_in", DataType.INT64)
    schema.add_field("removed_in", DataType.INT64)
    schema.add_field("dense", DataType.FLOAT_VECTOR, dim=dimension)
    schema.add_field("sparse", DataType.SPARSE_FLOAT_VECTOR)
    schema.add_function(
        Function(
            name="bm25",
            function_type=FunctionType.BM25,
            input_field_names=["indexed_text"],
            output_field_names=["sparse"],
        )
    )
    return schema


def passage_indexes() -> IndexParams:
    """FLAT for the vectors: exact, and fast enough for the thousands of chunks a company has."""
    indexes = MilvusClient.prepare_index_params()
    indexes.add_index("dense", index_type="FLAT", metric_type="COSINE")
    indexes.add_index(
        "sparse",
        index_type="SPARSE_INVERTED_INDEX",
        metric_type="BM25",
        params=BM25_PARAMETERS,
    )
    return indexes


def row_id(tenant: str, chunk_id: str, content_hash: str) -> str:
    """Primary key. Two tenants may hold the same document, and two forms of a document the same
    chunk: both forms lie side by side until the new one is published."""
    return _key(f"{tenant}\0{content_hash}\0{chunk_id}")


def document_key(document: str) -> str:
    """A document's name as a hash, which stands in filters without any quoting."""
    return _key(document)


def to_row(
    tenant: str, chunk: Chunk, vector: NDArray[np.float32], content_hash: str, added_in: int
) -> dict[str, Any]:
    """The Milvus row of a chunk that readers see from generation `added_in` on.

    Raises:
        InvalidInputError: a text is longer than its field.
    """
    row = chunk.model_dump() | {
        "id": row_id(tenant, chunk.chunk_id, content_hash),
        "tenant": check_tenant(tenant),
        "document_key": document_key(chunk.document),
        "indexed_text": indexed_text(chunk),
        "content_hash": content_hash,
        "dense": vector,
        "added_in": added_in,
        "removed_in": NOT_REMOVED,
    }
    for name, max_bytes in MAX_BYTES.items():
        num_bytes = len(row[name].encode())
        if num_bytes > max_bytes:
            message = (
                f"Field '{name}' of a chunk of '{chunk.document[:200]}' has {num_bytes} bytes; "
                f"at most {max_bytes} are allowed."
            )
            raise InvalidInputError(message, field=name)
    return row


def check_vectors(vectors: NDArray[np.float32], *, num_rows: int, dimension: int) -> None:
    """Raises InvalidInputError unless they are finite and of shape (num_rows, dimension)."""
    expected = (num_rows, dimension)
    if vectors.shape != expected or not np.isfinite(vectors).all():
        message = (
            f"Vectors have shape {vectors.shape}; finite numbers of shape {expected} are "
            "allowed. Embed every chunk with the model of this collection."
        )
        raise InvalidInputError(message, field="vectors")


def to_chunk(row: Mapping[str, Any]) -> Chunk:
    return Chunk(**{name: row[name] for name in CHUNK_FIELDS})


def check_tenant(tenant: str) -> str:
    """The tenant itself, known to match its pattern."""
    return _matching(tenant, TENANT_PATTERN, "tenant")


def tenant_filter(tenant: str) -> str:
    return f'tenant == "{check_tenant(tenant)}"'


def visible_filter(tenant: str, generation: int) -> str:
    """The tenant's rows that a reader of this generation sees."""
    return f"{tenant_filter(tenant)} and added_in <= {generation} and removed_in > {generation}"


def search_filter(tenant: str, generation: int, source_types: Iterable[str]) -> str:
    """The tenant's visible rows, of these source types; of all where none is named."""
    expression = visible_filter(tenant, generation)
    kinds = [_matching(kind, SOURCE_TYPE_PATTERN, "source_types") for kind in source_types]
    return f"{expression} and source_type in {_literals(kinds)}" if kinds else expression


def documents_condition(documents: Iterable[str]) -> str:
    """Rows that belong to these documents, of whatever tenant."""
    return f"document_key in {_literals(sorted({document_key(name) for name in documents}))}"


def _key(text: str) -> str:
    # A lone surrogate is a legal file name on Linux and no legal UTF-8.
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:KEY_CHARACTERS]


def _literals(values: Iterable[str]) -> str:
    return "[" + ", ".join(f'"{value}"' for value in values) + "]"


def _matching(value: str, pattern: str, field: str) -> str:
    # fullmatch: `$` alone would let a newline at the end through.
    if re.fullmatch(pattern, value) is None:
        message = f"'{field}' has value {value[:100]!r}; it must match {pattern}."
        raise InvalidInputError(message, field=field)
    return value
