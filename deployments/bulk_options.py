"""What is asked of a list. Light to import: the command line reads it too."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Literal

from followup.errors import InvalidInputError
from followup.prompts import Approach

OutputFormat = Literal["parquet", "csv", "jsonl"]


@dataclass(frozen=True, slots=True)
class BulkOptions:
    """What the command line, or a request for a batch, says of a list."""

    leads: str
    output: Path
    file_format: OutputFormat
    today: date
    lead_map: str | None = None
    defaults: Mapping[str, str] = field(default_factory=dict)
    limit: int | None = None
    num_workers: int = 1
    as_of: date | None = None
    restart: bool = False
    rows_per_part: int | None = None
    address: str | None = None
    """Of a Ray cluster; None: processes of this machine."""
    copy_to: str | None = None
    """URI that finished results are copied to."""
    gpus_per_worker: int = 0


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """How messages are asked for; what is None is as the endpoint's default."""

    tenant: str
    approach: Approach
    temperature: float | None = None
    max_tokens: int = 150


def parse_values(texts: list[str]) -> dict[str, str]:
    """FIELD=VALUE texts. Raises InvalidInputError."""
    found = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign:
            message = f"set has value '{text}'. Allowed: FIELD=VALUE, such as company_name=Acme."
            raise InvalidInputError(message, field="set")
        found[name.strip()] = value
    return found
