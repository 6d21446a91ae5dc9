"""Telling the situation of a lead from its history."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from followup.situation import Cues, Situation, detect_situation
from tests.unit.leads import lead, rules

OPT_OUTS = """unsubscribe
Please unsubscribe me from everything.
She UNSUBSCRIBED yesterday.
Stop emailing me!
stop e-mailing us
please stop contacting me
Stop sending me these emails.
Stop all emails.
Please stop calling.
Remove me from your list.
Please remove my email from your mailing list
Take me off your list.
take us off the mailing list please
Do not contact me again.
Don't contact me.
don’t email me anymore
Please do not call me again
Do not email us.
He asked not to be contacted.
She does not want to receive any emails.
I don't want to hear from you.
No more emails please.
no further contact
Leave me alone.
Opt me out.
He opted out.
I would like to opt-out.
Never contact me again.
Lose my number.
Marked our last e-mail as spam.
I withdraw my consent.
Delete my data.
She asked to be removed from the list.
I'm going to report you for spam
cease and desist
on the do-not-call list
She wants to be taken off the list.
Quit messaging me.
ｕｎｓｕｂｓｃｒｉｂｅ
She asked how customers unsubscribe, but please remove me from your list.""".splitlines()

OPT_OUT_NEAR_MISSES = """She asked how customers unsubscribe from invoices in your product
don't stop the demo
Please do not stop emailing me.
Their subscribers can opt out of reminders.
Wants to see the unsubscribe rate of invoice mails.
Asked about the unsubscribe link in invoice e-mails.
Wants to stop sending invoices by hand.
Wants to stop emailing reminders manually.
They stopped using spreadsheets.
She did not ask to unsubscribe.
Never unsubscribed and reads each mail.
Please do not hesitate to contact me.
Asked to remove duplicate invoices from the report.
Asked how to take a customer off a plan.
Wants fewer late payments, no more paper.
Asked which list price applies.
Wants to contact support again.""".splitlines()

REJECTIONS = """She is not interested.
We're not interested.
No longer interested in the product.
No thanks.
It is not a good fit for us.
We will pass.
They decided to go with another vendor and are not moving forward.
She said they are not looking for billing software.
not interested in the product, but thanks for asking
They have no interest.""".splitlines()

NO_REJECTIONS = """not interested in the basic plan, but tell me about pro
Not interested in Starter, however she would like a demo of Growth.
She was not interested at first and now wants a demo.
Not only interested in pricing.
She is interested.
Asked about no interest charges on late invoices.""".splitlines()

PRICE_OBJECTIONS = """It is too expensive.
She said the price may be too high.
That is over our budget.
We can't afford it.
Asked for a cheaper plan.
Raised concerns about the price.
The budget is tight.""".splitlines()

NO_PRICE_OBJECTIONS = """The price is not an issue.
Not too expensive for them.
Asked about the price of the mid-tier plan.
No budget concerns.
Billing errors are too costly today.""".splitlines()

COMPETITORS = """They are comparing with Zuora.
She is also looking at Chargebee.
They evaluate alternatives.
Comparing us to two other vendors.""".splitlines()

NO_COMPETITORS = """Also looking at the Growth plan.
She compared the plans.
Comparing with doing it in Excel.
Asked about the demo.""".splitlines()

SILENCES = """No reply since the demo.
She went quiet.
He has not responded.""".splitlines()


def situation(history: str, **fields: object) -> Situation:
    return detect_situation(lead(history, **fields), rules())


@pytest.mark.parametrize("history", OPT_OUTS)
def test_an_opt_out_is_found(history: str) -> None:
    assert situation(history) is Situation.OPTED_OUT


@pytest.mark.parametrize("history", OPT_OUTS)
def test_an_opt_out_is_found_inside_a_long_history(history: str) -> None:
    told = f"Watched the demo and liked it. {history} Then he asked for the price of the plan."
    assert situation(told) is Situation.OPTED_OUT


@pytest.mark.parametrize("history", OPT_OUT_NEAR_MISSES)
def test_what_only_looks_like_an_opt_out_is_none(history: str) -> None:
    assert situation(history) is not Situation.OPTED_OUT


def test_an_opt_out_among_the_objections_counts() -> None:
    assert situation("Liked it.", objections_raised=["unsubscribe me"]) is Situation.OPTED_OUT


@pytest.mark.parametrize("history", REJECTIONS)
def test_a_rejection_is_found(history: str) -> None:
    assert situation(history) is Situation.NOT_INTERESTED


@pytest.mark.parametrize("history", NO_REJECTIONS)
def test_what_only_looks_like_a_rejection_is_none(history: str) -> None:
    assert situation(history) is Situation.STANDARD


@pytest.mark.parametrize("history", PRICE_OBJECTIONS)
def test_a_price_objection_is_found(history: str) -> None:
    assert situation(history) is Situation.PRICE_OBJECTION


@pytest.mark.parametrize("history", NO_PRICE_OBJECTIONS)
def test_a_price_question_is_no_objection(history: str) -> None:
    assert situation(history) is Situation.STANDARD


@pytest.mark.parametrize("objection", ["price", "Too expensive", "budget", "Pricing"])
def test_a_price_objection_among_the_objections_counts(objection: str) -> None:
    assert situation("Liked it.", objections_raised=[objection]) is Situation.PRICE_OBJECTION


@pytest.mark.parametrize("history", COMPETITORS)
def test_a_competitor_is_found(history: str) -> None:
    assert situation(history) is Situation.COMPETITOR_NAMED


@pytest.mark.parametrize("history", NO_COMPETITORS)
def test_a_comparison_without_competitor_is_none(history: str) -> None:
    assert situation(history) is Situation.STANDARD


@pytest.mark.parametrize(
    ("history", "found"),
    [
        pytest.param("He uses ZUORA today.", True, id="any-case"),
        pytest.param("He uses Zuoratic today.", False, id="part-of-a-word"),
    ],
)
def test_a_configured_competitor_is_found_by_name(history: str, *, found: bool) -> None:
    configured = rules().model_copy(update={"competitors": ("Zuora",)})
    is_found = detect_situation(lead(history), configured) is Situation.COMPETITOR_NAMED
    assert is_found is found


@pytest.mark.parametrize("history", SILENCES)
def test_silence_is_found(history: str) -> None:
    assert situation(history) is Situation.SILENT


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"engagement_pattern": "silent"}, Situation.SILENT, id="pattern"),
        pytest.param({"days_since_contact": 90}, Situation.COLD, id="days"),
        pytest.param({"days_since_contact": 89}, Situation.STANDARD, id="days-below"),
        pytest.param({"engagement_score": 10}, Situation.COLD, id="engagement"),
        pytest.param(
            {"engagement_score": 10, "lead_score": 80}, Situation.STANDARD, id="score-wins"
        ),
        pytest.param({"lead_stage": "lost"}, Situation.COLD, id="lost"),
    ],
)
def test_silence_and_coldness_are_read_from_fields(
    fields: dict[str, object], expected: Situation
) -> None:
    assert situation("Asked about the demo.", **fields) is expected


def test_the_first_situation_in_order_wins() -> None:
    said = {
        Situation.OPTED_OUT: "Unsubscribe me.",
        Situation.NOT_INTERESTED: "Not interested.",
        Situation.PRICE_OBJECTION: "Too expensive.",
        Situation.COMPETITOR_NAMED: "Comparing with Zuora.",
        Situation.SILENT: "She went quiet.",
    }
    for index, expected in enumerate(said):
        history = " ".join(list(said.values())[index:])
        assert situation(history, days_since_contact=400) is expected


def test_a_pattern_that_does_not_compile_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"'\(' is not a valid regular expression"):
        Cues(patterns=("(",), not_meant=())


@given(st.text(min_size=1, max_size=500).filter(lambda text: text.isprintable() and text.strip()))
def test_no_history_makes_detection_raise(history: str) -> None:
    situation(f"x {history}")
