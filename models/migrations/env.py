"""Alembic's environment: the connection is handed in by models/migrate.py or bin/manage."""

from __future__ import annotations

from alembic import context
from sqlalchemy import text

import models.company
import models.expense  # noqa: F401 - the tables must be known
from models.database import Base

LOCK = 4_711_001  # one upgrade at a time, whoever starts it


def run() -> None:
    connection = context.config.attributes["connection"]
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
        connection.commit()
    context.configure(
        connection=connection, target_metadata=Base.metadata, render_as_batch=True, compare_type=True
    )
    try:
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()
    finally:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": LOCK})
            connection.commit()


run()
