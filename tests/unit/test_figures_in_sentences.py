"""Figures whose words around them mislead: short times, counts of nothing, limits, next "it"."""

import pytest

from followup.grounding import check_claims
from tests.unit.passages import passage

DESK = (
    passage(
        "support/answers.md",
        "Support on the Oak plan answers urgent tickets within 1 hour. Phone support on the Oak "
        "plan is open 24 hours a day, 7 days a week. Each runner has 6vCPUs.",
        title="Support",
    ),
    passage(
        "support/line.md",
        "The line 0555 010 0447 is open seven days a week from 8 am to 8 pm. 6.2 (4 March 2026): "
        "faster search.",
        title="Line",
    ),
    passage(
        "pricing/plans.md",
        "The Elm plan costs $40 per month. The Elm plan includes 900 tickets a month. The Elm plan "
        "answers in 9 languages. An extra ticket on the Elm plan costs $0.05. The Oak plan costs "
        "$310 per month. The Oak plan answers in 30 languages.",
        title="Plans",
    ),
    passage(
        "case_studies/brandt.md",
        "Brandt Tools closes 80 tickets a day on the Elm plan. Brandt Tools cut waiting times by "
        "58%. At Brandt Tools 6.5% of tickets came back.",
        title="Case Study: Brandt Tools",
    ),
)
ASKED = "Ada Lund\nDeskwise\nMoss & Co\nCall on Monday: 620 tickets a month, uses Outlook."


def unsupported(message: str) -> list[str]:
    return [v.claim for v in check_claims(message, DESK, ASKED) if not v.supported]


@pytest.mark.parametrize(
    ("sound", "altered"),
    [
        pytest.param(
            "On Oak, urgent tickets are answered within one hour.",
            "On Oak, urgent tickets are answered within one week.",
            id="within 1 hour is a time",
        ),
        pytest.param(
            "Oak's phone support is open around the clock on all seven days.",
            "Elm's phone support is open around the clock on all seven days.",
            id="around the clock on all seven days",
        ),
        pytest.param(
            "Each runner has six vCPUs.", "Each runner has eight vCPUs.", id="a glued count"
        ),
        pytest.param(
            "Elm stops at 9; Oak does 30 languages. It costs $310 a month.",
            "Elm stops at 7; Oak does 30 languages. It costs $40 a month.",
            id="a limit is no hour, and 'it' is of the last clause",
        ),
        pytest.param(
            "Elm is $40 a month with 900 tickets in it, which leaves you 280 to spare.",
            "Elm is $40 a month with 900 tickets in it, which leaves you 380 to spare.",
            id="what is left",
        ),
        pytest.param(
            "Oak answers urgent tickets within 1 hour, and its phone is open 24 hours a day, 7 "
            "days a week.",
            "Oak answers urgent tickets within 1 day, and its phone is open 24 hours a day, 7 "
            "days a week.",
            id="within 1 hour beside other times",
        ),
        pytest.param(
            "An extra ticket costs five pence on Elm, so 5p each.",
            "An extra ticket costs six pence on Elm, so 6p each.",
            id="pence",
        ),
        pytest.param(
            "Call 0555 010 0447, seven days a week, 8 to 8.",
            "Call 0555 010 0448, seven days a week, 8 to 8.",
            id="a British number and hours without am",
        ),
        pytest.param(
            "Version 6.2 came out on 4 March.", "Version 6.3 came out on 4 March.", id="a version"
        ),
        pytest.param(
            "Brandt Tools, which closes 80 tickets a day, cut waiting times by 58%.",
            "Brandt Tools, which closes 80 tickets a day, cut waiting times by 6.5%.",
            id="what another figure counts is not this one's",
        ),
    ],
)
def test_a_figure_is_read_by_its_own_words(sound: str, altered: str) -> None:
    assert unsupported(sound) == []
    assert unsupported(altered) != []


@pytest.mark.parametrize(
    "talk",
    [
        "Since you use Outlook, I wanted to say how well the two work together.",
        "Do you want to start with two or three people first?",
    ],
)
def test_counts_of_nothing_in_the_sources_are_no_claims(talk: str) -> None:
    counts = [v for v in check_claims(talk, DESK, ASKED) if v.kind in {"quantity", "number"}]
    assert counts == []
