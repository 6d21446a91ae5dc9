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
            "Liked the demo. Asked about single sign-on.",
            "single sign-on",
            "demo",
            id="a short question that stands alone",
        ),
        pytest.param(
            "Liked the demo. Wrote that they ship to Norway. Asked for more.",
            "Norway",
            "demo",
            id="words of asking and nothing else",
        ),
        pytest.param(
            "Liked the demo. Asked: We are on release 0.8 of the billing service. What must change "
            "in our set-up before we take the next one?",
            "release 0.8",
            "demo",
            id="a question told in the lead's own sentences",
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
    assert wanted in query.meaning
    assert unwanted not in query.words


def test_objections_are_in_the_query_and_the_name_is_not() -> None:
    query = retrieval_query(lead("Asked about the price.", "too expensive", "no time"))
    assert query.meaning == "the price. too expensive. no time"


def test_the_product_is_looked_for_and_colours_half_of_what_is_embedded() -> None:
    query = retrieval_query(lead("Asked about backups."))
    assert query.meaning == "backups"
    assert query.embedded == ("backups", "backups. Billing Cloud")
    assert query.words == "backups\nBilling Cloud"


def test_a_long_question_is_cut() -> None:
    words = [f"word{number}" for number in range(500)]
    query = retrieval_query(lead("Asked whether " + " ".join(words)))
    assert len(query.meaning.split()) == MAX_QUESTION_WORDS


def test_a_lead_that_asks_nothing_is_told_of_the_product() -> None:
    query = retrieval_query(lead("Opened the newsletter once. No reply to two e-mails."))
    assert query.meaning == "No reply to two e-mails. Billing Cloud"
    assert query.embedded == (query.meaning,)
    assert not query.topic


def test_a_lead_that_tells_of_its_trade_has_named_a_topic_without_asking() -> None:
    told = "Runs a gym chain and bills members the same amount every month"
    query = retrieval_query(lead(f"Filled in the form. {told}"))
    assert query.topic == query.meaning == told
    assert query.embedded == (told, f"{told}. Billing Cloud")


def test_a_question_in_quotation_marks_is_what_was_asked() -> None:
    query = retrieval_query(lead('Wrote: "Do you have an API?" Works at a bank.'))
    assert "Do you have an API?" in query.topic


@pytest.mark.parametrize("history", ["…", "???", "asked", "💶"])
def test_a_history_without_a_word_asks_for_the_product(history: str) -> None:
    query = retrieval_query(lead(history))
    assert "Billing Cloud" in query.meaning
    assert "Billing Cloud" in query.words


def test_the_words_of_a_lead_hold_more_than_its_question() -> None:
    words = lead_words(lead("Saw the demo. Asked about the price.", "too expensive"))
    assert words == "Billing Cloud. Saw the demo. Asked about the price. too expensive"
