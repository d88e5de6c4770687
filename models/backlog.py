"""How much is due, and where: the numbers behind the queue page, the command line and the metrics."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from models import states
from models.company import Company, Connection
from models.expense import Expense, Request, Tick


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """What is due in one company. `oldest`: since when the longest-waiting is due."""

    company: Company
    due: int
    oldest: dt.datetime | None


@dataclass(frozen=True, kw_only=True)
class Standing(Backlog):
    """A company with what is due in it and how many expenses are in each state that is not an end."""

    states: dict[str, int]


def list_companies(session: Session, *, keys: Collection[str] | None = None) -> list[Company]:
    """Companies by key: these, or all."""
    statement = select(Company).order_by(Company.key)
    if keys is not None:
        statement = statement.where(Company.key.in_(keys))
    return list(session.scalars(statement))


def list_backlogs(
    session: Session, *, now: dt.datetime, keys: Collection[str] | None = None
) -> list[Backlog]:
    """What is due now in each company, paused ones included."""
    due = (
        select(Expense.company_id, func.count().label("due"), func.min(Expense.due_at).label("oldest"))
        .where(Expense.due_at <= now)
        .group_by(Expense.company_id)
    )
    found = {row.company_id: row for row in session.execute(due)}
    return [
        Backlog(
            company=company,
            due=found[company.id].due if company.id in found else 0,
            oldest=found[company.id].oldest if company.id in found else None,
        )
        for company in list_companies(session, keys=keys)
    ]


def list_standings(
    session: Session, *, now: dt.datetime, keys: Collection[str] | None = None
) -> list[Standing]:
    """How each company stands now, by key."""
    backlogs = list_backlogs(session, now=now, keys=keys)
    statement = (
        select(Expense.company_id, Expense.state, func.count())
        .where(Expense.company_id.in_([backlog.company.id for backlog in backlogs]))
        .where(Expense.state.in_(set(states.EXPENSE_STATES) - set(states.ENDED)))
        .group_by(Expense.company_id, Expense.state)
    )
    found: dict[int, dict[str, int]] = {}
    for company_id, state, count in session.execute(statement):
        found.setdefault(company_id, {})[state] = count
    return [
        Standing(
            company=backlog.company,
            due=backlog.due,
            oldest=backlog.oldest,
            states=found.get(backlog.company.id, {}),
        )
        for backlog in backlogs
    ]


def count_states(session: Session, which: Collection[str]) -> dict[str, int]:
    """How many expenses are in each of these states, over all companies; those without any are left out.

    Naming the companies lets the index by company and state be used, so that few rows cost little.
    """
    statement = (
        select(Expense.state, func.count())
        .where(Expense.company_id.in_(select(Company.id)), Expense.state.in_(which))
        .group_by(Expense.state)
    )
    rows = session.execute(statement)
    return {str(state): int(count) for state, count in rows}


def count_paused(session: Session) -> int:
    """How many companies are paused."""
    paused = func.sum(case((Company.paused_at.is_not(None), 1), else_=0))
    return int(session.scalar(select(paused)) or 0)


def list_connections(session: Session) -> list[Connection]:
    """The connections that companies use, lost ones included."""
    used = select(Company.connection_id).where(Company.connection_id.is_not(None))
    return list(session.scalars(select(Connection).where(Connection.id.in_(used))))


def count_open_requests(session: Session) -> int:
    """How many outgoing writes have no known outcome yet, over all companies."""
    return int(session.scalar(select(func.count()).where(Request.due_at.is_not(None))) or 0)


def clock_beat(session: Session) -> dt.datetime | None:
    """Until when the clock's latest lease holds: long past, or None, when no clock runs."""
    return session.scalar(select(func.max(Tick.until)))
