"""Connecting a company to its books: what a consent changes here.

Companies of one subject (a Xero person, a QuickBooks company) share one grant: the provider keeps one live
token set for it, so two rows would end each other. See apis of both providers on refresh tokens.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from console.company_change import change_settings, lock_company, note_change, take_turns
from errors import NeedsAttention, NotFound
from mappers.company_file import load, load_text
from mappers.consent import Consent, Organisation
from models.companies import renew_connection, resume_companies, resume_company
from models.company import Company, Connection
from models.database import Database
from models.sealing import Sealer

NAMES = {"xero": "Xero", "qbo": "QuickBooks"}
WHAT = "connection"


@dataclass(frozen=True, kw_only=True)
class Connected:
    """What became of a consent. `chosen` None: the person must still say which of `organisations`."""

    organisations: tuple[Organisation, ...]
    chosen: Organisation | None


def connect(
    database: Database, sealer: Sealer, key: str, *, provider: str, consent: Consent, actor: str
) -> Connected:
    """Gives the company this grant, and its books when there is no doubt which. What waited goes on.

    Raises NeedsAttention when these books can't be the company's; nothing has changed then.
    """
    with database.write() as session:
        take_turns(session)
        company = _company(session, key)
        now = database.now(session)
        chosen = _unmistakable(company, provider, consent)
        _choose(session, company, provider, chosen.id if chosen else None, now=now)
        company.connection = _grant(session, sealer, provider, consent, now=now)
        session.flush()
        resume_companies(session, company.connection, now=now)
        text = f"connected to {NAMES[provider]}" + (f": {chosen.name}" if chosen else "")
        note_change(session, company, actor=actor, what=WHAT, text=text, now=now)
    return Connected(organisations=consent.organisations, chosen=chosen)


def choose_organisation(database: Database, key: str, organisation: Organisation, *, actor: str) -> None:
    """Makes these the company's books. Raises NeedsAttention when they can't be."""
    with database.write() as session:
        take_turns(session)
        company = _company(session, key)
        now = database.now(session)
        _choose(session, company, company.provider, organisation.id, now=now)
        if company.connection is not None and company.connection.lost_at is None:
            resume_company(session, company, now=now)
        text = f"posts to {organisation.name} ({organisation.id})"
        note_change(session, company, actor=actor, what=WHAT, text=text, now=now)


def disconnect(database: Database, key: str, *, actor: str) -> None:
    """Takes the grant from the company: its expenses wait until it is connected again."""
    with database.write() as session:
        take_turns(session)
        company = _company(session, key)
        now = database.now(session)
        company.connection = None
        company.paused_at = now
        company.paused_why = f"{actor} disconnected the company from its ledger. Connect it again."
        company.updated_at = now
        note_change(session, company, actor=actor, what=WHAT, text="disconnected", now=now)


def _company(session: Session, key: str) -> Company:
    company = lock_company(session, key)
    if company is None:
        raise NotFound(f"There is no company {key!r}.")
    return company


def _unmistakable(company: Company, provider: str, consent: Consent) -> Organisation | None:
    """The books that the company has already, else the only ones there are."""
    if not consent.organisations:
        raise NeedsAttention(
            "consent_incomplete",
            f"{NAMES[provider]} was given no organisation to share, so nothing was changed.",
            f"Press Connect to {NAMES[provider]} again and choose the company's organisation there.",
        )
    if company.provider == provider:
        for organisation in consent.organisations:
            if organisation.id == company.tenant_id:
                return organisation
    return consent.organisations[0] if len(consent.organisations) == 1 else None


def _choose(
    session: Session, company: Company, provider: str, tenant_id: str | None, *, now: dt.datetime
) -> None:
    settings, _ = load(load_text(company.settings))
    ledger = replace(settings.ledger, provider=provider, tenant_id=tenant_id)
    change_settings(session, company, replace(settings, ledger=ledger), now=now)


def _grant(
    session: Session, sealer: Sealer, provider: str, consent: Consent, *, now: dt.datetime
) -> Connection:
    statement = select(Connection).where(
        Connection.provider == provider, Connection.subject == consent.subject
    )
    known = session.scalars(statement.order_by(Connection.id).with_for_update()).first()
    connection = known if known is not None and consent.subject else Connection(provider=provider)
    connection.subject = consent.subject or None
    renew_connection(
        connection,
        access_token=sealer.seal(consent.access_token),
        refresh_token=sealer.seal(consent.refresh_token),
        expires_at=now + dt.timedelta(seconds=consent.expires_in),
        now=now,
    )
    session.add(connection)
    return connection
