"""DATABASE_URL: what is taken, what is refused and how."""

import pytest

from followup.backends.database import parse_url
from followup.errors import SettingError


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        pytest.param("sqlite:///a/b.db", "sqlite+aiosqlite:///a/b.db", id="sqlite"),
        pytest.param("sqlite+aiosqlite:////a.db", "sqlite+aiosqlite:////a.db", id="aiosqlite"),
        pytest.param("postgresql://u:p@h:1/d", "postgresql+asyncpg://u:p@h:1/d", id="postgresql"),
        pytest.param("postgresql+asyncpg://h/d", "postgresql+asyncpg://h/d", id="asyncpg"),
        pytest.param(
            "postgresql://h/d?sslmode=require",
            "postgresql+asyncpg://h/d?ssl=require",
            id="libpq's sslmode",
        ),
    ],
)
def test_a_plain_url_gets_its_async_driver(url: str, expected: str) -> None:
    assert parse_url(url).render_as_string(hide_password=False) == expected


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        pytest.param("mysql://u:hunter2@h/d", r"'mysql://u:\*\*\*@h/d'", id="another database"),
        pytest.param("postgresql+psycopg://u:hunter2@h/d", r"psycopg://u:\*", id="another driver"),
        pytest.param("postgresql://u:hunter2@h", r"'postgresql://u:\*\*\*@h'", id="no database"),
        pytest.param("sqlite://", "'sqlite://'", id="SQLite in memory"),
        pytest.param("sqlite:///:memory:", "'sqlite:///%3Amemory%3A'", id="SQLite in :memory:"),
        pytest.param("hunter2", "is not a URL", id="no URL"),
        pytest.param("", "is not a URL", id="empty"),
    ],
)
def test_another_url_is_refused_with_what_is_allowed_and_without_its_password(
    url: str, shown: str
) -> None:
    with pytest.raises(SettingError, match=rf"DATABASE_URL.*{shown}.*Allowed: sqlite:") as caught:
        parse_url(url)
    assert "hunter2" not in str(caught.value)
    assert caught.value.field == "DATABASE_URL"
