"""Companies as files: taking one in, and giving it back.

Taking in the same file twice changes nothing, and a file that is refused changes nothing.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from console.company_change import (
    change_settings,
    check_books_are_free,
    lock_company,
    note_change,
    take_turns,
    write_settings,
)
from errors import Problems
from mappers.company import CompanySettings
from mappers.company_file import HEADING, Secrets, dump, load, load_text, resolve
from models.companies import resume_companies, resume_company
from models.company import Company, Connection
from models.database import Database
from models.sealing import Sealer

IMPORTED, UPDATED, UNCHANGED = "imported", "updated", "unchanged"
WHAT = "company import"
RESERVED = ("new", "return")  # words of our own addresses where a key might stand


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a company file. `changes` says what is different now, without secrets."""

    key: str
    status: str
    changes: list[str] = field(default_factory=list)


def import_company(
    database: Database,
    sealer: Sealer,
    text: str,
    *,
    environ: Mapping[str, str],
    actor: str,
    http_allowed: bool = False,
) -> Outcome:
    """Takes in a company file; `environ` resolves its "env:" values. Raises Problems, or NeedsAttention when
    the company may not become what the file says. Either way nothing has changed then.

    `http_allowed`: a ConnectWise site without TLS may be named (development only).
    """
    settings, secrets = load(resolve(load_text(text), environ))
    if not http_allowed and not settings.connectwise.site.startswith("https://"):
        raise Problems(HEADING, ['[connectwise]: "site" must begin with https:// outside development.'])
    with database.write() as session:
        take_turns(session)
        now = database.now(session)
        company = lock_company(session, settings.key)
        if company is None:
            return _create(session, sealer, settings, secrets, actor=actor, now=now)
        return _update(session, sealer, company, settings, secrets, actor=actor, now=now)


def add_company(database: Database, sealer: Sealer, tables: dict[str, Any], *, actor: str) -> None:
    """Adds a company of these tables of its file, secrets among them. Raises Problems, also for a key that is
    taken; nothing has changed then. Whoever calls has tried its keys at ConnectWise."""
    settings, secrets = load(tables)
    with database.write() as session:
        take_turns(session)
        if lock_company(session, settings.key) is not None:
            raise Problems(HEADING, [f'There is a company "{settings.key}" already. Choose another key.'])
        _create(session, sealer, settings, secrets, actor=actor, now=database.now(session))


def export_company(company: Company) -> str:
    """The company's file as TOML, its secrets as `env:` placeholders."""
    return dump(load(load_text(company.settings))[0])


def _create(
    session: Session,
    sealer: Sealer,
    settings: CompanySettings,
    secrets: Secrets,
    *,
    actor: str,
    now: dt.datetime,
) -> Outcome:
    if settings.key in RESERVED:
        raise Problems(HEADING, [f'"{settings.key}" is part of our own addresses. Choose another key.'])
    company = Company(key=settings.key, created_at=now)
    check_books_are_free(session, settings)
    write_settings(company, settings, now=now)
    company.cw_secrets = sealer.seal_mapping(_keys(secrets))
    session.add(company)
    session.flush()
    if secrets.refresh_token:
        _connect(session, sealer, company, secrets.refresh_token)
    note_change(session, company, actor=actor, what=WHAT, text="the company was imported", now=now)
    return Outcome(key=company.key, status=IMPORTED)


def _update(
    session: Session,
    sealer: Sealer,
    company: Company,
    settings: CompanySettings,
    secrets: Secrets,
    *,
    actor: str,
    now: dt.datetime,
) -> Outcome:
    settings = _keep_chosen_books(company, settings)
    changes = change_settings(session, company, settings, now=now)
    has_new_keys = sealer.open_mapping(company.cw_secrets) != _keys(secrets)
    if has_new_keys:
        company.cw_secrets = sealer.seal_mapping(_keys(secrets))
        changes.append("[connectwise] has new keys")
    if secrets.refresh_token and _may_connect(company, secrets.refresh_token):
        lost = company.connection
        connection = _connect(session, sealer, company, secrets.refresh_token)
        if lost is not None:
            _bring_others(session, lost, connection, now=now)
        changes.append("[ledger] has a new connection")
    if company.paused_at is not None and _may_resume(company, has_new_keys=has_new_keys):
        resume_company(session, company, now=now)
        changes.append("the company was paused and goes on")
    if not changes:
        return Outcome(key=company.key, status=UNCHANGED)
    write_settings(company, settings, now=now)
    note_change(session, company, actor=actor, what=WHAT, text="; ".join(changes), now=now)
    return Outcome(key=company.key, status=UPDATED, changes=changes)


def _keep_chosen_books(company: Company, settings: CompanySettings) -> CompanySettings:
    """The Connect button writes tenant_id: a file without one means no other books."""
    ledger = settings.ledger
    if ledger.tenant_id is None and ledger.provider == company.provider:
        return replace(settings, ledger=replace(ledger, tenant_id=company.tenant_id))
    return settings


def _keys(secrets: Secrets) -> dict[str, str]:
    return {
        "public_key": secrets.public_key,
        "private_key": secrets.private_key,
        "client_id": secrets.client_id,
    }


def _may_connect(company: Company, refresh_token: str) -> bool:
    """Only without a connection of its own, or when that one is lost and this isn't the token that began it:
    a used-up token never comes back."""
    connection = company.connection
    if connection is None:
        return True
    return connection.lost_at is not None and connection.seed_hash != _seed(refresh_token)


def _connect(session: Session, sealer: Sealer, company: Company, refresh_token: str) -> Connection:
    """Companies of one grant share its row: a token can be refreshed only once."""
    seed = _seed(refresh_token)
    statement = select(Connection).where(
        Connection.provider == company.provider, Connection.seed_hash == seed
    )
    connection = session.scalars(statement.order_by(Connection.id)).first()
    if connection is None:
        connection = Connection(
            provider=company.provider, seed_hash=seed, refresh_token=sealer.seal(refresh_token)
        )
        session.add(connection)
    company.connection = connection
    session.flush()
    return connection


def _bring_others(session: Session, lost: Connection, connection: Connection, *, now: dt.datetime) -> None:
    """Every company of the dead grant goes on with the new one, not only the one whose file was imported."""
    resume_companies(session, lost, now=now)
    others = update(Company).where(Company.connection_id == lost.id)
    session.execute(others.values(connection_id=connection.id))


def _seed(refresh_token: str) -> str:
    return hashlib.sha256(refresh_token.encode()).hexdigest()


def _may_resume(company: Company, *, has_new_keys: bool) -> bool:
    """Whatever paused it may be mended, unless the grant is known to be dead."""
    if company.connection is None:
        return has_new_keys
    return company.connection.lost_at is None
