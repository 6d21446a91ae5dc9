"""Writes the messages of a part, many leads at once in one engine."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from deployments.bulk_parts import ListedLead, Part, PartResult, Reject, count_rejects
from deployments.bulk_score import (
    NUM_SCORE_BINS,
    SUPPRESSED,
    content_hash,
    text_of,
    validate_leads,
)
from deployments.lead_writer import WrittenReply
from followup.errors import (
    DeadlineExceededError,
    InvalidInputError,
    LeadOptedOutError,
    OverloadedError,
    PartUnavailableError,
)
from followup.lead import Lead
from followup.situation import Situation

WRITTEN = "written"
OUTAGE_SECONDS = 300.0
"""How long a part such as Milvus may be away before the run ends, to be gone on with."""
RETRY_SECONDS = 2.0
_TEXTS = ("prompt_version", "model_version", "adapter_version", "knowledge_base_version")
_SCHEMA = pa.schema(
    [
        ("lead_id", pa.string()),
        ("row", pa.int64()),
        ("lead_name", pa.string()),
        ("status", pa.string()),
        ("message", pa.string()),
        ("situation", pa.string()),
        ("strategy", pa.string()),
        ("score", pa.float64()),
        ("strategy_confidence", pa.float64()),
        ("confidence", pa.float64()),
        ("rag_confidence", pa.float64()),
        ("personalization_score", pa.float64()),
        ("fallback", pa.bool_()),
        ("fallback_reason", pa.string()),
        ("grounding_verified", pa.bool_()),
        ("sources", pa.list_(pa.string())),
        *[(name, pa.string()) for name in _TEXTS],
        ("rules_version", pa.string()),
        ("seconds", pa.float64()),
        ("prompt_tokens", pa.int64()),
        ("completion_tokens", pa.int64()),
        ("content_hash", pa.string()),
    ]
)


class Writer(Protocol):
    """Writes for a lead. `LeadWriter` is one."""

    async def write(self, lead: Lead) -> WrittenReply:
        """Raises what the pipeline and the nodes raise."""


@dataclass(frozen=True, slots=True)
class _Done:
    listed: ListedLead
    lead: Lead
    outcome: WrittenReply | Reject | None
    """None for a lead that is not to be written to."""


class PartWriter:
    """Writes parts, in an event loop that others may share."""

    def __init__(
        self, writer: Writer, num_in_flight: int, outage_seconds: float = OUTAGE_SECONDS
    ) -> None:
        self._writer = writer
        self._num_in_flight = num_in_flight
        self._outage_seconds = outage_seconds

    async def write(self, part: Part) -> PartResult:
        """A message, or the reason of a fallback, for each lead that may be written to.

        Raises PartUnavailableError when a part is away for longer than `outage_seconds`.
        """
        start = time.monotonic()
        listed, leads, rejects = validate_leads(part.leads, Lead)
        done = await self._write_all(listed, leads)
        rejects += [item.outcome for item in done if isinstance(item.outcome, Reject)]
        kept = [item for item in done if not isinstance(item.outcome, Reject)]
        result = PartResult(
            number=part.number,
            first_row=part.first_row,
            table=pa.Table.from_pylist([_record(item) for item in kept], schema=_SCHEMA),
            rejects=rejects,
            content_hashes={item.listed.lead_id: content_hash(item.listed) for item in kept},
        )
        result.counts = _counts(kept, rejects)
        result.sums = {**_tokens(kept), "seconds": time.monotonic() - start}
        return result

    async def _write_all(self, listed: Sequence[ListedLead], leads: Sequence[Lead]) -> list[_Done]:
        places = asyncio.Semaphore(self._num_in_flight)

        async def write(row: ListedLead, lead: Lead) -> _Done:
            async with places:
                return _Done(row, lead, await self._outcome(row, lead))

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(write(row, lead))
                    for row, lead in zip(listed, leads, strict=True)
                ]
        except ExceptionGroup as errors:  # the others are cancelled: the part is done again
            raise errors.exceptions[0] from None
        return [task.result() for task in tasks]

    async def _outcome(self, row: ListedLead, lead: Lead) -> WrittenReply | Reject | None:
        if row.mapped.opted_out:
            return None
        give_up_at = time.monotonic() + self._outage_seconds
        while True:
            try:
                return await self._writer.write(lead)
            except LeadOptedOutError:
                return None
            except (InvalidInputError, DeadlineExceededError) as error:
                reason = text_of(error.message[:300])
                return Reject(row.row, row.lead_id, error.field or "row", reason, error.code)
            except (PartUnavailableError, OverloadedError):
                if time.monotonic() >= give_up_at:
                    raise
                await asyncio.sleep(min(RETRY_SECONDS, self._outage_seconds / 10))


class WriteWorker:
    """A `PartWriter` for a process of its own."""

    def __init__(self, writer: PartWriter, runner: asyncio.Runner) -> None:
        """`runner` has the event loop that the writer's engine was built in."""
        self._writer = writer
        self._runner = runner

    def take(self, part: Part) -> PartResult:
        """As `PartWriter.write`."""
        return self._runner.run(self._writer.write(part))


def _record(item: _Done) -> dict[str, object]:
    known = {
        "lead_id": text_of(item.listed.lead_id),
        "row": item.listed.row,
        "lead_name": text_of(item.lead.lead_name),
        "content_hash": content_hash(item.listed),
    }
    if not isinstance(item.outcome, WrittenReply):
        return {**known, "status": SUPPRESSED, "situation": Situation.OPTED_OUT.value}
    reply, versions = item.outcome.reply, item.outcome.versions
    return {
        **known,
        "status": WRITTEN,
        "message": text_of(reply.message),
        "situation": reply.situation.value,
        "strategy": reply.lead_score.strategy.value,
        "score": reply.lead_score.score,
        "strategy_confidence": reply.lead_score.strategy_confidence,
        "confidence": reply.confidence,
        "rag_confidence": reply.rag_confidence,
        "personalization_score": reply.personalization,
        "fallback": reply.fallback,
        "fallback_reason": reply.fallback_reason,
        "grounding_verified": reply.grounding_verified,
        "sources": list(reply.sources),
        "prompt_version": versions.prompt,
        "model_version": versions.model,
        "adapter_version": versions.adapter,
        "knowledge_base_version": versions.knowledge_base,
        "rules_version": versions.rules,
        "seconds": round(item.outcome.seconds, 3),
        "prompt_tokens": reply.num_prompt_tokens,
        "completion_tokens": reply.num_completion_tokens,
    }


def _counts(kept: Sequence[_Done], rejects: Sequence[Reject]) -> dict[str, Counter[str]]:
    replies = [item.outcome.reply for item in kept if isinstance(item.outcome, WrittenReply)]
    num_suppressed = len(kept) - len(replies)
    bins = [
        min(NUM_SCORE_BINS - 1, int(reply.lead_score.score // (100 / NUM_SCORE_BINS)))
        for reply in replies
    ]
    return {
        "status": +Counter({WRITTEN: len(replies), SUPPRESSED: num_suppressed}),
        "situation": Counter(reply.situation.value for reply in replies)
        + Counter({Situation.OPTED_OUT.value: num_suppressed}),
        "strategy": Counter(reply.lead_score.strategy.value for reply in replies),
        "fallback": Counter(reply.fallback_reason for reply in replies if reply.fallback_reason),
        "score": Counter(map(str, bins)),
        "reject": count_rejects(rejects),
    }


def _tokens(kept: Sequence[_Done]) -> dict[str, float]:
    replies = [item.outcome.reply for item in kept if isinstance(item.outcome, WrittenReply)]
    return {
        "prompt_tokens": sum(reply.num_prompt_tokens for reply in replies),
        "completion_tokens": sum(reply.num_completion_tokens for reply in replies),
    }
