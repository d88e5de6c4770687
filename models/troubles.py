"""What people should be alerted to, as the database knows it now."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import states
from models.alert import Alert
from models.backlog import list_backlogs
from models.company import Company, Event
from models.expense import Expense

NEW, STUCK, BEHIND, CONNECTION, CALLBACK = "new_cause", "stuck", "behind", "connection_lost", "callback_off"
NO_WORKER, FAILED_JOBS = "no_worker", "failed_jobs"
STUCK_AFTER = dt.timedelta(hours=24)  # a working day passed, and nobody saw to it
BEHIND_AFTER = dt.timedelta(hours=1)
FOR_A_PERSON = (states.NEEDS_ATTENTION, states.BROKEN, states.CHANGED)  # time alone mends the others


@dataclass(frozen=True, kw_only=True)
class Matter:
    """A trouble as it is now; `company_id`, `kind` and `subject` tell it from others."""

    company_id: int | None
    kind: str
    subject: str = ""
    text: str


def find_matters(session: Session, *, now: dt.datetime) -> list[Matter]:
    """Everything of every company that people should hear of."""
    companies = list(session.scalars(select(Company).order_by(Company.key)))
    return [
        *_causes(session),
        *_stuck(session, now=now),
        *_behind(session, now=now),
        *[matter for company in companies for matter in _sides(session, company)],
    ]


def _causes(session: Session) -> list[Matter]:
    statement = (
        select(Expense.company_id, Expense.cause, func.count().label("number"), func.max(Expense.to_do))
        .where(Expense.company_id.in_(select(Company.id)), Expense.state.in_(FOR_A_PERSON))
        .where(Expense.cause.is_not(None))
        .group_by(Expense.company_id, Expense.cause)
    )
    return [
        Matter(company_id=company_id, kind=NEW, subject=str(cause), text=_waiting(str(cause), number, to_do))
        for company_id, cause, number, to_do in session.execute(statement)
    ]


def _waiting(cause: str, number: int, to_do: str | None) -> str:
    who = "One expense waits" if number == 1 else f"{number} expenses wait"
    return f"{who} behind “{cause.replace('_', ' ')}”. {to_do or 'The queue says more.'}"


def _stuck(session: Session, *, now: dt.datetime) -> list[Matter]:
    """Companies where a cause has lasted too long; it says the oldest one."""
    statement = (
        select(Alert)
        .where(Alert.lasting.is_not(None), Alert.kind == NEW, Alert.raised_at < now - STUCK_AFTER)
        .order_by(Alert.raised_at.desc())
    )
    oldest = {alert.company_id: alert for alert in session.scalars(statement)}
    hours = int(STUCK_AFTER.total_seconds() // 3600)
    return [
        Matter(
            company_id=company_id,
            kind=STUCK,
            text=f"Money has been stuck for more than {hours} hours behind "
            f"“{alert.subject.replace('_', ' ')}”. See to the cause, then retry all of it.",
        )
        for company_id, alert in oldest.items()
    ]


def _behind(session: Session, *, now: dt.datetime) -> list[Matter]:
    return [
        Matter(
            company_id=backlog.company.id,
            kind=BEHIND,
            text=f"Expenses have been due since {backlog.oldest:%Y-%m-%d %H:%M} UTC and are not posted. "
            "See under Jobs whether workers and clock run.",
        )
        for backlog in list_backlogs(session, now=now)
        if backlog.oldest and backlog.oldest < now - BEHIND_AFTER and not _waits(backlog.company, now=now)
    ]


def _waits(company: Company, *, now: dt.datetime) -> bool:
    """Whether nothing of the company goes now, for a reason that is known and told elsewhere."""
    untils = [until for until in (company.wait_until, company.spare_until) if until is not None]
    return company.paused_at is not None or any(until > now for until in untils)


def _sides(session: Session, company: Company) -> list[Matter]:
    """What is wrong with the company's connection to its books, and with its callback."""
    found = []
    connection = company.connection
    lost = connection.lost_why if connection and connection.lost_at else company.paused_why
    if company.paused_at is not None or (connection and connection.lost_at):
        why = lost or "Connect it again."
        text = f"Nothing is posted: {why} What is due waits, and goes on by itself afterwards."
        found.append(Matter(company_id=company.id, kind=CONNECTION, text=text))
    was_on = select(Event.id).where(Event.company_id == company.id).limit(1)
    is_missing = company.callback_state == "missing" and session.scalar(was_on) is not None
    if company.callback_state == "inactive" or is_missing:
        text = "ConnectWise sends no callbacks: expenses come by the sweep only. Register the callback again."
        found.append(Matter(company_id=company.id, kind=CALLBACK, text=text))
    return found
