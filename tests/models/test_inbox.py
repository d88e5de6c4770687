"""Callbacks are stored once and make their expense due."""

from __future__ import annotations

import pytest
from sqlalchemy import event, func, select, update

from models import states
from models.company import Company, Event
from models.database import Database
from models.expense import Expense
from models.inbox import replay_event, store_messages
from models.many_rows import MOST_ROWS
from tests.world import message


def expense_of(database: Database) -> Expense:
    with database.read() as session:
        return session.scalars(select(Expense)).one()


def test_a_callback_stores_its_event_raw_and_makes_its_expense_due(
    database: Database, company: Company
) -> None:
    with database.write() as session:
        assert store_messages(session, [message(company, body=b'{"\xff": 1}')]) == [True]
    with database.read() as session:
        assert session.scalars(select(Event)).one().body == b'{"\xff": 1}'
    expense = expense_of(database)
    assert (expense.entry_id, expense.state) == (4711, states.QUEUED)
    assert expense.due_at is not None


def test_the_same_message_twice_is_one_event_and_one_signal(database: Database, company: Company) -> None:
    first = message(company)
    with database.write() as session:
        assert store_messages(session, [first, first]) == [True, False]
    with database.write() as session:
        assert store_messages(session, [first]) == [False]
    assert expense_of(database).signals == 1


def test_twenty_messages_about_one_entry_are_one_expense(database: Database, company: Company) -> None:
    with database.write() as session:
        assert store_messages(session, [message(company) for _ in range(20)]) == [True] * 20
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Event)) == 20
        assert session.scalar(select(func.count()).select_from(Expense)) == 1


def test_any_number_of_messages_is_stored_in_their_order(database: Database, company: Company) -> None:
    for number in (1, 3, MOST_ROWS + 1):
        messages = [message(company, entry_id) for entry_id in range(number, 0, -1)]
        with database.write() as session:
            assert store_messages(session, [*messages, messages[0]]) == [True] * number + [False]
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Event)) == 1 + 3 + MOST_ROWS + 1
        assert session.scalar(select(func.count()).select_from(Expense)) == MOST_ROWS + 1


def test_a_batch_and_its_expenses_are_one_statement_on_postgresql(
    database: Database, company: Company
) -> None:
    sent: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *given: sent.append(given[2]))
    batch = [message(company, 1), message(company, 2, action="deleted"), message(company, None)]
    with database.write_at_once() as session:
        assert store_messages(session, [*batch, batch[0]]) == [True, True, True, False]
    assert len([text for text in sent if text != "BEGIN IMMEDIATE"]) == (2 if database.is_sqlite else 1)
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Event)) == 3
        rows = session.execute(select(Expense.entry_id, Expense.deleted).order_by(Expense.entry_id)).all()
    assert [tuple(row) for row in rows] == [(1, False), (2, True)]


def test_an_ignored_message_makes_no_expense(database: Database, company: Company) -> None:
    with database.write() as session:
        store_messages(session, [message(company, None, status="ignored", type="ticket")])
    with database.read() as session:
        assert session.scalars(select(Expense)).all() == []


@pytest.mark.parametrize("state", states.WOKEN_BY_CALLBACK)
def test_a_callback_wakes_an_expense_that_rests(database: Database, company: Company, state: str) -> None:
    with database.write() as session:
        store_messages(session, [message(company)])
        session.execute(update(Expense).values(state=state, due_at=None))
    with database.write() as session:
        store_messages(session, [message(company)])
    expense = expense_of(database)
    assert (expense.state, expense.due_at is not None) == (state, True)


@pytest.mark.parametrize("state", sorted(set(states.EXPENSE_STATES) - set(states.WOKEN_BY_CALLBACK)))
def test_a_callback_leaves_alone_what_waits_or_was_decided(
    database: Database, company: Company, state: str
) -> None:
    with database.write() as session:
        store_messages(session, [message(company)])
        session.execute(update(Expense).values(state=state, due_at=None))
    with database.write() as session:
        store_messages(session, [message(company)])
    expense = expense_of(database)
    assert (expense.due_at, expense.signals) == (None, 2)


def test_a_deletion_is_remembered_whatever_comes_after_it(database: Database, company: Company) -> None:
    for action in ("deleted", "updated"):
        with database.write() as session:
            store_messages(session, [message(company, action=action)])
    assert expense_of(database).deleted is True


def test_replaying_an_event_makes_its_expense_due_again(database: Database, company: Company) -> None:
    with database.write() as session:
        store_messages(session, [message(company)])
        session.execute(update(Expense).values(state=states.DONE, due_at=None))
    with database.write() as session:
        event = session.scalars(select(Event)).one()
        assert replay_event(session, event, now=database.now(session))
    assert expense_of(database).due_at is not None
