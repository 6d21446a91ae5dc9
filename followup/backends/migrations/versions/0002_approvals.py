"""Held messages, the decisions on them, and what the report groups replies by.

`approval` and `approval_decision` are the audit trail of approval: the database itself refuses to
change or remove a row of theirs, whoever asks. One decision for each approval is its primary key.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

APPEND_ONLY = ("approval", "approval_decision")
NEW_COLUMNS = ("strategy", "situation", "approval_id")
# A verdict that does not say "supported" counts as unsupported.
GROUNDED_BEFORE = {
    "sqlite": "SELECT 1 FROM json_each(reply.verdicts) AS item"
    " WHERE json_extract(reply.verdicts, item.fullkey || '.supported') IS NOT 1",
    "postgresql": "SELECT 1 FROM json_array_elements(reply.verdicts) AS item"
    " WHERE (item ->> 'supported') IS DISTINCT FROM 'true'",
}


def upgrade() -> None:
    _extend_reply()
    _create_approval()
    _create_decision()
    for table in APPEND_ONLY:
        _make_append_only(table)


def downgrade() -> None:
    for table in reversed(APPEND_ONLY):
        op.drop_table(table)
    if _is_postgresql():
        op.execute("DROP FUNCTION refuse_change()")
    op.drop_index("ix_reply_approval_id", "reply")
    op.drop_index("ix_reply_adapter_version", "reply")
    for name in (*NEW_COLUMNS, "grounding_verified"):
        op.drop_column("reply", name)


def _extend_reply() -> None:
    for name in NEW_COLUMNS:
        op.add_column("reply", sa.Column(name, sa.String(), nullable=True))
    op.add_column("reply", sa.Column("grounding_verified", sa.Boolean(), nullable=True))
    unsupported = GROUNDED_BEFORE[op.get_bind().dialect.name]
    op.execute(f"UPDATE reply SET grounding_verified = NOT EXISTS ({unsupported})")  # noqa: S608 - no input
    for name, columns in (
        ("ix_reply_adapter_version", ["tenant", "adapter_version"]),
        ("ix_reply_approval_id", ["approval_id"]),
    ):
        is_set = sa.text(f"{columns[-1]} IS NOT NULL")
        op.create_index(name, "reply", columns, postgresql_where=is_set, sqlite_where=is_set)


def _create_approval() -> None:
    op.create_table(
        "approval",
        sa.Column("approval_id", sa.String(), primary_key=True),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("key_id", sa.String(), nullable=True),
        sa.Column("approach", sa.String(), nullable=False),
        sa.Column("situation", sa.String(), nullable=False),
        sa.Column("strategy", sa.String(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("lead", sa.JSON(), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("verdicts", sa.JSON(), nullable=False),
        sa.Column("passages", sa.JSON(), nullable=False),
        sa.Column("prompt_version", sa.String(), nullable=False),
        sa.Column("model_version", sa.String(), nullable=False),
        sa.Column("adapter_version", sa.String(), nullable=True),
        sa.Column("knowledge_base_version", sa.String(), nullable=False),
    )
    columns = ["tenant", "created_at", "approval_id"]
    op.create_index("ix_approval_tenant_created_at", "approval", columns)


def _create_decision() -> None:
    op.create_table(
        "approval_decision",
        sa.Column(
            "approval_id", sa.String(), sa.ForeignKey("approval.approval_id"), primary_key=True
        ),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("key_id", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("message", sa.String(), nullable=True),
        sa.Column("verdicts", sa.JSON(), nullable=False),
        sa.Column("violations", sa.JSON(), nullable=False),
    )


def _make_append_only(table: str) -> None:
    if _is_postgresql():
        op.execute(
            "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        return
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )
    # REPLACE deletes without firing the trigger above, so a row that is there is left alone here.
    op.execute(
        f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN EXISTS "  # noqa: S608 - no input
        f"(SELECT 1 FROM {table} WHERE approval_id = NEW.approval_id) "
        "BEGIN SELECT RAISE(IGNORE); END"
    )


def _is_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"
