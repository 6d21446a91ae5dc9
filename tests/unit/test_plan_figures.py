"""Figures of a plan or a customer said of another, and prices of something on a plan."""

import pytest

from followup.claims import ClaimKind
from followup.grounding import check_claims
from followup.passage import Chunk, Passage

REQUEST = "Esther Grigoryan\nAI Billing Software\nWants to know what Starter costs."
PROSE = (
    "The Starter plan costs $99 per month and covers 500 invoices a month. "
    "An extra invoice on the Starter plan costs $0.15. The setup of Starter is $250."
)
TABLE = "Plan: Starter; Price: $99 per month; Each further invoice: $0.15; Setup: $250"


def accused(message: str, source: str, *others: Passage) -> list[str]:
    """The reasons against the figures of a message."""
    chunk = Chunk(
        chunk_id="a",
        document="a.md",
        title="Prices",
        source_type="pricing",
        position=0,
        text=source,
    )
    verdicts = check_claims(message, (Passage(chunk=chunk, score=0.9), *others), REQUEST)
    return [v.reason for v in verdicts if v.kind is not ClaimKind.STATEMENT and not v.supported]


@pytest.mark.parametrize("source", [PROSE, TABLE], ids=["prose", "table"])
@pytest.mark.parametrize("price", ["$0.15", "$250"])
def test_a_plan_does_not_cost_what_something_on_it_costs(source: str, price: str) -> None:
    [reason] = accused(f"The Starter plan costs {price}.", source)
    assert "$99 per month" in reason


@pytest.mark.parametrize("source", [PROSE, TABLE], ids=["prose", "table"])
@pytest.mark.parametrize(
    "message",
    [
        "The Starter plan costs $99.",
        "The Starter plan is priced at $99 a month.",
        "The Starter plan costs $0.15 per extra invoice.",
        "On the Starter plan, an extra invoice costs $0.15.",
        "The setup of the Starter plan costs $250.",
    ],
)
def test_each_price_of_its_own_thing_is_supported(source: str, message: str) -> None:
    assert accused(message, source) == []


@pytest.mark.parametrize(
    ("message", "other", "source"),
    [
        pytest.param(
            "Enterprise includes 10,000 invoices a month.",
            "Growth includes 10,000 invoices a month.",
            "The Enterprise plan includes 10,000 invoices a month. "
            "The Enterprise plan includes everything in Growth, plus single sign-on.",
            id="a plan that is named as part of another only",
        ),
        pytest.param(
            "In short, Starter is for three users.",
            "In short, Enterprise is for three users.",
            "TechCorp sells AI Billing Software in three plans: Starter, Growth and Enterprise. "
            "The Starter plan fits small teams of up to 3 users. The Enterprise plan is for all.",
            id="the number of the plans",
        ),
    ],
)
def test_a_figure_is_of_whom_the_source_tells_it(message: str, other: str, source: str) -> None:
    assert accused(message, source) == []
    assert accused(other, source) != []


def test_a_customer_that_goes_live_has_its_days_for_itself() -> None:
    onboarding = "Every customer has a guide. Northwind Freight was live after 9 business days."
    story = Passage(
        chunk=Chunk(
            chunk_id="b", document="case_studies/tillerby.md", source_type="case_studies",
            title="Case Study: Tillerby Dental Group", position=0,
            text="Tillerby Dental Group lost no invoice in the switch.",
        ),
        score=0.8,
    )  # fmt: skip
    assert accused("Northwind Freight was live after 9 business days.", onboarding, story) == []
    assert accused("Tillerby Dental Group was live after 9 business days.", onboarding, story) != []
