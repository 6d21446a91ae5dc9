"""The one shape of every error."""

from pydantic import Field

from deployments.body import Body
from followup.grounding import Verdict
from followup.rules import RuleViolation


class ErrorDetail(Body):
    code: str
    message: str
    field: str | None = None
    request_id: str
    grounding: tuple[Verdict, ...] | None = Field(
        default=None, description="The claims of an edited text that is refused."
    )
    violations: tuple[RuleViolation, ...] | None = Field(
        default=None, description="The rules that an edited text breaks that is refused."
    )


class ErrorBody(Body):
    """The one shape of every error."""

    error: ErrorDetail


ERRORS: dict[int | str, dict[str, object]] = {
    status: {"model": ErrorBody} for status in (401, 403, 404, 409, 413, 422, 429, 503, 504)
}
"""What a route may answer besides its reply, for OpenAPI."""
