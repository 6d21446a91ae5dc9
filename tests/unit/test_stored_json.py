"""What the records make of JSON values, so that every database can hold them."""

import math
from typing import Any

import pytest
from pydantic import ValidationError

from tests.records import make_reply


def test_text_that_no_database_holds_is_replaced_wherever_it_stands() -> None:
    reply = make_reply(verdicts=[{"claim\0": ["a\0b", "c\ud800d"]}], sources=["plain", "e\0"])
    assert reply.verdicts == [{"claim�": ["a�b", "c�d"]}]
    assert reply.sources == ["plain", "e�"]


@pytest.mark.parametrize("value", [math.nan, math.inf, object()], ids=["nan", "infinity", "object"])
def test_what_json_does_not_know_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError):
        make_reply(verdicts=[{"probability": value}])
