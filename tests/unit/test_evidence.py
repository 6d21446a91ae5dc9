"""What is quoted answers the lead; what answers something else is no substance."""

import pytest

from followup.evidence import best_sentences, has_substance, quotes_of
from followup.lead import Lead
from tests.unit.passages import passage

LEAD = Lead(
    lead_name="Sarah Johnson", product_name="AI Billing Software", interaction_history="Asked."
)


def test_evidence_answers_what_the_lead_asked() -> None:
    passages = (
        passage(
            "pricing/plans.pdf",
            "Northwind Freight saves 18 hours a week. Northwind Freight is paid earlier now.",
        ),
        passage(
            "pricing/plans.pdf",
            "Onboarding takes two weeks with a specialist. Support answers in four hours.",
        ),
    )
    asked = "Downloaded the Northwind Freight case study and asked how long onboarding takes."
    lead = LEAD.model_copy(update={"interaction_history": asked})
    [best] = best_sentences(quotes_of(passages), lead, 1)
    assert best == "Onboarding takes two weeks with a specialist."


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Asked how long the onboarding takes.", "Onboarding is done after 2 weeks with our team."),
        ("Asked what the onboarding costs.", "Onboarding with our team costs $400 for all plans."),
        ("Asked how many people the onboarding takes.", "Onboarding needs 3 people of your team."),
    ],
    ids=["how long", "what it costs", "how many"],
)
def test_the_evidence_states_the_kind_of_value_that_was_asked_for(
    question: str, answer: str
) -> None:
    passages = (
        passage(
            "pricing/plans.pdf",
            "Onboarding begins with a call of our team. Onboarding is done after 2 weeks with our "
            "team. Onboarding with our team costs $400 for all plans. Onboarding needs 3 people of "
            "your team.",
        ),
    )
    lead = LEAD.model_copy(update={"interaction_history": question})
    assert best_sentences(quotes_of(passages), lead, 1) == [answer]


def test_a_sentence_that_answers_another_question_is_no_substance() -> None:
    reminders, profit = (
        "Reminders are sent 3, 7 and 14 days after the due date.",
        "The Growth plan pays for itself in the first month.",
    )
    quotes = quotes_of((passage("pricing/plans.pdf", f"{reminders} {profit}"),))
    lead = LEAD.model_copy(update={"interaction_history": "Asked when a late payer hears of us."})
    draft = "Hi Sarah,\n\nThe Growth plan pays for itself in the first month."
    assert has_substance(draft, quotes, lead)
    assert not has_substance(draft, quotes, lead, {reminders: 0.5, profit: 0.1})
    assert not has_substance(draft, quotes, lead, {reminders: 0.5, profit: 0.4})
    assert has_substance(draft, quotes, lead, {reminders: 0.5, profit: 0.46})


def test_who_asked_two_things_is_told_of_both() -> None:
    price, other_price, hours = (
        "The Growth plan costs $299 per month.",
        "The Large plan starts at $899 per month.",
        "Teams save 15 hours of billing work every week.",
    )
    lead = LEAD.model_copy(
        update={
            "interaction_history": "Asked what the Growth plan costs and how much time is saved."
        }
    )
    quotes = quotes_of((passage("pricing/plans.pdf", f"{price} {other_price} {hours}"),))
    alike = {price: 0.7, other_price: 0.6, hours: 0.5}
    assert best_sentences(quotes, lead, 2, alike) == [price, hours]
    # What adds nothing to the answer has to fit better than what does.
    assert best_sentences(quotes, lead, 2, {**alike, hours: 0.2}) == [price]
    assert best_sentences(quotes, lead, 2, {**alike, hours: 0.2, other_price: 0.7}) == [
        price,
        other_price,
    ]


def test_what_is_like_the_question_is_quoted_and_shared_words_only_tip_the_scale() -> None:
    texts = (
        "VAT of 27 countries is worked out by itself.",
        "Taxes of all states are filed every quarter.",
        "A failed payment is tried again after three days.",
    )
    asked = {"interaction_history": "Asked whether a failed VAT filing is tried again."}
    lead = LEAD.model_copy(update=asked)
    quotes = quotes_of((passage("pricing/plans.pdf", " ".join(texts)),))

    def best(*likeness: float) -> list[str]:
        return best_sentences(quotes, lead, 3, dict(zip(texts, likeness, strict=True)))

    assert best_sentences(quotes, lead, 1) == [texts[2]]
    assert best(0.7, 0.6, 0.05) == [texts[0], texts[1]]
    assert best(0.5, 0.5, 0.5)[0] == texts[2]
    assert best(0.05, 0.05, 0.05) == []
