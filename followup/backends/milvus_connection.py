"""Calls to Milvus from an event loop: with a time limit, named errors, and back after a restart.

The calls are pymilvus's blocking ones in threads of their own: its asyncio client cannot create an
index on Milvus Lite 3.2 (AllocTimestamp is not implemented there) and belongs to one event loop.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import grpc  # type: ignore[import-untyped]  # publishes no types
from pymilvus import MilvusClient, MilvusException

from followup.backends.settings import VectorStoreSettings
from followup.errors import PartUnavailableError

RETRY_AFTER_SECONDS = 5.0
# Milvus Standalone may take tens of seconds to load a new collection or to flush one.
MAINTENANCE_TIMEOUT_SECONDS = 60.0
# How long another process may take between creating a collection and its last index.
CREATION_SECONDS = 10.0
CREATION_POLL_SECONDS = 0.2
MAX_THREADS = 16
# pymilvus pings an idle server every 10 s; Milvus Lite's closes the connection after a minute of it
# ("too_many_pings"), and gRPC says so in the terminal. An ingestion embeds for longer.
GRPC_OPTIONS = {"grpc.keepalive_permit_without_calls": False}
COLLECTION_NOT_FOUND = 100
COLLECTION_NOT_LOADED = 101

Result = TypeVar("Result")


class MilvusConnection:
    """One client, connected on the first call, shared by the threads that call it."""

    def __init__(self, settings: VectorStoreSettings, collections: Sequence[str]) -> None:
        self._settings = settings
        self._collections = list(collections)
        self._threads = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="milvus")
        self._client: Any = None
        self._connecting = threading.Lock()
        # A failed call raises, and is reported where it cannot be mended; the client's own log of
        # it, with a traceback, would be a second report.
        logging.getLogger("pymilvus").setLevel(logging.CRITICAL)

    async def run(
        self, call: Callable[[Any, float], Result], *, timeout_seconds: float | None = None
    ) -> Result:
        """What `call(client, seconds)` returns, where seconds is the limit it must pass on.

        The limit is `timeout_seconds`, or that of the settings.

        Raises:
            PartUnavailableError: Milvus does not answer in time, refuses, or lacks the collection.
        """
        seconds = timeout_seconds or self._settings.timeout_seconds
        loop = asyncio.get_running_loop()
        try:
            # The thread ends by the same limit, which pymilvus keeps; this one is for the caller.
            async with asyncio.timeout(seconds):
                return await loop.run_in_executor(self._threads, self._call, call, seconds)
        except MilvusException as error:
            raise self._unavailable(error) from error
        except (grpc.RpcError, TimeoutError) as error:
            message = f"Milvus at {self._settings.uri} does not answer within {seconds:g} s."
            raise PartUnavailableError(message, retry_after_seconds=RETRY_AFTER_SECONDS) from error

    async def ensure_collection(self, name: str, schema: Any, indexes: Sequence[Any]) -> None:
        """Create, index and load the collection; one that another process just makes is awaited.

        Milvus Lite 3.2 does not guard the creation itself: two processes that find nothing at the
        same instant can harm the collection there. So one process at a time ingests for the first
        time; serving never creates.
        """

        def ensure(client: Any, seconds: float) -> None:
            failure = None
            if not client.has_collection(name, timeout=seconds):
                try:
                    client.create_collection(name, schema=schema, timeout=seconds)
                    # An empty collection's index is made at once, and loading awaits it; the
                    # client would sleep half a second for each to see that.
                    client.create_index(name, indexes, timeout=seconds, sync=False)
                except MilvusException as error:
                    failure = error
            _await_indexes(client, name, len(indexes), failure)
            client.load_collection(name, timeout=seconds)

        await self.run(ensure, timeout_seconds=MAINTENANCE_TIMEOUT_SECONDS)

    def include(self, *collections: str) -> None:
        """Load these too when the server comes back with its collections on disk only."""
        self._collections += [name for name in collections if name not in self._collections]

    async def is_lite(self) -> bool:
        """Whether the server is Milvus Lite."""
        version = await self.run(lambda client, seconds: client.get_server_version(timeout=seconds))
        return "lite" in str(version)

    async def drop_collections(self, names: Sequence[str]) -> None:
        """Delete collections; those that are not there are no error."""

        def drop(client: Any, seconds: float) -> None:
            for name in names:
                client.drop_collection(name, timeout=seconds)

        await self.run(drop, timeout_seconds=MAINTENANCE_TIMEOUT_SECONDS)

    def missing_collection(self) -> PartUnavailableError:
        message = (
            f"Milvus at {self._settings.uri} has no collection '{self._collections[0]}'. "
            "Make it with: lead-assistant ingest"
        )
        return PartUnavailableError(message, retry_after_seconds=RETRY_AFTER_SECONDS)

    async def close(self) -> None:
        """Close the client; calls in flight fail."""
        client, self._client = self._client, None
        if client is not None:
            await asyncio.to_thread(client.close)
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _call(self, call: Callable[[Any, float], Result], seconds: float) -> Result:
        client = self._connected(seconds)
        try:
            return call(client, seconds)
        except MilvusException as error:
            if error.code != COLLECTION_NOT_LOADED:
                raise
        # Milvus Lite comes back from a restart with its collections on disk only.
        for collection in self._collections:
            client.load_collection(collection, timeout=seconds)
        return call(client, seconds)

    def _connected(self, seconds: float) -> Any:
        with self._connecting:
            if self._client is None:
                self._client = MilvusClient(
                    self._settings.uri,
                    token=self._settings.token,
                    timeout=seconds,
                    grpc_options=GRPC_OPTIONS,
                )
            return self._client

    def _unavailable(self, error: MilvusException) -> PartUnavailableError:
        if error.code == COLLECTION_NOT_FOUND:
            return self.missing_collection()
        message = f"Milvus at {self._settings.uri} failed: {error.message}"
        return PartUnavailableError(message, retry_after_seconds=RETRY_AFTER_SECONDS)


def _await_indexes(
    client: Any, name: str, num_indexes: int, failure: MilvusException | None
) -> None:
    """Return when the collection has all its indexes, by us or by a process that was faster."""
    give_up_at = time.monotonic() + CREATION_SECONDS
    while True:
        if failure is not None:
            # Before the first look: Milvus Lite must not be asked for a collection half made.
            time.sleep(CREATION_POLL_SECONDS)
        found = client.has_collection(name, timeout=CREATION_SECONDS)
        if found and len(client.list_indexes(name, timeout=CREATION_SECONDS)) >= num_indexes:
            return
        message = f"the creation of collection '{name}' was broken off. Drop it and ingest again."
        failure = failure or MilvusException(message=message)
        if time.monotonic() > give_up_at:
            raise failure
