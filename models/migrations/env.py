"""Alembic's environment: the connection is handed in by models/migrate.py or bin/manage."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection, text

import models.alert
import models.company
import models.expense
import models.people  # noqa: F401 - the tables must be known
from models.database import Base

LOCK = 4_711_001  # one upgrade at a time, whoever starts it
# Whoever wants a table while we wait for it waits behind us: callbacks must be answered within three seconds.
LOCK_TIMEOUT = "1s"


def check_references(connection: Connection) -> None:
    """SQLite does not heed references while tables are changed (models/database.py), so they are checked."""
    if connection.dialect.name == "sqlite":
        broken = connection.execute(text("PRAGMA foreign_key_check")).all()
        assert not broken, f"The migration leaves rows that refer to nothing: {broken[:5]}"


def run() -> None:
    connection = context.config.attributes["connection"]
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
        connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
        connection.commit()
    context.configure(
        connection=connection, target_metadata=Base.metadata, render_as_batch=True, compare_type=True
    )
    try:
        with context.begin_transaction():
            context.run_migrations()
        check_references(connection)
        connection.commit()
    finally:
        if connection.dialect.name == "postgresql":
            connection.rollback()
            connection.execute(text("RESET lock_timeout"))
            connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": LOCK})
            connection.commit()


run()
