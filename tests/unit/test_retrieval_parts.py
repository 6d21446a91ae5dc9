"""Terms, fusion, relevance and Milvus filters, without a model or a server."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup.backends.milvus_rows import (
    documents_condition,
    row_id,
    search_filter,
    tenant_filter,
    to_row,
)
from followup.backends.ranking import Query, fuse, lexical_shares
from followup.backends.relevance import load_relevance_model
from followup.backends.terms import index_terms, query_coverage
from followup.errors import InvalidInputError
from tests.unit.candidates import make_candidate

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


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        pytest.param("The Plans cost $299", ["plan", "cost", "299"], id="plural and price"),
        pytest.param("companies company's", ["compani", "compani", "s"], id="plural in ies"),
        pytest.param("invoice invoiced invoicing", ["invoic"] * 3, id="inflections of a verb"),
        pytest.param("encrypted encryption", ["encrypt"] * 2, id="noun of a verb"),
        pytest.param("business status", ["busi", "status"], id="no plural"),
        pytest.param(
            "C# and C++, .NET Core", ["csharp", "cplusplus", "dotnet", "core"], id="signed names"
        ),
        pytest.param("a.net example.net", ["net", "exampl", "net"], id="no signed name"),
        pytest.param("snake_case e-mail", ["snake", "case", "e", "mail"], id="split words"),
        pytest.param("Größe ÜBER Straße", ["größe", "über", "straße"], id="beyond ASCII"),
        pytest.param("what is it?", [], id="only stop words"),
    ],
)
def test_terms_are_lower_case_stems_without_stop_words(text: str, terms: list[str]) -> None:
    assert index_terms(text) == terms


@given(st.text())
def test_terms_are_split_at_blanks_by_any_tokenizer(text: str) -> None:
    assert all(term.isalnum() and term == term.lower() for term in index_terms(text))


def test_coverage_counts_distinct_query_terms() -> None:
    assert query_coverage(["price", "price", "plan"], ["plan", "team"]) == 0.5
    assert query_coverage([], ["plan"]) == 0.0


def test_terms_are_the_same_in_every_thread() -> None:
    text = "Recovered payments are reported to accountants weekly"
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(index_terms, [text] * 400))
    assert all(terms == index_terms(text) for terms in found)


def test_fusion_weighs_cosine_and_bm25_relative_to_the_best() -> None:
    query = Query("plan prices", ["plan", "price"])
    candidates = [
        make_candidate("near", 0.8),
        make_candidate("worded", 0.3, bm25=40.0, text="plans and prices"),
        make_candidate("both", 0.7, bm25=20.0, text="plan"),
        make_candidate("opposite", -0.4),
    ]
    assert fuse(query, candidates, dense_weight=1.0) == pytest.approx([0.8, 0.3, 0.7, 0.0])
    assert fuse(query, candidates, dense_weight=0.0) == pytest.approx([0.0, 1.0, 0.5, 0.0])
    assert fuse(query, candidates, dense_weight=0.6) == pytest.approx([0.48, 0.58, 0.62, 0.0])


def test_bm25_counts_less_where_even_its_best_passage_holds_little_of_the_query() -> None:
    query = Query("cheaper deal for students", ["cheaper", "deal", "student", "now"])
    candidates = [make_candidate("near", 0.5), make_candidate("worded", 0.2, 9.0, text="a deal")]
    assert lexical_shares(query, candidates) == pytest.approx([0.0, 0.25])
    assert lexical_shares(query, candidates[:1]) == pytest.approx([0.0])


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


@pytest.mark.parametrize("value", HOSTILE)
def test_a_tenant_or_source_type_that_is_no_name_never_gets_into_a_filter(value: str) -> None:
    with pytest.raises(InvalidInputError, match=r"'tenant' has value .*; it must match"):
        tenant_filter(value)
    with pytest.raises(InvalidInputError, match=r"'source_types' has value .*; it must match"):
        search_filter("acme", 3, ["faq", value])


@given(st.text())
def test_a_document_name_stands_in_a_filter_only_as_a_hash(document: str) -> None:
    literal = documents_condition([document]).removeprefix("document_key in ")
    assert literal[:2] == '["'
    assert literal[-2:] == '"]'
    assert set(literal[2:-2]) <= set("0123456789abcdef")


def test_filters_name_the_tenant_and_what_was_asked_for() -> None:
    visible = 'tenant == "acme" and added_in <= 3 and removed_in > 3'
    assert search_filter("acme", 3, []) == visible
    assert (
        search_filter("acme", 3, ["faq", "case_studies"])
        == f'{visible} and source_type in ["faq", "case_studies"]'
    )


def test_two_tenants_never_share_a_row() -> None:
    assert row_id("acme", "chunk", "hash") != row_id("other", "chunk", "hash")
    assert row_id("acme", "chunk", "one") != row_id("acme", "chunk", "two"), "nor two forms"


def test_a_text_too_long_for_its_field_is_refused_by_name() -> None:
    chunk = make_candidate("a", text="é" * 40_000).chunk
    with pytest.raises(InvalidInputError, match=r"Field 'text' .* has 80000 bytes; at most 65535"):
        to_row("acme", chunk, np.zeros(3, dtype=np.float32), "0", 1)
