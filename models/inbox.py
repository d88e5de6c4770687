"""Storing callbacks: the event kept raw and its expense made due, both in one transaction.

A callback is only a hint, so all it may do to an expense is make it due, or mark it deleted.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Select, Table, and_, case, func, or_, select, update
from sqlalchemy.orm import Session

from models.company import Event
from models.database import utcnow
from models.expense import Expense
from models.many_rows import INSERTS, MOST_ROWS, insert_from, insert_rows
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
    """Stores the messages and wakes their expenses; True for each that was new, False for a duplicate.

    At most MOST_ROWS of them are one statement on PostgreSQL, and need no transaction around it.
    """
    stored = {
        identity
        for start in range(0, len(messages), MOST_ROWS)
        for identity in _store(session, messages[start : start + MOST_ROWS])
    }
    new: list[bool] = []
    for message in messages:
        identity = (message.company_id, message.message_id)
        new.append(identity in stored)
        stored.discard(identity)
    return new


def _store(session: Session, messages: Sequence[Message]) -> list[tuple[int, str]]:
    """Which are new: company id and message id."""
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
    if session.get_bind().dialect.name == "postgresql":
        return [tuple(row) for row in insert_rows(session, EVENTS, _now, _and_wake, ordered)]
    stored = insert_rows(session, EVENTS, _now, _unless_known, ordered).all()
    woken: dict[tuple[int, int], bool] = {}
    for company_id, _, entry_id, action in stored:
        if entry_id is not None:
            woken[company_id, entry_id] = woken.get((company_id, entry_id), False) or action == DELETED
    wake_expenses(session, woken)
    return [(company_id, message_id) for company_id, message_id, *_ in stored]


def _now() -> dict[str, Any]:
    return {"received_at": utcnow()}


def _unless_known(insert: Any) -> Any:
    returned = [EVENTS.c[name] for name in ("company_id", "message_id", "entry_id", "action")]
    return insert.on_conflict_do_nothing(index_elements=["company_id", "message_id"]).returning(*returned)


def _and_wake(insert: Any) -> Any:
    """What is new is stored, and its expenses are woken, as `wake_expenses` does it, in one trip."""
    stored = _unless_known(insert).cte("stored")
    which = (stored.c.company_id, stored.c.entry_id)
    deleted = func.coalesce(func.bool_or(stored.c.action == DELETED), False)
    expenses = select(*which, deleted).where(stored.c.entry_id.is_not(None)).group_by(*which).order_by(*which)
    woken = _or_wake(insert_from(EXPENSES, ("company_id", "entry_id", "deleted"), expenses, _new_expense()))
    return select(stored.c.company_id, stored.c.message_id).add_cte(woken.cte("woken"))


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
