"""What the routes stand on, and who calls them."""

import time
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from deployments.approval_desk import ApprovalDesk
from deployments.auth import Authenticator, Caller
from deployments.batch_desk import BatchDesk
from deployments.health import HealthReporter
from deployments.metrics import IngressMetrics
from deployments.service import FollowupService
from followup.backends.access import Scope
from followup.backends.engines.request import until
from followup.backends.rate_limiter import RateLimiter
from followup.backends.replies import Replies
from followup.request import GenerationOptions
from followup.scoring import ScoringRules


@dataclass(frozen=True, slots=True)
class Parts:
    """What the routes stand on."""

    service: FollowupService
    replies: Replies
    desk: ApprovalDesk
    batches: BatchDesk
    scoring: ScoringRules
    authenticator: Authenticator
    limiter: RateLimiter
    health: HealthReporter
    metrics: IngressMetrics
    hybrid_defaults: GenerationOptions
    cors_origins: tuple[str, ...]
    version: str


async def parts_of(request: Request) -> Parts:
    """Asynchronous, because FastAPI sends a plain function to a thread, four times a request."""
    parts: Parts = request.app.state.parts
    return parts


PartsOf = Annotated[Parts, Depends(parts_of)]


async def _generating(request: Request, parts: PartsOf) -> Caller:
    return await _caller(request, parts, Scope.GENERATE)


async def _approving(request: Request, parts: PartsOf) -> Caller:
    return await _caller(request, parts, Scope.APPROVE)


async def _caller(request: Request, parts: Parts, scope: Scope) -> Caller:
    """The request's time runs from here: what the database takes to look up the key counts."""
    request.state.deadline = time.monotonic() + parts.service.timeout_seconds
    async with until(request.state.deadline):
        caller = await parts.authenticator.identify(request.headers.get("Authorization"), scope)
        request.state.tenant = caller.tenant
        await parts.limiter.check(caller.tenant)
    return caller


Generating = Annotated[Caller, Depends(_generating)]
"""The caller, who may generate and is within the tenant's limit."""
Approving = Annotated[Caller, Depends(_approving)]
"""The caller, who may approve and is within the tenant's limit."""
