"""Taking a stored callback in again, with a line in the expense's history."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.company import Company
from models.expense import Expense
from models.history import note
from models.inbox import replay_event
from models.queries import find_event


def replay(session: Session, company: Company, event_id: int, *, actor: str, now: dt.datetime) -> bool:
    """Makes the event's expense due; False when it is not about an expense. Raises NotFound."""
    event = find_event(session, company, event_id)
    if not replay_event(session, event, now=now):
        return False
    expense_id = session.scalar(
        select(Expense.id).where(Expense.company_id == company.id, Expense.entry_id == event.entry_id)
    )
    note(
        session,
        company_id=company.id,
        expense_id=expense_id,
        at=now,
        actor=actor,
        what="replay",
        text=f"event {event.id} was taken in again",
    )
    return True
