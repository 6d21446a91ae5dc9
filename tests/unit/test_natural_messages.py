"""Messages as people write them: rounded, worked out, by the clock, with talk between the facts.

What twelve companies' messages taught; the passages are of another.
"""

import pytest

from followup.grounding import check_claims
from followup.passage import Passage
from tests.unit.passages import passage

ASKED = (
    "Dr Mei Sato\nShelfwise Pro plan\nKettle & Crumb\nCall on Monday. A bakery of 11, three shops, "
    "6,500 orders a month. Spends $96,000 a year on couriers. Uses Okta. Comparing two suppliers."
)
SHOP: tuple[Passage, ...] = (
    passage(
        "pricing/plans.md",
        "Plan: Lite | $49 per month | Orders: up to 1,000 | Sites: 1\n"
        "Plan: Pro | $299 per month | Orders: up to 5,000 | Sites: up to 3\n"
        "Plan: Max | $1,450 per month | Orders: up to 40,000 | Sites: unlimited\n"
        "Extra orders cost $0.04 each on Pro. Paying yearly takes 15% off any plan. Add-on for "
        "stock counts: $6 per employee per month.",
        title="Plans",
    ),
    passage(
        "support/hours.md",
        "Telephone: Monday to Friday, 9 to 6 Eastern. E-mail is answered within 4 working hours. "
        "Backups run every 6 hours. The history covers 26 weeks. Set-up takes 25 minutes. "
        "The API is available on Max only. Phone support on Sunday: none. "
        "Goethe stands at 91%, Dante at 88%, Cervantes at 84%. The freezer costs $890 for 4 kW and "
        "$1,540 for 11 kW.",
        title="Support",
    ),
    passage(
        "stories/harbour.md",
        "Harbour Bikes runs four shops in Leeds. Lost parcels fell from 7.4% to 3.1% within six "
        'weeks. Manager Ines Roy says: "I got my evenings back." It saved $61,000 in the first '
        "year.",
        title="Harbour Bikes",
    ),
    passage(
        "stories/lindqvist.md",
        "Lindqvist Foods ships 220,000 parcels a month. Engineer Tom Okoro set it up in 11 days.",
        title="Lindqvist Foods",
    ),
    passage(
        "faq/trial.md",
        "**How long is the trial?** 21 days. The trial includes all features of Pro and up to 50 "
        "orders. The import needs no code. You can change plans in the middle of a year. Every "
        "change is kept in a log that nobody, including us, can edit. Pages load in seconds. The "
        "stock add-on is part of the Pro plan and the Max plan. It costs nothing extra. Pro "
        "includes everything in Lite, plus returns. Ports between 3000 and 8999 are ignored. Up "
        "to nine years of orders are imported. If a label is not listed, because it is not yet "
        "printed, you are asked.",
        title="FAQ",
    ),
    passage(
        "stories/moss.md",
        "Moss Dairy is on the Lite plan. It moved in and brought 4 years of orders along.",
        title="Moss Dairy",
    ),
    passage(
        "features/labels.md",
        "Labels that are unused expire; they do not roll over. There is no PHP kit. Tracking is "
        "not charged on any plan. The warehouse view shows every parcel on a map.",
        title="Labels",
    ),
)


def unsupported(message: str) -> list[str]:
    return [f"{v.claim}: {v.reason}" for v in check_claims(message, SHOP, ASKED) if not v.supported]


@pytest.mark.parametrize(
    "message",
    [
        pytest.param("The freezer for 11 kW costs $1,540.", id="companion-of-a-list"),
        pytest.param("Pro is $299 a month for up to three sites.", id="cells-without-names"),
        pytest.param("You would pay just under $50 a month for Lite.", id="rounded"),
        pytest.param("Pro costs 299 US dollars a month.", id="dollars-of-a-country"),
        pytest.param("If you haven't used the 21 days yet, do.", id="denied-in-a-condition"),
        pytest.param("As for no IT staff: set-up takes 25 minutes.", id="denial-before-a-colon"),
        pytest.param("As many as nine years of orders are imported.", id="story-is-no-rival"),
        pytest.param("Put 3000-8999 there to ignore the ports.", id="range-of-ports"),
        pytest.param("Happy to show you in ten minutes.", id="offer-without-a-subject"),
        pytest.param("Nobody, us included, can edit the log.", id="nobody"),
        pytest.param("Every change is kept in a log.", id="kept-of-what-none-edits"),
        pytest.param("List the label and you are not asked.", id="supposed-for-a-cause"),
        pytest.param(
            "Pro is $299 a month. It includes 5,000 orders and everything in Lite, plus returns.",
            id="all-of-another",
        ),
        pytest.param("Set-up takes under half an hour.", id="less-than"),
        pytest.param("The history covers the past half year.", id="weeks-and-months"),
        pytest.param("Backups run four times a day.", id="times-a-day"),
        pytest.param("You can call on weekdays from nine till six.", id="by-the-clock"),
        pytest.param("You can call on Wednesday, too, until 6 at night.", id="day-in-a-span"),
        pytest.param(
            "With 6,500 orders you are 1,500 over Pro; at 4 cents each that is $60 on top of $299, "
            "so $359 a month.",
            id="worked-out",
        ),
        pytest.param("With 15% off, Pro would be about $254 a month.", id="percent-off"),
        pytest.param("Stock counts add $6 a head, $66 for your 11 people.", id="per-head"),
        pytest.param("Stock counts for your employees are $6 each.", id="rate-in-context"),
        pytest.param(
            "Harbour Bikes had this too. There, lost parcels fell from 7.4 to 3.1 per cent.",
            id="unit-once",
        ),
        pytest.param("One shop of ours lost 3.1% of its parcels.", id="someone"),
        pytest.param("Does Wednesday at 10 work for you?", id="proposed-hour"),
        pytest.param("I could show you more in a call of ten minutes.", id="offered-time"),
        pytest.param("To your two questions, three quick points.", id="counts-of-talk"),
        pytest.param("Dear Dr Sato,", id="title"),
        pytest.param("A couple of honest notes before you decide.", id="talk"),
        pytest.param("Shout if you get stuck.", id="imperative"),
        pytest.param("Unused labels don't roll over to the next month.", id="denied-alike"),
        pytest.param("Tracking is free of charge.", id="gratis"),
        pytest.param("A bakery of 11 fits Lite well.", id="figure-of-the-lead"),
        pytest.param("Hi Mei,\n\nShall we talk?\n\nHasta pronto", id="foreign-farewell"),
    ],
)
def test_a_sound_message_in_a_persons_words_is_not_accused(message: str) -> None:
    assert unsupported(message) == []


@pytest.mark.parametrize(
    ("message", "claim"),
    [
        pytest.param(
            "The trial covers all features of Pro and up to 6,500 orders.",
            "6,500",
            id="count-of-the-lead",
        ),
        pytest.param("E-mail is answered within 26 weeks.", "26 weeks", id="of-something-else"),
        pytest.param("Pages load in minutes.", "minutes", id="minutes-for-seconds"),
        pytest.param("Some code is needed for it.", "code", id="short-denial-dropped"),
        pytest.param(
            "To change plans in the middle of a year is not possible.",
            "possible",
            id="not-possible",
        ),
        pytest.param(
            "The stock add-on is part of the Lite plan and the Pro plan and costs nothing extra.",
            "Lite",
            id="two-facts-of-a-plan",
        ),
        pytest.param("Moss Dairy is on the Max plan.", "Max", id="plan-of-a-customer"),
        pytest.param("It helps us lose only 3.1% of parcels.", "3.1%", id="of-us"),
        pytest.param("Our customers saved $61,000 in the first year.", "$61,000", id="of-all"),
        pytest.param("You will save $61,000 in the first year.", "$61,000", id="of-you"),
        pytest.param(
            "Harbour Bikes did it. Your savings would be $61,000.", "$61,000", id="of-you-after-all"
        ),
        pytest.param("Lindqvist Foods saved $61,000.", "$61,000", id="of-another"),
        pytest.param("Ines Roy of Lindqvist Foods got her evenings back.", "Ines Roy", id="person"),
        pytest.param("Lite is $299 a month.", "$299", id="other-row"),
        pytest.param("With 15% off, Pro would be about $234 a month.", "$234", id="worked-out"),
        pytest.param("That makes $377 a month.", "$377", id="from-nothing"),
        pytest.param("The freezer for 11 kW costs $890.", "$890", id="companion-of-a-list"),
        pytest.param("Dante stands at 84%.", "84%", id="other-of-a-list"),
        pytest.param("The API is available on every plan.", "every plan", id="on-some-only"),
        pytest.param("Tracking is charged separately.", "Tracking", id="gratis-denied"),
        pytest.param("We have an official PHP kit.", "PHP", id="denial-dropped"),
        pytest.param("Unused labels roll over.", "Unused", id="verb-denied"),
        pytest.param("Phone support on Sunday is available.", "Sunday", id="none-in-a-line"),
        pytest.param("A chatbot negotiates refunds for you.", "chatbot", id="invented"),
        pytest.param(
            "Set-up takes 25 minutes, and a microphone detects cavitation.",
            "cavitation",
            id="invented-beside-a-figure",
        ),
        pytest.param("It lost 2 weeks longer.", "2 weeks", id="difference-of-nothing"),
    ],
)
def test_a_false_message_in_a_persons_words_is_accused(message: str, claim: str) -> None:
    assert any(claim in found for found in unsupported(message))
