"""Raising and clearing alerts, and what of them is still to be told.

One alert per occurrence: while it lasts nothing is said again, and what was told is told to be over. What was
over before it could be told is not told.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from models.alert import Alert, Notice
from models.inbox import dialect_insert
from models.people import User, UserRole
from models.roles import ADMIN, OPERATOR
from models.troubles import Matter

LEASE = dt.timedelta(minutes=5)  # whoever took a notice to send it, and died, is not waited for longer


def settle_alerts(
    session: Session, matters: Sequence[Matter], *, channels: Collection[str], now: dt.datetime
) -> None:
    """Makes the open alerts exactly these matters: new ones are raised, those that are gone cleared."""
    open_alerts = {alert.lasting or "": alert for alert in list_open(session)}
    present = {_identity(matter): matter for matter in matters}
    for identity, matter in present.items():
        if identity not in open_alerts:
            _raise(session, matter, channels=channels, now=now)
    for identity, alert in open_alerts.items():
        if identity not in present:
            _clear(session, alert, now=now)


def list_open(session: Session, *, company_id: int | None = None) -> list[Alert]:
    """The alerts that last, newest first; of this company and of all companies, or every one."""
    statement = select(Alert).where(Alert.lasting.is_not(None)).order_by(Alert.id.desc())
    if company_id is not None:
        statement = statement.where((Alert.company_id == company_id) | Alert.company_id.is_(None))
    return list(session.scalars(statement))


def take_due(session: Session, *, now: dt.datetime) -> list[Notice]:
    """The notices whose turn it is; until LEASE is over nobody else takes them."""
    ids = select(Notice.id).where(Notice.due_at <= now).with_for_update(skip_locked=True)
    taken = list(session.scalars(ids))
    session.execute(update(Notice).where(Notice.id.in_(taken)).values(due_at=now + LEASE))
    return list(session.scalars(select(Notice).where(Notice.id.in_(taken)).order_by(Notice.id)))


def tell_sent(session: Session, notices: Sequence[Notice], *, now: dt.datetime) -> None:
    """They were sent."""
    _write(session, notices, {"due_at": None, "sent_at": now, "error": None})


def tell_failed(
    session: Session, notices: Sequence[Notice], *, why: str, schedule: Sequence[int], now: dt.datetime
) -> None:
    """They could not be sent: each is tried again by the schedule (seconds), and given up at its end."""
    for notice in notices:
        left = schedule[notice.attempts :]
        due_at = now + dt.timedelta(seconds=left[0]) if left else None
        _write(session, [notice], {"attempts": notice.attempts + 1, "due_at": due_at, "error": why[:500]})


def recipients(session: Session, company_id: int | None) -> list[str]:
    """Who is told by mail: operators and admins of the company; of what concerns all, admins of all."""
    roles = (ADMIN,) if company_id is None else (OPERATOR, ADMIN)
    statement = (
        select(User.email)
        .join(UserRole)
        .where(User.disabled_at.is_(None), UserRole.role.in_(roles))
        .where(or_(UserRole.company_id.is_(None), UserRole.company_id == company_id))
        .distinct()
        .order_by(User.email)
    )
    return list(session.scalars(statement))


def _raise(session: Session, matter: Matter, *, channels: Collection[str], now: dt.datetime) -> None:
    insert = dialect_insert(session)(Alert).values(
        company_id=matter.company_id,
        kind=matter.kind,
        subject=matter.subject,
        lasting=_identity(matter),
        text=matter.text[:1000],
        raised_at=now,
    )
    alert_id = session.scalar(insert.on_conflict_do_nothing(index_elements=["lasting"]).returning(Alert.id))
    if alert_id is not None:  # else another worker was quicker
        notices = [Notice(alert_id=alert_id, channel=channel, due_at=now) for channel in channels]
        session.add_all(notices)


def _clear(session: Session, alert: Alert, *, now: dt.datetime) -> None:
    alert.cleared_at, alert.lasting = now, None
    told = session.scalars(
        select(Notice.channel).where(Notice.alert_id == alert.id, Notice.sent_at.is_not(None))
    ).all()
    session.execute(delete(Notice).where(Notice.alert_id == alert.id, Notice.sent_at.is_(None)))
    session.add_all([Notice(alert_id=alert.id, channel=name, over=True, due_at=now) for name in told])


def _identity(matter: Matter) -> str:
    return f"{matter.company_id or '*'} {matter.kind} {matter.subject}"


def _write(session: Session, notices: Sequence[Notice], values: Mapping[str, object]) -> None:
    session.execute(
        update(Notice)
        .where(Notice.id.in_([notice.id for notice in notices]))
        .values(values)
        .execution_options(synchronize_session=False)
    )
