"""Finding phrases however they are typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup.phrases import has_phrase


@pytest.mark.parametrize(
    "text",
    [
        "Please ACT  NOW.",
        "act\u00a0now",
        "a\u200bct now",
        "act\u200bnow",
        "act-now",
        "ａｃｔ ｎｏｗ",
        "act, now!",
        "ACT\nNOW",
        "Act *now*",
        "act_now",
        "act.now",
        "\u0430ct n\u043ew",
        "\u00e1ct now",
        "a c t now",
        "a-c-t-n-o-w",
    ],
)
def test_a_phrase_is_found_in_any_writing(text: str) -> None:
    assert has_phrase(text, ("act now",))


@pytest.mark.parametrize(
    "text",
    ["The impact now shows.", "react now", "act nowhere", "They act. Now we wait.", "", "I am a C"],
)
def test_words_that_only_hold_a_phrase_are_no_phrase(text: str) -> None:
    assert has_phrase(text, ("act now",)) == ""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("I am just checking in.", True, id="next-to-each-other"),
        pytest.param("I just wanted to check in.", True, id="two-words-between"),
        pytest.param("Just a very quick note to check in.", False, id="too-far"),
        pytest.param("Just so. Check in at nine.", False, id="next-sentence"),
        pytest.param("The checklist is just in.", False, id="other-order"),
    ],
)
def test_a_phrase_with_a_gap_and_any_ending(text: str, *, found: bool) -> None:
    assert bool(has_phrase(text, ("just ... check* in",))) is found


def test_no_phrases_find_nothing() -> None:
    assert has_phrase("act now", ()) == ""
    assert has_phrase("act now", ("...", "!")) == ""


@given(st.text(max_size=300), st.lists(st.text(max_size=20), max_size=4))
def test_no_text_and_no_phrase_make_it_raise(text: str, phrases: list[str]) -> None:
    has_phrase(text, phrases)
