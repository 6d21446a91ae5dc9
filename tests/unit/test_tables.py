"""The records: what they accept, and that they can always be stored."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue, ValidationError

from followup.backends.tables import Reply
from tests.records import make_reply

TEXT = st.text(st.characters(exclude_categories=[]), max_size=20)
JSON_VALUES: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(message=TEXT, lead=st.dictionaries(TEXT, JSON_VALUES, max_size=3))
def test_any_text_survives_the_way_through_the_spool(
    message: str, lead: dict[str, JsonValue]
) -> None:
    reply = make_reply(message=message, lead=lead)
    assert Reply.model_validate_json(reply.model_dump_json()) == reply


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("request_id", "not-a-uuid", id="request_id"),
        pytest.param("tenant", "Acme Inc", id="tenant"),
        pytest.param("approach", "magic", id="approach"),
        pytest.param("created_at", datetime(2026, 1, 1), id="time without zone"),
        pytest.param("scores", {"rag_confidence": float("nan")}, id="NaN score"),
        pytest.param("verdicts", [{"score": float("inf")}], id="infinity inside JSON"),
        pytest.param("num_prompt_tokens", 2**31, id="more than 32 bits"),
        pytest.param("key_id", "la_secret", id="a token as key_id"),
        pytest.param("surprise", 1, id="unknown field"),
    ],
)
def test_a_reply_with_a_wrong_field_is_refused(field: str, value: object) -> None:
    with pytest.raises(ValidationError, match=field):
        make_reply(**{field: value})


def test_a_reply_never_changes() -> None:
    reply = make_reply(created_at=datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(ValidationError, match="frozen"):
        setattr(reply, "message", "other")  # noqa: B010 - mypy refuses the plain assignment too
