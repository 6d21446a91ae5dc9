import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import BaseModel

from followup.cache_key import reply_key, retrieval_key
from followup.lead import CompanySize, EngagementPattern, Lead, LeadStage, Tone
from followup.request import RetrievalOptions

Json = dict[str, Any]

REPLY_PARTS = {
    "tenant": "acme",
    "approach": "rag",
    "prompt_version": "p1",
    "model_version": "m1",
    "adapter_version": "a1",
    "knowledge_base_version": "k1",
    "rules_version": "r1",
}
OPTIONS = RetrievalOptions(
    top_k=5,
    retrieval_threshold=0.7,
    source_types=("pricing", "faq"),
    source_weights={"pricing": 1.2},
    use_hybrid_search=True,
    use_reranking=True,
)
RETRIEVAL_PARTS: Json = {
    "tenant": "acme",
    "query": "what does it cost",
    "options": OPTIONS,
    "ranking_version": "r1",
    "knowledge_base_version": "k1",
}

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters())
)
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
requests = st.dictionaries(st.text(), json_values, max_size=6)


def key_of(request: Mapping[str, object] | BaseModel, **changes: str) -> str:
    return reply_key(request=request, **{**REPLY_PARTS, **changes})


def is_same_request(one: object, other: object) -> bool:
    """Equality of JSON: numbers by value, true never 1, lists in order, objects in any order."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(
            is_same_request(one[key], other[key]) for key in one
        )
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_same_request, one, other))
    return bool(one == other)


def rewritten(value: Any) -> Any:
    """The same request as another client would write it: keys reversed, whole floats as ints."""
    if isinstance(value, dict):
        return {key: rewritten(value[key]) for key in reversed(value)}
    if isinstance(value, list):
        return [rewritten(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*path, key))
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from places(item, (*path, index))


def replaced(value: Any, path: tuple[Any, ...], new: object) -> Any:
    if not path:
        return new
    changed = copy.copy(value)
    changed[path[0]] = replaced(value[path[0]], path[1:], new)
    return changed


@given(requests, requests)
def test_two_requests_share_a_key_exactly_when_they_are_equal(one: Json, other: Json) -> None:
    assert (key_of(one) == key_of(other)) == is_same_request(one, other)


@given(st.data(), requests, json_values)
def test_a_request_changed_in_one_place_has_another_key(
    data: st.DataObject, request: Json, new: object
) -> None:
    inner = [path for path in places(request) if path]
    assume(inner)
    changed = replaced(request, data.draw(st.sampled_from(inner)), new)
    assume(not is_same_request(request, changed))
    assert key_of(changed) != key_of(request)


@given(requests)
def test_key_order_and_number_form_do_not_matter(request: Json) -> None:
    assert key_of(rewritten(request)) == key_of(request)


@given(requests)
def test_a_request_read_back_from_json_has_the_same_key(request: Json) -> None:
    assert key_of(json.loads(json.dumps(request, ensure_ascii=False))) == key_of(request)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({"t": 0.7}, json.loads('{"t": 0.70}'), id="trailing zero"),
        pytest.param({"t": 1}, {"t": 1.0}, id="int and float"),
        pytest.param({"t": 0.0}, {"t": -0.0}, id="negative zero"),
        pytest.param({"o": ["a"]}, {"o": ("a",)}, id="list and tuple"),
    ],
)
def test_equal_requests_share_a_key(one: Json, other: Json) -> None:
    assert key_of(one) == key_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({"a": True}, {"a": 1}, id="true and one"),
        pytest.param({"a": 1}, {"a": "1"}, id="number and text"),
        pytest.param({"a": None}, {}, id="null and absent"),
        pytest.param({"a": None}, {"a": "null"}, id="null and its name"),
        pytest.param({"a": 2**53}, {"a": 2**53 + 1}, id="integers beyond a double"),
        pytest.param({"a": "x", "b": "y"}, {"a": 'x","b":"y'}, id="quoted separator"),
        pytest.param({"a": "𐀀"}, {"a": "\ud800\udc00"}, id="character and its surrogates"),
        pytest.param({"a": ["x", "y"]}, {"a": ["x,y"]}, id="comma in a list"),
        pytest.param({"a": ["x", "y"]}, {"a": ["y", "x"]}, id="order of a list"),
    ],
)
def test_requests_that_only_look_equal_have_different_keys(one: Json, other: Json) -> None:
    assert key_of(one) != key_of(other)


@given(
    st.dictionaries(st.sampled_from(sorted(REPLY_PARTS)), st.text()),
    st.dictionaries(st.sampled_from(sorted(REPLY_PARTS)), st.text()),
)
def test_tenant_approach_and_every_version_tell_keys_apart(
    one: dict[str, str], other: dict[str, str]
) -> None:
    are_equal = {**REPLY_PARTS, **one} == {**REPLY_PARTS, **other}
    assert (key_of({}, **one) == key_of({}, **other)) == are_equal


@pytest.mark.parametrize("separator", [":", "|", "/", "\x00", '","', " "])
def test_a_separator_in_one_part_does_not_move_the_border_to_the_next(separator: str) -> None:
    joined = key_of({}, tenant=f"a{separator}b", approach="c")
    assert joined != key_of({}, tenant="a", approach=f"b{separator}c")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"product_name": "Other"}, id="product"),
        pytest.param({"interaction_history": "Asked for a demo"}, id="history"),
        pytest.param({"lead_stage": LeadStage.DECISION}, id="stage"),
        pytest.param({"engagement_score": 70.5}, id="engagement"),
        pytest.param({"lead_score": 70}, id="score"),
        pytest.param({"days_since_contact": 0}, id="days"),
        pytest.param({"tone_required": Tone.EMPATHETIC}, id="tone"),
        pytest.param({"company_name": "TechCorp"}, id="company"),
        pytest.param({"product_category": "Billing"}, id="category"),
        pytest.param({"lead_industry": "Retail"}, id="industry"),
        pytest.param({"company_size": CompanySize.SMB}, id="size"),
        pytest.param({"engagement_pattern": EngagementPattern.DAILY}, id="pattern"),
        pytest.param({"objections_raised": ("price",)}, id="objections"),
        pytest.param({"geographic_region": "EMEA"}, id="region"),
    ],
)
def test_two_leads_of_the_same_name_never_share_a_key(change: Json) -> None:
    lead = Lead(lead_name="Sarah", product_name="Billing", interaction_history="Saw pricing")
    assert key_of(lead.model_copy(update=change)) != key_of(lead)


def test_a_model_and_its_json_share_a_key() -> None:
    lead = Lead(
        lead_name="Sarah",
        product_name="Billing",
        interaction_history="Saw pricing",
        company_size=CompanySize.SMB,
        objections_raised=("price",),
    )
    assert key_of(lead) == key_of(json.loads(lead.model_dump_json()))


def test_a_key_names_kind_and_layout_version_and_is_a_sha_256() -> None:
    prefix, version, digest = key_of({}).split(":")
    assert (prefix, version, len(digest)) == ("reply", "v1", 64)
    assert int(digest, 16) >= 0


@pytest.mark.parametrize(
    ("request_", "error", "message"),
    [
        pytest.param({"a": float("nan")}, ValueError, "number nan", id="nan"),
        pytest.param({"a": [float("inf")]}, ValueError, "number inf", id="infinity"),
        pytest.param({"a": {1: "x"}}, TypeError, "string keys, not 1", id="number as key"),
        pytest.param({"a": b"x"}, TypeError, "not of bytes", id="bytes"),
        pytest.param({"a": {"x"}}, TypeError, "not of set", id="set"),
    ],
)
def test_a_value_that_json_cannot_hold_is_an_error(
    request_: Json, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        key_of(request_)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"tenant": "other"}, id="tenant"),
        pytest.param({"query": "what does it do"}, id="query"),
        pytest.param({"ranking_version": "r2"}, id="ranking"),
        pytest.param({"knowledge_base_version": "k2"}, id="knowledge base"),
    ],
)
def test_whatever_changes_retrieval_changes_its_key(change: Json) -> None:
    assert retrieval_key(**{**RETRIEVAL_PARTS, **change}) != retrieval_key(**RETRIEVAL_PARTS)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("top_k", 6),
        ("retrieval_threshold", 0.65),
        ("source_types", ("pricing",)),
        ("source_weights", {"pricing": 1.1}),
        ("use_hybrid_search", False),
        ("use_reranking", False),
    ],
)
def test_every_option_changes_the_retrieval_key(field: str, value: object) -> None:
    options = OPTIONS.model_copy(update={field: value})
    changed = retrieval_key(**{**RETRIEVAL_PARTS, "options": options})
    assert changed != retrieval_key(**RETRIEVAL_PARTS)


def test_the_order_of_source_types_and_weights_does_not_change_the_retrieval_key() -> None:
    ordered = OPTIONS.model_copy(update={"source_weights": {"a": 1, "b": 2.0}})
    shuffled = OPTIONS.model_copy(
        update={"source_types": ("faq", "pricing", "faq"), "source_weights": {"b": 2, "a": 1.0}}
    )
    assert retrieval_key(**{**RETRIEVAL_PARTS, "options": shuffled}) == retrieval_key(
        **{**RETRIEVAL_PARTS, "options": ordered}
    )
