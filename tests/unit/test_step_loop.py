"""The step thread of the engines, over a pipeline without a model."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

import pytest

from followup.backends.engines.protocol import EngineLoad
from followup.backends.engines.step_loop import StepLoop
from followup.errors import InvalidInputError, PartUnavailableError

IDLE = EngineLoad(num_running=0, num_waiting=0)


class Status(Enum):
    RUNNING = 1
    FINISHED = 2
    IGNORED = 3


@dataclass
class Sequence:
    """Generates the numbers 0, 1, 2 …, one a step, until it has `num_tokens`."""

    num_tokens: int
    status: Status = Status.RUNNING
    generated_ids: list[int] = field(default_factory=list)
    generated_log_probs: list[float] = field(default_factory=list)

    def get_status(self) -> Status:
        return self.status

    def read_all(self) -> list["Sequence"]:
        return [self]

    def cancel(self) -> None:
        self.status = Status.IGNORED


class Pipeline:
    """Steps like the real ones: `failure` is raised by the next step, `gate` holds steps back."""

    def __init__(self) -> None:
        self.sequences: list[Sequence] = []
        self.gate = threading.Event()
        self.gate.set()
        self.failure: Exception | None = None
        self.largest_batch = 0

    def add_request(self, request_id: int, input_ids: str, rules: int) -> Sequence:
        if rules < 1:
            message = "Exception from src/cpp/config.cpp:1:\nCheck 'rules > 0' failed\n"
            raise RuntimeError(message)
        sequence = Sequence(num_tokens=rules)
        self.sequences.append(sequence)
        return sequence

    def step(self) -> None:
        assert self.gate.wait(timeout=30)
        if self.failure is not None:
            raise self.failure
        running = [each for each in self.sequences if each.status is Status.RUNNING]
        self.largest_batch = max(self.largest_batch, len(running))
        for sequence in running:
            sequence.generated_ids.append(len(sequence.generated_ids))
            if len(sequence.generated_ids) == sequence.num_tokens:
                sequence.status = Status.FINISHED


async def until_load(loop: StepLoop[str, int], expected: Callable[[EngineLoad], bool]) -> None:
    async with asyncio.timeout(30):
        while not expected(loop.load):  # noqa: ASYNC110 - a loop tells its load, not changes
            await asyncio.sleep(0.001)


async def test_requests_beyond_the_places_wait_and_all_finish() -> None:
    pipeline = Pipeline()
    pipeline.gate.clear()
    loop = StepLoop(pipeline, max_running=2)
    tasks = [asyncio.create_task(loop.generate("", length)) for length in (3, 1, 2, 4)]
    await until_load(loop, lambda load: load == EngineLoad(num_running=2, num_waiting=2))
    pipeline.gate.set()
    outputs = await asyncio.gather(*tasks)
    assert [output.generated_ids for output in outputs] == [[0, 1, 2], [0], [0, 1], [0, 1, 2, 3]]
    assert pipeline.largest_batch == 2
    assert loop.load == IDLE
    loop.close()


async def test_a_cancelled_request_leaves_the_pipeline_and_others_finish() -> None:
    pipeline = Pipeline()
    pipeline.gate.clear()
    loop = StepLoop(pipeline, max_running=2)
    endless = asyncio.create_task(loop.generate("", 10**9))
    other = asyncio.create_task(loop.generate("", 5))
    waiting = asyncio.create_task(loop.generate("", 10**9))
    await until_load(loop, lambda load: load == EngineLoad(num_running=2, num_waiting=1))
    endless.cancel()
    waiting.cancel()
    await asyncio.gather(endless, waiting, return_exceptions=True)
    pipeline.gate.set()
    assert (await other).generated_ids == [0, 1, 2, 3, 4]
    await until_load(loop, lambda load: load == IDLE)
    assert [each.status for each in pipeline.sequences] == [Status.IGNORED, Status.FINISHED]
    loop.close()


@pytest.mark.parametrize(
    ("failure", "match"),
    [
        pytest.param(RuntimeError("out of memory"), "broke: out of memory", id="runtime error"),
        pytest.param(ValueError("a bug"), "broke: its thread ended", id="any other error"),
    ],
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_a_step_that_raises_fails_every_request_and_every_later_one(
    failure: Exception, match: str
) -> None:
    pipeline = Pipeline()
    pipeline.gate.clear()
    loop = StepLoop(pipeline, max_running=1)
    tasks = [asyncio.create_task(loop.generate("", 3)) for _ in range(2)]
    await until_load(loop, lambda load: load == EngineLoad(num_running=1, num_waiting=1))
    pipeline.failure = failure
    pipeline.gate.set()
    for task in tasks:
        with pytest.raises(PartUnavailableError, match=match):
            await asyncio.wait_for(task, timeout=30)
    with pytest.raises(PartUnavailableError, match=match):
        loop.check()
    with pytest.raises(PartUnavailableError, match=match):
        await asyncio.wait_for(loop.generate("", 3), timeout=30)
    assert loop.load == IDLE
    loop.close()  # the thread is over, and with it its own report of the error


async def test_a_request_that_the_pipeline_refuses_fails_alone() -> None:
    pipeline = Pipeline()
    pipeline.gate.clear()
    loop = StepLoop(pipeline, max_running=2)
    running = asyncio.create_task(loop.generate("", 3))
    await until_load(loop, lambda load: load.num_running == 1)
    refused = asyncio.create_task(loop.generate("", 0))
    later = asyncio.create_task(loop.generate("", 2))
    pipeline.gate.set()
    with pytest.raises(InvalidInputError, match=r"refused the request: Check 'rules > 0' failed$"):
        await asyncio.wait_for(refused, timeout=30)
    assert (await running).generated_ids == [0, 1, 2]
    assert (await later).generated_ids == [0, 1]
    loop.check()
    loop.close()


async def test_a_request_that_the_cache_cannot_hold_fails_alone() -> None:
    pipeline = Pipeline()
    pipeline.gate.clear()
    loop = StepLoop(pipeline, max_running=2)
    tasks = [asyncio.create_task(loop.generate("", 3)) for _ in range(2)]
    await until_load(loop, lambda load: load.num_running == 2)
    pipeline.sequences[0].status = Status.IGNORED
    pipeline.gate.set()
    with pytest.raises(PartUnavailableError, match="Raise the engine's kv_cache_gib"):
        await tasks[0]
    assert (await tasks[1]).generated_ids == [0, 1, 2]
    loop.close()


async def test_closing_fails_what_runs_and_may_be_repeated() -> None:
    pipeline = Pipeline()
    loop = StepLoop(pipeline, max_running=1)
    task = asyncio.create_task(loop.generate("", 10**9))
    await until_load(loop, lambda load: load.num_running == 1)
    loop.close()
    loop.close()
    with pytest.raises(PartUnavailableError, match="closed"):
        await task
