"""Storing callbacks: the event kept raw and its expense made due, both in one transaction.

A callback is only a hint, so all it may do to an expense is make it due, or mark it deleted.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Select, Table, and_, case, or_, select, update
from sqlalchemy.orm import Session

from models.company import Event
from models.database import utcnow
from models.expense import Expense
from models.many_rows import INSERTS, MOST_ROWS, insert_rows
from models.states import QUEUED, WOKEN_BY_CALLBACK

DELETED = "deleted"
EVENTS, EXPENSES = cast(Table, Event.__table__), cast(Table, Expense.__table__)


@dataclass(frozen=True, kw_only=True)
class Message:
    """One well-signed callback. `entry_id` is None when it is not about an expense we can name."""

    company_id: int
    message_id: str
    status: str  # "queued" | "ignored" | "unreadable"
    body: bytes
    type: str | None = None
    action: str | None = None
    entry_id: int | None = None


def store_messages(session: Session, messages: Sequence[Message]) -> list[bool]:
    """Stores the messages and wakes their expenses; True for each that was new, False for a duplicate."""
    new: list[bool] = []
    fresh: dict[tuple[int, int], bool] = {}
    seen: set[tuple[int, str]] = set()
    stored = {
        identity
        for start in range(0, len(messages), MOST_ROWS)
        for identity in _insert_events(session, messages[start : start + MOST_ROWS])
    }
    for message in messages:
        identity = (message.company_id, message.message_id)
        is_new = identity in stored and identity not in seen
        seen.add(identity)
        new.append(is_new)
        if is_new and message.entry_id is not None:
            expense = (message.company_id, message.entry_id)
            fresh[expense] = fresh.get(expense, False) or message.action == DELETED
    wake_expenses(session, fresh)
    return new


def _insert_events(session: Session, messages: Sequence[Message]) -> set[tuple[int, str]]:
    rows = {
        (m.company_id, m.message_id): {
            "company_id": m.company_id,
            "message_id": m.message_id,
            "type": m.type,
            "action": m.action,
            "entry_id": m.entry_id,
            "status": m.status,
            "body": m.body,
        }
        for m in messages
    }
    ordered = [rows[identity] for identity in sorted(rows)]  # one order for all: no deadlocks
    return {
        (company, message) for company, message in insert_rows(session, EVENTS, _now, _unless_known, ordered)
    }


def _now() -> dict[str, Any]:
    return {"received_at": utcnow()}


def _unless_known(insert: Any) -> Any:
    table = Event.__table__
    return insert.on_conflict_do_nothing(index_elements=["company_id", "message_id"]).returning(
        table.c.company_id, table.c.message_id
    )


def wake_expenses(session: Session, expenses: dict[tuple[int, int], bool]) -> None:
    """Makes expenses due, creating those we don't know: (company id, entry id) to whether it was deleted."""
    ordered = [
        {"company_id": company, "entry_id": entry, "deleted": deleted}
        for (company, entry), deleted in sorted(expenses.items())
    ]
    for start in range(0, len(ordered), MOST_ROWS):
        insert_rows(session, EXPENSES, _new_expense, _or_wake, ordered[start : start + MOST_ROWS])


def _new_expense() -> dict[str, Any]:
    return {
        "state": QUEUED,
        "due_at": utcnow(),
        "signals": 1,
        "attempts": 0,
        "posting": 1,
        "receipt_checks": 0,
        "created_at": utcnow(),
        "updated_at": utcnow(),
    }


def _or_wake(insert: Any) -> Any:
    awake = and_(Expense.lease.is_(None), Expense.state.in_(WOKEN_BY_CALLBACK))
    return insert.on_conflict_do_update(
        index_elements=["company_id", "entry_id"],
        set_={
            "signals": Expense.signals + 1,
            "deleted": or_(Expense.deleted, insert.excluded.deleted),
            "due_at": case((awake, utcnow()), else_=Expense.due_at),
        },
    )


def replay_event(session: Session, event: Event, *, now: dt.datetime) -> bool:
    """Makes the event's expense due again; False when the event is not about an expense."""
    if event.entry_id is None:
        return False
    event.replayed_at = now
    wake_expenses(session, {(event.company_id, event.entry_id): event.action == DELETED})
    which = (Expense.company_id == event.company_id, Expense.entry_id == event.entry_id)
    session.execute(update(Expense).where(*which, Expense.due_at.is_not(None)).values(asked_at=now))
    return True


def select_events(company_id: int, *, entry_id: int | None = None) -> Select[Event]:
    """Events of a company, newest first."""
    statement = select(Event).where(Event.company_id == company_id).order_by(Event.id.desc())
    return statement if entry_id is None else statement.where(Event.entry_id == entry_id)


def dialect_insert(session: Session) -> Any:
    """The dialect's own insert(), which knows ON CONFLICT."""
    return INSERTS[session.get_bind().dialect.name]


def wake_states(session: Session, company_id: int, entry_ids: Sequence[int], states: Sequence[str]) -> int:
    """Makes those of the entries that are in one of the states due now; how many."""
    if not entry_ids:
        return 0
    statement = (
        update(Expense)
        .where(Expense.company_id == company_id, Expense.entry_id.in_(entry_ids))
        .where(Expense.state.in_(states), Expense.lease.is_(None), Expense.due_at.is_(None))
        .values(due_at=utcnow())
        .execution_options(synchronize_session=False)
    )
    return int(getattr(session.execute(statement), "rowcount", 0))
