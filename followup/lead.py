"""A lead as a company's CRM knows it: fields, limits, normalisation."""

import unicodedata
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

MAX_NAME_CHARACTERS = 200
MAX_HISTORY_CHARACTERS = 8_000
MAX_DAYS_SINCE_CONTACT = 3_650
MAX_OBJECTIONS = 20
MAX_DEAL_VALUE = 1e12


class LeadStage(StrEnum):
    AWARENESS = "awareness"
    CONSIDERATION = "consideration"
    DECISION = "decision"
    CUSTOMER = "customer"
    LOST = "lost"


class Tone(StrEnum):
    FRIENDLY_HELPFUL = "friendly_helpful"
    PROFESSIONAL = "professional"
    CONSULTATIVE = "consultative"
    EMPATHETIC = "empathetic"


class CompanySize(StrEnum):
    STARTUP = "startup"
    SMB = "smb"
    MIDMARKET = "midmarket"
    ENTERPRISE = "enterprise"


class EngagementPattern(StrEnum):
    DAILY = "daily"
    WEEKLY = "weekly"
    PERIODIC = "periodic"
    SPORADIC = "sporadic"
    SILENT = "silent"


class _Visible(dict[int, int | None]):
    """For `str.translate`: what a character becomes, found out once for each."""

    def __missing__(self, code: int) -> int | None:
        is_invisible = unicodedata.category(chr(code)) in {"Cc", "Cf", "Cs"}
        self[code] = None if is_invisible else code
        return self[code]


_VISIBLE = _Visible({ord(space): ord(" ") for space in "\n\r\t"})


def normalise_text(text: str) -> str:
    """NFC, without control or zero-width characters, whitespace runs as one space."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())  # most texts: nothing to compose or to take out
    return " ".join(unicodedata.normalize("NFC", text).translate(_VISIBLE).split())


def _not_blank(text: str) -> str:
    if not text:
        message = "must hold at least one visible character"
        raise ValueError(message)
    return text


Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_NAME_CHARACTERS),
    AfterValidator(normalise_text),
    AfterValidator(_not_blank),
]
OptionalName = Annotated[
    str, StringConstraints(max_length=MAX_NAME_CHARACTERS), AfterValidator(normalise_text)
]
History = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_HISTORY_CHARACTERS),
    AfterValidator(normalise_text),
    AfterValidator(_not_blank),
]
Score = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
DaysSinceContact = Annotated[int, Field(ge=0, le=MAX_DAYS_SINCE_CONTACT)]
DealValue = Annotated[float, Field(ge=0, le=MAX_DEAL_VALUE, allow_inf_nan=False)]
Objections = Annotated[tuple[OptionalName, ...], Field(max_length=MAX_OBJECTIONS)]


class Lead(BaseModel):
    """Everything that may be known of a lead. Only the first three fields are required."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lead_name: Name
    product_name: Name
    interaction_history: History
    lead_stage: LeadStage | None = None
    engagement_score: Score | None = None
    lead_score: Score | None = None
    days_since_contact: DaysSinceContact | None = None
    tone_required: Tone = Tone.FRIENDLY_HELPFUL
    company_name: OptionalName = ""
    product_category: OptionalName = ""
    lead_industry: OptionalName = ""
    company_size: CompanySize | None = None
    engagement_pattern: EngagementPattern | None = None
    objections_raised: Objections = ()
    geographic_region: OptionalName = ""
    deal_value: DealValue | None = Field(
        default=None,
        description="What the deal is worth, in the currency that all callers use. It decides "
        "about approval only: neither the score nor the message draws on it.",
    )
