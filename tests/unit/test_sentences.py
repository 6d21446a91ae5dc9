"""Cutting a text into units and putting it together again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup.sentences import Unit, join_units, keep_units, split_sentences, split_units


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("One. Two! Three?", ["One.", "Two!", "Three?"], id="three-marks"),
        pytest.param("It costs $299.50 a month.", ["It costs $299.50 a month."], id="decimal"),
        pytest.param(
            "Ask Dr. Smith, e.g. today.", ["Ask Dr. Smith, e.g. today."], id="abbreviations"
        ),
        pytest.param(
            "See https://a.com/x.html?y=1. Or a.b@c.com.",
            ["See https://a.com/x.html?y=1.", "Or a.b@c.com."],
            id="link-and-email",
        ),
        pytest.param("Hi Sarah, thanks.", ["Hi Sarah,", "thanks."], id="inline-greeting"),
        pytest.param("Hi Sarah,\n\nThanks.", ["Hi Sarah,", "Thanks."], id="greeting-line"),
        pytest.param(
            "Done.\n\nBest regards,\nAlex", ["Done.", "Best regards,", "Alex"], id="sign-off"
        ),
        pytest.param(
            "It saves 15-20\nhours a week.", ["It saves 15-20 hours a week."], id="wrapped"
        ),
        pytest.param("1. First\n2. Second", ["1. First", "2. Second"], id="numbered-list"),
        pytest.param(
            "It is $299. it also helps.", ["It is $299.", "it also helps."], id="lower-case"
        ),
        pytest.param("", [], id="empty"),
        pytest.param(" \n\n ", [], id="blank"),
    ],
)
def test_a_text_is_cut_into_sentences(text: str, expected: list[str]) -> None:
    assert split_sentences(text) == expected


@given(st.text(max_size=300))
def test_no_visible_character_is_lost(text: str) -> None:
    assert "".join("".join(split_sentences(text)).split()) == "".join(text.split())


def test_joining_keeps_paragraphs() -> None:
    text = "Hi Sarah,\n\nOne. Two.\nThree.\n\nBest regards,"
    assert join_units(split_units(text)) == text


def test_a_paragraph_break_before_a_dropped_unit_stays() -> None:
    units = split_units("Hi Sarah,\n\nDrop this. Keep this.")
    assert keep_units(units, [0, 2]) == [Unit("Hi Sarah,", ""), Unit("Keep this.", "\n\n")]


@pytest.mark.parametrize(
    ("line", "greets", "signs_off"),
    [
        pytest.param("Hi Sarah,", True, False, id="greeting"),
        pytest.param("Good morning Sarah!", True, False, id="good-morning"),
        pytest.param("Best regards,", False, True, id="regards"),
        pytest.param("Thanks, Alex", False, True, id="thanks-name"),
        pytest.param("Thanks for the call last week.", False, False, id="thanks-for"),
        pytest.param("High time to talk.", False, False, id="not-hi"),
    ],
)
def test_greetings_and_sign_offs_are_told_apart(line: str, greets: bool, signs_off: bool) -> None:
    unit = Unit(line, "")
    assert (unit.is_greeting, unit.is_sign_off) == (greets, signs_off)
