"""Companies as files: taking one in, and giving it back.

Taking in the same file twice changes nothing, and a file that is refused changes nothing.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import delete, exists, func, select
from sqlalchemy.orm import Session

from errors import NeedsAttention, Problems
from mappers.company import CompanySettings
from mappers.company_file import HEADING, Secrets, dump, load, load_text, resolve
from models import states
from models.companies import resume_company
from models.company import Company, Connection, Reference
from models.database import Database
from models.expense import Document
from models.history import note
from models.sealing import Sealer

IMPORTED, UPDATED, UNCHANGED = "imported", "updated", "unchanged"
_LOCK = 4_711_002  # imports take turns, so that two never make the same connection twice


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
        _take_turns(session)
        now = database.now(session)
        statement = select(Company).where(Company.key == settings.key).with_for_update(of=Company)
        company = session.scalars(statement).one_or_none()
        if company is None:
            return _create(session, sealer, settings, secrets, actor=actor, now=now)
        return _update(session, sealer, company, settings, secrets, actor=actor, now=now)


def export_company(company: Company) -> str:
    """The company's file as TOML, its secrets as `env:` placeholders."""
    return dump(load(load_text(company.settings))[0])


def _take_turns(session: Session) -> None:
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(_LOCK)))


def _create(
    session: Session,
    sealer: Sealer,
    settings: CompanySettings,
    secrets: Secrets,
    *,
    actor: str,
    now: dt.datetime,
) -> Outcome:
    company = Company(key=settings.key, created_at=now)
    _write_settings(company, settings, now=now)
    company.cw_secrets = sealer.seal_mapping(_keys(secrets))
    session.add(company)
    session.flush()
    if secrets.refresh_token:
        _connect(session, sealer, company, secrets.refresh_token)
    _note(session, company, actor=actor, text="the company was imported", now=now)
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
    changes = find_changes(company.settings, dump(settings))
    _check_ledger_stays(session, company, settings)
    if _is_other_site(company, settings):
        company.cw_codebase = company.callback_id = company.callback_state = None
        _forget(session, company, "site")
    if (company.provider, company.tenant_id) != (settings.ledger.provider, settings.ledger.tenant_id):
        _forget(session, company, "books")
    if company.provider != settings.ledger.provider:
        company.connection = None
    has_new_keys = sealer.open_mapping(company.cw_secrets) != _keys(secrets)
    if has_new_keys:
        company.cw_secrets = sealer.seal_mapping(_keys(secrets))
        changes.append("[connectwise] has new keys")
    if secrets.refresh_token and _may_connect(company, secrets.refresh_token):
        company.provider = settings.ledger.provider
        _connect(session, sealer, company, secrets.refresh_token)
        changes.append("[ledger] has a new connection")
    if company.paused_at is not None and _may_resume(company, has_new_keys=has_new_keys):
        resume_company(session, company, now=now)
        changes.append("the company was paused and goes on")
    if not changes:
        return Outcome(key=company.key, status=UNCHANGED)
    _write_settings(company, settings, now=now)
    _note(session, company, actor=actor, text="; ".join(changes), now=now)
    return Outcome(key=company.key, status=UPDATED, changes=changes)


def _write_settings(company: Company, settings: CompanySettings, *, now: dt.datetime) -> None:
    company.name = settings.name
    company.settings = dump(settings)
    company.cw_site = settings.connectwise.site
    company.cw_company_id = settings.connectwise.company_id
    company.provider = settings.ledger.provider
    company.tenant_id = settings.ledger.tenant_id
    company.next_care_at = company.next_sweep_at = None  # the clock looks at it at once
    company.updated_at = now


def _keys(secrets: Secrets) -> dict[str, str]:
    return {
        "public_key": secrets.public_key,
        "private_key": secrets.private_key,
        "client_id": secrets.client_id,
    }


def _check_ledger_stays(session: Session, company: Company, settings: CompanySettings) -> None:
    """What stands in one set of books must never be looked for in another."""
    old, new = (company.provider, company.tenant_id), (settings.ledger.provider, settings.ledger.tenant_id)
    made = (*states.MADE, *states.OPEN)
    has_documents = exists().where(Document.company_id == company.id, Document.state.in_(made))
    if old != new and session.scalar(select(has_documents)):
        raise NeedsAttention(
            "ledger_in_use",
            f"{company.key} has documents in {_named(old)}, so it can't move to {_named(new)}; "
            "nothing was changed.",
            "Give the other books a company with a key of its own.",
        )


def _named(ledger: tuple[str, str | None]) -> str:
    return f"{ledger[0]} tenant {ledger[1] or '(none)'}"


def _is_other_site(company: Company, settings: CompanySettings) -> bool:
    new = settings.connectwise
    return (company.cw_site, company.cw_company_id) != (new.site, new.company_id)


def _forget(session: Session, company: Company, name: str) -> None:
    session.execute(delete(Reference).where(Reference.company_id == company.id, Reference.name == name))


def _may_connect(company: Company, refresh_token: str) -> bool:
    """Only without a connection of its own, or when that one is lost and this isn't the token that began it:
    a used-up token never comes back."""
    connection = company.connection
    if connection is None:
        return True
    return connection.lost_at is not None and connection.seed_hash != _seed(refresh_token)


def _connect(session: Session, sealer: Sealer, company: Company, refresh_token: str) -> None:
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


def _seed(refresh_token: str) -> str:
    return hashlib.sha256(refresh_token.encode()).hexdigest()


def _may_resume(company: Company, *, has_new_keys: bool) -> bool:
    """Whatever paused it may be mended, unless the grant is known to be dead."""
    if company.connection is None:
        return has_new_keys
    return company.connection.lost_at is None


def find_changes(old: str, new: str) -> list[str]:
    """What differs between two company files, by table and key, in words for a person."""
    before, after = load_text(old), load_text(new)
    changes: list[str] = []
    for table in {**before, **after}:
        one, other = before.get(table, {}), after.get(table, {})
        if isinstance(one or other, list):
            if one != other:
                changes.append(f"[[{table}]] {_rows_changed(one or [], other or [])}")
        else:
            changes += [
                f"[{table}] {name}: {_shown(one.get(name))} → {_shown(other.get(name))}"
                for name in {**one, **other}
                if one.get(name) != other.get(name)
            ]
    return changes


def _rows_changed(before: list[Any], after: list[Any]) -> str:
    gone = sum(row not in after for row in before)
    come = sum(row not in before for row in after)
    if not gone and not come:
        return "are in another order"
    return f"{come} new, {gone} gone, {len(after)} in all"


def _shown(value: Any) -> str:
    if value is None:
        return "not set"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _note(session: Session, company: Company, *, actor: str, text: str, now: dt.datetime) -> None:
    note(
        session, company_id=company.id, expense_id=None, at=now, actor=actor, what="company import", text=text
    )
