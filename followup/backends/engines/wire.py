"""What goes over the socket between an engine and the process of one of its models.

One JSON object a line, both ways.
"""

import asyncio

from pydantic import BaseModel, ConfigDict

from followup import errors
from followup.backends.engines.protocol import Generation, Sampling
from followup.backends.settings import EngineSettings
from followup.errors import FollowupError, PartUnavailableError
from followup.prompts import Prompt

MAX_LINE_BYTES = 16 << 20


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LoadCall(_Message):
    """The first call: load this model."""

    number: int
    settings: EngineSettings
    in_background: bool
    """At low priority, beside replies that are being written."""


class Call(_Message):
    """Write a reply (`prompt`, `sampling`), or `cancel` that."""

    number: int
    prompt: Prompt | None = None
    sampling: Sampling | None = None
    cancel: bool = False


class WireError(_Message):
    """A FollowupError by the name of its class."""

    kind: str
    message: str
    field: str | None
    retry_after_seconds: float | None


class Answer(_Message):
    """The reply to a call, or its error; neither where a model was loaded or a call cancelled."""

    number: int
    generation: Generation | None = None
    error: WireError | None = None


def encode_line(message: LoadCall | Call | Answer) -> bytes:
    """One line."""
    return message.model_dump_json().encode() + b"\n"


def decode_load_call(line: bytes) -> LoadCall:
    """Read the first thing that the engine sent."""
    return LoadCall.model_validate_json(line)


def decode_call(line: bytes) -> Call:
    """Read what the engine sent."""
    return Call.model_validate_json(line)


def decode_answer(line: bytes) -> Answer:
    """Read what the model's process sent."""
    return Answer.model_validate_json(line)


async def read_line(reader: asyncio.StreamReader) -> bytes | None:
    """The next line; None when the other side has ended."""
    try:
        return await reader.readuntil(b"\n")
    except (asyncio.IncompleteReadError, OSError):
        return None


def wire_error(error: FollowupError) -> WireError:
    """The error as it is sent."""
    return WireError(
        kind=type(error).__name__,
        message=error.message,
        field=error.field,
        retry_after_seconds=error.retry_after_seconds,
    )


def error_of(sent: WireError) -> FollowupError:
    """The error as it was raised on the other side."""
    kind = getattr(errors, sent.kind, PartUnavailableError)
    error: FollowupError = kind(
        sent.message, field=sent.field, retry_after_seconds=sent.retry_after_seconds
    )
    return error
