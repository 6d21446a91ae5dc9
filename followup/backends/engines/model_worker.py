"""The process of one model; started by `model_process.py`, ended with its socket.

One thread: it steps the model as long as a reply is being written, and between two steps takes all
calls that have come. A second thread would wait for a whole step each time it needs Python's lock.
"""

import os
import select
import socket
import sys
import traceback
from contextlib import nullcontext

from followup.backends.engines.openvino_model import OpenVinoModel, Written
from followup.backends.engines.priority import loading_priority
from followup.backends.engines.running_batch import engine_broke, refused
from followup.backends.engines.wire import (
    Answer,
    Call,
    LoadCall,
    decode_call,
    decode_load_call,
    encode_line,
    wire_error,
)
from followup.errors import FollowupError, PartUnavailableError

RECEIVED_AT_ONCE = 1 << 20


class Calls:
    """The lines that come over a socket."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._rest = b""
        self._poll = select.poll()  # unlike select() it takes descriptors of any number
        self._poll.register(connection, select.POLLIN)

    def take(self, *, wait: bool) -> list[bytes] | None:
        """What has come, whole lines; None once the other side has closed.

        `wait`: until there is at least a part of one.
        """
        if not self._poll.poll(None if wait else 0):
            return []
        received = self._connection.recv(RECEIVED_AT_ONCE)
        if not received:
            return None
        *lines, self._rest = (self._rest + received).split(b"\n")
        return lines


class Worker:
    """Answers calls, as many at a time as come."""

    def __init__(self, model: OpenVinoModel, calls: Calls, connection: socket.socket) -> None:
        self._model = model
        self._calls = calls
        self._connection = connection

    def run(self) -> None:
        """Until the other side closes the socket. Raises RuntimeError when the model breaks."""
        while (lines := self._calls.take(wait=not self._model.is_busy)) is not None:
            for line in lines:
                self._begin(decode_call(line))
            if self._model.is_busy:
                self._step()

    def _begin(self, call: Call) -> None:
        if call.cancel:
            if self._model.cancel(call.number):
                self._send(Answer(number=call.number))
            return
        assert call.prompt and call.sampling  # noqa: S101 - the engine's own calls
        try:
            self._model.start(call.number, call.prompt, call.sampling)
        except FollowupError as error:
            self._send(Answer(number=call.number, error=wire_error(error)))
        except RuntimeError as error:  # of the tokenizer or the sampling: for this one alone
            self._send(Answer(number=call.number, error=wire_error(refused(error))))

    def _step(self) -> None:
        try:
            written = self._model.step()
        except RuntimeError as error:  # what OpenVINO raises, whatever went wrong
            broken = engine_broke(str(error))
            for number in self._model.numbers:
                self._send(Answer(number=number, error=wire_error(broken)))
            raise
        for each in written:
            self._send(_answer(each))

    def _send(self, answer: Answer) -> None:
        self._connection.sendall(encode_line(answer))


def _answer(written: Written) -> Answer:
    if isinstance(written.result, FollowupError):
        return Answer(number=written.number, error=wire_error(written.result))
    return Answer(number=written.number, generation=written.result)


def _load(call: LoadCall) -> OpenVinoModel:
    try:
        with loading_priority() if call.in_background else nullcontext():
            return OpenVinoModel(call.settings)
    except RuntimeError as error:  # what OpenVINO raises, whatever went wrong
        message = f"OpenVINO cannot read '{call.settings.model_path}': {error}"
        raise PartUnavailableError(message) from error


def serve(connection: socket.socket) -> None:
    """Load what the first call says, answer it, then answer the others."""
    calls = Calls(connection)
    lines: list[bytes] | None = []
    while not lines:
        lines = calls.take(wait=True)
        if lines is None:
            return
    call = decode_load_call(lines[0])
    try:
        model = _load(call)
    except PartUnavailableError as error:
        connection.sendall(encode_line(Answer(number=call.number, error=wire_error(error))))
        return
    connection.sendall(encode_line(Answer(number=call.number)))
    Worker(model, calls, connection).run()


def main() -> None:
    """Serve the socket whose file descriptor is the argument."""
    status = 0
    try:
        serve(socket.socket(fileno=int(sys.argv[1])))
    except (BrokenPipeError, ConnectionResetError):  # the other side is gone
        pass
    except Exception:  # noqa: BLE001 - told in the log; the exit below tells nothing
        traceback.print_exc()
        status = 1
    # Not by way of the interpreter's own end, which may wait for the model's threads.
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
