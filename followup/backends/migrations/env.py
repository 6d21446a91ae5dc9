"""Alembic's entry point. `Database.migrate` hands over the connection, inside its transaction."""

from alembic import context
from sqlmodel import SQLModel

import followup.backends.tables  # noqa: F401 - defines the tables in SQLModel.metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=SQLModel.metadata
)
with context.begin_transaction():
    context.run_migrations()
