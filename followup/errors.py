"""The named errors of the product. One table in the ingress turns each into an HTTP status.

An error says what went wrong, with which value, and the next step. `code` is the machine-readable
name that an API client sees; `field` names the offending input where there is one.
"""


class FollowupError(Exception):
    """Base of every error that this product raises on purpose."""

    code = "internal_error"

    def __init__(
        self, message: str, *, field: str | None = None, retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.retry_after_seconds = retry_after_seconds

    def __reduce__(self) -> tuple[object, ...]:
        """Keep field and retry_after when the error crosses a process boundary."""
        return (_rebuild, (type(self), self.message, self.field, self.retry_after_seconds))


def _rebuild(
    kind: type[FollowupError], message: str, field: str | None, retry_after_seconds: float | None
) -> FollowupError:
    return kind(message, field=field, retry_after_seconds=retry_after_seconds)


class InvalidInputError(FollowupError):
    """A value from outside is not allowed; the message names field, value and what is allowed."""

    code = "invalid_input"


class SettingError(FollowupError):
    """A configuration value is wrong; the start stops."""

    code = "invalid_setting"


class AuthenticationError(FollowupError):
    """No API key, an unknown one, or a revoked one."""

    code = "unauthenticated"


class ScopeError(FollowupError):
    """The key is good but lacks the scope."""

    code = "forbidden"


class NotFoundError(FollowupError):
    """The thing that was named does not exist for this tenant."""

    code = "not_found"


class LeadOptedOutError(FollowupError):
    """The lead asked not to be contacted: no message may be written."""

    code = "lead_opted_out"


class MessageRejectedError(FollowupError):
    """A reviewer rejected this very message: it may not be sent."""

    code = "message_rejected"


class MessageNotReleasedError(FollowupError):
    """The message waits for approval or was rejected, so nothing can have come of it."""

    code = "message_not_released"


class AlreadyDecidedError(FollowupError):
    """A held message is decided once; somebody else did."""

    code = "already_decided"


class AdapterMissingError(FollowupError):
    """No adapter is published under the name or alias that was asked for."""

    code = "adapter_missing"


class PartUnavailableError(FollowupError):
    """A part the request needs (vector store, engine, database) does not answer."""

    code = "part_unavailable"


class OverloadedError(FollowupError):
    """A queue is full; try again after `retry_after_seconds`."""

    code = "overloaded"


class RateLimitedError(FollowupError):
    """The tenant's rate limit is used up."""

    code = "rate_limited"


class DeadlineExceededError(FollowupError):
    """The request's deadline passed; its work was cancelled."""

    code = "deadline_exceeded"
