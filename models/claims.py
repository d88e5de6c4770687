"""Group commit: a worker claims up to a hundred due expenses of a company in one UPDATE, with a lease."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, cast

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Table,
    Update,
    bindparam,
    case,
    exists,
    func,
    select,
    true,
    update,
)
from sqlalchemy.orm import Session

from models.company import Company
from models.expense import Document, Expense, Request
from models.many_rows import execute_many, one_of
from models.receipts import RECEIPT
from models.states import (
    AWAITING_APPROVAL,
    CLAIM,
    DONE,
    ENDINGS,
    HELD,
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

BATCH = 100  # two of the fullest calls to Xero; ConnectWise is asked for as many at once
NEVER = 2**31 - 1  # more signals than ever come
EXPENSES = cast(Table, Expense.__table__)

# What uses the ledger's last calls of a day: what a person waits for, and what is begun already.
URGENT = Expense.asked_at.is_not(None) | Expense.state.in_((POSTING, UNCERTAIN))

# Approval is dated from when the reading that found it fell due: from the callback or sweep that brought it.
# It is noted at the claim of what was not approved when it was last read, and taken back if it still isn't.
# The gate's "no" is the one hold without a cause.
HELD_BY_GATE = (Expense.state == HELD) & Expense.cause.is_(None)
MAY_BE_APPROVED = Expense.approved_at.is_(None) & (Expense.entry.is_(None) | HELD_BY_GATE)


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
            approved_at=case((MAY_BE_APPROVED, Expense.due_at), else_=Expense.approved_at),
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
    for state in sorted({ending.state for ending in endings}):
        rows = [_row(ending, lease=lease, now=now) for ending in endings if ending.state == state]
        execute_many(session, _finish(state), rows)
    _check_lost(session, endings, lease=lease)


def _row(ending: Ending, *, lease: str, now: dt.datetime) -> dict[str, Any]:
    return ending.seen | {
        "its_id": ending.expense_id,
        "its_lease": lease,
        "its_signals": ending.signals if ending.state in WOKEN_BY_CALLBACK else NEVER,
        "its_cause": ending.cause,
        "its_to_do": ending.to_do,
        "its_why": ending.why,
        "its_due_at": ending.due_at,
        "its_attempts": ending.attempts,
        "its_updated_at": now,
    }


@cache
def _finish(state: str) -> Update:
    """The statement for one ending: built once, since that takes longer than running it."""
    cause, why, due, now = _given("cause"), _given("why"), _given("due_at"), _given("updated_at")
    same = (Expense.state == state) & Expense.cause.is_not_distinct_from(cause)
    same &= Expense.why.is_not_distinct_from(why)
    return (
        update(EXPENSES)
        .where(Expense.id == _given("id"), Expense.lease == _given("lease"))
        .where(one_of(EXPENSES.c.state, sources(ENDINGS, state)), _is_true(state))
        .values(
            state=state,
            cause=cause,
            to_do=_given("to_do"),
            why=why,
            due_at=case((Expense.signals > _given("signals"), now), else_=due),
            next_attempt_at=due if state != QUEUED else None,
            attempts=_given("attempts"),
            asked_at=Expense.asked_at if state in (QUEUED, RETRYING, UNCERTAIN) else None,
            lease=None,
            updated_at=case((same, Expense.updated_at), else_=now),
            **(
                {"approved_at": case((cause.is_(None), None), else_=Expense.approved_at)}
                if state == HELD
                else {}
            ),
        )
    )


def _given(column: str) -> BindParameter[Any]:
    return bindparam(f"its_{column}", type_=EXPENSES.c[column].type)


def _is_true(state: str) -> ColumnElement[bool]:
    """What an ending says of the documents: none is missing, or none stands at the ledger."""
    if state == DONE:
        return ~_has_documents(LOOSE + OPEN)
    if state in (SKIPPED, AWAITING_APPROVAL):
        return ~_has_documents(MADE + OPEN)
    return true()


def _has_documents(in_states: Sequence[str]) -> ColumnElement[bool]:
    return exists().where(
        Document.expense_id == Expense.id,
        Document.kind != RECEIPT,
        one_of(cast(Any, Document.state), in_states),
    )


def _check_lost(session: Session, endings: Sequence[Ending], *, lease: str) -> None:
    """What is still ours was not recorded; another worker may rightly have taken an expense."""
    wanted = {ending.expense_id: ending.state for ending in endings}
    ours = select(Expense.id, Expense.state).where(Expense.id.in_(wanted), Expense.lease == lease)
    for expense_id, state in session.execute(ours):
        raise IllegalMove(
            f"Expense row {expense_id} is {state} and can't end as {wanted[expense_id]}: that move doesn't "
            "exist (models/states.py), or its documents say otherwise."
        )


def record_readings(session: Session, seen: Mapping[int, dict[str, Any]], *, lease: str) -> None:
    """Records by expense id what was read and decided, before anything is sent: a worker that takes over must
    find it."""
    statement = update(EXPENSES).where(Expense.id == _given("id"), Expense.lease == _given("lease"))
    rows = [columns | {"its_id": expense_id, "its_lease": lease} for expense_id, columns in seen.items()]
    execute_many(session, statement, rows)


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
