"""The gate of publishing: what an adapter must reach next to its base model, as configured."""

from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ConfigDict, Field, JsonValue

NO_EVALUATION = "There is no evaluation.json. Make one with: lead-assistant train evaluate"


class GateRules(BaseModel):
    """`gate:` of adapters.yaml. A value left out (null) is not asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_perplexity_ratio: float | None = Field(
        default=None, gt=0, description="Adapter's perplexity by the base model's, at most."
    )
    min_rules_kept: float | None = Field(
        default=None, ge=0, le=1, description="Share of replies that keep every message rule."
    )
    min_grounded_share: float | None = Field(
        default=None, ge=0, le=1, description="Supported share of the claims in its replies."
    )
    min_rows: int | None = Field(
        default=None, ge=1, description="Rows of the evaluation; fewer say too little."
    )


class GateCheck(BaseModel):
    """One rule, held against one value."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: str
    limit: float
    value: float | None
    """None: the evaluation does not hold it."""
    passed: bool


class GateResult(BaseModel):
    """What the gate said, and whether it was overruled. It is part of the adapter's card."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    passed: bool
    forced: bool = False
    """Published with --force although the gate did not pass."""
    reason: str | None = None
    checks: tuple[GateCheck, ...] = ()

    def overruled(self) -> "GateResult":
        """The same result, recorded as forced unless it passed anyway."""
        return self.model_copy(update={"forced": not self.passed})

    def explain(self) -> str:
        """What did not pass, in one line."""
        failed = [
            f"{check.rule} is {_shown(check.value)}, {_direction(check.rule)} {check.limit:g}"
            for check in self.checks
            if not check.passed
        ]
        return self.reason or "; ".join(failed) or "passed"


def check_gate(rules: GateRules, evaluation: Mapping[str, JsonValue] | None) -> GateResult:
    """Hold an evaluation (`evaluation.json`) against the rules; without one nothing passes."""
    if evaluation is None:
        return GateResult(passed=False, reason=NO_EVALUATION)
    checks = tuple(_checks(rules, evaluation))
    return GateResult(passed=all(check.passed for check in checks), checks=checks)


def _checks(rules: GateRules, evaluation: Mapping[str, JsonValue]) -> Sequence[GateCheck]:
    perplexity = _value(evaluation, "adapter", "perplexity")
    base = _value(evaluation, "base", "perplexity")
    ratio = perplexity / base if perplexity is not None and base else None
    asked = (
        ("perplexity_ratio", rules.max_perplexity_ratio, ratio),
        ("rules_kept", rules.min_rules_kept, _value(evaluation, "adapter", "rules_kept")),
        (
            "grounded_share",
            rules.min_grounded_share,
            _value(evaluation, "adapter", "grounded_share"),
        ),
        ("num_rows", rules.min_rows, _number(evaluation.get("num_rows"))),
    )
    return [
        GateCheck(rule=rule, limit=limit, value=value, passed=_passes(rule, limit, value))
        for rule, limit, value in asked
        if limit is not None
    ]


def _passes(rule: str, limit: float, value: float | None) -> bool:
    """A value that is missing, or not a number, passes nothing."""
    if value is None:
        return False
    return value <= limit if rule == "perplexity_ratio" else value >= limit


def _direction(rule: str) -> str:
    return "allowed at most" if rule == "perplexity_ratio" else "wanted at least"


def _shown(value: float | None) -> str:
    return "not in the evaluation" if value is None else f"{value:.4g}"


def _value(evaluation: Mapping[str, JsonValue], side: str, measure: str) -> float | None:
    """A measure of one side: a number, or the `value` of one with its interval."""
    measures = evaluation.get(side)
    found = measures.get(measure) if isinstance(measures, dict) else None
    return _number(found.get("value") if isinstance(found, dict) else found)


def _number(value: JsonValue) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number else None  # type: ignore[arg-type]  # is_number says so
