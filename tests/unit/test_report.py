"""The report: rates with their intervals, tables, files. On SQLite, without Ray."""

import asyncio
import json
import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cluster import report_files
from cluster.cli import EXIT_FAILED, app
from cluster.report import Group, Rate, Report, Section, wilson_rate
from cluster.report_files import render_page, write_report
from config.environment import Environment
from followup.backends.database import Database
from followup.backends.outcome_counts import OutcomeCounts, Selection
from followup.backends.replies import Replies
from followup.backends.reply_log import ReplyLog
from followup.backends.settings import DatabaseSettings
from followup.backends.tables import Outcome, Reply
from tests.records import make_reply

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
PNG = b"\x89PNG\r\n\x1a\n"
HOSTILE = "acme@<script>alert('x')</script>$\\frac{$ 李"


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Environment.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)  # no .env is read
    monkeypatch.setenv("STATE_DIR", str(tmp_path / "state"))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["report", *arguments])


def store(tmp_path: Path, replies: Sequence[Reply], outcomes: dict[str, Outcome]) -> None:
    """Put replies and their outcomes into the database that the command reads."""

    async def write() -> None:
        url = f"sqlite+aiosqlite:///{tmp_path / 'state' / 'lead_assistant.db'}"
        database = Database(DatabaseSettings(url=url, spool_dir=tmp_path / "spool"))
        await database.migrate()
        log = ReplyLog(database, tmp_path / "spool")
        await asyncio.gather(*(log.append(reply) for reply in replies))
        await log.close()
        tenants = {reply.request_id: reply.tenant for reply in replies}
        for request_id, outcome in outcomes.items():
            await Replies(database).add_feedback(tenants[request_id], request_id, outcome, MONDAY)
        await database.close()

    asyncio.run(write())


def some_replies(number: int, **changes: Any) -> list[Reply]:
    plain = {"cached": False, "cached_from": None, "fallback": False, "created_at": MONDAY}
    return [make_reply(**(plain | changes)) for _ in range(number)]


def group(name: str = "rag", **counts: int) -> Group:
    return Group(name, OutcomeCounts(**counts), is_small=False)


def report_of(*groups: Group) -> Report:
    return Report(Selection(), 30, MONDAY, (Section("By adapter version", groups),))


@pytest.mark.parametrize(
    ("num_hits", "num_trials", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17 (1998), 857-872, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_intervals_are_those_of_the_literature(
    num_hits: int, num_trials: int, low: float, high: float
) -> None:
    rate = wilson_rate(num_hits, num_trials)
    assert rate is not None
    assert (rate.low, rate.high) == pytest.approx((low, high), abs=5e-5)
    assert rate.share == num_hits / num_trials


def test_without_a_released_message_there_is_no_rate() -> None:
    held = group(num_messages=3, num_pending=2, num_rejected=1)
    assert (held.reply_rate, held.conversion_rate) == (None, None)
    assert "-" in held.cells


def test_rates_are_shares_of_what_was_released() -> None:
    counted = group(
        num_messages=110, num_grounded=99, num_pending=6, num_rejected=4, num_replied=25,
        num_converted=5,
    )  # fmt: skip
    assert counted.reply_rate == wilson_rate(25, 100)
    assert counted.conversion_rate == wilson_rate(5, 100)
    assert counted.grounded_share == pytest.approx(0.9)


def test_an_empty_database_is_said_and_is_no_failure(tmp_path: Path) -> None:
    result = run()
    assert result.exit_code == 0
    assert result.stdout == "No messages yet: all tenants (UTC).\n"
    assert not (tmp_path / "state" / "report").exists()
    assert json.loads(run("--json").stdout)["sections"] == {}


def test_the_tables_show_counts_rates_and_small_groups(tmp_path: Path) -> None:
    rag = some_replies(40, approach="rag", adapter_version=None)
    hybrid = some_replies(4, approach="hybrid", fallback=True)
    outcomes = {reply.request_id: Outcome.REPLIED for reply in rag[:9]}
    outcomes[rag[9].request_id] = Outcome.CONVERTED
    store(tmp_path, [*rag, *hybrid], outcomes)
    lines = [line.split("\t") for line in run().stdout.splitlines()]
    by_name = {line[0]: line for line in lines}
    assert by_name["rag"][1:3] == ["40", "100.0%"]
    assert by_name["rag"][4:] == ["-", "40", "10", "25.0% (14.2%-40.2%)", "1", "2.5% (0.4%-12.9%)"]
    assert by_name["hybrid (few)"][3] == "4"
    assert {"all", "no adapter", "high_intent", "rag, no adapter, high_intent"} <= by_name.keys()
    assert by_name["By approach"][1:4] == ["messages", "grounded", "fallbacks"]
    assert len({len(line) for line in lines}) == 1


def test_json_holds_the_same_numbers_and_nothing_else_is_on_stdout(tmp_path: Path) -> None:
    replies = some_replies(3)
    store(tmp_path, replies, {replies[0].request_id: Outcome.MEETING})
    found = json.loads(run("--json", "--min-group-size", "3").stdout)
    [everything] = found["sections"]["All messages"]
    assert (everything["num_messages"], everything["num_replied"]) == (3, 1)
    assert everything["reply_rate"]["share"] == pytest.approx(1 / 3)
    assert everything["is_small"] is False
    assert found["min_group_size"] == 3


def test_only_the_chosen_tenant_and_time_are_reported(tmp_path: Path) -> None:
    store(
        tmp_path,
        [
            *some_replies(2, tenant="acme"),
            *some_replies(3, tenant="acme", created_at=MONDAY + timedelta(days=1)),
            *some_replies(4, tenant="zeta"),
        ],
        {},
    )
    for options, number in (
        ((), 9),
        (("--tenant", "acme"), 5),
        (("--tenant", "acme", "--since", "2026-03-03"), 3),
        (("--until", "2026-03-03"), 6),
        (("--since", "2026-03-02T00:00:01", "--until", "2026-03-04"), 3),
    ):
        found = json.loads(run("--json", *options).stdout)
        assert found["sections"]["All messages"][0]["num_messages"] == number
    assert (
        "No messages yet: tenant acme, from 2027-01-01 00:00"
        in run("--tenant", "acme", "--since", "2027-01-01").stdout
    )


def test_a_time_that_ends_before_it_begins_is_refused() -> None:
    result = run("--since", "2026-03-03", "--until", "2026-03-03")
    assert result.exit_code == EXIT_FAILED
    assert "--since has value 2026-03-03 00:00; it must be before --until" in result.stderr


def test_the_files_are_written_where_they_were_asked_for(tmp_path: Path) -> None:
    store(tmp_path, some_replies(5), {})
    result = run("--output", str(tmp_path / "deep" / "folder"))
    assert "report.png" in result.stderr
    assert sorted(path.name for path in (tmp_path / "deep" / "folder").iterdir()) == [
        "report.html",
        "report.png",
    ]
    assert (tmp_path / "deep" / "folder" / "report.png").read_bytes().startswith(PNG)


def test_names_are_data_in_the_page_and_in_the_chart(tmp_path: Path) -> None:
    files = write_report(report_of(group(HOSTILE, num_messages=50, num_replied=9)), tmp_path)
    page = files.page.read_text()
    assert "<script" not in page
    assert "acme@&lt;script&gt;alert(&#39;x&#39;)" in page
    assert "李" in page
    assert files.chart.read_bytes().startswith(PNG)


def test_the_page_needs_nothing_else(tmp_path: Path) -> None:
    page = render_page(report_of(group(num_messages=1)), PNG)
    assert re.findall(r'(?:src|href)="([^"]{4})', page) == ["data"]
    assert "http" not in page.replace("http-equiv", "")
    assert "default-src 'none'" in page


def test_a_failed_write_leaves_the_old_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = report_of(group(num_messages=1))
    write_report(report, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}

    def disk_full(_descriptor: int) -> None:
        message = "No space left on device"
        raise OSError(message)

    monkeypatch.setattr(os, "fsync", disk_full)
    monkeypatch.setattr(report_files, "draw_chart", lambda _report: PNG + b"other")
    with pytest.raises(OSError, match="No space"):
        write_report(report, tmp_path)
    monkeypatch.undo()
    after = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    assert after == before


def test_a_rate_reads_as_share_and_interval() -> None:
    assert str(Rate(0.25, 0.142, 0.402)) == "25.0% (14.2%-40.2%)"
