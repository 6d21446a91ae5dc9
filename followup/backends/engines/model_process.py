"""A model in a process of its own, driven over a socket.

OpenVINO holds Python's global lock while it reads a model and while it steps. In the process that
answers callers, each pass of the event loop would wait for a whole step, and a request makes many
passes; an adapter that loads would stop every other reply for seconds. One that crashes takes
nothing else with it.
"""

import asyncio
import itertools
import os
import socket
import subprocess
import sys

from followup.backends.engines.protocol import EngineLoad, Generation, Sampling
from followup.backends.engines.request import engine_closed
from followup.backends.engines.wire import (
    MAX_LINE_BYTES,
    Answer,
    Call,
    LoadCall,
    decode_answer,
    encode_line,
    error_of,
    read_line,
)
from followup.backends.settings import EngineSettings
from followup.errors import PartUnavailableError
from followup.prompts import Prompt

LOADING = 0
"""Number of the first call, which loads the model."""


class ProcessEndedError(PartUnavailableError):
    """A model's process ended while it had something to do, or before."""


class ModelProcess:
    """One model. Once loaded it belongs to the event loop of its first request."""

    def __init__(self, name: str, settings: EngineSettings, *, in_background: bool = False) -> None:
        """Start the process; it loads the model of `settings`, at low priority `in_background`.

        `name` stands in errors.
        """
        self._name = name
        self._max_running = settings.max_running_requests
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = _spawn(theirs, name)
        call = LoadCall(number=LOADING, settings=settings, in_background=in_background)
        self._socket.sendall(encode_line(call))
        self._numbers = itertools.count(LOADING + 1)
        # Those whose caller is gone are among them until the process has let go of them.
        self._unanswered: dict[int, asyncio.Future[Generation]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        # Its end of the socket closes a moment before the system says that it has ended.
        return self._process.poll() is None and not (self._reading and self._reading.done())

    @property
    def load(self) -> EngineLoad:
        """Requests in the model's batch, and requests that wait for a place in it."""
        num_requests = len(self._unanswered)
        num_running = min(num_requests, self._max_running)
        return EngineLoad(num_running, num_requests - num_running)

    def wait_until_loaded(self) -> None:
        """Block until the model is loaded. PartUnavailableError where it cannot be.

        Call it once, before the first request.
        """
        line = b""
        while not line.endswith(b"\n"):
            received = self._received()
            if not received:
                raise self._died()
            line += received
        error = decode_answer(line).error
        if error is not None:
            raise error_of(error)

    def check(self) -> None:
        """Raise PartUnavailableError when the process has ended."""
        if self._closed:
            raise engine_closed()
        if not self.is_alive:
            raise self._died()

    async def generate(self, prompt: Prompt, sampling: Sampling) -> Generation:
        """One reply. Cancelling the awaiting task cancels it in the process, too."""
        await self._connected()
        self.check()  # after the last pause before its answer is waited for
        number = next(self._numbers)
        line = encode_line(Call(number=number, prompt=prompt, sampling=sampling))
        answer: asyncio.Future[Generation] = asyncio.get_running_loop().create_future()
        self._unanswered[number] = answer
        self._send(line)
        try:
            return await answer
        except asyncio.CancelledError:
            self._send(encode_line(Call(number=number, cancel=True)))
            raise

    async def close(self) -> None:
        """End the process; what runs fails. Safe to call twice."""
        self._closed = True
        # At once: it holds nothing worth keeping, and while it loads it cannot listen. Not in a
        # thread, of which all may be waiting for loads.
        self._process.kill()
        await asyncio.to_thread(self._process.wait)
        if self._writer is not None and self._reading is not None:
            self._writer.close()
            await self._reading
        self._socket.close()

    def _received(self) -> bytes:
        try:
            return self._socket.recv(MAX_LINE_BYTES)
        except OSError:  # it was killed, or closed here, while it loaded
            return b""

    async def _connected(self) -> None:
        """Once for all: the socket's ends in this event loop. Raises as `check`."""
        self.check()
        if self._connecting is None:
            self._connecting = asyncio.create_task(self._connect())
        await asyncio.shield(self._connecting)

    async def _connect(self) -> None:
        reader, self._writer = await asyncio.open_connection(
            sock=self._socket, limit=MAX_LINE_BYTES
        )
        self._reading = asyncio.create_task(self._read(reader))

    def _send(self, line: bytes) -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(line)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        """Hand answers to their callers until the process ends."""
        try:
            while (line := await read_line(reader)) is not None:
                self._hand_over(decode_answer(line))
        finally:
            unanswered = [*self._unanswered.values()]
            self._unanswered.clear()
            for answer in unanswered:
                if not answer.done():
                    answer.set_exception(engine_closed() if self._closed else self._died())

    def _hand_over(self, answer: Answer) -> None:
        waiting = self._unanswered.pop(answer.number, None)
        if waiting is None or waiting.done():  # its caller is gone
            return
        if answer.generation is not None:
            waiting.set_result(answer.generation)
        elif answer.error is not None:
            waiting.set_exception(error_of(answer.error))

    def _died(self) -> ProcessEndedError:
        return ProcessEndedError(
            f"The process of {self._name} ended; the generator's log says why. "
            "It is started again with the next request."
        )


def _spawn(connection: socket.socket, name: str) -> "subprocess.Popen[bytes]":
    # The fresh interpreter takes nothing over from this one: no threads, no open files.
    return subprocess.Popen(  # noqa: S603 - this program's own module
        [
            sys.executable,
            "-m",
            "followup.backends.engines.model_worker",
            str(connection.fileno()),
            name,  # for who looks at the processes
        ],
        pass_fds=[connection.fileno()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
