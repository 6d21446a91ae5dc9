import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.chunking import chunk_document, contextual_text
from ingestion.document import Document, Paragraph, Section, Table


def count_tokens(text: str) -> int:
    """Words and marks, with two special tokens, as BERT's tokenizer counts before it cuts words."""
    return len(re.findall(r"\w+|[^\w\s]", text)) + 2


def document(*sections: Section, path: str = "pricing/a.md", title: str = "Plans") -> Document:
    return Document(path, title, "pricing", "markdown", sections)


def test_short_paragraphs_of_a_section_share_a_chunk_and_sections_do_not() -> None:
    chunks = chunk_document(
        document(
            Section(("Growth",), (Paragraph("Costs $299."), Paragraph("Has 10 users."))),
            Section(("Starter", "Limits"), (Paragraph("Costs $99."),)),
        ),
        count_tokens,
        64,
    )
    assert [chunk.text for chunk in chunks] == ["Costs $299.\nHas 10 users.", "Costs $99."]
    assert [chunk.section for chunk in chunks] == ["Growth", "Starter > Limits"]
    assert [chunk.position for chunk in chunks] == [0, 1]


def test_a_long_paragraph_is_cut_between_sentences() -> None:
    sentences = [f"Plan {number} costs ${number}.50 per month." for number in range(40)]
    chunks = chunk_document(
        document(Section((), (Paragraph(" ".join(sentences)),))), count_tokens, 32
    )
    assert len(chunks) > 1
    assert all(chunk.text.endswith("per month.") for chunk in chunks)
    assert " ".join(chunk.text for chunk in chunks) == " ".join(sentences)


def test_a_table_row_is_written_with_its_header_and_never_cut() -> None:
    table = Table(
        ("Plan", "Price per month", "Note"), (("Starter", "$99", ""), ("Growth", "$299", "x"))
    )
    chunks = chunk_document(document(Section((), (table,))), count_tokens, 22)
    assert [chunk.text for chunk in chunks] == [
        "Plan: Starter; Price per month: $99",
        "Plan: Growth; Price per month: $299; Note: x",
    ]


def test_a_chunk_names_the_page_on_which_it_begins() -> None:
    blocks = (Paragraph("One. " * 20, page=1), Paragraph("Two. " * 20, page=2))
    chunks = chunk_document(document(Section((), blocks)), count_tokens, 48)
    assert [(chunk.page, chunk.text[:3]) for chunk in chunks] == [(1, "One"), (2, "Two")]


def test_what_is_embedded_says_title_and_section() -> None:
    chunks = chunk_document(
        document(
            Section(("Growth",), (Paragraph("Costs $299."),)), Section((), (Paragraph("Hi."),))
        ),
        count_tokens,
        64,
    )
    assert contextual_text(chunks[0]) == "Plans > Growth\nCosts $299."
    assert contextual_text(chunks[1]) == "Plans\nHi."


def test_ids_are_stable_and_differ_by_path_position_and_text() -> None:
    sections = (Section((), (Paragraph("Same."),)), Section((), (Paragraph("Same."),)))
    first = chunk_document(document(*sections), count_tokens, 64)
    again = chunk_document(document(*sections), count_tokens, 64)
    elsewhere = chunk_document(document(*sections, path="pricing/b.md"), count_tokens, 64)
    changed = chunk_document(
        document(Section((), (Paragraph("Other."),)), sections[1]), count_tokens, 64
    )
    assert [chunk.chunk_id for chunk in first] == [chunk.chunk_id for chunk in again]
    assert len({chunk.chunk_id for chunk in [*first, *elsewhere]}) == 4
    assert changed[0].chunk_id != first[0].chunk_id
    assert changed[1].chunk_id == first[1].chunk_id


def test_too_long_a_title_and_path_are_cut_before_the_text_is() -> None:
    long = " ".join(["word"] * 60)
    chunks = chunk_document(
        document(Section((long, "Inner"), (Paragraph("Costs $299."),)), title=long),
        count_tokens,
        32,
    )
    assert chunks[0].text == "Costs $299."
    assert count_tokens(contextual_text(chunks[0])) <= 32


def test_encoded_data_that_counts_as_one_token_is_cut() -> None:
    blob = "A1" * 50_000
    chunks = chunk_document(document(Section((), (Paragraph(blob),))), lambda _: 3, 64)
    assert max(len(chunk.text) for chunk in chunks) <= 64 * 16
    assert "".join(chunk.text for chunk in chunks).replace(" ", "") == blob


def test_a_limit_too_small_for_text_is_refused() -> None:
    with pytest.raises(ValueError, match="max_tokens is 8; it must be at least 16"):
        chunk_document(document(), count_tokens, 8)


words = st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), min_size=1, max_size=30)
texts = st.lists(words, min_size=1, max_size=80).map(" ".join)


@given(
    st.lists(st.tuples(st.lists(words, max_size=2), st.lists(texts, min_size=1)), max_size=4),
    st.integers(min_value=16, max_value=64),
)
def test_every_chunk_fits_and_no_character_is_lost(
    parts: list[tuple[list[str], list[str]]], max_tokens: int
) -> None:
    sections = [
        Section(tuple(path), tuple(Paragraph(text) for text in paragraphs))
        for path, paragraphs in parts
    ]
    chunks = chunk_document(document(*sections), count_tokens, max_tokens)
    assert all(count_tokens(contextual_text(chunk)) <= max_tokens for chunk in chunks)
    given_text = "".join("".join(paragraphs) for _, paragraphs in parts)
    kept_text = "".join(chunk.text for chunk in chunks)
    assert "".join(kept_text.split()) == "".join(given_text.split())
