"""The audit of replies: every reply is stored once, also when the database was away.

Group commit: while one transaction runs, the records of all that call meanwhile gather, and the
next transaction takes them together. While the database is away the groups go to the spool, from
which `replay` moves them, in this process or in any later one that has the same folder.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from sqlmodel import SQLModel

from followup.backends.audit_spool import AuditSpool, SpoolFile
from followup.backends.database import Database
from followup.backends.tables import Reply
from followup.errors import PartUnavailableError

MAX_GROUP = 500
FIRST_PAUSE_SECONDS = 1.0
MAX_PAUSE_SECONDS = 30.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Appended:
    """Where a record went: into the database, or to the spool on disk."""

    spooled: bool


@dataclass(frozen=True, slots=True)
class _Group:
    """Records that one transaction takes; it is open until its turn to be written comes."""

    replies: list[Reply]
    written: asyncio.Task[Appended]


class ReplyLog:
    """Appends replies to the table `reply`. Belongs to one event loop."""

    def __init__(self, database: Database, spool_dir: Path) -> None:
        self._database = database
        self._spool = AuditSpool(spool_dir)
        self._gathering: _Group | None = None
        self._writing = asyncio.Lock()
        self._unfinished: set[asyncio.Task[Appended]] = set()
        self._replayer: asyncio.Task[None] | None = None
        self._replaying = asyncio.Lock()
        self._away = asyncio.Event()
        """Set from a failed write until the database answers `replay`: nobody waits for it."""

    def start(self) -> None:
        """Replay in the background, now and whenever something was spooled, until `close`."""
        self._replayer = asyncio.create_task(self._replay_forever())

    async def append(self, reply: Reply, patience_seconds: float | None = None) -> Appended:
        """Store a reply; returns once it is committed, or on disk where the database is away.

        After `patience_seconds` without an answer of the database the record goes to the disk; it
        is stored once, whatever the database makes of it later. The record is stored even if the
        caller is cancelled while it waits. PartUnavailableError only when neither the database nor
        the disk takes it.
        """
        if self._gathering is None:
            self._gathering = self._start_group()
        group = self._gathering
        group.replies.append(reply)
        if len(group.replies) == MAX_GROUP:
            self._gathering = None
        try:
            return await asyncio.wait_for(asyncio.shield(group.written), patience_seconds)
        except TimeoutError:
            self._away.set()
            return await self._spool_replies([reply])

    async def replay(self) -> int:
        """Move what is spooled into the database; returns the number of records moved.

        Safe at any time, in several processes, and against a kill between any two steps: a record
        that is already stored is left out, and a file is removed only after its last record is
        stored. PartUnavailableError while the database is away; nothing is lost then.
        """
        async with self._replaying:
            await self._database.check_health()
            self._away.clear()
            await asyncio.to_thread(self._spool.release)
            num_moved = 0
            with closing(self._spool.claim_files()) as files:
                for file in files:
                    num_moved += await self._replay_file(file)
            return num_moved

    async def close(self) -> None:
        """Wait for the writes under way and stop replaying. Safe to call twice."""
        if self._replayer is not None:
            self._replayer.cancel()
            with suppress(asyncio.CancelledError):
                await self._replayer
            self._replayer = None
        if self._unfinished:
            await asyncio.wait(self._unfinished)
        await asyncio.to_thread(self._spool.release)

    def _start_group(self) -> _Group:
        replies: list[Reply] = []
        written = asyncio.create_task(self._write_group(replies))
        self._unfinished.add(written)
        written.add_done_callback(self._unfinished.discard)
        return _Group(replies, written)

    async def _write_group(self, replies: list[Reply]) -> Appended:
        async with self._writing:
            if self._gathering is not None and self._gathering.replies is replies:
                self._gathering = None  # who comes from here on is in the next group
            return await self._write(replies)

    async def _write(self, replies: Sequence[Reply]) -> Appended:
        if not self._away.is_set():
            try:
                await self._insert(replies)
            except PartUnavailableError as error:
                logger.warning("Replies go to the spool on disk: %s", error)
                self._away.set()
            else:
                return Appended(spooled=False)
        return await self._spool_replies(replies)

    async def _spool_replies(self, replies: Sequence[Reply]) -> Appended:
        lines = [reply.model_dump_json().encode() for reply in replies]
        try:
            await asyncio.to_thread(self._spool.write, lines)
        except OSError as error:
            message = f"Neither the database nor the spool on disk takes the audit record: {error}"
            raise PartUnavailableError(message) from error
        return Appended(spooled=True)

    async def _insert(self, replies: Sequence[Reply]) -> None:
        insert = self._database.insert_once(SQLModel.metadata.tables["reply"])
        async with self._database.session() as session:
            await session.exec(insert, params=[dict(reply) for reply in replies])

    async def _replay_file(self, file: SpoolFile) -> int:
        num_moved = 0
        is_readable = True
        while lines := await asyncio.to_thread(file.read_lines, MAX_GROUP):
            replies = [reply for line in lines if (reply := _parse(line)) is not None]
            is_readable = is_readable and len(replies) == len(lines)
            if replies:
                await self._insert(replies)
            num_moved += len(replies)
        if is_readable:
            await asyncio.to_thread(file.remove)
        else:
            logger.error("%s holds records that cannot be read; it is kept beside.", file)
            await asyncio.to_thread(file.set_aside)
        return num_moved

    async def _replay_forever(self) -> None:
        pause_seconds = FIRST_PAUSE_SECONDS
        while True:
            try:
                num_moved = await self.replay()
            except (PartUnavailableError, OSError) as error:
                logger.warning("Replay in %g s: %s", pause_seconds, error)
                await asyncio.sleep(pause_seconds)
                pause_seconds = min(2 * pause_seconds, MAX_PAUSE_SECONDS)
            else:
                pause_seconds = FIRST_PAUSE_SECONDS
                if num_moved:
                    logger.info("Moved %d replies from the spool to the database.", num_moved)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._away.wait(), MAX_PAUSE_SECONDS)


def _parse(line: bytes) -> Reply | None:
    """The record of a spooled line; None for a damaged one or one of another version's making."""
    try:
        return Reply.model_validate_json(line)
    except ValidationError:
        return None
