"""Retrying many expenses at once, a few hundred per transaction, so that callbacks never wait for it."""

from __future__ import annotations

from sqlalchemy import ColumnElement, select

from models import states
from models.actions import retry_expenses
from models.company import Company
from models.database import Database
from models.expense import Expense

CHUNK = 500


def retry_matching(
    database: Database,
    company: Company,
    *,
    cause: str | None = None,
    state: str | None = None,
    actor: str,
) -> int:
    """Makes due now every expense of this cause and state that may be retried; how many.

    Without a state only what is stuck is meant: never what was skipped, or ignored by a person.
    """
    which = Expense.state == state if state else Expense.state.in_(states.STUCK)
    if cause is not None:
        which = which & (Expense.cause == cause)
    count, last = 0, 0
    while ids := _next_ids(database, company, which & (Expense.id > last)):
        with database.write() as session:
            now = database.now(session)
            count += retry_expenses(session, company, which & Expense.id.in_(ids), actor=actor, now=now)
        last = ids[-1]
    return count


def _next_ids(database: Database, company: Company, which: ColumnElement[bool]) -> list[int]:
    with database.read() as session:
        statement = select(Expense.id).where(Expense.company_id == company.id, which)
        return list(session.scalars(statement.order_by(Expense.id).limit(CHUNK)))
