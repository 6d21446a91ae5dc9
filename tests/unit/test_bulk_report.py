"""The page of a bulk run: what it counts, and that names from the list stay text."""

from datetime import UTC, datetime, timedelta

from cluster.bulk_report import draw_charts, render_page, throughput
from cluster.bulk_summary import BulkSummary
from followup.backends.ledger import FinishedPart

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def part(number: int, seconds: float) -> FinishedPart:
    return FinishedPart(
        part=number, key="k", num_rows=100, files=(), counts={}, seconds=1.0,
        finished_at=NOON + timedelta(seconds=seconds),
    )  # fmt: skip


def summary(**counts: dict[str, int]) -> BulkSummary:
    return BulkSummary(
        work="score", folder="out", num_rows=200, num_results=150, num_rejects=50,
        num_duplicates=3, unknown_columns=("<b>x</b>",), counts=counts, sums={}, seconds=2.0,
    )  # fmt: skip


def test_the_page_counts_and_escapes() -> None:
    found = summary(
        status={"scored": 150}, reject={"<script>: $missing$": 50}, score={"7": 90, "3": 60}
    )
    chart = draw_charts(found, [part(0, 0), part(1, 2)])
    page = render_page(found, chart)
    assert chart.startswith(b"\x89PNG")
    assert "200 rows: 150 results" in page
    assert "<td>scored</td><td>150</td><td>75.0%</td>" in page
    assert "<script>" not in page
    assert "&lt;b&gt;x&lt;/b&gt;" in page


def test_the_rate_is_of_the_time_at_work_and_not_of_a_pause() -> None:
    parts = [part(0, 0), part(1, 2), part(2, 4), part(3, 90_000), part(4, 90_001)]
    assert [rate for _, rate in throughput(parts)] == [50.0, 50.0, 100.0]


def test_an_empty_run_has_a_page() -> None:
    assert draw_charts(summary(), []).startswith(b"\x89PNG")
