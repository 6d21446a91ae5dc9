"""The search query of a lead."""

import pytest

from followup.lead import Lead
from followup.query import MAX_QUESTION_WORDS, lead_words, retrieval_query


def lead(history: str, *objections: str) -> Lead:
    return Lead(
        lead_name="Sarah Chen",
        product_name="Billing Cloud",
        interaction_history=history,
        objections_raised=objections,
    )


@pytest.mark.parametrize(
    ("history", "wanted", "unwanted"),
    [
        pytest.param(
            "Asked about onboarding in May. In June asked whether invoices go out in yen.",
            "invoices go out in yen",
            "onboarding",
            id="the newest of two",
        ),
        pytest.param(
            "Saw the demo in May and liked the dashboard. Is there an API for our own shop?",
            "Is there an API for our own shop",
            "dashboard",
            id="a question mark and no verb of asking",
        ),
        pytest.param(
            "Liked the demo. Only she may release invoices above $5,000. Asked if that can be set.",
            "release invoices above $5,000",
            "demo",
            id="a question that leans on the sentence before",
        ),
        pytest.param(
            "Asked what the mid-tier plan costs for a team of ten people. Said it may be too high.",
            "it may be too high",
            "Asked",
            id="what was said after the question",
        ),
        pytest.param(
            "Subscribed to the newsletter in the spring. Told us on the phone that switching away "
            "from the old system feels risky to them.",
            "switching away from the old system",
            "newsletter",
            id="nobody asked",
        ),
    ],
)
def test_the_query_is_what_the_lead_asked_last(history: str, wanted: str, unwanted: str) -> None:
    query = retrieval_query(lead(history))
    assert wanted in query
    assert unwanted not in query


def test_product_and_objections_are_in_the_query_and_the_name_is_not() -> None:
    query = retrieval_query(lead("Asked about the price.", "too expensive", "no time"))
    assert query == "about the price. too expensive. no time. Billing Cloud"


def test_a_long_question_is_cut() -> None:
    words = [f"word{number}" for number in range(500)]
    query = retrieval_query(lead("Asked whether " + " ".join(words)))
    assert len(query.split()) == MAX_QUESTION_WORDS + 2


@pytest.mark.parametrize("history", ["…", "???", "asked", "💶"])
def test_any_history_makes_a_query(history: str) -> None:
    assert "Billing Cloud" in retrieval_query(lead(history))


def test_the_words_of_a_lead_hold_more_than_its_question() -> None:
    words = lead_words(lead("Saw the demo. Asked about the price.", "too expensive"))
    assert words == "Billing Cloud. Saw the demo. Asked about the price. too expensive"
