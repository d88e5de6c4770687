"""The migrations make exactly the tables that the models describe, and harm nobody while they run."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, inspect, select, text, update
from sqlalchemy.exc import IntegrityError

from errors import Retryable
from models import migrate
from models.company import Company
from models.database import Base, Database
from models.expense import Document, Expense
from models.inbox import wake_expenses
from tests.world import NOON, company, database

__all__ = ["company", "database"]

REVISION = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "next", {before!r}

def upgrade():
    here = op.get_bind().dialect.name
    with op.batch_alter_table("expense", recreate="always" if here == "sqlite" else "never") as table:
        table.add_column(sa.Column("project", sa.Text(), nullable=True))
    {then}
"""
Newer = Callable[..., None]


@pytest.fixture
def newer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Newer:
    """Makes us the next version, whose migration adds a column to `expense`."""

    def become(then: str = "") -> None:
        before = migrate.newest_revision()
        folder = shutil.copytree(migrate.HERE, tmp_path / "migrations")
        revision = folder / "versions" / "9999_next.py"
        revision.write_text(REVISION.format(before=before, then=then))
        monkeypatch.setattr(migrate, "HERE", folder)

    return become


def columns(database: Database) -> set[str]:
    return {column["name"] for column in inspect(database.engine).get_columns("expense")}


def document_of(session_company: Company, expense_id: int) -> Document:
    return Document(
        company_id=session_company.id,
        expense_id=expense_id,
        kind="bill",
        number=f"CW-{expense_id}",
        state="planned",
        plan="{}",
        amount=Decimal(1),
        currency="AUD",
        created_at=NOON,
        updated_at=NOON,
    )


def test_the_migrations_make_what_the_models_say(database_url: str) -> None:
    with create_engine(database_url).connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_upgrading_twice_changes_nothing(empty_database_url: str) -> None:
    database = Database(empty_database_url)
    migrate.upgrade(database)
    migrate.upgrade(database)
    assert migrate.is_current(database)


def test_a_migration_keeps_every_row_and_what_refers_to_it(
    database: Database, company: Company, newer: Newer
) -> None:
    with database.write() as session:
        wake_expenses(session, {(company.id, 4711): False})
        expense_id = session.scalars(select(Expense.id)).one()
        session.add(document_of(company, expense_id))
    newer()
    assert not migrate.is_current(database)
    migrate.upgrade(database)
    assert migrate.is_current(database)
    assert "project" in columns(database)
    with database.read() as session:
        assert session.scalars(select(Document.expense_id)).one() == expense_id
    with pytest.raises(IntegrityError), database.write() as session:
        session.add(document_of(company, expense_id + 1))


def test_a_migration_that_fails_changes_nothing(database: Database, newer: Newer) -> None:
    newer(then="raise ZeroDivisionError")
    with pytest.raises(ZeroDivisionError):
        migrate.upgrade(database)
    assert "project" not in columns(database)
    assert not migrate.is_current(database)


def test_what_a_newer_version_has_changed_is_left_alone(database: Database) -> None:
    with database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = 'next'"))
    migrate.upgrade(database)
    assert migrate.is_current(database)


def test_callbacks_do_not_wait_for_a_migration_that_waits_for_its_lock(
    database: Database, company: Company, newer: Newer, monkeypatch: pytest.MonkeyPatch
) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite has one lock for all, and whoever has it is done in a moment")
    newer()
    monkeypatch.setattr(migrate, "PAUSE_SECONDS", 0.5)
    release = threading.Thread(target=migrate.upgrade, args=(database,))
    with database.read() as report:
        report.scalars(select(Expense)).all()  # somebody's long report: the migration can't have the table
        release.start()
        for entry_id in range(1, 6):
            with database.write() as session:
                session.execute(text("SET LOCAL statement_timeout = '60s'"))  # else this test would hang
                wake_expenses(session, {(company.id, entry_id): False})
            release.join(0.3)
        assert release.is_alive()
    release.join(60)
    assert migrate.is_current(database)


def test_tables_that_stay_locked_are_given_up_in_words(
    database: Database, company: Company, newer: Newer, monkeypatch: pytest.MonkeyPatch
) -> None:
    if database.is_sqlite:
        pytest.skip("takes half a minute of SQLite's own waiting")
    newer()
    monkeypatch.setattr(migrate, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(migrate, "TRIES", 2)
    with database.write() as session:
        session.execute(update(Company).values(name="busy"))
        session.execute(text("LOCK TABLE expense IN SHARE MODE"))
        with pytest.raises(Retryable, match="long transaction"):
            migrate.upgrade(database)
    assert "project" not in columns(database)


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"DATABASE_URL": "oracle://db", "PORT": "much"}, ["DATABASE_URL", "PORT"]),
        ({"DATABASE_URL": "postgresql://x@/relay?host=/nowhere"}, ["nothing was"]),
    ],
)
def test_the_release_says_in_words_what_keeps_it_from_its_work(
    environ: dict[str, str],
    words: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in ({"EXPENSE_RELAY_ENV": "development"} | environ).items():
        monkeypatch.setenv(name, value)
    assert migrate.main() == 1
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert all(word in said for word in words)
