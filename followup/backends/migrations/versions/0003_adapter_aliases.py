"""Adapter aliases: every flip of each, append-only; the newest is what the alias names now."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLE = "adapter_alias_change"
KEY = ("tenant", "industry", "alias", "number")


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("industry", sa.String(), nullable=False),
        sa.Column("alias", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=True),
        sa.Column("previous", sa.String(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.Column("forced", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint(*KEY),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(  # the function is of 0002
            f"CREATE TRIGGER {TABLE}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {TABLE} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        return
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {TABLE}_no_{change.lower()} BEFORE {change} ON {TABLE} "
            f"BEGIN SELECT RAISE(ABORT, '{TABLE} is append-only'); END"
        )
    # REPLACE deletes without firing the trigger above. Unlike in 0002 it is an error here: a flip
    # that was not written must not look as if it was.
    same_key = " AND ".join(f"{name} = NEW.{name}" for name in KEY)
    op.execute(
        f"CREATE TRIGGER {TABLE}_no_replace BEFORE INSERT ON {TABLE} WHEN EXISTS "  # noqa: S608 - no input
        f"(SELECT 1 FROM {TABLE} WHERE {same_key}) "
        f"BEGIN SELECT RAISE(ABORT, 'UNIQUE: {TABLE} is append-only'); END"
    )


def downgrade() -> None:
    op.drop_table(TABLE)
