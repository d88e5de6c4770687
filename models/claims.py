"""Group commit: a worker claims up to fifty due expenses of a company in one UPDATE, with a lease."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, case, exists, func, select, true, update
from sqlalchemy.orm import Session

from models.company import Company
from models.expense import Document, Expense, Request
from models.receipts import RECEIPT
from models.states import (
    AWAITING_APPROVAL,
    CLAIM,
    DONE,
    ENDINGS,
    LOOSE,
    MADE,
    OPEN,
    POSTING,
    QUEUED,
    RETRYING,
    SKIPPED,
    UNCERTAIN,
    WOKEN_BY_CALLBACK,
    IllegalMove,
    sources,
)

BATCH = 50

# What uses the ledger's last calls of a day: what a person waits for, and what is begun already.
URGENT = Expense.asked_at.is_not(None) | Expense.state.in_((POSTING, UNCERTAIN))


def claim_expenses(
    session: Session,
    company_id: int,
    *,
    now: dt.datetime,
    lease: str,
    seconds: int,
    limit: int = BATCH,
    urgent_only: bool = False,
) -> list[Expense]:
    """Due expenses of the company, now ours until `now + seconds`. No other worker gets the same rows."""
    due = (
        select(Expense.id)
        .where(Expense.company_id == company_id, Expense.due_at <= now)
        .where(URGENT if urgent_only else true())
        .order_by(Expense.due_at, Expense.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due_expenses")  # once: as a subquery PostgreSQL may run it anew for each row
    )
    begins = Expense.state.in_(sources(CLAIM, POSTING))
    statement = (
        update(Expense)
        .where(Expense.id.in_(select(due.c.id)))
        .values(
            lease=lease,
            due_at=now + dt.timedelta(seconds=seconds),
            state=case((begins, POSTING), else_=Expense.state),
            updated_at=case((begins, now), else_=Expense.updated_at),
        )
        .returning(Expense)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    return sorted(session.scalars(statement), key=lambda expense: expense.id)


def renew_lease(session: Session, *, lease: str, now: dt.datetime, seconds: int) -> set[int]:
    """Prolongs the lease; the ids of expenses that are still ours (another worker took the rest)."""
    statement = (
        update(Expense)
        .where(Expense.lease == lease, Expense.due_at.is_not(None))
        .values(due_at=now + dt.timedelta(seconds=seconds))
        .returning(Expense.id)
        .execution_options(synchronize_session=False)
    )
    return set(session.scalars(statement))


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a worker leaves an expense. `due_at`: when to look again (None: only when something wakes it)."""

    expense_id: int
    signals: int  # as seen at the claim: a callback since then makes the expense due at once
    state: str
    cause: str | None = None
    to_do: str | None = None
    why: str | None = None
    due_at: dt.datetime | None = None
    attempts: int = 0
    seen: dict[str, Any] = field(default_factory=dict)  # columns read from the entry


def finish_expenses(session: Session, endings: Sequence[Ending], *, lease: str, now: dt.datetime) -> None:
    """Records the endings of those expenses that are still ours and gives their lease back.

    Raises IllegalMove for an ending that can't be true of its expense."""
    for ending in endings:
        if not _finish(session, ending, lease=lease, now=now):
            _check_lost(session, ending, lease=lease)


def _finish(session: Session, ending: Ending, *, lease: str, now: dt.datetime) -> bool:
    """Whether the ending was recorded."""
    woken = ending.state in WOKEN_BY_CALLBACK
    due = case((Expense.signals > ending.signals, now), else_=ending.due_at) if woken else ending.due_at
    waiting = ending.due_at if ending.state != QUEUED else None
    same = (Expense.state == ending.state) & Expense.cause.is_not_distinct_from(ending.cause)
    same &= Expense.why.is_not_distinct_from(ending.why)
    statement = (
        update(Expense)
        .where(Expense.id == ending.expense_id, Expense.lease == lease)
        .where(Expense.state.in_(sources(ENDINGS, ending.state)), _is_true(ending.state))
        .values(
            state=ending.state,
            cause=ending.cause,
            to_do=ending.to_do,
            why=ending.why,
            due_at=due,
            next_attempt_at=waiting,
            attempts=ending.attempts,
            asked_at=Expense.asked_at if ending.state in (QUEUED, RETRYING, UNCERTAIN) else None,
            lease=None,
            updated_at=case((same, Expense.updated_at), else_=now),
            **ending.seen,
        )
        .execution_options(synchronize_session=False)
    )
    return bool(getattr(session.execute(statement), "rowcount", 0))


def _is_true(state: str) -> ColumnElement[bool]:
    """What an ending says of the documents: none is missing, or none stands at the ledger."""
    if state == DONE:
        return ~_has_documents(LOOSE + OPEN)
    if state in (SKIPPED, AWAITING_APPROVAL):
        return ~_has_documents(MADE + OPEN)
    return true()


def _has_documents(in_states: Sequence[str]) -> ColumnElement[bool]:
    return exists().where(
        Document.expense_id == Expense.id, Document.kind != RECEIPT, Document.state.in_(in_states)
    )


def _check_lost(session: Session, ending: Ending, *, lease: str) -> None:
    """Nothing was recorded: rightly so when another worker took the expense."""
    ours = select(Expense.state).where(Expense.id == ending.expense_id, Expense.lease == lease)
    state = session.scalars(ours).one_or_none()
    if state is not None:
        raise IllegalMove(
            f"Expense row {ending.expense_id} is {state} and can't end as {ending.state}: that move doesn't "
            "exist (models/states.py), or its documents say otherwise."
        )


def record_reading(session: Session, expense_id: int, seen: dict[str, Any], *, lease: str) -> None:
    """Records what was read and decided before anything is sent: a worker that takes over must find it."""
    session.execute(
        update(Expense)
        .where(Expense.id == expense_id, Expense.lease == lease)
        .values(seen)
        .execution_options(synchronize_session=False)
    )


def companies_with_work(session: Session, *, now: dt.datetime) -> list[str]:
    """Keys of companies that may work now and have due expenses or due requests."""
    work = exists().where(Expense.company_id == Company.id, Expense.due_at <= now, _spares_none(now) | URGENT)
    open_requests = exists().where(Request.company_id == Company.id, Request.due_at <= now)
    return _companies(session, work | open_requests, now=now)


def companies_with_receipts(session: Session, *, now: dt.datetime) -> list[str]:
    """Keys of companies that may work now and have receipts to be looked for."""
    due = exists().where(Expense.company_id == Company.id, Expense.receipts_due_at <= now)
    return _companies(session, due & _spares_none(now), now=now)


def _spares_none(now: dt.datetime) -> ColumnElement[bool]:
    """Whether the company's routine work may use its ledger."""
    return func.coalesce(Company.spare_until <= now, True)


def _companies(session: Session, which: ColumnElement[bool], *, now: dt.datetime) -> list[str]:
    may = Company.paused_at.is_(None) & func.coalesce(Company.wait_until <= now, True)
    return list(session.scalars(select(Company.key).where(may, which).order_by(Company.key)))
