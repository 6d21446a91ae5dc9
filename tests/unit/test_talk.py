"""Which sentences are talk between writer and reader, and what they state beyond it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup.talk import checkable_part


@pytest.mark.parametrize(
    "sentence",
    [
        "Thank you so much for your patience.",
        "Thanks again for walking me through your set-up last week.",
        "It was a pleasure to speak with you.",
        "I looked into the questions that you sent.",
        "I’m around all afternoon.",
        "Let me know which of these matters most.",
        "Just drop me a line when it suits.",
        "If that works, we could talk it through in the afternoon.",
        "Whatever you choose, I'm happy to support you.",
        "That sounds stressful, and I would love to make it easier.",
        "I understand that your calendar is packed.",
        "There is no obligation whatsoever.",
        "Here are the answers in short.",
        "Please have a look whenever it suits you.",
    ],
)
def test_talk_states_nothing(sentence: str) -> None:
    assert checkable_part(sentence) == ""


@pytest.mark.parametrize(
    ("sentence", "stated"),
    [
        ("Invoices are matched every night.", "Invoices are matched every night."),
        ("See every open invoice on one page.", "See every open invoice on one page."),
        ("I can offer you unlimited seats.", "I can offer you unlimited seats."),
        (
            "I wanted to mention that Growth includes audit logs.",
            "Growth includes audit logs.",
        ),
        ("Good to know: reminders go out by themselves.", "reminders go out by themselves."),
        ("As you asked about it, reminders are automatic.", "reminders are automatic."),
        ("Thanks for asking, and reminders are automatic.", "reminders are automatic."),
        ("Iceland is part of the European region.", "Iceland is part of the European region."),
    ],
)
def test_what_talk_states_is_left(sentence: str, stated: str) -> None:
    assert checkable_part(sentence) == stated


@given(st.text(max_size=200))
def test_the_part_is_a_part_of_the_sentence(sentence: str) -> None:
    plain = sentence.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    assert checkable_part(sentence).replace("\N{RIGHT SINGLE QUOTATION MARK}", "'") in plain
