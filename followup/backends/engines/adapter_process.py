"""A merged adapter in a process of its own, driven over a socket.

OpenVINO holds Python's global lock while it reads a model and while it steps: in one process, an
adapter that loads would stop every other reply for seconds. A process of its own loads beside them,
and one that crashes takes nothing else with it.
"""

import asyncio
import itertools
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from followup.backends.engines.protocol import Generation, Sampling
from followup.backends.engines.wire import (
    MAX_LINE_BYTES,
    Answer,
    Call,
    decode_answer,
    encode_line,
    error_of,
    read_line,
)
from followup.backends.settings import EngineSettings
from followup.errors import PartUnavailableError
from followup.prompts import Prompt


class AdapterProcess:
    """One merged model. Use `start`."""

    def __init__(
        self,
        adapter: str,
        process: subprocess.Popen[bytes],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._adapter = adapter
        self._process = process
        self._reader = reader
        self._writer = writer
        self._ids = itertools.count()
        self._waiting: dict[int, asyncio.Future[Generation | None]] = {}
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, adapter: str, settings: EngineSettings) -> "AdapterProcess":
        """Start the process and wait until it has loaded the model of `settings`.

        Raises PartUnavailableError when it cannot. Cancelled, it ends the process.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            process = _spawn(theirs)
        reader, writer = await asyncio.open_connection(sock=ours, limit=MAX_LINE_BYTES)
        started = cls(adapter, process, reader, writer)
        try:
            await started._ask({"settings": settings.model_dump(mode="json")})
        except BaseException:
            await started.close()
            raise
        return started

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return not self._reading.done()

    async def generate(self, prompt: Prompt, sampling: Sampling) -> Generation:
        """One reply. Cancelling the awaiting task cancels it in the process, too."""
        generation = await self._ask({"prompt": prompt, "sampling": sampling})
        assert generation is not None  # noqa: S101 - the answer to a prompt holds one
        return generation

    async def close(self) -> None:
        """End the process. Safe to call twice."""
        self._writer.close()
        self._reading.cancel()
        with suppress(asyncio.CancelledError):
            await self._reading
        await asyncio.to_thread(_end, self._process)

    async def _ask(self, content: Mapping[str, Any]) -> Generation | None:
        if not self.is_alive:
            raise self._died()
        number = next(self._ids)
        answer: asyncio.Future[Generation | None] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            self._send(Call(number=number, **content))
            return await answer
        finally:
            del self._waiting[number]
            if answer.cancelled():
                self._send(Call(number=number, cancel=True))

    def _send(self, call: Call) -> None:
        if not self._writer.is_closing():
            self._writer.write(encode_line(call))

    async def _read(self) -> None:
        """Hand answers to their callers until the process ends."""
        try:
            while (line := await read_line(self._reader)) is not None:
                self._hand_over(decode_answer(line))
        finally:
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(self._died())

    def _hand_over(self, answer: Answer) -> None:
        waiting = self._waiting.get(answer.number)
        if waiting is None or waiting.done():  # its caller is gone
            return
        if answer.error is not None:
            waiting.set_exception(error_of(answer.error))
        else:
            waiting.set_result(answer.generation)

    def _died(self) -> PartUnavailableError:
        return PartUnavailableError(
            f"The process of adapter '{self._adapter}' ended; the generator's log says why. "
            "It is started again with the next request."
        )


def _spawn(connection: socket.socket) -> "subprocess.Popen[bytes]":
    # The fresh interpreter takes nothing over from this one: no threads, no open files.
    return subprocess.Popen(  # noqa: S603 - this program's own module
        [
            sys.executable,
            "-m",
            "followup.backends.engines.adapter_worker",
            str(connection.fileno()),
        ],
        pass_fds=[connection.fileno()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )


def _end(process: "subprocess.Popen[bytes]") -> None:
    """At once: it holds nothing worth keeping, and while it loads it cannot listen."""
    process.kill()
    process.wait()
