"""The body of `/health`."""

from typing import Literal

from deployments.body import Body
from followup.prompts import Approach


class ModelState(Body):
    status: Literal["active", "unavailable"]
    reason: str | None = None


class Health(Body):
    status: Literal["healthy", "degraded", "unhealthy"]
    models: dict[Approach, ModelState]
    services: dict[str, Literal["connected", "embedded", "down"]]
    version: str
