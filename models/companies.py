"""Companies: finding, pausing, resuming, waiting; and the reference data last read for them."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from errors import NotFound
from models.company import Company, Connection, Reference
from models.inbox import dialect_insert


def find_company(session: Session, key: str) -> Company:
    """The company with this key; raises NotFound."""
    company = session.scalars(select(Company).where(Company.key == key)).one_or_none()
    if company is None:
        raise NotFound(f"There is no company {key!r}. `bin/manage company list` shows those that exist.")
    return company


def pause_companies(session: Session, which: ColumnElement[bool], *, why: str, now: dt.datetime) -> None:
    """Pauses the companies: their expenses stay queued and nothing fails."""
    session.execute(
        update(Company)
        .where(which, Company.paused_at.is_(None))
        .values(paused_at=now, paused_why=why, updated_at=now)
        .execution_options(synchronize_session=False)
    )


def resume_company(session: Session, company: Company, *, now: dt.datetime) -> None:
    """The connection is back: what was queued goes on."""
    company.paused_at = company.paused_why = None
    company.wait_until = company.wait_why = None
    company.updated_at = now


def resume_companies(session: Session, connection: Connection, *, now: dt.datetime) -> None:
    """The grant lives again: every company of it goes on, and the clock looks after it at once."""
    statement = select(Company).where(Company.connection_id == connection.id, Company.paused_at.is_not(None))
    for company in session.scalars(statement.with_for_update(of=Company)):
        resume_company(session, company, now=now)
        company.next_care_at = company.next_sweep_at = None


def make_wait(session: Session, which: ColumnElement[bool], *, until: dt.datetime, why: str) -> None:
    """The ledger told us to wait: no job of these companies starts before `until`."""
    later = Company.wait_until.is_(None) | (Company.wait_until < until)
    session.execute(
        update(Company)
        .where(which, later)
        .values(wait_until=until, wait_why=why)
        .execution_options(synchronize_session=False)
    )


def spare_calls(company: Company, *, until: dt.datetime | None) -> None:
    """Routine work leaves the ledger alone until then, so that what people ask for still goes; None: no
    longer."""
    company.spare_until = until
    company.spare_why = (
        f"Few of the ledger's calls for today are left, and they are kept for what people ask for: this goes "
        f"by itself at {until:%Y-%m-%d %H:%M} UTC, or at once when somebody retries it."
        if until
        else None
    )


def lose_connection(session: Session, connection_id: int, *, holder: str, why: str, now: dt.datetime) -> bool:
    """The grant is dead: it and every company of it pause until a person connects it again."""
    lost = session.execute(
        update(Connection)
        .where(Connection.id == connection_id, Connection.refreshing_by == holder)
        .values(lost_at=now, lost_why=why, refreshing_until=None, refreshing_by=None)
        .returning(Connection.id)
        .execution_options(synchronize_session=False)
    ).all()
    if lost:
        pause_companies(session, Company.connection_id == connection_id, why=why, now=now)
    return bool(lost)


def renew_connection(
    connection: Connection,
    *,
    access_token: str,
    refresh_token: str,
    expires_at: dt.datetime,
    now: dt.datetime,
) -> None:
    """A person consented anew (tokens sealed): the grant lives, and whoever was refreshing it is too late."""
    connection.access_token, connection.refresh_token = access_token, refresh_token
    connection.expires_at, connection.refreshed_at = expires_at, now
    connection.refreshing_until = connection.refreshing_by = None
    connection.lost_at = connection.lost_why = None
    connection.seed_hash = None


def learn_subject(session: Session, connection: Connection, subject: str) -> None:
    """A grant that began with a company file doesn't say whose it is until its first refresh. From then on
    the same person's next company shares it; unless another row is known as theirs already."""
    if not subject or connection.subject is not None:
        return
    theirs = (Connection.provider == connection.provider, Connection.subject == subject)
    if session.scalars(select(Connection.id).where(*theirs)).first() is None:
        connection.subject = subject


def load_reference(session: Session, company_id: int, name: str) -> Reference | None:
    """The reference data of this name as last read, or None."""
    statement = select(Reference).where(Reference.company_id == company_id, Reference.name == name)
    return session.scalars(statement).one_or_none()


def save_reference(session: Session, company_id: int, name: str, data: str, *, now: dt.datetime) -> None:
    """Replaces the reference data of this name."""
    insert = dialect_insert(session)(Reference).values(
        company_id=company_id, name=name, data=data, fetched_at=now
    )
    session.execute(
        insert.on_conflict_do_update(
            index_elements=["company_id", "name"], set_={"data": data, "fetched_at": now}
        )
    )
