"""What people may do with an expense: retry it, ignore it. The API and the command line use the same."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from errors import NeedsAttention, NotFound
from models import outbox, states
from models.company import Company
from models.expense import Document, Expense
from models.history import note


def find_expense(session: Session, company: Company, entry_id: int, *, to_change: bool = False) -> Expense:
    """The expense of this entry; raises NotFound. `to_change`: no worker may claim it meanwhile."""
    statement = select(Expense).where(Expense.company_id == company.id, Expense.entry_id == entry_id)
    statement = statement.with_for_update() if to_change else statement
    expense = session.scalars(statement).one_or_none()
    if expense is None:
        raise NotFound(
            f"{company.key} has no expense {entry_id}: no callback and no sweep has brought it yet."
        )
    return expense


def retry_expenses(
    session: Session, company: Company, which: ColumnElement[bool], *, actor: str, now: dt.datetime
) -> int:
    """Makes due now those of `which` that may be retried and aren't being worked on; how many.

    Pressed twice, or by two people, or during an automatic retry, it is still one attempt.
    """
    statement = (
        update(Expense)
        .where(Expense.company_id == company.id, which, Expense.lease.is_(None))
        .where(Expense.state.in_(states.sources(states.RETRY, states.QUEUED)))
        .values(
            state=states.QUEUED,
            due_at=now,
            asked_at=now,
            next_attempt_at=None,
            attempts=0,
            deleted=False,
            updated_at=now,
        )
        .returning(Expense.id)
        .execution_options(synchronize_session=False)
    )
    ids = list(session.scalars(statement))
    for start in range(0, len(ids), 500):
        outbox.look_again(session, ids[start : start + 500], now=now)
    for expense_id in ids:
        note(
            session,
            company_id=company.id,
            expense_id=expense_id,
            at=now,
            actor=actor,
            what="retry",
            text="asked for by hand",
        )
    return len(ids)


def retry_expense(session: Session, company: Company, entry_id: int, *, actor: str, now: dt.datetime) -> bool:
    """Makes this expense due now. False when a worker is at it already. Raises NotFound, or NeedsAttention
    when there is nothing to retry."""
    expense = find_expense(session, company, entry_id)
    if expense.lease is not None:
        return False
    if expense.state not in states.RETRIABLE:
        raise NeedsAttention(
            "nothing_to_retry",
            f"Expense {entry_id} is {expense.state}; there is nothing to retry.",
            "Retry expenses that need attention, are held, ignored, skipped or broken.",
        )
    return bool(retry_expenses(session, company, Expense.id == expense.id, actor=actor, now=now))


def approve_expense(
    session: Session, company: Company, entry_id: int, *, actor: str, now: dt.datetime
) -> None:
    """Lets a draft that is kept here be posted as it was shown: an entry that is edited later must be
    approved again. Raises NotFound, or NeedsAttention when nothing waits for an approval."""
    expense = find_expense(session, company, entry_id, to_change=True)
    if expense.state not in states.sources(states.APPROVE, states.QUEUED) or expense.lease is not None:
        raise NeedsAttention(
            "nothing_to_approve",
            f"Expense {entry_id} is {expense.state}; it isn't waiting for an approval.",
            "Approve expenses that are awaiting_approval.",
        )
    expense.approved = expense.fingerprint
    expense.state, expense.due_at, expense.asked_at, expense.updated_at = states.QUEUED, now, now, now
    note(
        session,
        company_id=company.id,
        expense_id=expense.id,
        at=now,
        actor=actor,
        what="approve",
        text="approved for posting",
    )


def ignore_expense(
    session: Session, company: Company, entry_id: int, *, reason: str, actor: str, now: dt.datetime
) -> None:
    """Takes the expense out of the queue for good, with a reason. Raises NotFound, or NeedsAttention when
    that would hide something: a document that is made or may be, or a worker at it."""
    expense = find_expense(session, company, entry_id, to_change=True)
    if expense.lease is not None or _documents(session, expense, states.OPEN):
        raise NeedsAttention(
            "in_progress",
            f"Expense {entry_id} is being posted right now.",
            "Wait until it has ended, then ignore it.",
        )
    if expense.state not in states.sources(states.IGNORE, states.IGNORED) or _is_posted(session, expense):
        raise NeedsAttention(
            "already_posted",
            f"Expense {entry_id} is posted; ignoring it would hide what stands in the ledger.",
            "Leave it, or undo it first.",
        )
    expense.state, expense.cause, expense.to_do = states.IGNORED, None, None
    expense.why = f"Ignored by {actor}: {reason}"
    expense.due_at = expense.next_attempt_at = None
    expense.updated_at = now
    note(
        session,
        company_id=company.id,
        expense_id=expense.id,
        at=now,
        actor=actor,
        what="ignore",
        text=reason,
    )


def _is_posted(session: Session, expense: Expense) -> bool:
    """Whether it is done and only being looked at again: all that was planned stands at the ledger."""
    if expense.state not in (states.QUEUED, states.RETRYING):
        return False
    return bool(_documents(session, expense, states.MADE)) and not _documents(session, expense, states.LOOSE)


def _documents(session: Session, expense: Expense, in_states: Collection[str]) -> Sequence[Document]:
    statement = select(Document).where(Document.expense_id == expense.id, Document.state.in_(in_states))
    return session.scalars(statement).all()
