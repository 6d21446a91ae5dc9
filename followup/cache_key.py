"""Cache keys: two requests share a key only where every byte that shapes the answer is the same.

A key is `<kind>:v1:<sha-256 hex>` over canonical JSON, so no value can imitate another field or a
separator. Raise the version when the layout of what is hashed changes.
"""

import hashlib
import json
import math
from collections.abc import Mapping

from pydantic import BaseModel

from followup.request import RetrievalOptions

KEY_VERSION = "v1"


def reply_key(
    *,
    tenant: str,
    approach: str,
    request: Mapping[str, object] | BaseModel,
    prompt_version: str,
    model_version: str,
    adapter_version: str,
    knowledge_base_version: str,
    rules_version: str,
) -> str:
    """Key of a whole reply: `request` is the normalised request, nothing of it left out.

    A mapping must hold JSON values (str, bool, int, finite float, None, list, tuple, mapping with
    string keys); anything else is a TypeError, NaN and infinity a ValueError.
    """
    return _key(
        "reply",
        {
            "tenant": tenant,
            "approach": approach,
            "request": request,
            "prompt_version": prompt_version,
            "model_version": model_version,
            "adapter_version": adapter_version,
            "knowledge_base_version": knowledge_base_version,
            "rules_version": rules_version,
        },
    )


def retrieval_key(
    *,
    tenant: str,
    query: str,
    options: RetrievalOptions,
    ranking_version: str,
    knowledge_base_version: str,
) -> str:
    """Key of the passages one query retrieves; the order of `source_types` does not matter."""
    asked = options.model_dump(mode="json")
    return _key(
        "retrieval",
        {
            "tenant": tenant,
            "query": query,
            "options": {**asked, "source_types": sorted(set(options.source_types))},
            "ranking_version": ranking_version,
            "knowledge_base_version": knowledge_base_version,
        },
    )


def _key(kind: str, content: Mapping[str, object]) -> str:
    canonical = json.dumps(
        _canonical(content), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    # surrogatepass: with escapes, a lone surrogate pair and the character it spells would collide.
    digest = hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{kind}:{KEY_VERSION}:{digest}"


def _canonical(value: object) -> object:
    """`value` with each number in one form: 1.0 as 1, -0.0 as 0. Booleans stay booleans."""
    if isinstance(value, float):
        return _canonical_float(value)
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, BaseModel):
        # Its types have made each number one form already.
        return value.model_dump(mode="json")
    if isinstance(value, list | tuple):
        return [_canonical(item) for item in value]
    if isinstance(value, Mapping):
        return {_text_key(key): _canonical(item) for key, item in value.items()}
    message = f"A cache key is made of JSON values, not of {type(value).__name__}: {value!r}."
    raise TypeError(message)


def _canonical_float(number: float) -> float | int:
    if not math.isfinite(number):
        message = f"A cache key cannot hold the number {number!r}; only finite numbers."
        raise ValueError(message)
    return int(number) if number.is_integer() else number


def _text_key(key: object) -> str:
    # json.dumps would write the keys 1 and "1" alike.
    if not isinstance(key, str):
        message = f"A cache key is made of mappings with string keys, not {key!r}."
        raise TypeError(message)
    return key
