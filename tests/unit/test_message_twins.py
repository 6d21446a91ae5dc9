"""Pairs of messages that differ in one fact: the sound one passes, its altered twin is accused.

Price lists exported as CSV, sums that a salesperson does, units and words that are left out.
"""

import pytest

from followup.grounding import check_claims
from followup.passage import Passage
from tests.unit.twin_companies import (
    CHEMIST,
    FLORIST,
    HOUSE,
    LAB,
    MERCHANT,
    PAYMENTS,
    SHOP_OWNER,
    TENANT,
)


def unsupported(message: str, passages: tuple[Passage, ...], request: str) -> list[str]:
    verdicts = check_claims(f"Ciao {request.partition(' ')[0]},\n\n{message}", passages, request)
    return [f"{v.claim}: {v.reason}" for v in verdicts if not v.supported]


_OF_HOUSE = [
    pytest.param(
        "Two Team memberships at £95 make £190 a month.",
        "Two Team memberships at £85 make £170 a month.",
        id="price-in-a-csv",
    ),
    pytest.param(
        "A meeting room costs £18 an hour; three hours come to £54.",
        "A meeting room costs £18 an hour; three hours come to £58.",
        id="supposed-quantity",
    ),
    pytest.param(
        "From January three Team memberships would be £285 a month, and Enterprise just £25 more.",
        "From January three Team memberships would be £285 a month, and Enterprise just £45 more.",
        id="difference-of-a-sum",
    ),
    pytest.param(
        "You pay 2,400 pounds a month today; Enterprise would be £310.",
        "You pay 2,400 pounds a month today; Enterprise would be £130.",
        id="price-of-the-lead",
    ),
    pytest.param(
        "Charities get a fifth off any membership.",
        "Charities get a third off any membership.",
        id="share-off",
    ),
    pytest.param(
        "Ancoats is the largest of our houses with 140 desks; Sale has 60.",
        "Ancoats is the largest of our houses with 60 desks; Sale has 140.",
        id="name-between-two-values",
    ),
    pytest.param(
        "The Wi-Fi does 500 Mbit/s in Ancoats and 200 in the other two.",
        "The Wi-Fi does 200 Mbit/s in Ancoats and 500 in the other two.",
        id="place-between-two-values",
    ),
    pytest.param(
        "Post is included in Team and Enterprise, while on Solo it is £9 a month.",
        "Post is included in Solo and Enterprise, while on Team it is £9 a month.",
        id="plan-of-a-fee",
    ),
    pytest.param(
        "Dogs may come along to the ground floor, just not upstairs.",
        "Dogs may come along to the ground floor and upstairs.",
        id="denial-at-the-end",
    ),
    pytest.param(
        "We don't rent desks by the day, and deposits come back within ten working days.",
        "We rent desks by the day, and deposits come back within ten working days.",
        id="denial-of-a-clause",
    ),
    pytest.param(
        "Opening hours are half past seven to ten at night on weekdays.",
        "Opening hours are half past eight to ten at night on weekdays.",
        id="by-the-clock",
    ),
    pytest.param(
        "Printing costs nothing for the first hundred pages each month.",
        "Printing costs nothing for the first two hundred pages each month.",
        id="round-number-of-something-else",
    ),
]
_OF_LAB = [
    pytest.param(
        "Spectra Max lists at €1,800 per device and year.",
        "Spectra One lists at €1,800 per device and year.",
        id="currency-and-rate-in-other-cells",
    ),
    pytest.param(
        "One costs €940 a device, Max €1,800, so for your 8 instruments the difference is €6,880.",
        "One costs €940 a device, Max €1,800, so for your 8 instruments the difference is €6,680.",
        id="difference-times-quantity",
    ),
    pytest.param(
        "For the Max delivery takes three weeks on average.",
        "For the Max delivery takes four weeks on average.",
        id="unit-left-out-in-the-source",
    ),
    pytest.param(
        "At €140 for some 2,500 measurements you pay about 5.6 cents per measurement.",
        "At €140 for some 2,500 measurements you pay about 8.6 cents per measurement.",
        id="divided",
    ),
    pytest.param(
        "Shipping is free inside the EU once an order reaches €250.",
        "Shipping is free inside the EU once an order reaches €150.",
        id="free-from",
    ),
    pytest.param(
        "Floor plans aren't part of it, but quotes and deposits are.",
        "Floor plans are part of it, and so are quotes and deposits.",
        id="no-behind-its-noun",
    ),
    pytest.param(
        "Nothing goes to us until you press Support.",
        "Everything is sent to us without your pressing Support.",
        id="what-it-takes",
    ),
    pytest.param(
        "Hydrogen can't be measured with any instrument.",
        "Hydrogen can be measured with any instrument.",
        id="contraction",
    ),
    pytest.param(
        "At Norsteel the wait at the furnace is now 4 minutes, a third of what it was.",
        "At Norsteel the wait at the furnace is now 4 minutes, a fifth of what it was.",
        id="share-of-what-it-was",
    ),
    pytest.param(
        "A bad batch is stopped before it gets to more than 5% of samples.",
        "A bad batch is stopped before it gets to more than 4% of samples.",
        id="denied-bound",
    ),
    pytest.param(
        "In Q2 2025 one sample in forty came late.",
        "In Q3 2025 one sample in forty came late.",
        id="quarter-of-a-year",
    ),
]
_OF_FLORIST = [
    pytest.param(
        "Pay for the year and you save two months, so Bloom is $390 instead of $468.",
        "Pay for the year and you save two months, so Bloom is $410 instead of $468.",
        id="months-free",
    ),
    pytest.param(
        "Sprout has no routes, though; those start with Bloom.",
        "Bloom has no routes, though; those start with Meadow.",
        id="denial-of-one-plan",
    ),
    pytest.param(
        "Customers see where the driver is, but never the driver's name.",
        "Customers see where the driver is, and the driver's name.",
        id="denied-object",
    ),
    pytest.param(
        "A card that fails is tried twice more.",
        "A card that fails is tried three times more.",
        id="times-more",
    ),
    pytest.param(
        "At Gerbera & Sons subscriptions grew from 12% to 31% of turnover.",
        "At Petal Row subscriptions grew from 12% to 31% of turnover.",
        id="customer-of-a-change",
    ),
    pytest.param(
        "The connection of a till is a one-time $200.",
        "The connection of a till is a monthly $200.",
        id="one-time",
    ),
    pytest.param(
        "Bloom would be right for you at $39 a month.",
        "Meadow would be right for you at $39 a month.",
        id="plan-in-prose",
    ),
]


_OF_PAYMENTS = [
    pytest.param(
        "On Pro you'd pay €49 a month plus 1.5%.",
        "On Pro you'd pay €49 a month plus 1.9%.",
        id="column-of-a-table",
    ),
    pytest.param(
        "A dispute costs €15 on Pro, while Scale includes it.",
        "A dispute costs €15 on Scale, while Pro includes it.",
        id="plan-after-while",
    ),
    pytest.param(
        "An adult pays €14 to Norrö, and the boat goes six times a day.",
        "An adult pays €8 to Norrö, and the boat goes six times a day.",
        id="row-that-is-named",
    ),
    pytest.param(
        "The card fee went down from 1.2 to 1.1 per cent.",
        "The card fee went up from 1.1 to 1.2 per cent.",
        id="change-the-other-way-round",
    ),
    pytest.param(
        "On Pro you can ring us between eight in the morning and eight in the evening.",
        "On Pro you can ring us between eight in the morning and nine in the evening.",
        id="24-hour-clock",
    ),
    pytest.param(
        "Reader M is €149 and prints receipts.",
        "Reader M is €149 and prints no receipts.",
        id="models-that-share-a-word",
    ),
    pytest.param(
        "The last boat leaves at twenty to six.",
        "The last boat leaves at ten to six.",
        id="minutes-to-the-hour",
    ),
    pytest.param(
        "You may cancel up to a day before.",
        "You may cancel up to two days before.",
        id="up-to-a-day",
    ),
    pytest.param(
        "Nothing is booked until somebody accepts it.",
        "Things are booked without anyone having to accept them.",
        id="done-without",
    ),
    pytest.param(
        "A new pump may need 70% less power.",
        "A new pump needs 70% less power.",
        id="may-be-up-to",
    ),
    pytest.param(
        "Photos reach your app within an hour.",
        "Photos reach your app within two hours.",
        id="within-the-hour",
    ),
    pytest.param(
        "For hotels we come on Sundays.",
        "For hotels we come on Saturdays.",
        id="day-of-a-question",
    ),
    pytest.param(
        "Unused half-terms are paid back less ten per cent.",
        "Unused half-terms are paid back less twenty per cent.",
        id="half-of-a-compound",
    ),
]


@pytest.mark.parametrize(("sound", "altered"), _OF_HOUSE)
def test_only_the_altered_twin_about_the_houses_is_accused(sound: str, altered: str) -> None:
    assert unsupported(sound, HOUSE, TENANT) == []
    assert unsupported(altered, HOUSE, TENANT)


@pytest.mark.parametrize(("sound", "altered"), _OF_LAB)
def test_only_the_altered_twin_about_the_lab_is_accused(sound: str, altered: str) -> None:
    assert unsupported(sound, LAB, CHEMIST) == []
    assert unsupported(altered, LAB, CHEMIST)


@pytest.mark.parametrize(("sound", "altered"), _OF_FLORIST)
def test_only_the_altered_twin_about_flowers_is_accused(sound: str, altered: str) -> None:
    assert unsupported(sound, FLORIST, SHOP_OWNER) == []
    assert unsupported(altered, FLORIST, SHOP_OWNER)


@pytest.mark.parametrize(("sound", "altered"), _OF_PAYMENTS)
def test_only_the_altered_twin_about_payments_is_accused(sound: str, altered: str) -> None:
    assert unsupported(sound, PAYMENTS, MERCHANT) == []
    assert unsupported(altered, PAYMENTS, MERCHANT)


@pytest.mark.parametrize(
    "sentence",
    [
        pytest.param("Lab reports are not checked, but lab notes are.", id="both-sides-of-but"),
        pytest.param("Hydrogen is not measured by any instrument.", id="alone"),
        pytest.param(
            "Updates are free for the first two years, and hydrogen is not measured by any "
            "instrument.",
            id="two-sentences-as-one",
        ),
    ],
)
def test_a_clause_that_a_source_says_word_for_word_contradicts_nothing(sentence: str) -> None:
    assert unsupported(sentence, LAB, CHEMIST) == []
