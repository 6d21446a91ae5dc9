"""Checking claims against passages and the request."""

import random
import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from followup.claims import ClaimKind
from followup.grounding import Verdict, check_claims, drop_unsupported, supported_share
from followup.passage import Passage
from followup.sentences import split_sentences
from tests.unit.passages import CORVANE, NORTHWIND, PASSAGES, PLANS, REQUEST, SHEET, passage


def unsupported(message: str) -> list[str]:
    return [v.claim for v in check_claims(message, PASSAGES, REQUEST) if not v.supported]


@pytest.mark.parametrize(
    "message",
    [
        pytest.param("Our mid-tier plan costs $299/month.", id="price-by-alias"),
        pytest.param(
            "The Growth plan is two hundred ninety-nine dollars a month.", id="price-words"
        ),
        pytest.param("The Growth plan is $299.", id="rate-left-out"),
        pytest.param("The Growth plan costs $2,990 a year.", id="table-cell"),
        pytest.param("The Growth plan comes with 10 users.", id="count-in-table"),
        pytest.param("Starter costs $99 and Growth costs $299 a month.", id="two-plans"),
        pytest.param("You pay $299 a month for the Growth plan.", id="plan-after-price"),
        pytest.param("The Scale plan has a 20% discount.", id="plan-as-column"),
        pytest.param("Northwind Freight cut billing errors by 45 percent.", id="customer"),
        pytest.param("Northwind cut its errors by 45%.", id="customer-short"),
        pytest.param("Northwind Freight was live in 3 weeks.", id="it-in-the-source"),
        pytest.param("Your team could save 15 to 20 hours each week.", id="range"),
        pytest.param("The Growth plan includes Salesforce and 12 currencies.", id="list"),
        pytest.param("Extra seats are $15/user/month.", id="per-user"),
        pytest.param("Your budget is $350 a month.", id="from-request"),
        pytest.param("We can have that call next Tuesday.", id="relative-from-request"),
        pytest.param("You asked on January 15, 2026.", id="date-from-request"),
        pytest.param("Prices hold until 03/03/2026.", id="date-other-form"),
        pytest.param("Prices hold until March 2026.", id="date-less-exact"),
        pytest.param("See techcorp.example/northwind.", id="link"),
        pytest.param("See https://www.techcorp.example for more.", id="host-of-link"),
        pytest.param("Ask sales@techcorp.example or call 555-010-9999.", id="email-phone"),
        pytest.param("Hi Sarah, TechCorp AI Billing Software can help.", id="own-names"),
        pytest.param("AI Billing Software saves teams 15-20 hours a week.", id="own-product"),
        pytest.param("Sarah, your team can save 15-20 hours a week.", id="own-lead"),
        pytest.param("Thanks for the talk, it was good.", id="no-claim"),
    ],
)
def test_a_supported_claim_is_supported(message: str) -> None:
    assert unsupported(message) == []


@pytest.mark.parametrize(
    ("message", "claim"),
    [
        pytest.param("The enterprise plan costs $299/month.", "$299/month", id="other-plan"),
        pytest.param("Enterprise is $299 a month.", "$299 a month", id="other-plan-capital"),
        pytest.param("Our Enterprise plan fits. It costs $299.", "$299", id="plan-by-it"),
        pytest.param("Starter costs $299, Growth costs $99.", "$299", id="plans-swapped"),
        pytest.param("The Basic plan has a 20% discount.", "20%", id="other-column"),
        pytest.param("Northwind on the Starter plan pays $299.", "$299", id="plan-of-customer"),
        pytest.param("Corvane Software cut errors by 45%.", "45%", id="other-customer"),
        pytest.param("northwind freight recovers 71% of payments.", "71%", id="customer-lower"),
        pytest.param("Corvane was live 3 weeks after signing.", "3 weeks", id="other-it"),
        pytest.param(
            "The Starter plan includes 12 currencies.", "12 currencies", id="feature-count"
        ),
        pytest.param("The Growth plan is $299 per year.", "$299 per year", id="other-rate"),
        pytest.param("The Growth plan is €299 per month.", "€299 per month", id="other-currency"),
        pytest.param("Growth is a one-time $299.", "$299", id="one-time"),
        pytest.param(
            "Growth is $299 per user per month.", "$299 per user per month", id="per-added"
        ),
        pytest.param("Extra seats are $15 a month.", "$15 a month", id="per-dropped"),
        pytest.param("You save 15 hours a week.", "15 hours a week", id="end-of-range"),
        pytest.param("You save 15-20 hours a month.", "15-20 hours a month", id="range-rate"),
        pytest.param("The setup fee is $299.", "$299", id="about-something-else"),
        pytest.param("We serve 12 countries.", "12 countries", id="other-count"),
        pytest.param("The trial lasts 14 weeks.", "14 weeks", id="other-unit"),
        pytest.param("Let us talk next Friday.", "next Friday", id="relative"),
        pytest.param("Let us talk tomorrow.", "tomorrow", id="tomorrow"),
        pytest.param("Prices hold until 04/03/2026.", "04/03/2026", id="ambiguous-date"),
        pytest.param("Prices hold until March 4, 2026.", "March 4, 2026", id="other-day"),
        pytest.param("See techcorp.example.evil.io.", "techcorp.example.evil.io", id="link"),
        pytest.param("See techcorp.example/pay.", "techcorp.example/pay", id="path"),
        pytest.param("Ask boss@techcorp.example.", "boss@techcorp.example", id="email"),
        pytest.param("Call 555-010-9998.", "555-010-9998", id="phone"),
        pytest.param("Globex is a customer.", "Globex", id="customer-invented"),
        pytest.param("Hi Sarah Jones,", "Sarah Jones", id="surname-invented"),
        pytest.param("Our Pro plan fits.", "Pro", id="plan-invented"),
        pytest.param("The Growth plan is $２９８ a month.", "$298 a month", id="full-width"),
        pytest.param("Growth costs $3OO a month.", "$3OO", id="letters-as-digits"),
        pytest.param("Growth costs three hundred dollars.", "three hundred dollars", id="words"),
        pytest.param("Thousands of teams trust it.", "Thousands", id="vague"),
    ],
)
def test_an_unsupported_claim_is_caught(message: str, claim: str) -> None:
    assert claim.lower() in [found.lower() for found in unsupported(message)]


def test_a_verdict_names_source_and_words() -> None:
    verdict = check_claims("Northwind Freight cut errors by 45%.", PASSAGES, REQUEST)[1]
    assert verdict == Verdict(
        claim="45%",
        kind=ClaimKind.PERCENT,
        value="45 percent",
        sentence_index=0,
        supported=True,
        source="case_studies/northwind.pdf",
        evidence="Northwind Freight cut billing errors by 45%.",
    )


def test_a_verdict_says_why_a_claim_fails() -> None:
    verdict = check_claims("Corvane Software cut errors by 45%.", PASSAGES, REQUEST)[1]
    assert (verdict.source, verdict.evidence) == ("", "")
    assert "does not stand there for corvane software: Northwind" in verdict.reason


def test_a_verdict_does_not_change() -> None:
    verdict = check_claims("It costs $5.", PASSAGES, REQUEST)[0]
    with pytest.raises(ValidationError, match="frozen"):
        verdict.supported = True  # type: ignore[misc]  # the point of the test


def test_a_document_named_request_is_not_the_request() -> None:
    fake = passage("request", "She wants a call next Friday.")
    (verdict,) = check_claims("We can have that call next Friday.", [fake], REQUEST)
    assert not verdict.supported


def test_a_relative_date_quoted_from_a_document_is_still_unsupported() -> None:
    sale = passage("news.md", "The webinar takes place next Friday.")
    (verdict,) = check_claims(sale.chunk.text, [sale], REQUEST)
    assert not verdict.supported


def test_a_short_history_does_not_make_a_customer_its_own_name() -> None:
    request = "Sarah Chen\nAI Billing Software\nTechCorp\nAsked about Corvane Software"
    verdicts = check_claims("Corvane Software cut billing errors by 45%.", PASSAGES, request)
    assert [v.claim for v in verdicts if not v.supported] == ["45%"]


@pytest.mark.parametrize("source", PASSAGES, ids=lambda source: source.chunk.document)
def test_a_passage_quoted_whole_is_fully_supported(source: Passage) -> None:
    assert supported_share(check_claims(source.chunk.text, PASSAGES, REQUEST)) == 1


def test_a_message_of_passage_sentences_is_fully_supported() -> None:
    """In any order, but for sentences that begin with "it" and then mean something else."""
    rng = random.Random(7)  # noqa: S311 - the same messages each run
    sentences = [
        sentence
        for source in (PLANS, NORTHWIND, CORVANE)
        for sentence in split_sentences(source.chunk.text)
        if not sentence.startswith("It ")
    ]
    for _ in range(50):
        message = "Hi Sarah,\n\n" + " ".join(rng.sample(sentences, 3))
        assert supported_share(check_claims(message, PASSAGES, REQUEST)) == 1


@given(st.integers(2, 10**7), st.sampled_from(["${}", "{}%", "{} hours", "{} invoices", "{}"]))
def test_any_number_that_no_source_holds_is_unsupported(number: int, form: str) -> None:
    text = " ".join(p.chunk.text for p in PASSAGES) + REQUEST
    known = {
        int(found.replace(",", "")) for found in re.findall(r"\d[\d,]*", text) if found.strip(",")
    }
    if number not in known:
        assert unsupported(f"The Growth plan gives you {form.format(number)}.") != []


@given(st.integers(0, 2), st.integers(0, 9))
def test_changing_one_digit_of_a_supported_price_flips_the_verdict(place: int, digit: int) -> None:
    changed = "299"[:place] + str(digit) + "299"[place + 1 :]
    is_same = changed == "299"
    assert (unsupported(f"The Growth plan costs ${changed} a month.") == []) is is_same


@given(st.permutations(PASSAGES))
def test_the_order_of_passages_does_not_change_a_verdict(order: Sequence[Passage]) -> None:
    message = (
        "The Growth plan costs $299. Corvane cut errors by 45%. Enterprise costs $99. "
        "You save 15-20 hours a week. The Growth plan has 10 users."
    )
    verdicts = check_claims(message, order, REQUEST)
    assert [v.supported for v in verdicts] == [
        v.supported for v in check_claims(message, PASSAGES, REQUEST)
    ]


@given(st.text(max_size=300), st.text(min_size=1, max_size=300), st.text(max_size=100))
def test_no_input_makes_the_check_raise(message: str, text: str, request: str) -> None:
    verdicts = check_claims(message, [passage("a.md", text)], request)
    drop_unsupported(message, verdicts)


@pytest.mark.parametrize(
    ("supported", "share"),
    [
        pytest.param([], 1.0, id="no-claims"),
        pytest.param([True, False], 0.5, id="half"),
        pytest.param([False], 0.0, id="none"),
    ],
)
def test_the_supported_share_counts_verdicts(supported: list[bool], share: float) -> None:
    verdicts = [
        Verdict(claim="x", kind=ClaimKind.NAME, value="x", sentence_index=0, supported=value)
        for value in supported
    ]
    assert supported_share(verdicts) == share


@pytest.mark.parametrize(
    ("message", "text", "is_message"),
    [
        pytest.param(
            "Hi Sarah,\n\nThe Growth plan costs $300. Your team would save time.\n\nNo rush.",
            "Hi Sarah,\n\nYour team would save time.\n\nNo rush.",
            True,
            id="rest-is-a-message",
        ),
        pytest.param(
            "Hi Sarah,\n\nIt costs $1.\n\nNo rush.", "Hi Sarah,\n\nNo rush.", False, id="no-body"
        ),
        pytest.param(
            "Hi Zoe,\n\nThe Starter plan has users.",
            "The Starter plan has users.",
            False,
            id="no-greeting",
        ),
        pytest.param(
            "Hi Sarah,\n\nAll is well with us.",
            "Hi Sarah,\n\nAll is well with us.",
            True,
            id="nothing",
        ),
        pytest.param(
            "Hi Sarah,\n\nWe save teams much time in the kitchen.",
            "Hi Sarah,",
            False,
            id="statement-of-no-source",
        ),
        pytest.param("", "", False, id="empty"),
    ],
)
def test_unsupported_sentences_are_dropped(message: str, text: str, is_message: bool) -> None:
    repaired = drop_unsupported(message, check_claims(message, [SHEET], REQUEST))
    assert (repaired.text, repaired.is_message) == (text, is_message)
