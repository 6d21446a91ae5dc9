"""The process of one merged adapter; started by `adapter_process.py`, ended with its socket."""

import asyncio
import os
import socket
import sys

from followup.backends.engines.openvino_pipeline import OpenVinoPipeline
from followup.backends.engines.priority import loading_priority
from followup.backends.engines.wire import (
    MAX_LINE_BYTES,
    Answer,
    Call,
    decode_call,
    encode_line,
    read_line,
    wire_error,
)
from followup.errors import FollowupError, PartUnavailableError


class Worker:
    """Answers calls, as many at a time as come."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._pipeline: OpenVinoPipeline | None = None
        self._running: dict[int, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Until the other side closes the socket."""
        while (line := await read_line(self._reader)) is not None:
            call = decode_call(line)
            if call.cancel:
                if task := self._running.get(call.number):
                    task.cancel()
                continue
            self._running[call.number] = asyncio.create_task(self._answer(call))

    async def _answer(self, call: Call) -> None:
        try:
            answer = await self._done(call)
        except FollowupError as error:
            answer = Answer(number=call.number, error=wire_error(error))
        finally:
            del self._running[call.number]
        self._writer.write(encode_line(answer))

    async def _done(self, call: Call) -> Answer:
        if call.settings is not None:
            try:
                with loading_priority():
                    self._pipeline = OpenVinoPipeline(call.settings)
            except RuntimeError as error:  # what OpenVINO raises, whatever went wrong
                message = f"OpenVINO cannot read '{call.settings.model_path}': {error}"
                raise PartUnavailableError(message) from error
            return Answer(number=call.number)
        assert self._pipeline and call.prompt and call.sampling  # noqa: S101 - the engine's own calls
        generation = await self._pipeline.generate(call.prompt, call.sampling)
        return Answer(number=call.number, generation=generation)


async def _serve(connection: socket.socket) -> None:
    reader, writer = await asyncio.open_connection(sock=connection, limit=MAX_LINE_BYTES)
    await Worker(reader, writer).run()


def main() -> None:
    """Serve the socket whose file descriptor is the argument."""
    asyncio.run(_serve(socket.socket(fileno=int(sys.argv[1]))))
    # Not by way of the interpreter's own end, which would wait for the thread that steps the model.
    os._exit(0)


if __name__ == "__main__":
    main()
