"""Who may do what: the scopes of API keys, and the tenant without any. Light to import: the command
line reads it too."""

from enum import StrEnum

DEFAULT_TENANT = "default"


class Scope(StrEnum):
    GENERATE = "generate"
    INGEST = "ingest"
    APPROVE = "approve"
    ADMIN = "admin"
