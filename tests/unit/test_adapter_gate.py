"""What an adapter must reach to be published."""

from typing import Any

import pytest

from followup.adapter_gate import NO_EVALUATION, GateRules, check_gate

RULES = GateRules(max_perplexity_ratio=0.9, min_rules_kept=0.8, min_grounded_share=0.5, min_rows=20)


def evaluation(**changes: Any) -> dict[str, Any]:
    adapter = {
        "perplexity": {"value": 8.0, "low": 7.0, "high": 9.0},
        "rules_kept": {"value": 0.9, "low": 0.8, "high": 1.0},
        "grounded_share": 0.7,
    }
    return {
        "base": {"perplexity": {"value": 12.0, "low": 11.0, "high": 13.0}},
        "adapter": {**adapter, **changes},
        "num_rows": changes.pop("num_rows", 40),
    }


def test_an_adapter_that_reaches_everything_passes() -> None:
    result = check_gate(RULES, evaluation())
    assert result.passed
    assert result.explain() == "passed"
    assert [check.value for check in result.checks] == pytest.approx([8 / 12, 0.9, 0.7, 40])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"perplexity": {"value": 11.0}}, "perplexity_ratio is 0.9167, allowed at most 0.9"),
        ({"rules_kept": 0.79}, "rules_kept is 0.79, wanted at least 0.8"),
        ({"grounded_share": 0.4}, "grounded_share is 0.4, wanted at least 0.5"),
        ({"grounded_share": None}, "grounded_share is not in the evaluation"),
        ({"grounded_share": True}, "grounded_share is not in the evaluation"),
        ({"perplexity": {"value": float("nan")}}, "perplexity_ratio is nan"),
        ({"num_rows": 3}, "num_rows is 3, wanted at least 20"),
    ],
)
def test_what_falls_short_or_is_missing_does_not_pass_and_is_named(
    changes: dict[str, Any], said: str
) -> None:
    result = check_gate(RULES, evaluation(**changes))
    assert not result.passed
    assert said in result.explain()
    assert result.overruled().forced


def test_without_an_evaluation_nothing_passes() -> None:
    result = check_gate(GateRules(), None)
    assert (result.passed, result.explain()) == (False, NO_EVALUATION)


def test_a_rule_left_out_is_not_asked_for() -> None:
    result = check_gate(GateRules(min_rules_kept=0.8), {"adapter": {"rules_kept": 0.8}})
    assert result.passed
    assert not result.overruled().forced
