"""How the messages of a list are asked for. Light to import: the command line reads it too."""

from dataclasses import dataclass

from followup.prompts import Approach


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """What is asked for each lead; what is None is as the endpoint's default."""

    tenant: str
    approach: Approach
    temperature: float | None = None
    max_tokens: int = 150
