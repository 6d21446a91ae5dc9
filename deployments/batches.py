"""The routes of batches: post a list, see how far it is, read its results, cancel it."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from deployments.batch_api import BatchList, BatchOptions, BatchOut, ResultPage, batch_out
from deployments.batch_results import FileFormat
from deployments.error_body import ERRORS
from deployments.parts import Generating, PartsOf
from followup.backends.batch_table import UNFINISHED, BatchState
from followup.backends.engines.request import until

PREFIX = "/api/v1/batches"
MAX_LISTED = 200
MAX_RESULTS = 1_000
ID_PATTERN = r"^[0-9a-f]{32}$"
MEDIA_TYPES = {"jsonl": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}
JSON_LINES: dict[str, Any] = {
    "requestBody": {
        "description": "JSON lines, a lead with an `id` on each; none where `uri` is given.",
        "content": {MEDIA_TYPES["jsonl"]: {"schema": {"type": "string"}}},
    }
}
FILES: dict[int | str, dict[str, Any]] = {
    200: {"content": {kind: {"schema": {"type": "string"}} for kind in MEDIA_TYPES.values()}}
}

BatchId = Annotated[str, Path(pattern=ID_PATTERN)]
Limit = Annotated[int, Query(ge=1, le=MAX_LISTED)]

router = APIRouter(prefix=PREFIX, tags=["batches"])


@router.post("", status_code=202, responses=ERRORS, openapi_extra=JSON_LINES)
async def create_batch(
    options: Annotated[BatchOptions, Query()], request: Request, caller: Generating, parts: PartsOf
) -> BatchOut:
    """Queue a list. It is done in the background, with what requests leave of the machine."""
    async with until(request.state.deadline):
        return batch_out(await parts.batches.create(caller, options, request.stream()))


@router.get("", responses=ERRORS)
async def list_batches(
    caller: Generating,
    parts: PartsOf,
    state: BatchState | None = None,
    limit: Limit = 50,
    cursor: Annotated[str | None, Query(pattern=ID_PATTERN)] = None,
) -> BatchList:
    """The tenant's batches, the newest first."""
    # One more than asked for tells whether there is another page.
    found = await parts.batches.batches.list_page(caller.tenant, state, limit + 1, cursor)
    return BatchList(
        batches=tuple(batch_out(batch) for batch in found[:limit]),
        next_cursor=found[limit - 1].batch_id if len(found) > limit else None,
    )


@router.get("/{batch_id}", responses=ERRORS)
async def get_batch(batch_id: BatchId, caller: Generating, parts: PartsOf) -> BatchOut:
    """How far a batch is."""
    return batch_out(await parts.batches.batches.get(caller.tenant, batch_id))


@router.post("/{batch_id}/cancel", responses=ERRORS)
async def cancel_batch(batch_id: BatchId, caller: Generating, parts: PartsOf) -> BatchOut:
    """Stop a batch. What is finished of it stays."""
    return batch_out(await parts.batches.batches.cancel(caller.tenant, batch_id))


@router.get("/{batch_id}/results", responses={**ERRORS, **FILES}, response_model=ResultPage)
async def get_results(
    batch_id: BatchId,
    request: Request,
    caller: Generating,
    parts: PartsOf,
    limit: Annotated[int, Query(ge=1, le=MAX_RESULTS)] = 100,
    cursor: Annotated[int, Query(ge=0, description="`next_cursor` of a page.")] = 0,
    kind: Annotated[
        FileFormat | None, Query(alias="format", description="All of it as a file.")
    ] = None,
    rejected: Annotated[bool, Query(description="The rejects in place of the results.")] = False,
) -> ResultPage | Response:
    """A page of what is finished, or, once the batch has ended, all of it as a file."""
    batch = await parts.batches.batches.get(caller.tenant, batch_id)
    if kind is not None:
        whole = parts.batches.whole_results(batch, rejected=rejected)
        name = f"{batch_id}-{'rejects' if rejected else 'results'}.{kind}"
        return StreamingResponse(
            whole.file(kind),
            media_type=MEDIA_TYPES[kind],
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )
    results = parts.batches.results(batch, rejected=rejected)
    async with until(request.state.deadline):
        page = await asyncio.to_thread(results.page, cursor, limit)
    is_over = page.is_last and batch.state not in UNFINISHED
    rows: Sequence[dict[str, Any]] = page.rows
    return ResultPage(
        state=batch.state,
        results=tuple(rows),
        next_cursor=None if is_over else page.last_row,
    )
