"""Which expenses have receipts to be looked for: claimed like expenses, by a lease in a due time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from errors import Wait
from models import states
from models.expense import Document, Expense

RECEIPT = "receipt"
AT_ONCE = 20


def expect_receipts(session: Session, expense_ids: Collection[int], *, now: dt.datetime) -> None:
    """These expenses were just posted: look for their receipts now."""
    if expense_ids:
        session.execute(
            update(Expense)
            .where(Expense.id.in_(expense_ids))
            .values(receipts_due_at=now, receipt_checks=0)
            .execution_options(synchronize_session=False)
        )


def claim_receipts(session: Session, company_id: int, *, now: dt.datetime, seconds: int) -> list[Expense]:
    """Expenses whose receipts are due, ours until `now + seconds`."""
    due = (
        select(Expense.id)
        .where(Expense.company_id == company_id, Expense.receipts_due_at <= now)
        .order_by(Expense.receipts_due_at)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
        .cte("due_receipts")  # once: as a subquery PostgreSQL may run it anew for each row
    )
    statement = (
        update(Expense)
        .where(Expense.id.in_(select(due.c.id)))
        .values(receipts_due_at=now + dt.timedelta(seconds=seconds))
        .returning(Expense)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    return list(session.scalars(statement))


def look_again_at(session: Session, expense_id: int, *, due_at: dt.datetime | None, checks: int) -> None:
    """When to look for late receipts of this expense (None: no more)."""
    session.execute(
        update(Expense)
        .where(Expense.id == expense_id)
        .values(receipts_due_at=due_at, receipt_checks=checks)
        .execution_options(synchronize_session=False)
    )


def move_receipt(
    session: Session, receipt: Document, state: str, *, now: dt.datetime, **values: object
) -> None:
    """Records where a receipt is now. Raises Wait when another worker is at it."""
    statement = (
        update(Document)
        .where(Document.id == receipt.id, Document.state.in_(states.sources(states.FILE, state)))
        .values(state=state, updated_at=now, **values)
        .execution_options(synchronize_session=False)
    )
    if not getattr(session.execute(statement), "rowcount", 0):
        raise Wait(f"Another worker is filing the receipt {receipt.number}.", after=5)


def owner_of(session: Session, expense_id: int, *, kinds: Collection[str]) -> Document | None:
    """The posted document that receipts are filed at: the first made of these kinds."""
    statement = (
        select(Document)
        .where(Document.expense_id == expense_id, Document.kind.in_(kinds), Document.state.in_(states.MADE))
        .order_by(Document.position)
        .limit(1)
    )
    return session.scalars(statement).one_or_none()


def receipts_of(session: Session, expense_id: int) -> dict[str, Document]:
    """The receipts known of this expense, by number."""
    statement = select(Document).where(Document.expense_id == expense_id, Document.kind == RECEIPT)
    return {document.number: document for document in session.scalars(statement)}
