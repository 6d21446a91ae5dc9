"""Counting the questions of a message."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup.questions import first_questions, num_questions
from followup.sentences import Unit

QUESTIONS = [
    pytest.param("Would a demo help?", 1, id="one"),
    pytest.param("A demo helps.", 0, id="none"),
    pytest.param("Would a demo help and which day suits you?", 2, id="joined-by-and"),
    pytest.param("Would a demo help, or should we talk first?", 2, id="joined-by-or"),
    pytest.param("Is Monday fine?Is Tuesday?", 2, id="no-space"),
    pytest.param("Really?!", 1, id="marks-in-a-row"),
    pytest.param("Could you tell me what you need and how it would help?", 1, id="embedded"),
    pytest.param("Would Monday or Tuesday suit you?", 1, id="choice"),
    pytest.param("See https://example.com/a?b=1&c=2 for more.", 0, id="link"),
    pytest.param("Have you seen https://example.com/a?b=1?", 1, id="link-then-mark"),
    pytest.param("Did you get it\uff1f", 1, id="full-width"),
]


@pytest.mark.parametrize(("text", "count"), QUESTIONS)
def test_questions_are_counted(text: str, count: int) -> None:
    assert num_questions(Unit(text, "")) == count


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        pytest.param(
            "Would a demo help and which day suits you?", "Would a demo help?", id="joined"
        ),
        pytest.param("Is Monday fine?Is Tuesday?", "Is Monday fine?", id="no-space"),
        pytest.param("Would a demo help?", "Would a demo help?", id="one"),
    ],
)
def test_the_first_question_is_kept_whole(text: str, kept: str) -> None:
    assert first_questions(Unit(text, ""), 1).text == kept


@given(st.text(max_size=200))
def test_what_is_kept_asks_no_more_than_allowed(text: str) -> None:
    kept = first_questions(Unit(text, ""), 1)
    assert num_questions(kept) <= max(1, num_questions(Unit(text, "")))
    assert num_questions(kept) <= 1 or num_questions(Unit(text, "")) <= 1
