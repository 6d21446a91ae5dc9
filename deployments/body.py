"""What every body of the HTTP API has in common."""

from pydantic import BaseModel, ConfigDict


class Body(BaseModel):
    """Base of every body."""

    model_config = ConfigDict(frozen=True, extra="forbid")
