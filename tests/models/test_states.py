"""An illegal move is never written, whichever way it is tried."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from sqlalchemy import select, update

from errors import Wait
from models import outbox, states
from models.claims import Ending, claim_expenses, finish_expenses
from models.company import Company
from models.database import Database
from models.expense import Document, Expense, Request
from models.inbox import store_messages
from models.outbox import Planned, close_request, doubt_request, save_plans
from models.receipts import move_receipt, receipts_of
from models.states import EXPENSE_MOVES, IllegalMove, check_move, sources
from tests.world import NOON, message


def claimed(database: Database, company: Company, *, state: str = states.POSTING) -> Expense:
    """An expense in this state, held by the worker `w`."""
    with database.write() as session:
        store_messages(session, [message(company)])
        now = database.now(session) + dt.timedelta(seconds=1)
        [expense] = claim_expenses(session, company.id, now=now, lease="w", seconds=60)
    with database.write() as session:
        session.execute(update(Expense).values(state=state))
        return session.get_one(Expense, expense.id)


def plan(database: Database, company: Company, expense: Expense, state: str, *, kind: str = "bill") -> None:
    """The expense has one document, in this state."""
    planned = Planned(
        kind=kind, number="CW-4711", position=0, plan="{}", amount=Decimal(1), currency="AUD", account=None
    )
    with database.write() as session:
        save_plans(session, company_id=company.id, plans={expense.id: [planned]}, now=NOON)
        session.execute(update(Document).values(state=state))


def finish(database: Database, expense: Expense, state: str) -> None:
    with database.write() as session:
        ending = Ending(expense_id=expense.id, signals=expense.signals, state=state)
        finish_expenses(session, [ending], lease="w", now=database.now(session))


def state_of(database: Database) -> tuple[str, str | None]:
    with database.read() as session:
        expense = session.scalars(select(Expense)).one()
        return expense.state, expense.lease


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (states.DONE, states.HELD),
        (states.DONE, states.SKIPPED),
        (states.CHANGED, states.AWAITING_APPROVAL),
        (states.POSTING, states.IGNORED),
        (states.POSTING, states.UNDONE),
    ],
)
def test_an_illegal_ending_changes_nothing(
    database: Database, company: Company, source: str, target: str
) -> None:
    expense = claimed(database, company, state=source)
    with pytest.raises(IllegalMove):
        finish(database, expense, target)
    assert state_of(database) == (source, "w")


@pytest.mark.parametrize(
    ("document", "ending", "is_true"),
    [
        (states.POSTED, states.DONE, True),
        (states.DRAFTED, states.DONE, True),
        (states.PLANNED, states.DONE, False),
        (states.UNCERTAIN, states.DONE, False),
        (states.FAILED, states.DONE, False),
        (states.PLANNED, states.SKIPPED, True),
        (states.POSTED, states.SKIPPED, False),
        (states.SENT, states.AWAITING_APPROVAL, False),
    ],
)
def test_an_ending_must_be_true_of_the_documents(
    database: Database, company: Company, document: str, ending: str, is_true: bool
) -> None:
    expense = claimed(database, company)
    plan(database, company, expense, document)
    if is_true:
        finish(database, expense, ending)
    else:
        with pytest.raises(IllegalMove):
            finish(database, expense, ending)
    assert state_of(database) == ((ending, None) if is_true else (states.POSTING, "w"))


def test_an_illegal_move_of_an_object_is_refused_at_once(database: Database, company: Company) -> None:
    expense = claimed(database, company, state=states.DONE)
    with pytest.raises(IllegalMove, match="'done' to 'ignored'"):
        expense.state = states.IGNORED
    with pytest.raises(IllegalMove, match="'posted' to 'planned'"):
        Document(state=states.POSTED).state = states.PLANNED
    with pytest.raises(IllegalMove, match="'done' to 'uncertain'"):
        Request(state=states.SETTLED).state = states.UNCERTAIN


def test_a_settled_request_is_never_opened_again(database: Database, company: Company) -> None:
    expense = claimed(database, company)
    plan(database, company, expense, states.PLANNED)
    with database.write() as session:
        [document] = outbox.documents_of(session, [expense.id])[expense.id]
        request = outbox.freeze_request(
            session, company_id=company.id, operation="post", body=b"", key="k", documents=[document],
            lease="w", seconds=60,
        )  # fmt: skip
        close_request(session, request, outcome="answered")
    with database.write() as session:
        doubt_request(session, request, outcome="late", due_at=NOON, now=NOON)
    with database.read() as session:
        assert session.scalars(select(Request.state)).one() == states.SETTLED


def test_a_receipt_is_sent_by_one_worker_only(database: Database, company: Company) -> None:
    expense = claimed(database, company)
    plan(database, company, expense, states.PLANNED, kind="receipt")
    with database.write() as session:
        [receipt] = receipts_of(session, expense.id).values()
        move_receipt(session, receipt, states.SENT, now=NOON)
    with database.write() as session, pytest.raises(Wait, match="filing the receipt"):
        move_receipt(session, receipt, states.SENT, now=NOON)


def test_tables_name_only_states_that_exist() -> None:
    for names, acts in (
        (states.EXPENSE_STATES, EXPENSE_MOVES),
        (states.DOCUMENT_STATES, states.DOCUMENT_MOVES),
        (states.REQUEST_STATES, states.REQUEST_MOVES),
    ):
        used = {name for moves in acts.values() for to, froms in moves.items() for name in (to, *froms)}
        assert used <= set(names)


def test_a_move_to_nowhere_is_told() -> None:
    with pytest.raises(IllegalMove, match="undone"):
        sources(states.ENDINGS, states.UNDONE)
    check_move(EXPENSE_MOVES, states.DONE, states.DONE)
