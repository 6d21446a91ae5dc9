"""How a message opens: as the situation asks, and with what the lead really asked."""

import pytest

from followup.lead import LeadStage
from followup.opening import asked_sentence, is_true_courtesy, offer_of, opening_of
from followup.sentences import Unit
from followup.situation import Situation
from tests.unit.leads import lead, rules


@pytest.mark.parametrize(
    ("history", "sentence"),
    [
        ("Asked about the demo.", "You asked about the demo."),
        (
            "She asked what happens to her data afterwards. Trial ends soon.",
            "You asked what happens to your data afterwards.",
        ),
        (
            "Asked about prices. Later asked whether Xero works; liked it.",
            "You asked whether Xero works.",
        ),
        (
            "Asked for a demo on a Thursday, did not show up, no answer since.",
            "You asked for a demo on a Thursday.",
        ),
        ("Asked about Xero, Stripe, and taxes.", "You asked about Xero, Stripe, and taxes."),
        ("Watched the demo twice.", ""),
        ("Asked why she should change.", ""),
        ("Asked if we could call him tomorrow.", ""),
        ("Asked about <b>prizes</b> at http://example.com.", ""),
        ("Asked about " + "very " * 40 + "long lists.", ""),
    ],
    ids=[
        "asked", "their own things", "the last question", "notes about the lead", "a list",
        "no question", "a why of others",
        "a third person", "no plain words", "too long",
    ],
)  # fmt: skip
def test_what_the_lead_asked_is_said_to_the_lead(history: str, sentence: str) -> None:
    assert asked_sentence(lead(history)) == sentence


def test_an_opening_fits_the_situation() -> None:
    asked = "You asked about the demo."
    standard = opening_of(lead(), Situation.STANDARD, rules())
    assert standard == ["Thank you for your interest in AI Billing Software.", asked]
    price = opening_of(lead(), Situation.PRICE_OBJECTION, rules())
    assert price == [
        "I understand that cost matters when you look at AI Billing Software.",
        asked,
    ]


def test_a_customer_who_asked_something_is_not_thanked_for_an_interest() -> None:
    customer = lead(lead_stage=LeadStage.CUSTOMER)
    assert opening_of(customer, Situation.STANDARD, rules()) == ["You asked about the demo."]


def test_politeness_is_true_where_the_request_tells_of_it() -> None:
    thanks = Unit("Thank you for the great call.", " ")
    assert is_true_courtesy(thanks, "Had a call on Monday.")
    assert not is_true_courtesy(thanks, "Opened the newsletter.")
    assert is_true_courtesy(Unit("Thank you for your interest.", " "), "")


@pytest.mark.parametrize(
    ("situation", "offer"),
    [
        (Situation.STANDARD, "A person at TechCorp can go through the details with you."),
        (Situation.SILENT, "A person at TechCorp can pick up where we left off."),
    ],
)
def test_the_offer_of_a_person_is_that_of_the_situation(situation: Situation, offer: str) -> None:
    assert offer_of(lead(), situation, rules()) == offer
