"""A value or name counts only where the sources say it of the same thing, and as strictly."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup.grounding import check_claims
from followup.passage import Passage
from tests.unit.passages import PASSAGES, REQUEST, passage

SHOP = (
    passage(
        "pricing/plans.md",
        "Plan: Basic; Price per month: $40; Price per year: $400; Seats: 4\n"
        "Plan: Plus (recommended); Price per month: $90; Price per year: $900; Seats: 12\n"
        "Plan: Max; Price per month: from $250; Price per year: from $2,500; Seats: Unlimited\n"
        "The Plus plan is the recommended plan. No plan has a setup fee.",
        title="Plans",
    ),
    passage(
        "features/plans.md",
        "Audit logs are part of the Max plan. The Plus plan includes everything in Basic, plus "
        "shared inboxes. Basic includes e-mail templates. Backups are kept for 30 days on every "
        "plan. Phone support for the Max plan is open 24 hours a day, 7 days a week. "
        "The free trial lasts 14 days. Trial data is kept for 60 days.",
        title="Features",
    ),
    passage(
        "case_studies/veldt.md",
        "Veldt Logistics is a shipping company with 80 employees. Veldt Logistics cut wrong "
        "deliveries by 37%. Veldt Logistics went from 52 calls a day to 20. It answers twice as "
        "fast.",
        title="Case Study: Veldt Logistics",
    ),
    passage(
        "case_studies/omnira.md",
        "Omnira Clinics recovers up to 64% of missed visits. Omnira Clinics was live in less than "
        "3 weeks. More than 200 nurses use it. Teams save 5-9 hours a week. Set-up takes about 2 "
        "hours.",
        title="Case Study: Omnira Clinics",
    ),
    passage(
        "faq/contact.md",
        "Call +1 555 010 4477 or write to hello@shop.example. See docs.shop.example/start. "
        "Version 2.4.1 was released on May 7, 2026. Nodes need 2vCPUs and 8GB of memory.",
        title="Contact",
    ),
)
ASKED = "Ada Byron\nDeskly\nShop Inc\nAda asked about the recommended plan."


def unsupported(
    message: str, passages: Sequence[Passage] = SHOP, request: str = ASKED
) -> list[str]:
    return [v.claim for v in check_claims(message, passages, request) if not v.supported]


@pytest.mark.parametrize(
    "message",
    [
        pytest.param("Omnira Clinics recovers up to 64% of missed visits.", id="same-bound"),
        pytest.param("Omnira Clinics recovers as much as 64% of missed visits.", id="bound-words"),
        pytest.param("Veldt Logistics cut wrong deliveries by up to 37%.", id="looser-bound"),
        pytest.param("Veldt Logistics cut wrong deliveries by about 37%.", id="rounded"),
        pytest.param("At Omnira Clinics set-up takes 2 hours.", id="source-rounds"),
        pytest.param("More than 200 nurses use it at Omnira Clinics.", id="more-than"),
        pytest.param("At least 200 nurses use it at Omnira Clinics.", id="at-least-of-more"),
        pytest.param("200+ nurses use it at Omnira Clinics.", id="plus-sign"),
        pytest.param("The Max plan starts at $250 a month.", id="from-price"),
        pytest.param("Teams save up to 9 hours a week.", id="end-of-range"),
        pytest.param("Teams save from 5 to 9 hours a week.", id="range-from-to"),
        pytest.param("Basic, Plus and Max are $40, $90 and from $250 a month.", id="lists"),
        pytest.param(
            "You pay $40 or $90 a month for Basic and Plus, respectively.", id="lists-for"
        ),
        pytest.param("Veldt Logistics went from 52 calls a day down to 20.", id="change"),
        pytest.param("The free trial lasts two weeks.", id="days-as-weeks"),
        pytest.param("On the Plus plan, backups are kept for 30 days.", id="said-of-every-plan"),
        pytest.param("The Plus plan includes e-mail templates.", id="included-plan"),
        pytest.param("Max comes with 24/7 phone support.", id="always-on"),
        pytest.param("Plus, the recommended plan, costs $90 a month.", id="role-beside-name"),
        pytest.param("Veldt Logistics answers two times as fast.", id="twice"),
        pytest.param("Nodes need 2 vCPUs.", id="space-before-unit"),
        pytest.param("The Basic plan has no setup fee.", id="denied-by-source"),
    ],
)
def test_what_the_sources_say_is_supported(message: str) -> None:
    assert unsupported(message) == []


@pytest.mark.parametrize(
    ("message", "claim"),
    [
        pytest.param("Omnira Clinics recovers 64% of missed visits.", "64%", id="bound-dropped"),
        pytest.param("Omnira Clinics recovers over 64% of missed visits.", "64%", id="over-up-to"),
        pytest.param("Veldt Logistics cut wrong deliveries by over 37%.", "37%", id="over-exact"),
        pytest.param("The Max plan costs $250 a month.", "$250 a month", id="from-dropped"),
        pytest.param("Less than 200 nurses use it.", "200 nurses", id="less-for-more"),
        pytest.param("Teams save 9 hours a week.", "9 hours a week", id="one-end-of-range"),
        pytest.param("Teams save at least 9 hours a week.", "9 hours a week", id="wrong-end"),
        pytest.param("The setup fee is $90.", "$90", id="fee"),
        pytest.param("The Plus plan has a one-time setup fee of $90.", "$90", id="fee-of-plan"),
        pytest.param("The Plus plan comes with a $90 discount.", "$90", id="discount"),
        pytest.param("Premium costs $90 a month.", "$90 a month", id="unknown-plan"),
        pytest.param("Standard costs $90 a month.", "$90 a month", id="common-word-plan"),
        pytest.param("The free trial lasts 60 days.", "60 days", id="better-said-elsewhere"),
        pytest.param("Basic, Plus and Max are $90, $40 and from $250 a month.", "$90", id="lists"),
        pytest.param(
            "Veldt Logistics and Omnira Clinics cut wrong deliveries by 37%.", "37%", id="beside"
        ),
        pytest.param("Veldt Logistics recovers up to 64% of missed visits.", "64%", id="customer"),
        pytest.param("Shell cut wrong deliveries by 37%.", "Shell", id="invented-customer"),
        pytest.param("Plus comes with 24/7 phone support.", "24/7", id="always-on-of-other"),
        pytest.param("The Max plan is the recommended plan.", "Max plan", id="role-swapped"),
        pytest.param("Our recommended plan, Max, fits you.", "recommended plan", id="role-beside"),
        pytest.param("Audit logs are part of the Basic plan.", "Basic plan", id="feature-of-other"),
        pytest.param(
            "Omnira Clinics is a shipping company.", "Omnira Clinics", id="trade-of-other"
        ),
        pytest.param("Call +1 555 010 4478.", "+1 555 010 4478", id="phone"),
        pytest.param("See docs.shop.example/begin.", "docs.shop.example/begin", id="path"),
        pytest.param("See docs.sh0p.example/start.", "docs.sh0p.example/start", id="look-alike"),
        pytest.param("See evil.example/docs.shop.example.", "evil.example", id="other-host"),
        pytest.param("Write to hello@shop.example.evil.io.", "hello@shop", id="e-mail-host"),
        pytest.param("Version 2.4.2 is out.", "2.4.2", id="version"),
        pytest.param("It was released on 7 June 2026.", "7 June 2026", id="month"),
    ],
)
def test_what_the_sources_do_not_say_is_caught(message: str, claim: str) -> None:
    assert any(claim in found for found in unsupported(message))


FIGURES = {
    "The Plus plan costs ${}": "90",
    "The Plus plan costs ${} per year": "900",
    "The Plus plan has {} seats": "12",
    "Veldt Logistics cut wrong deliveries by {}%": "37",
    "The free trial lasts {} days": "14",
    "More than {} nurses use it": "200",
    "Call {}": "+1 555 010 4477",
    "Version {} is out": "2.4.1",
    "It was released on May 7, {}": "2026",
}


@pytest.mark.parametrize("template", FIGURES)
def test_a_supported_figure_is_supported(template: str) -> None:
    assert unsupported(template.format(FIGURES[template]) + ".") == []


@given(st.sampled_from(sorted(FIGURES)), st.integers(0, 20), st.integers(0, 9))
def test_changing_one_digit_of_any_supported_figure_flips_the_verdict(
    template: str, place: int, digit: int
) -> None:
    figure = FIGURES[template]
    places = [i for i, character in enumerate(figure) if character.isdigit()]
    at = places[place % len(places)]
    changed = f"{figure[:at]}{digit}{figure[at + 1 :]}"
    is_same = changed == figure
    assert (unsupported(template.format(changed) + ".") == []) is is_same


@given(st.permutations(SHOP))
def test_the_order_of_passages_changes_no_verdict(order: Sequence[Passage]) -> None:
    message = (
        "Plus costs $90. The setup fee is $40. Audit logs are part of the Basic plan. Omnira "
        "Clinics cut wrong deliveries by 37%. The free trial lasts 60 days. Max is 24/7. "
        "Our recommended plan, Max, fits. Teams save 5-9 hours a week."
    )
    verdicts = [(v.claim, v.supported) for v in check_claims(message, SHOP, ASKED)]
    assert [(v.claim, v.supported) for v in check_claims(message, order, ASKED)] == verdicts


WORDS = st.sampled_from(
    """Plus plan is the recommended , and . ; : - from to up at least over $90 90 % 5-9 hours a week
    per user Veldt Logistics no everything in Basic | ( ) ? 24/7 half twice + ~ of for""".split()  # noqa: SIM905
)


@given(st.lists(WORDS, max_size=40).map(" ".join), st.lists(WORDS, min_size=1, max_size=40))
def test_no_arrangement_of_words_makes_the_check_raise(message: str, words: list[str]) -> None:
    check_claims(message, [passage("a.md", " ".join(words)), *SHOP], ASKED)


def test_a_title_supports_what_it_says() -> None:
    news = passage("news/june.md", "We merged 146 changes.", title="Release of June 2026")
    assert unsupported("The release of June 2026 is out.", [news]) == []


def test_more_subjects_than_values_are_no_list() -> None:
    message = "Northwind Freight and Corvane Software cut billing errors by 45%."
    assert unsupported(message, PASSAGES, REQUEST) == ["45%"]
