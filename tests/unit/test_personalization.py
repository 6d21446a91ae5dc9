"""How much of a lead a message uses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup.personalization import personalization_score
from tests.unit.leads import lead

BARE = "Hello, we can help."
FULL = {
    "lead_industry": "logistics",
    "objections_raised": ["setup is hard"],
    "company_size": "startup",
    "geographic_region": "Nordics",
}
HISTORY = "Asked about Salesforce webhooks and currencies."


def test_a_message_that_uses_nothing_scores_zero() -> None:
    assert personalization_score(BARE, lead(HISTORY, **FULL)) == 0


def test_a_message_that_uses_everything_scores_one() -> None:
    message = (
        "Hi Sarah, TechCorp AI Billing Software helps a logistics startup in the Nordics: setup is "
        "easy, with Salesforce, webhooks and currencies."
    )
    assert personalization_score(message, lead(HISTORY, **FULL)) == pytest.approx(1)


def test_only_known_fields_count() -> None:
    bare = lead(HISTORY, company_name="")
    assert personalization_score("Hi Sarah.", bare) == pytest.approx(0.2 / 0.6)


@pytest.mark.parametrize(
    ("added", "gain"),
    [
        pytest.param(" Sarah", 0.2, id="name"),
        pytest.param(" TechCorp", 0.1, id="company"),
        pytest.param(" AI Billing Software", 0.15, id="product"),
        pytest.param(" logistics", 0.15, id="industry"),
        pytest.param(" Salesforce webhook currency", 0.25, id="history"),
        pytest.param(" Salesforce", 0.25 / 3, id="one-topic"),
        pytest.param(" setup", 0.1, id="objection"),
        pytest.param(" startup", 0.025, id="size"),
    ],
)
def test_each_field_adds_its_weight(added: str, gain: float) -> None:
    score = personalization_score(BARE + added, lead(HISTORY, **FULL))
    assert score == pytest.approx(gain)


@given(st.text(max_size=300))
def test_the_score_stays_between_zero_and_one(message: str) -> None:
    assert 0 <= personalization_score(message, lead(HISTORY, **FULL)) <= 1
