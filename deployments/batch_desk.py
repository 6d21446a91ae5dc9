"""Where batches are posted: what is allowed, their lists on the disk, their rows in the table."""

import asyncio
import os
import re
import shutil
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from config.settings import Settings
from deployments.auth import Caller
from deployments.batch_api import BatchOptions
from deployments.batch_folder import RUN, batch_folder, bulk_options
from deployments.batch_results import BatchResults
from deployments.bulk_job import read_lead_map, write_work
from followup.backends.batch_table import UNFINISHED, Batch
from followup.backends.batches import Batches, BatchQuota
from followup.backends.lead_list import FORMATS
from followup.errors import FollowupError, InvalidInputError, PartUnavailableError

_URI = re.compile(r"[a-z][a-z0-9+]*://[\w./=-]+", re.ASCII)
"""No query, which may redirect an object store's client, no user, no escapes."""
_BODY_OR_URI = "Give either a body of JSON lines, a lead on each, or 'uri'."
_MIB = 1024**2


class BatchTooLargeError(FollowupError):
    """A list is larger than a batch may be."""

    code = "body_too_large"


class BatchUnfinishedError(FollowupError):
    """A file of the results is asked for while they are not all there."""

    code = "batch_unfinished"


@dataclass(frozen=True, slots=True)
class BatchDesk:
    """Takes in batches, and finds their results."""

    batches: Batches
    settings: Settings

    async def create(
        self, caller: Caller, options: BatchOptions, body: AsyncIterator[bytes]
    ) -> Batch:
        """Store a list and queue it. Once this returns, nothing of it is lost.

        Errors: InvalidInputError, BatchTooLargeError, RateLimitedError for a quota,
        PartUnavailableError for a database or a disk.
        """
        self._check(caller.tenant, options)
        quota = self._quota
        await self.batches.check_quota(caller.tenant, quota)
        batch_id = uuid.uuid4().hex
        folder = batch_folder(self.settings, batch_id)
        try:
            most = min(options.limit or quota.max_leads, self.settings.batches.max_leads)
            if options.uri is None:
                num_leads = min(await self._take_in(body, folder), most)
            else:
                num_leads = most
                await _check_empty(body)
            batch = Batch(
                batch_id=batch_id,
                tenant=caller.tenant,
                key_id=caller.key_id,
                created_at=datetime.now(UTC),
                kind=options.kind,
                options=options.model_dump(mode="json", by_alias=True, exclude={"uri"}),
                uri=options.uri,
                num_leads=num_leads,
            )
            await self.batches.add(batch, quota)
        except BaseException:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            raise
        return batch

    def results(self, batch: Batch, *, rejected: bool) -> BatchResults:
        """What is finished of a batch so far."""
        return BatchResults(batch_folder(self.settings, batch.batch_id) / RUN, rejected)

    def whole_results(self, batch: Batch, *, rejected: bool) -> BatchResults:
        """As `results`. Raises BatchUnfinishedError while the batch is at work."""
        if batch.state in UNFINISHED:
            message = (
                f"The batch '{batch.batch_id}' is {batch.state.value}. Its file is there when it "
                "has ended; until then read it in pages, without 'format'."
            )
            raise BatchUnfinishedError(message, field="batch_id")
        return self.results(batch, rejected=rejected)

    @property
    def _quota(self) -> BatchQuota:
        limits = self.settings.batches
        return BatchQuota(limits.max_batches_per_tenant, limits.max_leads_per_tenant)

    def _check(self, tenant: str, options: BatchOptions) -> None:
        """All that can be refused before the list is there."""
        if options.uri is not None:
            self._check_uri(tenant, options.uri)
        asked = options.write_options(tenant)
        if asked is not None:
            write_work(self.settings, asked)
        read_lead_map(self.settings, bulk_options(options, Path(), Path(), datetime.now(UTC)))

    def _check_uri(self, tenant: str, uri: str) -> None:
        prefixes = [
            prefix.replace("{tenant}", tenant) for prefix in self.settings.batches.allowed_uris
        ]
        is_plain = _URI.fullmatch(uri) is not None and ".." not in uri
        is_list = uri.endswith(FORMATS)
        if not is_plain or not is_list or not uri.startswith(tuple(prefixes)):
            allowed = ", ".join(prefixes) or "none; see allowed_uris in batches.yaml"
            message = (
                f"'uri' has value '{uri}'. It must end in {', '.join(FORMATS)}, and begin with one "
                f"of: {allowed}."
            )
            raise InvalidInputError(message, field="uri")

    async def _take_in(self, body: AsyncIterator[bytes], folder: Path) -> int:
        """Store the body as the batch's list; how many lines it has."""
        try:
            file = await asyncio.to_thread(_open, folder)
            with file:
                num_leads = await self._write(body, file)
                await asyncio.to_thread(_keep, file, folder)
        except OSError as error:
            message = f"The list cannot be stored: {error.strerror}. See BATCH_DIR."
            raise PartUnavailableError(message) from error
        return num_leads

    async def _write(self, body: AsyncIterator[bytes], file: BinaryIO) -> int:
        limits = self.settings.batches
        num_bytes = num_lines = 0
        last = b""
        async for chunk in body:
            num_bytes += len(chunk)
            num_lines += chunk.count(b"\n")
            last = chunk or last
            if num_bytes > limits.max_body_mib * _MIB or num_lines > limits.max_leads:
                message = (
                    f"The list is larger than {limits.max_body_mib} MiB or "
                    f"{limits.max_leads:,} leads. Post it in several batches."
                )
                raise BatchTooLargeError(message, field="body")
            await asyncio.to_thread(file.write, chunk)
        num_lines += bool(last) and not last.endswith(b"\n")
        if not num_lines:
            raise InvalidInputError(_BODY_OR_URI, field="body")
        return num_lines


async def _check_empty(body: AsyncIterator[bytes]) -> None:
    async for chunk in body:
        if chunk:
            raise InvalidInputError(_BODY_OR_URI, field="body")


def _open(folder: Path) -> BinaryIO:
    folder.mkdir(parents=True)
    return (folder / ".list.partial").open("wb")


def _keep(file: BinaryIO, folder: Path) -> None:
    """Under its name only once it is whole and on the disk."""
    file.flush()
    os.fsync(file.fileno())
    (folder / ".list.partial").replace(folder / "list.jsonl")
