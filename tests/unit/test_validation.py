"""The validator fails closed: what leaves is supported and keeps the rules, or is conservative."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import load_settings
from followup.evidence import has_substance, quotes_of
from followup.fusion import Candidate, Repair
from followup.grounding import check_claims
from followup.lead import Lead
from followup.passage import Chunk, Passage
from followup.situation import Situation
from followup.statements import StatementChecker
from followup.validation import Validated, ValidationTask, known_text, validate

RULES = load_settings().compliance
LEAD = Lead(
    lead_name="Sarah Johnson",
    product_name="AI Billing Software",
    interaction_history="Asked what the mid-tier plan costs and how much time a team saves.",
)


def passage(text: str, document: str = "pricing/plans.pdf") -> Passage:
    chunk = Chunk(
        chunk_id=document, document=document, title="Plans", source_type="pricing",
        position=0, text=text,
    )  # fmt: skip
    return Passage(chunk=chunk, score=0.9)


PASSAGES = (
    passage("The Growth plan is the mid-tier plan and costs $299 per month."),
    passage("Teams save 15-20 hours a week on manual invoicing.", "features/automation.md"),
)


def candidate(text: str, *, truncated: bool = False, name: str = "one") -> Candidate:
    return Candidate(name=name, text=text, truncated=truncated, mean_log_prob=-0.5)


def checked(
    *texts: str,
    require_grounding: bool = True,
    situation: Situation = Situation.STANDARD,
    weight: float = 0.6,
    truncated: bool = False,
    lead: Lead = LEAD,
    passages: tuple[Passage, ...] = PASSAGES,
    likeness: dict[str, float] | None = None,
) -> Validated:
    task = ValidationTask(
        lead=lead,
        situation=situation,
        passages=passages,
        likeness=likeness or {},
        candidates=tuple(
            candidate(text, name=str(index), truncated=truncated)
            for index, text in enumerate(texts)
        ),
        fusion_weight=weight,
        require_grounding=require_grounding,
    )
    return validate(task, RULES)


def test_a_supported_message_leaves_as_it_was_written() -> None:
    done = checked(
        "Hi Sarah,\n\nThe Growth plan is the mid-tier plan and costs $299 per month.\n\n"
        "No rush at all, just reply whenever it suits you."
    )
    assert done.fallback_reason is None
    assert "$299 per month" in done.message
    assert [verdict.source for verdict in done.verdicts if verdict.kind == "money"] == [
        "pricing/plans.pdf"
    ]


@pytest.mark.parametrize(
    "claim",
    [
        "The Growth plan costs $199 per month.",
        "Teams save 35 hours a week on invoicing.",
        "Customers cut costs by 80%.",
        "Write to hello@example.com for the price.",
        "See https://example.com/growth for the plan.",
        "Call +1 555 010 9999 about the plan.",
        "The price ends on March 3rd, 2027.",
    ],
)
def test_a_claim_that_no_source_holds_never_leaves(claim: str) -> None:
    done = checked(f"Hi Sarah,\n\nThe mid-tier plan costs $299 per month. {claim}")
    assert claim not in done.message
    assert all(verdict.supported for verdict in done.verdicts)


@given(st.integers(1, 10_000_000).filter(lambda number: number not in {299, 15, 20}))
def test_no_made_up_price_ever_leaves(price: int) -> None:
    done = checked(f"Hi Sarah,\n\nThe mid-tier plan costs ${price} per month.")
    assert f"${price} per" not in done.message


def test_statements_about_what_no_source_mentions_are_dropped() -> None:
    done = checked(
        "Hi Sarah,\n\nThank you for visiting our booth in Lisbon. "
        "The mid-tier plan costs $299 per month."
    )
    assert "booth" not in done.message
    assert "$299" in done.message


def test_where_nothing_of_substance_is_left_the_documents_are_quoted() -> None:
    done = checked("Hi Sarah,\n\nThank you for your interest. We won ninety awards on Mars.")
    assert "The Growth plan is the mid-tier plan and costs $299 per month." in done.message
    assert done.fallback_reason is None


def test_a_lead_who_is_not_interested_gets_no_pitch() -> None:
    done = checked("Hi Sarah,\n\nThank you for telling us.", situation=Situation.NOT_INTERESTED)
    assert "$299" not in done.message


def test_without_candidates_the_conservative_reply_goes_out() -> None:
    done = checked()
    assert done.fallback_reason == "no_documents"
    assert not any(character.isdigit() for character in done.message)


def test_where_nothing_can_be_said_the_conservative_reply_goes_out() -> None:
    table = (passage("Plan | Price\nGrowth | $299"),)
    for text in ("", "Hi Sarah,\n\nWe won 90 awards on Mars.", "Buy now [Name]!"):
        task = ValidationTask(
            lead=LEAD,
            situation=Situation.STANDARD,
            passages=table,
            candidates=(candidate(text),),
            fusion_weight=0.6,
        )
        assert validate(task, RULES).fallback_reason == "no_sound_candidate"


def test_the_better_grounded_candidate_wins_when_only_grounding_counts() -> None:
    good = "Hi Sarah,\n\nThe mid-tier plan costs $299 per month."
    bad = "Hi Sarah,\n\nThe mid-tier plan costs $299 per month. It saves $900 and $800."
    done = checked(bad, good, weight=1)
    assert [item.score for item in done.scores] == [item.grounding for item in done.scores]
    assert done.scores[1].grounding > done.scores[0].grounding


def test_a_sentence_that_the_token_limit_cut_is_not_sent() -> None:
    done = checked(
        "Hi Sarah,\n\nThe mid-tier plan costs $299 per month. Teams save 15", truncated=True
    )
    assert "Teams save 15" not in done.message.replace("Teams save 15-20", "")


def test_without_required_grounding_claims_are_labelled_not_repaired() -> None:
    done = checked("Hi Sarah,\n\nThe mid-tier plan costs $199 per month.", require_grounding=False)
    assert "$199" in done.message
    assert done.supported_share < 1


@given(st.lists(st.sampled_from(
    ["Hi Sarah,", "The plan costs $1.", "Act now!", "Is it?", "[Name]", "x" * 500, "\n\n", "Bye."]
), max_size=30))  # fmt: skip
def test_whatever_the_model_writes_the_message_keeps_the_rules(pieces: list[str]) -> None:
    done = checked(" ".join(pieces))
    assert len(done.message.split()) <= RULES.max_words
    assert done.message.count("?") <= RULES.max_questions
    assert done.message.count("Sarah") == 1
    assert "act now" not in done.message.lower()
    # The conservative reply is the company's own text.
    checker = None if done.fallback_reason else StatementChecker()
    known = known_text(LEAD, Situation.STANDARD, RULES)
    verdicts = check_claims(done.message, PASSAGES, known, checker)
    assert all(verdict.supported for verdict in verdicts)


def test_evidence_comes_after_the_opening_in_place_of_empty_sentences() -> None:
    empty = (
        "Hi Sarah,\n\nThank you for your interest. I would love to hear more. What do you think?"
    )
    quotes = quotes_of(PASSAGES)
    done = checked(empty)
    assert not has_substance(empty, quotes, LEAD)
    assert done.message.startswith("Hi Sarah,\n\nThank you for your interest. ")
    assert done.message.count("$299") == 1
    assert "think" not in done.message
    assert has_substance(done.message, quotes, LEAD)
    assert done.scores[0].repair is Repair.REWRITTEN


def test_thanks_that_give_way_to_the_opening_are_no_substance() -> None:
    passages = (passage("The Growth plan costs $299 per month. The Starter plan has no portal."),)
    lead = LEAD.model_copy(update={"interaction_history": "Wants the price in one sentence."})
    draft = (
        "Hi Sarah,\n\nThank you for your clear answer about the Growth plan and the Starter plan. "
        "Keep this for whenever it is useful."
    )
    message = checked(draft, passages=passages, lead=lead).message
    assert "clear answer" not in message
    assert "The Growth plan costs $299 per month." in message


def test_where_no_quote_is_like_the_question_the_conservative_reply_goes_out() -> None:
    passages = (passage("A failed payment is tried again after three days."),)
    draft = "Hi Sarah,\n\nThank you for your interest. I would like to give you an exact answer."
    [quote] = [item.text for item in quotes_of(passages)]
    done = checked(draft, passages=passages, likeness={quote: 0.05})
    assert done.fallback_reason == "no_sound_candidate"
    assert checked(draft, passages=passages, likeness={quote: 0.5}).fallback_reason is None


@pytest.mark.parametrize(
    ("second", "stays"),
    [
        ("Teams that use AI Billing Software save 15 hours of billing work a week.", False),
        ("Northwind Freight saves 15 hours of billing work a week.", True),
        ("A team saves 20 hours of billing work a week.", True),
        (
            "A team saves 15 hours of billing work a week with the Growth plan in its first month.",
            True,
        ),
    ],
    ids=["the same", "another name", "another figure", "more of it"],
)
def test_what_was_said_is_not_said_again(second: str, stays: bool) -> None:
    first = "A team saves 15 hours of billing work a week."
    passages = (passage(f"{first} {second}"),)
    message = checked(f"Hi Sarah,\n\n{first} {second}", passages=passages).message
    assert first in message
    assert (second in message) is stays


def test_an_unsupported_sentence_is_replaced_by_the_sentence_of_a_source_that_says_it_right() -> (
    None
):
    done = checked("Hi Sarah,\n\nThe mid-tier Growth plan costs $199 per month.")
    assert "The Growth plan is the mid-tier plan and costs $299 per month." in done.message
    assert done.scores[0].repair is Repair.DROPPED
    assert done.scores[0].grounding < 1


@pytest.mark.parametrize(
    "invented",
    [
        "Thank you for sharing the product demo.",
        "It was great to meet you today.",
        "Thank you for reaching out to us.",
        "I hope our last call was helpful.",
    ],
)
def test_thanks_for_what_never_happened_are_not_sent(invented: str) -> None:
    done = checked(f"Hi Sarah,\n\n{invented} The mid-tier plan costs $299 per month.")
    assert invented not in done.message
    assert "$299" in done.message


def test_thanks_for_what_the_request_tells_stay() -> None:
    true = "Thank you for asking about the mid-tier plan."
    assert true in checked(f"Hi Sarah,\n\n{true} The mid-tier plan costs $299 per month.").message


def test_a_draft_that_does_not_accept_a_no_is_not_sent() -> None:
    pushing = "Hi Sarah,\n\nThank you for your interest. I am happy to help."
    done = checked(pushing, situation=Situation.NOT_INTERESTED)
    assert done.fallback_reason == "no_sound_candidate"
    accepting = "Hi Sarah,\n\nI understand, and thank you for your time."
    done = checked(accepting, situation=Situation.NOT_INTERESTED)
    assert done.fallback_reason is None
    assert "I understand" in done.message


def test_a_sign_off_whose_name_is_dropped_goes_with_it() -> None:
    body = "Hi Sarah,\n\nThe mid-tier plan costs $299 per month."
    done = checked(f"{body}\n\nBest regards,\nJo Quill")
    assert "Quill" not in done.message
    assert "regards" not in done.message
