"""`batches.yaml`: what may be posted to /api/v1/batches, and how much of the machine it gets."""

import re
from pathlib import Path

from pydantic import Field, field_validator

from config.reading import Strict

_PREFIX = re.compile(r"[a-z][a-z0-9+]*://[\w./={}-]*/")


class BatchesFile(Strict):
    """`batches.yaml`."""

    max_body_mib: int = Field(ge=1, le=4_096, description="Largest body, in MiB.")
    max_leads: int = Field(ge=1, description="Most leads of one batch.")
    max_batches_per_tenant: int = Field(
        ge=1, description="Batches of a tenant that are queued or running."
    )
    max_leads_per_tenant: int = Field(ge=1, description="Leads of those batches.")
    max_running: int = Field(ge=1, le=32, description="Batches that are worked on at a time.")
    in_flight: int = Field(ge=1, le=256, description="Messages of a batch written at a time.")
    interactive_below: int = Field(
        ge=1, description="Requests of callers from which on a generator leaves batches alone."
    )
    allowed_uris: tuple[str, ...] = Field(description="What `uri` may begin with.")
    max_list_mib: int = Field(ge=1, description="Largest list fetched from a URI, in MiB.")
    keep_days: int = Field(ge=1, description="Days that a finished batch is kept.")

    @field_validator("allowed_uris")
    @classmethod
    def _are_prefixes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for prefix in value:
            if _PREFIX.fullmatch(prefix) is None:
                message = f"'{prefix}' must be scheme://folder/ and end in a slash"
                raise ValueError(message)
        return value


class BatchSettings(BatchesFile):
    """The file, and where batches lie."""

    folder: Path = Field(description="Folder of lists and results; every node sees the same one.")
