"""What people may do with an expense, and what they may not."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import update

from errors import NeedsAttention, NotFound
from models import states
from models.actions import approve_expense, ignore_expense, retry_expense
from models.company import Company
from models.database import Database
from models.expense import Document, Expense
from models.inbox import store_messages
from tests.world import message


def put(database: Database, company: Company, **columns: object) -> None:
    with database.write() as session:
        store_messages(session, [message(company)])
        session.execute(update(Expense).values({"due_at": None, **columns}))


def expense_of(database: Database) -> Expense:
    with database.read() as session:
        return session.query(Expense).one()


@pytest.mark.parametrize("state", states.RETRIABLE)
def test_what_is_stuck_can_be_retried(database: Database, company: Company, state: str) -> None:
    put(database, company, state=state, attempts=5, deleted=True)
    with database.write() as session:
        assert retry_expense(session, company, 4711, actor="bo", now=database.now(session))
    expense = expense_of(database)
    assert (expense.state, expense.attempts, expense.deleted) == (states.QUEUED, 0, False)
    assert expense.due_at is not None


def test_what_a_worker_is_at_is_not_started_again(database: Database, company: Company) -> None:
    put(database, company, state=states.POSTING, lease="w")
    with database.write() as session:
        assert retry_expense(session, company, 4711, actor="bo", now=database.now(session)) is False


def test_what_is_done_has_nothing_to_retry(database: Database, company: Company) -> None:
    put(database, company, state=states.DONE)
    with database.write() as session, pytest.raises(NeedsAttention, match="nothing to retry"):
        retry_expense(session, company, 4711, actor="bo", now=database.now(session))


def test_ignoring_what_is_posted_would_hide_it(database: Database, company: Company) -> None:
    put(database, company, state=states.DONE)
    with database.write() as session, pytest.raises(NeedsAttention, match="hide"):
        ignore_expense(session, company, 4711, reason="x", actor="bo", now=database.now(session))


@pytest.mark.parametrize(("document", "is_refused"), [(states.POSTED, True), (states.FAILED, False)])
def test_what_is_posted_and_looked_at_again_is_not_ignored_either(
    database: Database, company: Company, document: str, is_refused: bool
) -> None:
    put(database, company, state=states.QUEUED)
    with database.write() as session:
        now = database.now(session)
        bill = Document(
            company_id=company.id, expense_id=session.query(Expense).one().id, kind="bill", number="CW-4711",
            state=document, plan="{}", amount=Decimal(1), currency="AUD", created_at=now, updated_at=now,
        )  # fmt: skip
        session.add(bill)
    if not is_refused:
        with database.write() as session:
            ignore_expense(session, company, 4711, reason="x", actor="bo", now=now)
        assert expense_of(database).state == states.IGNORED
        return
    with database.write() as session, pytest.raises(NeedsAttention, match="hide"):
        ignore_expense(session, company, 4711, reason="x", actor="bo", now=now)


def test_an_approval_is_of_what_was_shown(database: Database, company: Company) -> None:
    put(database, company, state=states.AWAITING_APPROVAL, fingerprint="f1")
    with database.write() as session:
        approve_expense(session, company, 4711, actor="bo", now=database.now(session))
    expense = expense_of(database)
    assert (expense.state, expense.approved, expense.due_at is not None) == (states.QUEUED, "f1", True)


def test_only_what_waits_for_it_can_be_approved(database: Database, company: Company) -> None:
    put(database, company, state=states.NEEDS_ATTENTION)
    with database.write() as session, pytest.raises(NeedsAttention, match="needs_attention"):
        approve_expense(session, company, 4711, actor="bo", now=database.now(session))


def test_an_unknown_entry_is_named(database: Database, company: Company) -> None:
    with database.write() as session, pytest.raises(NotFound, match="4712"):
        retry_expense(session, company, 4712, actor="bo", now=database.now(session))
