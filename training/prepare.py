"""lead-assistant train prepare SOURCE -o DIR: conversations become training data.

Checked, scrubbed of personal data, freed of duplicates, and split by lead.
"""

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from config.training import PrepareSettings
from followup.backends.whole_file import write_whole
from followup.compliance import check_rules
from followup.errors import InvalidInputError
from followup.rules import ComplianceRules, Rule
from followup.situation import Situation, detect_situation
from training.duplicates import find_duplicates
from training.rows import SPLITS, TrainingRow
from training.scrub import Scrubber
from training.sources import BadRow, SourceRows

REJECTED_FILE = "rejected.csv"
_SCALE = 2**64


@dataclass(slots=True)
class Prepared:
    """What became of the rows of the sources."""

    splits: dict[str, list[TrainingRow]]
    rejected: list[BadRow]
    rule_breaches: dict[Rule, list[int]] = field(default_factory=dict)
    """Lines of the replies that break a rule; those that keep a row out are in `rejected` too."""
    scrubbed: Counter[str] = field(default_factory=Counter)
    ignored_columns: tuple[str, ...] = ()

    @property
    def num_rows(self) -> int:
        """Rows of all splits."""
        return sum(map(len, self.splits.values()))


def prepare(
    sources: Sequence[SourceRows], settings: PrepareSettings, rules: ComplianceRules
) -> Prepared:
    """Clean the rows of all sources and split them.

    Raises InvalidInputError where too few rows or leads are left.
    """
    rejected = [bad for source in sources for bad in source.bad]
    given = [row for source in sources for row in source.rows]
    breaches: dict[Rule, list[int]] = {}
    scrubber = Scrubber(settings.scrub)
    kept: list[TrainingRow] = []
    for row in given:
        found = _checked(row, settings, rules, breaches)
        if isinstance(found, BadRow):
            rejected.append(found)
            continue
        cleaned = scrubber.scrub(row)
        if cleaned is None:
            rejected.append(BadRow(row.line, "the reply holds personal data in every sentence"))
            continue
        kept.append(cleaned)
    duplicates = find_duplicates(kept, settings.near_duplicate_from)
    rejected += [
        BadRow(item.row.line, f"it is {item.share:.0%} the same as line {item.of_line}")
        for item in duplicates
    ]
    dropped = {id(item.row) for item in duplicates}
    rows = [row for row in kept if id(row) not in dropped]
    rejected.sort(key=lambda bad: bad.line)
    if len(rows) < settings.min_rows:
        raise InvalidInputError(_too_few(len(rows), settings.min_rows, rejected), field="source")
    return Prepared(
        splits=split_by_lead(rows, settings),
        rejected=rejected,
        rule_breaches=breaches,
        scrubbed=scrubber.counts,
        ignored_columns=tuple(
            dict.fromkeys(name for source in sources for name in source.ignored_columns)
        ),
    )


def _checked(
    row: TrainingRow,
    settings: PrepareSettings,
    rules: ComplianceRules,
    breaches: dict[Rule, list[int]],
) -> BadRow | None:
    """None for a row that may be learned from; its breaches are noted either way."""
    situation = detect_situation(row.lead, rules)
    if situation is Situation.OPTED_OUT:
        return BadRow(row.line, "the lead asked not to be contacted")
    violations = check_rules(row.response, row.lead, situation, rules)
    for rule in dict.fromkeys(item.rule for item in violations):
        breaches.setdefault(rule, []).append(row.line)
    grave = next((item for item in violations if item.rule in settings.drop_for_rules), None)
    if grave is None:
        return None
    return BadRow(row.line, f"the reply breaks the rule {grave.rule}: {grave.detail[:200]}")


def split_by_lead(
    rows: Sequence[TrainingRow], settings: PrepareSettings
) -> dict[str, list[TrainingRow]]:
    """Rows by split, all rows of a lead on one side, in the order of `rows`.

    The side is a hash of the lead and the seed, so a lead stays on its side when rows are added.
    Where a side would be empty, the lead next to it in that order goes there.
    """
    places = {row.lead_key: _place(row.lead_key, settings.seed) for row in rows}
    if len(places) < len(SPLITS):
        message = (
            f"The rows are of {len(places)} leads; at least {len(SPLITS)} are needed, one for each "
            "of training, validation and test. Give lead_id where names are shared."
        )
        raise InvalidInputError(message, field="source")
    ordered = sorted(places, key=lambda key: places[key])
    test_until = settings.test_share
    validation_until = test_until + settings.validation_share
    num_test = sum(places[key] < test_until for key in ordered)
    num_validation = sum(places[key] < validation_until for key in ordered) - num_test
    num_test = min(max(1, num_test), len(ordered) - 2)
    num_validation = min(max(1, num_validation), len(ordered) - num_test - 1)
    side = {
        key: "test"
        if index < num_test
        else "validation"
        if index < num_test + num_validation
        else "train"
        for index, key in enumerate(ordered)
    }
    splits: dict[str, list[TrainingRow]] = {name: [] for name in SPLITS}
    for row in rows:
        splits[side[row.lead_key]].append(row)
    return splits


def write_prepared(prepared: Prepared, folder: Path) -> None:
    """The three JSONL files and rejected.csv. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / REJECTED_FILE, _rejected_csv(prepared.rejected).encode())
    for name, rows in prepared.splits.items():
        content = "".join(row.model_dump_json() + "\n" for row in rows)
        write_whole(folder / f"{name}.jsonl", content.encode())


def sizes(splits: Mapping[str, Sequence[TrainingRow]]) -> str:
    """Such as '800 train, 100 validation, 100 test'."""
    return ", ".join(f"{len(splits[name]):,} {name}" for name in SPLITS)


def _place(key: str, seed: int) -> float:
    """A number from 0 to below 1, the same for the same lead and seed."""
    digest = hashlib.sha256(f"{seed}\0{key}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / _SCALE


def _too_few(num_rows: int, min_rows: int, rejected: Sequence[BadRow]) -> str:
    shown = [f"line {bad.line}: {bad.reason}" for bad in rejected[:5]]
    listed = "\n".join(["Left out were, among others:", *shown]) if shown else ""
    return (
        f"Only {num_rows} good rows are left; at least {min_rows} are needed, and 1,000 are "
        f"advised. Nothing was written.\n{listed}"
    ).strip()


def _rejected_csv(rejected: Sequence[BadRow]) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(("line", "reason"))
    writer.writerows((bad.line, bad.reason) for bad in rejected)
    return file.getvalue()
