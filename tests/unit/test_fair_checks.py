"""Sound messages are not accused: what a careful reader finds in the sources, the checker finds."""

import pytest

from followup.grounding import check_claims
from followup.passage import Passage
from tests.unit.passages import passage

ASKED = (
    "Mai Tanaka\nRouteline\nRouteline Inc\nLoses 25 hours a week to phone calls. Budget is $2,600 "
    "a month. Had 4 vans stolen last year. Wants to start in October 2026. Asked for a call next "
    "Tuesday. Is on Basic today."
)
FLEET: tuple[Passage, ...] = (
    passage(
        "pricing/plans.md",
        "Position update; Scout: every 120 seconds; Ranger: every 30 seconds; Convoy: every 10 "
        "seconds\n"
        "Price per van per month; Scout: $14; Ranger: $23; Convoy: $31\n"
        "Minimum term; Scout: none; Ranger: 12 months; Convoy: 24 months\n"
        "Device: VX-40; Purchase price: $79; Monthly rental: $4; Warranty: 3 years\n"
        "Device: VX-70; Purchase price: $119; Monthly rental: $5; Warranty: 5 years",
        title="Plans and prices",
        section="At a glance",
    ),
    passage(
        "pricing/plans.md",
        "It includes everything in Ranger and adds 900 requests a minute. The minimum term is 24 "
        "months. Phone support comes with Convoy and Command.",
        title="Plans and prices",
        section="Convoy: for regulated fleets",
    ),
    passage(
        "case_studies/small.md",
        "The practice set itself up in 6 days. On-time arrivals rose from 81% to 94%. Calls fell "
        "from 240 a day to 95. Moved to Routeline in July-2023.",
        title="Small stories",
        section="Oak and Ivy Vets",
    ),
    passage(
        "case_studies/odell.md",
        "Spoilage went down by 63% in the first year. It is on the Convoy plan.",
        title="Customers",
        section="Odell Cold Chain",
    ),
    passage(
        "faq/terms.md",
        "Either party gives notice sixty (60) days before the end of the term. A question is "
        "answered after 6 working hours on Ranger and after 2 working hours on Convoy. On Ranger "
        "you reckon with 10 working days, on Convoy with 25. More than 550+ users signed up. "
        "Unused messages are carried over for 3 months. Connecting a tool takes about 15 minutes. "
        "The depot covers 48 m². Each further text costs €0.05. The trial has no setup fee and "
        "costs nothing. Monthly plans have no minimum contract and can be cancelled at any time.",
        title="FAQ",
    ),
)


def unsupported(message: str) -> list[str]:
    return [
        f"{v.claim}: {v.reason}" for v in check_claims(message, FLEET, ASKED) if not v.supported
    ]


@pytest.mark.parametrize(
    "message",
    [
        pytest.param("The Scout plan updates positions every 120 seconds.", id="nameless-column"),
        pytest.param("Ranger costs $23 per van and month.", id="rate-joined"),
        pytest.param("A van on Ranger costs $23 monthly.", id="rate-in-subject"),
        pytest.param("The VX-40 costs $79 and has a warranty of 3 years.", id="rest-of-row"),
        pytest.param("Convoy allows 900 requests a minute.", id="heading-names-the-plan"),
        pytest.param("Oak and Ivy Vets set itself up in six days.", id="joint-name-of-heading"),
        pytest.param(
            "At Oak and Ivy Vets on-time arrivals rose to 94%, up from 81%.", id="rise-is-no-range"
        ),
        pytest.param(
            "Oak and Ivy Vets now gets 95 calls a day; it used to be 240.", id="rate-beside"
        ),
        pytest.param("Odell Cold Chain cut spoilage by 63 percent.", id="heading-names-customer"),
        pytest.param("The notice period is sixty days before the end.", id="digits-again"),
        pytest.param("On Ranger you hear back after 6 working hours.", id="value-before-plan"),
        pytest.param("Reckon with 25 working days on Convoy.", id="unit-left-out-in-the-source"),
        pytest.param("More than 550 users signed up.", id="open-number"),
        pytest.param("Oak and Ivy Vets moved to Routeline in July 2023.", id="month-hyphen-year"),
        pytest.param("The depot covers 48 square metres.", id="square-metres"),
        pytest.param("Each further text costs 5 cents.", id="cents-of-any-currency"),
        pytest.param("It takes about 15 minutes to connect a tool.", id="expletive-it"),
        pytest.param("Messages that you do not use are kept for 3 months.", id="relative-denial"),
        pytest.param("You can cancel a monthly plan at any time.", id="denial-of-another-clause"),
        pytest.param("With 25 hours a week lost to calls, I see why you asked.", id="of-the-lead"),
        pytest.param("You said your budget is $2,600 a month.", id="budget"),
        pytest.param("Since you want to start in October 2026, there is time.", id="date-of-lead"),
        pytest.param("After losing 4 vans last year, you want this to stop.", id="last-year"),
        pytest.param("On Tuesday I will call you, as you asked.", id="next-tuesday"),
        pytest.param("Would a call in the next two weeks suit you?", id="question-proposes"),
        pytest.param("Billed monthly, the VX-40 rental is $4.", id="participle-is-no-name"),
        pytest.param(
            "Ranger costs $23 per van per month, while Odell Cold Chain cut spoilage by 63%.",
            id="two-parts",
        ),
    ],
)
def test_what_the_sources_say_in_other_words_is_supported(message: str) -> None:
    assert unsupported(message) == []


@pytest.mark.parametrize(
    ("message", "claim"),
    [
        pytest.param("Scout updates positions every 10 seconds.", "10 seconds", id="column"),
        pytest.param("Contracts for Ranger run for 24 months.", "24 months", id="heading"),
        pytest.param("Oak and Ivy Vets cut spoilage by 63%.", "63%", id="customer-of-heading"),
        pytest.param("The VX-70 costs $79.", "$79", id="row"),
        pytest.param("The price of Convoy is not $31 per van a month.", "$31", id="value-denied"),
        pytest.param("You told us that you lose 15 minutes a week.", "15 minutes", id="not-said"),
        pytest.param("Thank you for the call on July 1, 2023.", "July 1, 2023", id="call-unknown"),
        pytest.param("Convoy has no phone support.", "phone support", id="support-denied"),
        pytest.param("The trial is not free of charge.", "trial", id="free-denied"),
        pytest.param("You pay only $2,600 a month.", "$2,600", id="budget-as-price"),
        pytest.param("Shell cut spoilage by 63%.", "Shell", id="invented-customer"),
    ],
)
def test_a_false_message_is_still_accused(message: str, claim: str) -> None:
    assert any(claim in found for found in unsupported(message))
