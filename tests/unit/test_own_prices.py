"""What a plan itself costs, and what something on it costs."""

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


def accused(message: str, source: str) -> list[str]:
    """The reasons against the prices of a message."""
    chunk = Chunk(
        chunk_id="a",
        document="a.md",
        title="Prices",
        source_type="pricing",
        position=0,
        text=source,
    )
    verdicts = check_claims(message, (Passage(chunk=chunk, score=0.9),), REQUEST)
    return [v.reason for v in verdicts if v.kind is ClaimKind.MONEY and not v.supported]


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
