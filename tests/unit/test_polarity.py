"""Denials, opposites, and sources that say otherwise."""

import pytest

from followup.claims import read_sentence
from followup.contradiction import ContradictionFinder
from followup.evidence_subjects import EvidenceSubjects
from followup.known_names import known_names
from followup.relations import Relations
from followup.sources import read_sources
from tests.unit.passages import passage

PLANS = passage(
    "plans.md",
    "The Growth plan includes everything in Starter, plus Salesforce, payment recovery and audit "
    "logs. Single sign-on is part of the Enterprise plan only. The Starter plan does not include "
    "phone support. You need no credit card for the free trial. We do not store card numbers. "
    "Customers recover 71% of failed payments. Yearly plans can be "
    "cancelled in May. Backups run every night and are kept for 30 days. "
    "Prices never rise during a contract. Teams reduce manual work and increase cash flow. "
    "Reminders increase the number of invoices that are paid on time.",
)
FAQ = passage(
    "faq.html",
    "Is there a setup fee on any plan?\nNo.\n"
    "Can I cancel a monthly plan at any time?\nYes, always.",
)
INTEGRATION = passage(
    "salesforce.md", "The Salesforce integration is set up in half an hour. It needs no code."
)
PRICES = passage("prices.md", "| Plan | Price |\n|---|---|\n| Unleashed | $39 per user/month |")
TABLE = passage(
    "table.md",
    "| Feature | Starter | Growth |\n|---|---|---|\n| Data residency | No | Yes |",
)
SOURCES = read_sources((PLANS, FAQ, TABLE, INTEGRATION, PRICES), "Sarah Chen\nAI Billing Software")


def contradicted(sentence: str) -> str:
    relations = Relations(SOURCES, EvidenceSubjects(known_names(SOURCES, frozenset())))
    finder = ContradictionFinder(SOURCES, relations, known=frozenset(), own=frozenset())
    read = read_sentence(sentence)
    found = finder.find(read, relations.subjects_of(read))
    return found.evidence if found else ""


@pytest.mark.parametrize(
    "sentence",
    [
        pytest.param("The Growth plan does not include audit logs.", id="does-not"),
        pytest.param("The Growth plan doesn't include payment recovery.", id="contraction"),
        pytest.param("Payment recovery is not part of the Growth plan.", id="other-order"),
        pytest.param("The Growth plan comes without payment recovery.", id="without"),
        pytest.param("The Growth plan excludes Salesforce and audit logs.", id="excludes"),
        pytest.param("Single sign-on isn't part of the Enterprise plan.", id="isnt"),
        pytest.param("Customers never recover 71% of failed payments.", id="never"),
        pytest.param("Backups are not kept for thirty days.", id="figure-in-words"),
        pytest.param("You cannot cancel yearly plans in May.", id="doubled-consonant"),
        pytest.param("The Starter plan includes phone support.", id="denial-dropped"),
        pytest.param("You need a credit card for the free trial.", id="no-dropped"),
        pytest.param("We store card numbers.", id="do-not-dropped"),
        pytest.param("Prices rise during a contract.", id="never-dropped"),
        pytest.param("There is a setup fee on every plan.", id="answered-with-no"),
        pytest.param("You cannot cancel a monthly plan at any time.", id="answered-with-yes"),
        pytest.param("Data residency is included in Starter.", id="cell-says-no"),
        pytest.param("Growth does not offer data residency.", id="cell-says-yes"),
        pytest.param(
            "Reminders reduce the number of invoices that are paid on time.", id="antonym"
        ),
        pytest.param("The Salesforce integration needs code.", id="it-in-the-source"),
        pytest.param("A month on Unleashed is not $39 per user.", id="figure-in-a-cell"),
        pytest.param(
            "Good news for you: the Growth plan does not include audit logs.", id="one-clause"
        ),
    ],
)
def test_the_opposite_of_a_source_is_found(sentence: str) -> None:
    assert contradicted(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        pytest.param("The Growth plan includes payment recovery and audit logs.", id="same"),
        pytest.param("The Starter plan does not include phone support.", id="same-denial"),
        pytest.param("Phone support is not part of the Starter plan.", id="denial-other-words"),
        pytest.param("You can start the free trial without a credit card.", id="no-is-without"),
        pytest.param("Your card numbers are never stored.", id="not-is-never"),
        pytest.param("Data residency comes with Growth but not with Starter.", id="both-cells"),
        pytest.param("No plan has a setup fee.", id="answered-with-no"),
        pytest.param("You can cancel a monthly plan at any time.", id="answered-with-yes"),
        pytest.param("Teams cut manual work and raise cash flow.", id="synonyms"),
        pytest.param("If you do not need audit logs, Starter is enough.", id="condition"),
        pytest.param("The Growth plan includes not only Salesforce but audit logs.", id="not-only"),
        pytest.param("No pressure, the free trial needs no credit card.", id="no-pressure"),
        pytest.param("The weather was not good on Tuesday.", id="about-something-else"),
        pytest.param("", id="empty"),
    ],
)
def test_a_sentence_that_agrees_or_speaks_of_something_else_is_not_accused(sentence: str) -> None:
    assert contradicted(sentence) == ""


def test_the_evidence_is_the_words_that_say_otherwise() -> None:
    assert contradicted("You need a credit card for the free trial.") == (
        "You need no credit card for the free trial."
    )
