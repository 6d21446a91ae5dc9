"""Terms, fusion, relevance and Milvus filters, without a model or a server."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup.backends.milvus_rows import (
    documents_filter,
    ids_filter,
    row_id,
    search_filter,
    tenant_filter,
    to_row,
)
from followup.backends.ranking import Candidate, fuse, to_passage
from followup.backends.relevance import load_relevance_model
from followup.backends.terms import index_terms, query_coverage
from followup.errors import InvalidInputError
from followup.passage import Chunk

HOSTILE = [
    pytest.param('acme" or tenant == "other', id="closing the quote"),
    pytest.param('acme" or 1 == 1 or tenant == "', id="always true"),
    pytest.param("acme\n", id="newline at the end"),
    pytest.param("acme\\", id="backslash"),
    pytest.param("%", id="wildcard"),
    pytest.param("Acme", id="upper case"),
    pytest.param("", id="empty"),
    pytest.param("a" * 64, id="too long"),
]


def make_candidate(
    name: str, cosine: float, bm25: float | None = None, source_type: str = "faq", text: str = "x"
) -> Candidate:
    chunk = Chunk(
        chunk_id=name, document=name, title="", source_type=source_type, position=0, text=text
    )
    return Candidate(chunk=chunk, cosine=cosine, bm25=bm25)


def names(candidates: list[Candidate]) -> list[str]:
    return [candidate.chunk.chunk_id for candidate in candidates]


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        pytest.param("The Plans cost $299", ["plan", "cost", "299"], id="plural and price"),
        pytest.param("companies, policies; dies", ["company", "policy", "die"], id="ies"),
        pytest.param("invoices and taxes", ["invoice", "taxe"], id="es"),
        pytest.param("business status is bonus", ["business", "status", "bonus"], id="ss and us"),
        pytest.param("snake_case e-mail", ["snake", "case", "e", "mail"], id="split words"),
        pytest.param("Größe ÜBER Straße", ["größe", "über", "straße"], id="beyond ASCII"),
        pytest.param("what is it?", [], id="only stop words"),
    ],
)
def test_terms_are_lower_case_singular_words_without_stop_words(
    text: str, terms: list[str]
) -> None:
    assert index_terms(text) == terms


@given(st.text())
def test_terms_are_split_at_blanks_by_any_tokenizer(text: str) -> None:
    assert all(term.isalnum() and term == term.lower() for term in index_terms(text))


def test_coverage_counts_distinct_query_terms() -> None:
    assert query_coverage(["price", "price", "plan"], ["plan", "team"]) == 0.5
    assert query_coverage([], ["plan"]) == 0.0


def test_fusion_weighs_cosine_and_bm25_relative_to_the_best() -> None:
    near = make_candidate("near", 0.8)
    worded = make_candidate("worded", 0.3, bm25=40.0)
    both = make_candidate("both", 0.7, bm25=20.0)
    candidates = [near, worded, both]
    assert names(fuse(candidates, dense_weight=1.0, source_weights={})) == [
        "near",
        "both",
        "worded",
    ]
    assert names(fuse(candidates, dense_weight=0.0, source_weights={}))[0] == "worded"
    # 0.6 * 0.7 + 0.4 * 0.5 = 0.62; 0.6 * 0.3 + 0.4 = 0.58; 0.6 * 0.8 = 0.48
    assert names(fuse(candidates, dense_weight=0.6, source_weights={})) == [
        "both",
        "worded",
        "near",
    ]


def test_a_source_weight_moves_a_passage_in_the_order_and_not_in_its_score() -> None:
    faq = make_candidate("faq", 0.6)
    pricing = make_candidate("pricing", 0.55, source_type="pricing")
    plain = fuse([faq, pricing], dense_weight=0.5, source_weights={})
    weighted = fuse([faq, pricing], dense_weight=0.5, source_weights={"pricing": 1.2})
    assert names(plain) == ["faq", "pricing"]
    assert names(weighted) == ["pricing", "faq"]
    model = load_relevance_model()
    scores = {c.chunk.chunk_id: to_passage(c, ["x"], model).score for c in plain}
    assert {c.chunk.chunk_id: to_passage(c, ["x"], model).score for c in weighted} == scores


def test_a_weight_above_one_never_pushes_a_passage_down() -> None:
    opposite = make_candidate("b", -0.1, source_type="pricing")
    other = make_candidate("a", -0.2)
    order = fuse([opposite, other], dense_weight=1.0, source_weights={"pricing": 1e6})
    assert names(order) == ["a", "b"], "both count as 0 and go by name"


@given(
    st.permutations([make_candidate(name, 0.5, bm25=3.0) for name in "abcd"]),
)
def test_equal_candidates_always_come_in_the_same_order(candidates: list[Candidate]) -> None:
    assert names(fuse(candidates, dense_weight=0.5, source_weights={})) == list("abcd")


@given(
    cosine=st.floats(min_value=-1, max_value=1),
    coverage=st.floats(min_value=0, max_value=1),
    step=st.floats(min_value=0, max_value=0.5),
)
def test_relevance_is_a_probability_that_grows_with_both_features(
    cosine: float, coverage: float, step: float
) -> None:
    model = load_relevance_model()
    score = model.score(cosine, coverage)
    assert 0 <= score <= 1
    assert model.score(cosine + step, coverage) >= score
    assert model.score(cosine, coverage + step) >= score


def test_a_passage_carries_its_raw_scores_and_counts_title_and_section() -> None:
    chunk = Chunk(
        chunk_id="a", document="a", title="Prices", section="Teams", source_type="pricing",
        position=0, text="299 dollars",
    )  # fmt: skip
    candidate = Candidate(chunk=chunk, cosine=0.5, bm25=7.5)
    model = load_relevance_model()
    passage = to_passage(candidate, index_terms("price for a team"), model)
    assert (passage.dense_score, passage.bm25_score) == (0.5, 7.5)
    assert passage.score == model.score(0.5, 1.0)


@pytest.mark.parametrize("value", HOSTILE)
def test_a_tenant_or_source_type_that_is_no_name_never_gets_into_a_filter(value: str) -> None:
    with pytest.raises(InvalidInputError, match=r"'tenant' has value .*; it must match"):
        tenant_filter(value)
    with pytest.raises(InvalidInputError, match=r"'source_types' has value .*; it must match"):
        search_filter("acme", ["faq", value])


def test_a_row_id_that_is_no_hash_never_gets_into_a_filter() -> None:
    with pytest.raises(InvalidInputError, match="'id' has value"):
        ids_filter("acme", ['" or tenant == "other'])


@given(st.text())
def test_a_document_name_stands_in_a_filter_only_as_a_hash(document: str) -> None:
    literal = documents_filter("acme", [document]).removeprefix(
        'tenant == "acme" and document_key in '
    )
    assert literal[:2] == '["'
    assert literal[-2:] == '"]'
    assert set(literal[2:-2]) <= set("0123456789abcdef")


def test_filters_name_the_tenant_and_what_was_asked_for() -> None:
    assert search_filter("acme", []) == 'tenant == "acme"'
    assert (
        search_filter("acme", ["faq", "case_studies"])
        == 'tenant == "acme" and source_type in ["faq", "case_studies"]'
    )


def test_two_tenants_never_share_a_row() -> None:
    assert row_id("acme", "chunk") != row_id("other", "chunk")
    assert row_id("a", "b\0c") != row_id("a\0b", "d")


def test_a_text_too_long_for_its_field_is_refused_by_name() -> None:
    chunk = make_candidate("a", 0.0, text="é" * 40_000).chunk
    with pytest.raises(InvalidInputError, match=r"Field 'text' .* has 80000 bytes; at most 65535"):
        to_row("acme", chunk, np.zeros(3, dtype=np.float32), "0")
