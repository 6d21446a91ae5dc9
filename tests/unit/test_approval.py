"""The approval policy: what is held, and why."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup.approval import (
    ApprovalRules,
    HoldReason,
    WrittenMessage,
    approval_id,
    hold_reasons,
)
from followup.situation import Situation

REQUEST_IDS = st.text("0123456789abcdef", min_size=32, max_size=32)


def written(**changes: object) -> WrittenMessage:
    facts = {
        "request_id": "0" * 32,
        "confidence": 0.8,
        "situation": Situation.STANDARD,
        "deal_value": None,
        "num_earlier_of_adapter": None,
    }
    return WrittenMessage.model_validate(facts | changes)


@given(REQUEST_IDS, st.floats(0, 1), st.sampled_from(Situation), st.none() | st.floats(0, 1e12))
def test_without_conditions_nothing_is_held(
    request_id: str, confidence: float, situation: Situation, deal_value: float | None
) -> None:
    message = written(
        request_id=request_id,
        confidence=confidence,
        situation=situation,
        deal_value=deal_value,
        num_earlier_of_adapter=0,
    )
    assert hold_reasons(message, ApprovalRules()) == ()
    assert not ApprovalRules().holds_any


@pytest.mark.parametrize(
    ("rules", "held", "let_go", "reason"),
    [
        pytest.param(
            {"below_confidence": 0.7}, {"confidence": 0.6999}, {"confidence": 0.7},
            HoldReason.LOW_CONFIDENCE, id="confidence",
        ),
        pytest.param(
            {"situations": ["price_objection"]}, {"situation": "price_objection"},
            {"situation": "silent"}, HoldReason.SITUATION, id="situation",
        ),
        pytest.param(
            {"deal_value_from": 50_000}, {"deal_value": 50_000}, {"deal_value": 49_999.99},
            HoldReason.DEAL_VALUE, id="deal value",
        ),
        pytest.param(
            {"deal_value_from": 0}, {"deal_value": 0}, {"deal_value": None},
            HoldReason.DEAL_VALUE, id="any deal value",
        ),
        pytest.param(
            {"first_messages_of_adapter": 3}, {"num_earlier_of_adapter": 2},
            {"num_earlier_of_adapter": 3}, HoldReason.NEW_ADAPTER, id="new adapter",
        ),
        pytest.param(
            {"first_messages_of_adapter": 3}, {"num_earlier_of_adapter": 0},
            {"num_earlier_of_adapter": None}, HoldReason.NEW_ADAPTER, id="no adapter",
        ),
    ],
)  # fmt: skip
def test_a_condition_holds_what_meets_it_and_nothing_else(
    rules: dict[str, object],
    held: dict[str, object],
    let_go: dict[str, object],
    reason: HoldReason,
) -> None:
    policy = ApprovalRules.model_validate(rules)
    assert policy.holds_any
    assert hold_reasons(written(**held), policy) == (reason,)
    assert hold_reasons(written(**let_go), policy) == ()


def test_every_condition_that_is_met_is_named() -> None:
    policy = ApprovalRules(below_confidence=1, deal_value_from=10, random_share=1)
    assert hold_reasons(written(deal_value=10), policy) == (
        HoldReason.LOW_CONFIDENCE,
        HoldReason.DEAL_VALUE,
        HoldReason.RANDOM_SHARE,
    )


@given(REQUEST_IDS)
def test_the_whole_share_holds_every_message(request_id: str) -> None:
    message = written(request_id=request_id)
    assert hold_reasons(message, ApprovalRules(random_share=1)) == (HoldReason.RANDOM_SHARE,)


@given(REQUEST_IDS, st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_holds_all_that_a_smaller_one_does_each_time(
    request_id: str, one: float, other: float
) -> None:
    smaller, larger = sorted((one, other))
    message = written(request_id=request_id)
    held = [
        bool(hold_reasons(message, ApprovalRules(random_share=share)))
        for share in (smaller, smaller, larger)
    ]
    assert held[0] == held[1]
    assert held[1] <= held[2]


def test_the_share_that_is_drawn_is_the_share_that_was_asked() -> None:
    policy = ApprovalRules(random_share=0.2)
    messages = [written(request_id=f"{number:032x}") for number in range(10_000)]
    num_held = sum(bool(hold_reasons(message, policy)) for message in messages)
    # Four standard deviations of a binomial are 160.
    assert num_held == pytest.approx(2_000, abs=160)


@pytest.mark.parametrize("key", ["reply:v1:a", "reply:v1:b", "reply:v1:a\nHi"])
@pytest.mark.parametrize("text", ["Hi", "Hi.", "", "Hi\nHi", "\ud800"])
def test_only_the_same_text_for_the_same_request_shares_a_decision(key: str, text: str) -> None:
    one = approval_id("reply:v1:a", "Hi")
    assert (approval_id(key, text) == one) is ((key, text) == ("reply:v1:a", "Hi"))
    assert len(one) == 32
