"""Duplicates are found with the row that was first, however many ids there are."""

import random

from followup.backends.seen_ids import SeenIds


def test_each_duplicate_names_the_first_row() -> None:
    generator = random.Random(7)  # noqa: S311 - no secret
    ids = [f"lead-{generator.randrange(150_000)}" for _ in range(300_000)]
    seen = SeenIds()
    expected: dict[str, int] = {}
    found: list[int | None] = []
    for start in range(0, len(ids), 5_000):
        found += seen.first_rows(ids[start : start + 5_000], range(start, start + 5_000))
    wanted: list[int | None] = []
    for row, name in enumerate(ids):
        wanted.append(expected.get(name))
        expected.setdefault(name, row)
    assert found == wanted
