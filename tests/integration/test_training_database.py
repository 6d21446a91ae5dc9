"""Messages that people approved or edited, and leads answered, become training rows."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from followup.approval import ApprovalAction
from followup.backends.approvals import Approvals
from followup.backends.database import Database
from followup.backends.replies import Replies
from followup.backends.reply_log import ReplyLog
from followup.backends.settings import DatabaseSettings
from followup.backends.tables import Outcome
from followup.lead import Lead
from followup.passage import Chunk, Passage
from tests.records import make_approval, make_decision, make_reply
from training.sources import SourceRows, read_database

LEAD = Lead(
    lead_name="Sarah Chen", product_name="AI Billing Software", interaction_history="Asked for it."
)
PASSAGE = Passage(
    chunk=Chunk(
        chunk_id="a", document="faq/trial.html", title="Trial", source_type="faq", position=0,
        text="The free trial lasts 14 days.",
    ),
    score=0.9,
)  # fmt: skip


async def released(
    database: Database, settings: DatabaseSettings, outcome: Outcome, **decision: Any
) -> None:
    """A held message of a new lead, decided, and what became of it."""
    approval = make_approval(
        lead=LEAD.model_dump(mode="json"), passages=[PASSAGE.model_dump(mode="json")]
    )
    approvals, replies = Approvals(database), Replies(database)
    await approvals.hold(approval)
    await approvals.decide("acme", make_decision(approval.approval_id, **decision))
    log = ReplyLog(database, settings.spool_dir)
    reply = make_reply(approval_id=approval.approval_id)
    await log.append(reply)
    await log.close()
    await replies.add_feedback("acme", reply.request_id, outcome, datetime.now(UTC))


async def read(tmp_path: Path, *cases: tuple[Outcome, dict[str, Any]]) -> SourceRows:
    settings = DatabaseSettings(url=f"sqlite+aiosqlite:///{tmp_path}/db", spool_dir=tmp_path)
    database = Database(settings)
    try:
        await database.migrate()
        for outcome, decision in cases:
            await released(database, settings, outcome, **decision)
        return await read_database(database, "acme", "Acme")
    finally:
        await database.close()


async def test_an_edited_message_that_was_answered_is_learned_as_it_was_sent(
    tmp_path: Path,
) -> None:
    edit = {"action": ApprovalAction.EDIT, "message": "Hi Sarah,\n\nIt lasts 14 days."}
    found = await read(tmp_path, (Outcome.REPLIED, edit), (Outcome.UNSUBSCRIBED, edit))
    [row] = found.rows
    assert found.bad == []
    assert row.response == "Hi Sarah,\n\nIt lasts 14 days."
    assert [item.text for item in row.passages] == ["The free trial lasts 14 days."]
    assert row.lead == LEAD.model_copy(update={"company_name": "Acme"})


async def test_a_rejected_message_is_not_learned(tmp_path: Path) -> None:
    settings = DatabaseSettings(url=f"sqlite+aiosqlite:///{tmp_path}/db", spool_dir=tmp_path)
    database = Database(settings)
    await database.migrate()
    approval = make_approval(lead=LEAD.model_dump(mode="json"), passages=[])
    await Approvals(database).hold(approval)
    rejection = make_decision(approval.approval_id, action=ApprovalAction.REJECT, reason="Wrong.")
    await Approvals(database).decide("acme", rejection)
    assert (await read_database(database, "acme", "")).rows == []
    await database.close()
