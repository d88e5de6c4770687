"""What happened, in order: the steps of an expense and the changes that people made."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from models.company import Company
from models.expense import Expense, History
from models.many_rows import execute_many

WORKER = "worker"  # the actor of what happens by itself


def note(
    session: Session,
    *,
    company_id: int | None,
    expense_id: int | None,
    at: dt.datetime,
    actor: str,
    what: str,
    text: str,
) -> None:
    """Adds one line to the history; `text` holds no secrets and no personal bodies."""
    session.add(
        History(company_id=company_id, expense_id=expense_id, at=at, actor=actor, what=what, text=text[:2000])
    )


def note_steps(
    session: Session, steps: Iterable[tuple[int, str]], *, company_id: int, at: dt.datetime
) -> None:
    """What a worker did, "what: text" by expense id; one statement for the whole batch."""
    same = {"company_id": company_id, "at": at, "actor": WORKER}
    rows = []
    for expense_id, step in steps:
        what, _, text = step.partition(": ")
        rows.append(same | {"expense_id": expense_id, "what": what, "text": text[:2000]})
    execute_many(session, insert(History), rows)


@dataclass(frozen=True, kw_only=True)
class Change:
    """What a person or a program of theirs did: to which company and entry, where it concerns one."""

    id: int
    at: dt.datetime
    actor: str
    what: str
    text: str
    company: str | None
    entry_id: int | None


def list_changes(session: Session, *, company_id: int | None, before: int | None, limit: int) -> list[Change]:
    """What people did in this company, or anywhere, newest first; `before` this id. Not what the worker did
    by itself, which each expense's own story tells."""
    statement = (
        select(History, Company.key, Expense.entry_id)
        .outerjoin(Company, Company.id == History.company_id)
        .outerjoin(Expense, Expense.id == History.expense_id)
        .where(History.actor != WORKER)
        .order_by(History.id.desc())
        .limit(limit)
    )
    if company_id is not None:
        statement = statement.where(History.company_id == company_id)
    if before is not None:
        statement = statement.where(History.id < before)
    return [
        Change(
            id=row.id,
            at=row.at,
            actor=row.actor,
            what=row.what,
            text=row.text,
            company=key,
            entry_id=entry_id,
        )
        for row, key, entry_id in session.execute(statement)
    ]
