"""Names in another's role: who led a round, who a customer of the story is, when what begins."""

import pytest

from followup.claims import ClaimKind
from followup.grounding import check_claims
from followup.passage import Chunk, Passage

REQUEST = "Esther Grigoryan\nPodium\nPodium Labs\nAsked who stands behind the company."
FUNDING = (
    "News\nToday we announce a $13m funding round led by Alder Partners. "
    "Next to Alder Partners our early backers Crane Capital and Fenwick Ventures took part. "
    "We started Theorem together with our friends from Bramhall in early 2017."
)
CONFERENCE = "Builders Day\nThe talks of Builders Day begin on the 28th of April."
CLEANING = "News\nThe cleaning of old workspaces begins on January 20th."
STORY = "News\nCorvane Software now closes the month in 3 days instead of 8 days."


def unsupported(message: str, *texts: str) -> list[str]:
    """The claims of a message that are not supported; a source is its title and its text."""
    passages = tuple(
        Passage(
            chunk=Chunk(
                chunk_id=str(number),
                document=f"{number}.md",
                title=head,
                section=head,
                source_type="blog",
                position=0,
                text=rest,
            ),
            score=0.9,
        )
        for number, text in enumerate(texts)
        for head, _, rest in [text.partition("\n")]
    )
    verdicts = check_claims(message, passages, REQUEST)
    return [v.claim for v in verdicts if not v.supported and v.kind is not ClaimKind.STATEMENT]


@pytest.mark.parametrize(
    ("message", "name"),
    [
        ("Podium raised $13m in a funding round led by {}.", "Fenwick Ventures"),
        ("{} led our funding round of $13 million.", "Crane Capital"),
        ("Theorem was started together with friends from {} in early 2017.", "Alder Partners"),
    ],
)
def test_a_role_is_only_of_those_whom_the_sources_name_in_it(message: str, name: str) -> None:
    right = "Bramhall" if "friends" in message else "Alder Partners"
    assert unsupported(message.format(right), FUNDING) == []
    assert unsupported(message.format(name), FUNDING) == [name]


@pytest.mark.parametrize(
    "message",
    [
        pytest.param("Crane Capital did not lead our funding round.", id="denied"),
        pytest.param("Was the funding round led by Crane Capital?", id="asked"),
        pytest.param("Crane Capital took part in our funding round.", id="another role"),
        pytest.param("You can buy it from Crane Capital.", id="other words"),
    ],
)
def test_nothing_is_held_against_other_sentences_with_the_name(message: str) -> None:
    assert unsupported(message, FUNDING) == []


def test_a_date_is_of_the_event_that_its_source_speaks_of() -> None:
    sources = (CONFERENCE, CLEANING)
    assert unsupported("Builders Day begins on April 28.", *sources) == []
    assert unsupported("Builders Day begins on January 20.", *sources) == ["January 20"]
    assert unsupported("The cleaning begins on January 20.", *sources) == []


def test_a_customer_of_whom_is_told_what_it_now_does_has_its_days_for_itself() -> None:
    other = "Northwind Freight\nNorthwind Freight saves 18 hours a week."
    message = "{} now closes the month in 3 days instead of eight days."
    assert unsupported(message.format("Corvane Software"), STORY, other) == []
    assert "3 days" in unsupported(message.format("Northwind Freight"), STORY, other)


@pytest.mark.parametrize("opening", ["", "In short, ", "To answer your question: "])
def test_an_opening_hides_no_plan_that_lacks_the_thing(opening: str) -> None:
    plans = "Plans\nThe Growth plan costs $299 a month. The Enterprise plan costs $899 a month."
    table = (
        "Integrations\nIntegration: NetSuite; Purpose: Accounting; Plans: Enterprise\n"
        "Integration: Avalara; Purpose: Tax; Plans: Enterprise"
    )
    message = opening + "NetSuite is available on the {} plan."
    assert unsupported(message.format("Enterprise"), plans, table) == []
    assert unsupported(message.format("Growth"), plans, table) == ["Growth plan"]


def test_what_every_plan_has_says_nothing_of_the_heading_above_it() -> None:
    source = (
        "Single sign-on\n"
        "Single sign-on with SAML is part of the Enterprise plan. "
        "Two-step login is part of every plan. The Growth plan covers 2,000 invoices."
    )
    assert unsupported("The Enterprise plan includes single sign-on.", source) == []
    assert unsupported("The Growth plan includes two-step login.", source) == []
    assert unsupported("The Growth plan includes single sign-on.", source) == ["Growth plan"]


@pytest.mark.parametrize(
    ("message", "wrong"),
    [
        ("It took Northwind Freight 9 business days to go live.", "9 business days"),
        ("After 70 days, old workspaces go.", "70 days"),
    ],
)
def test_days_are_read_as_days(message: str, wrong: str) -> None:
    source = (
        "News\nNorthwind Freight went live in {} business days. Old workspaces go after {} days."
    )
    assert unsupported(message, source.format(9, 70)) == []
    assert unsupported(message, source.format(8, 30)) == [wrong]


def test_a_figure_reckoned_elsewhere_in_the_sentence_makes_no_price_right() -> None:
    source = (
        "Plans\nThe Growth plan costs $25 a month. Three workspaces for half an hour are 1.5 hours."
    )
    beside = "if you run three workspaces for half an hour, that is 1.5 hours."
    right = f"For $25 a month you get the Growth plan, while {beside}"
    wrong = f"For $75 a month you get the Growth plan, while {beside}"
    assert unsupported(right, source) == []
    assert unsupported(wrong, source) == ["$75 a month"]


def test_a_short_name_is_the_customer_of_whom_its_long_name_tells() -> None:
    tillerby = "News\nTillerby Dental Group went from 40 billing calls a week to 14."
    corvane = "News\nCorvane Software recovers 71% of its failed payments."
    message = "{} went from 40 billing calls a week to 14."
    assert unsupported(message.format("Tillerby Dental"), tillerby, corvane) == []
    assert "40 billing calls a week" in unsupported(message.format("Corvane"), tillerby, corvane)
