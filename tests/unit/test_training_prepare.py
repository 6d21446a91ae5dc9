"""`train prepare`: which rows are taken, what is taken out of them, and how they are split."""

import json
from pathlib import Path
from typing import Any

import pyarrow as arrow
import pytest
from pyarrow import parquet

from config.settings import load_settings
from config.training import PrepareSettings, ScrubPolicy
from followup.errors import InvalidInputError
from followup.rules import ComplianceRules, Rule
from tests.training_data import COLUMNS, NAMES, conversation, write_csv
from training.balance import report_text, write_balance
from training.prepare import Prepared, prepare, write_prepared
from training.rows import SPLITS, data_hash, read_prepared
from training.scrub import Scrubber, is_card_number, is_iban
from training.sources import SourceRows, read_source


@pytest.fixture(scope="module")
def rules() -> ComplianceRules:
    return load_settings().compliance


def policy(**changes: Any) -> ScrubPolicy:
    return ScrubPolicy(**{"lead_names": "keep", "name_pool": ("Robin", "Kim"), **changes})


def settings(scrub: ScrubPolicy | None = None, **changes: Any) -> PrepareSettings:
    return PrepareSettings(
        **{
            "drop_for_rules": (Rule.FORBIDDEN_PHRASE, Rule.PLACEHOLDER, Rule.NOT_EMPTY),
            "scrub": scrub or policy(),
            "min_rows": 3,
            **changes,
        }
    )


def read(path: Path, *rows: dict[str, str]) -> SourceRows:
    return read_source(write_csv(path / "rows.csv", rows), "TechCorp")


def prepared(path: Path, rules: ComplianceRules, *rows: dict[str, str], **changes: Any) -> Prepared:
    return prepare([read(path, *rows)], settings(**changes), rules)


def reasons(found: Prepared) -> dict[int, str]:
    return {bad.line: bad.reason for bad in found.rejected}


ROWS = [conversation(number) for number in range(60)]


def test_every_row_of_a_sound_file_is_kept_once(tmp_path: Path, rules: ComplianceRules) -> None:
    found = prepared(tmp_path, rules, *ROWS)
    lines = sorted(row.line for rows in found.splits.values() for row in rows)
    assert len(lines) == len(set(lines)) == len(ROWS)
    assert found.rejected == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"lead_score": "140"}, "'lead_score' has value '140'", id="score"),
        pytest.param({"lead_score": "high"}, "'lead_score' has value 'high'", id="word"),
        pytest.param({"lead_name": " "}, "'lead_name' has value ' '", id="no name"),
        pytest.param({"successful_response": ""}, "'successful_response' is empty", id="no reply"),
        pytest.param({"passages": "[{]"}, "'passages'", id="passages"),
        pytest.param(
            {"interaction_history": "Wants to be removed from the list. Unsubscribe me."},
            "asked not to be contacted",
            id="opted out",
        ),
        pytest.param(
            {"successful_response": "Hi Sarah,\n\nAct now, the price goes up. No rush."},
            "breaks the rule forbidden_phrase: pressure: 'act now'",
            id="pressure",
        ),
    ],
)
def test_a_bad_row_is_listed_with_its_line_and_reason(
    tmp_path: Path, rules: ComplianceRules, changes: dict[str, str], reason: str
) -> None:
    rows = [{"passages": "", **row} for row in ROWS[:20]]
    rows[7] |= changes
    found = prepared(tmp_path, rules, *rows)
    # A reply has five lines in the file: a header, and seven rows before this one.
    assert [*reasons(found)] == [2 + 7 * 5]
    assert reason in reasons(found)[2 + 7 * 5]
    assert found.num_rows == len(rows) - 1


def test_a_csv_row_with_too_many_or_too_few_cells_is_listed(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(",".join(COLUMNS) + "\na,b,c,1,d,e,f\na,b,c,1\na,b,c,1,d,e\n", encoding="utf-8")
    found = read_source(path, "")
    assert [(bad.line, bad.reason) for bad in found.bad] == [
        (2, "it has more cells than the header"),
        (3, "it has fewer cells than the header"),
    ]
    assert len(found.rows) == 1


def test_a_file_without_a_needed_column_is_refused_and_named(tmp_path: Path) -> None:
    rows = [{name: row[name] for name in COLUMNS if name != "industry"} for row in ROWS]
    with pytest.raises(InvalidInputError, match="lacks the column industry"):
        read_source(write_csv(tmp_path / "rows.csv", rows), "")


def test_a_column_that_nothing_reads_is_said(tmp_path: Path, rules: ComplianceRules) -> None:
    found = prepared(tmp_path, rules, *({**row, "mood": "good"} for row in ROWS))
    assert "Columns that nothing reads: mood." in report_text(found, load_settings().scoring)


def test_jsonl_and_parquet_give_the_rows_of_csv(tmp_path: Path) -> None:
    lines = "".join(json.dumps(row) + "\n" for row in ROWS)
    (tmp_path / "rows.jsonl").write_text(lines + "not json\n[1]\n", encoding="utf-8")
    parquet.write_table(arrow.Table.from_pylist(ROWS), tmp_path / "rows.parquet")
    of_csv = [row.lead for row in read(tmp_path, *ROWS).rows]
    of_jsonl = read_source(tmp_path / "rows.jsonl", "TechCorp")
    of_parquet = read_source(tmp_path / "rows.parquet", "TechCorp")
    assert [row.lead for row in of_jsonl.rows] == of_csv
    assert [bad.line for bad in of_jsonl.bad] == [61, 62]
    assert [row.lead for row in of_parquet.rows] == of_csv
    assert of_csv[0].company_name == "TechCorp"


def test_a_lead_stands_on_one_side_only(tmp_path: Path, rules: ComplianceRules) -> None:
    rows = [conversation(number, lead_name=f"{NAMES[number % 9]} Smith") for number in range(90)]
    found = prepared(tmp_path, rules, *rows)
    sides = {name: {row.lead.lead_name for row in found.splits[name]} for name in SPLITS}
    assert all(sides.values())
    assert not sides["train"] & sides["validation"]
    assert not (sides["train"] | sides["validation"]) & sides["test"]


def test_rows_of_one_lead_id_stand_together_whatever_the_name(
    tmp_path: Path, rules: ComplianceRules
) -> None:
    rows = [{**row, "lead_id": str(number % 12)} for number, row in enumerate(ROWS)]
    found = prepared(tmp_path, rules, *rows)
    keys = [{row.lead_key for row in found.splits[name]} for name in SPLITS]
    assert sum(map(len, keys)) == len(set.union(*keys)) == 12


def test_a_lead_stays_on_its_side_when_rows_are_added(
    tmp_path: Path, rules: ComplianceRules
) -> None:
    def sides(found: Prepared) -> dict[str, str]:
        return {row.lead_key: name for name in SPLITS for row in found.splits[name]}

    few = sides(prepared(tmp_path, rules, *ROWS))
    more = sides(prepared(tmp_path, rules, *ROWS, *map(conversation, range(60, 120))))
    assert {key: more[key] for key in few} == few


def test_equal_and_nearly_equal_rows_are_left_out(tmp_path: Path, rules: ComplianceRules) -> None:
    again = conversation(3)
    history = conversation(4)["interaction_history"] + " Thanks."
    near = conversation(4, interaction_history=history)
    found = prepared(tmp_path, rules, *ROWS, again, near)
    first, second = reasons(found).values()
    assert first == "it is 100% the same as line 17"
    assert second.endswith("% the same as line 22")
    assert found.num_rows == len(ROWS)


def test_one_reply_sent_to_two_leads_of_the_same_history_is_one(
    tmp_path: Path, rules: ComplianceRules
) -> None:
    first = conversation(3)
    other = {name: value.replace("Tom", "Maria") for name, value in first.items()}
    assert first != other
    found = prepared(tmp_path, rules, *ROWS, other)
    assert len(found.rejected) == 1


def test_replies_that_break_a_rule_are_reported_and_kept_unless_it_is_grave(
    tmp_path: Path, rules: ComplianceRules
) -> None:
    reply = ROWS[5]["successful_response"].replace("No rush, just reply whenever it suits you.", "")
    rows = [*ROWS[:5], ROWS[5] | {"successful_response": reply}, *ROWS[6:]]
    found = prepared(tmp_path, rules, *rows)
    assert found.rule_breaches == {Rule.CLOSE: [27]}
    assert found.num_rows == len(rows)
    assert "Rule close broken by 1 replies: lines 27" in report_text(found, load_settings().scoring)


def test_too_few_rows_stop_and_write_nothing(tmp_path: Path, rules: ComplianceRules) -> None:
    with pytest.raises(InvalidInputError, match="Only 49 good rows are left; at least 50"):
        prepared(tmp_path, rules, *ROWS[:49], min_rows=50)


def test_what_is_written_is_what_is_read(tmp_path: Path, rules: ComplianceRules) -> None:
    found = prepared(tmp_path, rules, *ROWS)
    folder = tmp_path / "data"
    write_prepared(found, folder)
    write_balance(found, load_settings().scoring, folder)
    assert {name: read_prepared(folder, name) for name in SPLITS} == found.splits
    assert (folder / "report.png").read_bytes().startswith(b"\x89PNG")
    assert "Industry" in (folder / "report.txt").read_text()
    before = data_hash(folder)
    with (folder / "test.jsonl").open("a") as file:
        file.write("\n")
    assert data_hash(folder) != before


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("write to ann.lee+x@mail.example.com please", "email"),
        ("call +44 20 7946 0958 tomorrow", "phone"),
        ("call (415) 555-2671 tomorrow", "phone"),
        ("card 4111 1111 1111 1111 was refused", "card"),
        ("to DE89 3704 0044 0532 0130 00 by Friday", "iban"),
        ("speak to Mrs Jane Miller first", "name"),
        ("speak to Okonkwo first", "name"),
    ],
)
def test_personal_data_is_replaced_in_the_history_and_dropped_from_the_reply(
    tmp_path: Path, text: str, kind: str
) -> None:
    row = read(
        tmp_path,
        conversation(
            0,
            interaction_history=f"Asked to {text}.",
            successful_response=f"Hi Sarah,\n\nThank you. I will {text}. It is free.",
        ),
    ).rows[0]
    scrubber = Scrubber(policy(names=("Okonkwo",)))
    cleaned = scrubber.scrub(row)
    assert cleaned is not None
    assert cleaned.response == "Hi Sarah,\n\nThank you. It is free."
    assert scrubber.find(cleaned.lead.interaction_history) == []
    assert scrubber.counts == {kind: 2}


@pytest.mark.parametrize(
    "text",
    [
        "the plan costs $2,990 per year",
        "order 1234567890123 of 2024",
        "15–20 hours",
        "ISO 27001",
        "on 2026-03-02 at 10:30",
        "support 24/7, 2,000 invoices",
    ],
)
def test_prices_dates_and_order_numbers_are_no_personal_data(text: str) -> None:
    assert Scrubber(policy(phone_regions=("US", "DE"))).find(text) == []


def test_the_companys_own_address_stays() -> None:
    scrubber = Scrubber(policy(allowed=("sales@techcorp.example",)))
    assert scrubber.find("Write to Sales@TechCorp.example.") == []


def test_a_lead_gets_another_name_the_same_in_every_text(tmp_path: Path) -> None:
    row = read(
        tmp_path,
        conversation(0, lead_name="Sarah Chen", interaction_history="Sarah asked about the price."),
    ).rows[0]
    cleaned = Scrubber(policy(lead_names="replace")).scrub(row)
    assert cleaned is not None
    assert cleaned.lead.lead_name in {"Robin", "Kim"}
    assert cleaned.response.startswith(f"Hi {cleaned.lead.lead_name},")
    assert "Sarah" not in cleaned.model_dump_json()
    assert "Chen" not in cleaned.model_dump_json()


def test_check_digits_are_checked() -> None:
    assert is_card_number("4111 1111 1111 1111")
    assert not is_card_number("4111 1111 1111 1112")
    assert is_iban("GB82 WEST 1234 5698 7654 32")
    assert not is_iban("GB83 WEST 1234 5698 7654 32")
