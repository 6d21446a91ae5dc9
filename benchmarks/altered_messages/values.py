"""The values that a fact can hold, as a facts file writes them."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Currency = Literal["USD", "EUR"]
DurationUnit = Literal["minute", "hour", "day", "week", "month", "year"]
Weekday = Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Money(_Value):
    """{money: 299, per: [month]}"""

    money: float = Field(gt=0, description="Amount in whole units of the currency.")
    currency: Currency = "USD"
    per: tuple[Literal["user", "month", "year"], ...] = ()


class Percent(_Value):
    """{percent: 45}"""

    percent: float = Field(ge=0, le=100)


class Duration(_Value):
    """{duration: 14, unit: day}, or a range with `to`."""

    duration: int = Field(gt=0)
    to: int | None = Field(default=None, description="Upper end of a range.")
    unit: DurationUnit


class Count(_Value):
    """{count: 2000}: a number whose noun stands in the sentence."""

    count: float = Field(gt=0)


class Date(_Value):
    """{date: 2021-04-08}"""

    date: date


class Month(_Value):
    """{month: 2017-07}"""

    month: str = Field(pattern=r"^\d{4}-\d{2}$")


class Day(_Value):
    """{day: 04-28}: a day of any year."""

    day: str = Field(pattern=r"^\d{2}-\d{2}$")


class WeekdayName(_Value):
    """{weekday: Monday}"""

    weekday: Weekday


class Link(_Value):
    """{link: https://...}"""

    link: str = Field(pattern=r"^https?://\S+$")


class Email(_Value):
    """{email: sales@example.com}"""

    email: str = Field(pattern=r"^\S+@\S+$")


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int) else value


class Phone(_Value):
    """{phone: +1 555-0142}"""

    phone: Annotated[str, BeforeValidator(_as_text)] = Field(pattern=r"^[+\d][\d ()-]+$")


Address = Link | Email | Phone
Value = Money | Percent | Duration | Count | Date | Month | Day | WeekdayName | Address
