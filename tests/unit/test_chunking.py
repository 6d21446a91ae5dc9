import re
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.ingestion import FlagKind
from ingestion.chunking import CountTokens, chunk_document, contextual_text
from ingestion.document import Block, Document, Paragraph, Section, Table, TextKind


def count_tokens(texts: Sequence[str]) -> list[int]:
    """Words and marks, with two special tokens, as BERT's tokenizer counts before it cuts words."""
    return [len(re.findall(r"\w+|[^\w\s]", text)) + 2 for text in texts]


def count_greedily(texts: Sequence[str]) -> list[int]:
    """A tokenizer for which the whole may take more tokens than its parts together."""
    return [len(text) // 3 + text.count("\n") + 1 for text in texts]


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
    assert count_tokens([contextual_text(chunks[0])])[0] <= 32


def test_encoded_data_that_counts_as_one_token_is_cut() -> None:
    blob = "A1" * 50_000
    chunks = chunk_document(
        document(Section((), (Paragraph(blob),))), lambda texts: [3] * len(texts), 64
    )
    assert max(len(chunk.text) for chunk in chunks) <= 64 * 16
    assert "".join(chunk.text for chunk in chunks).replace(" ", "") == blob


def test_a_limit_too_small_for_text_is_refused() -> None:
    with pytest.raises(ValueError, match="max_tokens is 8; it must be at least 16"):
        chunk_document(document(), count_tokens, 8)


def test_a_line_that_leads_in_a_list_stays_with_it() -> None:
    blocks = (
        Paragraph("Word " * 24),
        Paragraph("The plans are these:"),
        Paragraph("Growth " * 24, kind=TextKind.LIST_ITEM),
    )
    chunks = chunk_document(document(Section((), blocks)), count_tokens, 48)
    assert [chunk.text[:9] for chunk in chunks] == ["Word Word", "The plans"]


def test_code_is_cut_between_its_lines() -> None:
    code = "\n".join(f"    call({number})" for number in range(40))
    chunks = chunk_document(
        document(Section((), (Paragraph(code, kind=TextKind.CODE),))), count_tokens, 32
    )
    assert len(chunks) > 1
    assert "\n".join(chunk.text for chunk in chunks) == code


def test_a_row_larger_than_a_chunk_is_cut_between_its_cells() -> None:
    header = tuple(f"Column {number}" for number in range(20))
    table = Table(header, (tuple(f"value {number}" for number in range(20)),))
    chunks = chunk_document(document(Section((), (table,))), count_tokens, 32)
    assert len(chunks) > 1
    assert all(re.fullmatch(r"(Column \d+: value \d+(; )?)+", chunk.text) for chunk in chunks)


def test_an_overlap_repeats_whole_sentences_of_the_chunk_before() -> None:
    sentences = [f"Plan {number} costs ${number}.50 per month." for number in range(40)]
    one = (Paragraph(" ".join(sentences)),)
    chunks = chunk_document(document(Section((), one)), count_tokens, 48, overlap_tokens=12)
    assert len(chunks) > 2
    for before, after in pairwise(chunks):
        repeated = after.text.split(" Plan")[0]
        assert before.text.endswith(repeated)
    assert all(sentence in " ".join(chunk.text for chunk in chunks) for sentence in sentences)


def test_a_chunk_carries_the_flags_of_its_text_only() -> None:
    blocks = (
        Paragraph("Clean. " * 10),
        Paragraph("Marked. " * 10, flags=(FlagKind.TASK_REQUEST,)),
    )
    chunks = chunk_document(document(Section((), blocks)), count_tokens, 32)
    assert [chunk.flags for chunk in chunks] == ["", "task_request"]


words = st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), min_size=1, max_size=30)
texts = st.lists(words, min_size=1, max_size=80).map(" ".join)
kinds = st.sampled_from(TextKind)
paragraph_blocks = st.builds(Paragraph, texts, kind=kinds)
code_blocks = st.lists(texts, min_size=1, max_size=4).map(
    lambda lines: Paragraph("\n".join(lines), kind=TextKind.CODE)
)
table_blocks = st.integers(min_value=2, max_value=4).flatmap(
    lambda width: st.lists(st.tuples(*[words] * width), min_size=2, max_size=5).map(
        lambda rows: Table(rows[0], tuple(rows[1:]))
    )
)
sections = st.builds(
    Section,
    st.lists(words, max_size=2).map(tuple),
    st.lists(paragraph_blocks | code_blocks | table_blocks, min_size=1, max_size=4).map(tuple),
)


def text_of(block: Block) -> str:
    if isinstance(block, Paragraph):
        return block.text
    return "".join(block.row_text(row) for row in block.rows)


def without_white_space(text: str) -> str:
    """Where text is cut, the white space and the mark between two cells may go."""
    return "".join(text.split()).replace(";", "")


@settings(max_examples=50)
@given(
    st.lists(sections, max_size=4),
    st.integers(min_value=16, max_value=64),
    st.sampled_from([(count_tokens, True), (count_tokens, False), (count_greedily, False)]),
)
def test_every_chunk_fits_and_nothing_is_lost_or_moved(
    parts: list[Section], max_tokens: int, counted: tuple[CountTokens, bool]
) -> None:
    count, counts_add_up = counted
    chunks = chunk_document(document(*parts), count, max_tokens, counts_add_up=counts_add_up)
    assert all(chunk.text.strip() for chunk in chunks)
    assert max(count([contextual_text(chunk) for chunk in chunks]), default=0) <= max_tokens
    assert [chunk.position for chunk in chunks] == list(range(len(chunks)))
    given_text = "".join(text_of(block) for part in parts for block in part.blocks)
    kept_text = "".join(chunk.text for chunk in chunks)
    assert without_white_space(kept_text) == without_white_space(given_text)


@settings(max_examples=30)
@given(st.lists(sections, min_size=1, max_size=3), st.integers(min_value=1, max_value=32))
def test_with_an_overlap_every_chunk_still_fits_and_no_text_is_lost(
    parts: list[Section], overlap_tokens: int
) -> None:
    chunks = chunk_document(document(*parts), count_tokens, 64, overlap_tokens=overlap_tokens)
    assert max(count_tokens([contextual_text(chunk) for chunk in chunks])) <= 64
    kept = without_white_space("".join(chunk.text for chunk in chunks))
    given_text = without_white_space(
        "".join(text_of(block) for part in parts for block in part.blocks)
    )
    position = 0
    for character in given_text:  # in order, with repeats between
        position = kept.index(character, position) + 1
