"""The one table that turns errors into HTTP statuses, and the one shape that they all have."""

import logging
import math

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from deployments.batch_desk import BatchTooLargeError, BatchUnfinishedError
from deployments.error_body import ErrorBody, ErrorDetail
from followup.backends.batches import BatchFinishedError
from followup.edited_message import EditCheck, UnsoundEditError
from followup.errors import (
    AdapterMissingError,
    AlreadyDecidedError,
    AuthenticationError,
    DeadlineExceededError,
    FollowupError,
    InvalidInputError,
    LeadOptedOutError,
    MessageNotReleasedError,
    MessageRejectedError,
    NotFoundError,
    OverloadedError,
    PartUnavailableError,
    RateLimitedError,
    ScopeError,
)

logger = logging.getLogger(__name__)

STATUSES: dict[type[FollowupError], int] = {
    InvalidInputError: 422,
    UnsoundEditError: 422,
    AuthenticationError: 401,
    ScopeError: 403,
    NotFoundError: 404,
    LeadOptedOutError: 409,
    MessageRejectedError: 409,
    MessageNotReleasedError: 409,
    AlreadyDecidedError: 409,
    BatchFinishedError: 409,
    BatchUnfinishedError: 409,
    BatchTooLargeError: 413,
    RateLimitedError: 429,
    OverloadedError: 429,
    AdapterMissingError: 503,
    PartUnavailableError: 503,
    DeadlineExceededError: 504,
}
DEFAULT_RETRY_AFTER_SECONDS = 5.0
BODY = "body"
HTTP_CODES = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}


def add_error_handlers(api: FastAPI) -> None:
    """Answer every error in the one shape; a traceback goes to the log, never to a client."""
    api.add_exception_handler(FollowupError, _on_followup_error)
    api.add_exception_handler(RequestValidationError, _on_validation_error)
    api.add_exception_handler(HTTPException, _on_http_error)
    api.add_exception_handler(Exception, _on_unforeseen_error)


def error_response(
    status: int,
    code: str,
    message: str,
    *,
    request_id: str,
    field: str | None = None,
    headers: dict[str, str] | None = None,
    check: EditCheck | None = None,
) -> JSONResponse:
    """An error in the one shape."""
    detail = ErrorDetail(
        code=code,
        message=message,
        field=field,
        request_id=request_id,
        grounding=check and check.verdicts,
        violations=check and check.violations,
    )
    body = ErrorBody(error=detail).model_dump(mode="json", exclude_none=True)
    # The answer to an unforeseen error is made outside the middleware that sets this header.
    all_headers = {**(headers or {}), "X-Request-ID": request_id}
    return JSONResponse(body, status_code=status, headers=all_headers)


def _on_followup_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, FollowupError)  # noqa: S101 - registered for this class only
    status = next(
        (STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES),
        500,
    )
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}  # noqa: PLR2004
    if status in {429, 503}:
        seconds = error.retry_after_seconds or DEFAULT_RETRY_AFTER_SECONDS
        headers["Retry-After"] = str(max(1, math.ceil(seconds)))
    return error_response(
        status,
        error.code,
        error.message,
        field=error.field,
        request_id=_request_id(request),
        headers=headers,
        check=error.check if isinstance(error, UnsoundEditError) else None,
    )


def _on_validation_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class only
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        position = first["loc"][-1]
        return _unreadable(request, f"{first['ctx']['error']} at character {position}.")
    field = ".".join(str(part) for part in first["loc"] if part != BODY) or BODY
    shown = _shorten(first.get("input"))
    message = f"Field '{field}' has value {shown}: {first['msg']}."
    return error_response(
        422, "invalid_input", message, field=field, request_id=_request_id(request)
    )


def _unreadable(request: Request, reason: str) -> JSONResponse:
    message = f"The body cannot be read as JSON: {reason}"
    return error_response(
        422, "invalid_input", message, field=BODY, request_id=_request_id(request)
    )


def _on_http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only
    if error.status_code == 400:  # noqa: PLR2004
        # FastAPI's word for whatever the JSON parser raises besides a syntax error: wrong bytes,
        # too deep a nesting, too long a number.
        return _unreadable(request, "it is nested too deeply, or holds wrong bytes or numbers.")
    code = HTTP_CODES.get(error.status_code, "http_error")
    return error_response(
        error.status_code,
        code,
        str(error.detail),
        request_id=_request_id(request),
        headers=dict(error.headers or {}),
    )


def _on_unforeseen_error(request: Request, error: Exception) -> JSONResponse:
    logger.error("request %s failed", _request_id(request), exc_info=error)
    message = "Something went wrong on our side; the log has the details under this request_id."
    return error_response(500, "internal_error", message, request_id=_request_id(request))


def _request_id(request: Request) -> str:
    request_id: str = request.state.request_id
    return request_id


def _shorten(value: object, limit: int = 80) -> str:
    shown = repr(value)
    return shown if len(shown) <= limit else f"{shown[:limit]}…"
