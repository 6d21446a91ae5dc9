"""Parts of a list that is written: what becomes of each lead, and of outages."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from config.settings import load_settings
from deployments.api import FinetunedRequest, HybridRequest, RagRequest
from deployments.bulk_options import WriteOptions
from deployments.bulk_parts import ListedLead, Part
from deployments.bulk_write import PartWriter, WriteWorker
from deployments.lead_writer import to_request
from followup.errors import DeadlineExceededError, FollowupError, PartUnavailableError
from followup.lead import Lead
from followup.lead_map import MappedRow
from followup.prompts import Approach
from followup.request import GenerationOptions
from tests.bulk_workers import PipelineWriter

SETTINGS = load_settings()
FIELDS: dict[str, object] = {
    "lead_name": "Sarah Chen",
    "product_name": "AI Billing Software",
    "interaction_history": "Asked what the mid-tier plan costs.",
    "engagement_score": "78",
    "lead_score": 60,
    "company_name": "TechCorp",
    "company_size": "smb",
}


@contextmanager
def worker(writer: PipelineWriter, num_in_flight: int = 4) -> Iterator[WriteWorker]:
    with asyncio.Runner() as runner:
        yield WriteWorker(PartWriter(writer, num_in_flight, outage_seconds=0.2), runner)


def part(*changes: dict[str, object], opted_out: bool = False) -> Part:
    rows = [
        ListedLead(number, f"lead-{number}", MappedRow({**FIELDS, **change}, opted_out))
        for number, change in enumerate(changes, start=1)
    ]
    return Part(0, tuple(rows), num_rows=len(rows))


def test_each_lead_is_written_suppressed_or_rejected_with_the_reason() -> None:
    writer = PipelineWriter({"Late": [DeadlineExceededError("too late")]})
    changes: tuple[dict[str, object], ...] = (
        {}, {"interaction_history": "Please unsubscribe me."}, {"lead_name": "Late"},
        {"product_name": " "},
    )  # fmt: skip
    with worker(writer) as made:
        found = made.take(part(*changes))
    rows = found.table.to_pylist()
    assert [(row["lead_id"], row["status"]) for row in rows] == [
        ("lead-1", "written"), ("lead-2", "suppressed"),
    ]  # fmt: skip
    assert rows[0]["message"].startswith("Hi Sarah")
    assert rows[1]["message"] is None
    assert (rows[0]["prompt_version"], rows[0]["adapter_version"]) == ("p", "a@0")
    assert {(reject.row, reject.field) for reject in found.rejects} == {
        (3, "row"),
        (4, "product_name"),
    }
    assert found.counts["status"] == {"written": 1, "suppressed": 1}


def test_a_column_that_says_opted_out_suppresses_whatever_the_history() -> None:
    with worker(PipelineWriter()) as made:
        found = made.take(part({}, opted_out=True))
    assert found.table.to_pylist()[0]["status"] == "suppressed"


def test_a_short_outage_is_waited_for_and_a_long_one_ends_the_run() -> None:
    away: FollowupError = PartUnavailableError("Milvus is away")
    with worker(PipelineWriter({"Sarah Chen": [away] * 3})) as made:
        assert made.take(part({})).table.num_rows == 1
    with (
        worker(PipelineWriter({"Sarah Chen": [away] * 1_000})) as made,
        pytest.raises(PartUnavailableError, match="Milvus is away"),
    ):
        made.take(part({}))


def test_no_more_leads_are_in_flight_than_allowed() -> None:
    writer = PipelineWriter()
    with worker(writer, num_in_flight=3) as made:
        made.take(part(*[dict[str, object](lead_name=f"Lead {x}") for x in "abcdefghij"]))
    assert writer.most_running == 3


@pytest.mark.parametrize("approach", list(Approach))
def test_a_row_asks_what_its_endpoint_is_asked(approach: Approach) -> None:
    lead = Lead.model_validate(FIELDS)
    defaults = GenerationOptions(fusion_weight_rag=0.3)
    found = to_request(lead, WriteOptions("acme", approach, temperature=0, max_tokens=99), defaults)
    names = ("lead_name", "product_name", "interaction_history")
    told = {name: FIELDS[name] for name in names}
    expected = {
        Approach.RAG: lambda: RagRequest.model_validate(
            {
                "lead_context": {**told, "engagement_score": 78, "company_name": "TechCorp"},
                "max_tokens": 99,
            }
        ).to_followup("acme"),
        Approach.FINETUNED: lambda: FinetunedRequest.model_validate(
            {
                "lead_profile": {**told, "lead_score": 60, "company_size": "smb"},
                "company_name": "TechCorp", "temperature": 0, "max_tokens": 99,
            }
        ).to_followup("acme"),
        Approach.HYBRID: lambda: HybridRequest.model_validate(
            {
                "lead_context": {**FIELDS, "engagement_score": 78},
                "generation_config": {"temperature": 0, "max_tokens": 99},
            }
        ).to_followup("acme", defaults),
    }  # fmt: skip
    assert found == expected[approach]()
