"""Changing what a company's file says: the same checks, whoever asks (a file, a page, the Connect button).

What is changed is the file itself, so that every rule of `mappers/company_file.py` holds for pages too, and
the history tells in the file's own words what became different.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable
from typing import Any

from sqlalchemy import delete, exists, func, select
from sqlalchemy.orm import Session

from errors import NeedsAttention, NotFound
from mappers.company import CompanySettings
from mappers.company_file import dump, load, load_text
from models import states
from models.company import Company, Reference
from models.database import Database
from models.expense import Document
from models.history import note

_LOCK = 4_711_002  # changes take turns, so that two never make the same connection or take the same books

Edit = Callable[[dict[str, Any]], None]


def version_of(company: Company) -> str:
    """Names what the file says now; a page gives it back, and an edit of something older is refused."""
    return hashlib.sha256(company.settings.encode()).hexdigest()[:16]


def settings_after(company: Company, edit: Edit, *, version: str) -> CompanySettings:
    """What the company's file would say after this edit; raises as `edit_company` does."""
    if version != version_of(company):
        raise NeedsAttention(
            "changed_meanwhile",
            "Somebody else changed this company's settings since you opened the page; nothing was saved.",
            "Look at what it says now, and make your change again.",
        )
    tables = load_text(company.settings)
    edit(tables)
    return load(tables)[0]


def edit_company(
    database: Database, key: str, edit: Edit, *, version: str, actor: str, what: str
) -> list[str]:
    """Lets `edit` change the file's tables, and stores them when they are sound. What is different now.

    Raises Problems for a file that would be refused, NeedsAttention when somebody else was quicker.
    """
    with database.write() as session:
        take_turns(session)
        company = lock_company(session, key)
        if company is None:
            raise NotFound(f"There is no company {key!r}.")
        settings = settings_after(company, edit, version=version)
        now = database.now(session)
        changes = change_settings(session, company, settings, now=now)
        if changes:
            note_change(session, company, actor=actor, what=what, text="; ".join(changes), now=now)
    return changes


def take_turns(session: Session) -> None:
    """Waits until nobody else changes a company (SQLite's writers take turns anyway)."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(_LOCK)))


def lock_company(session: Session, key: str) -> Company | None:
    statement = select(Company).where(Company.key == key).with_for_update(of=Company)
    return session.scalars(statement).one_or_none()


def change_settings(
    session: Session, company: Company, settings: CompanySettings, *, now: dt.datetime
) -> list[str]:
    """Stores what the file says now, and forgets what was read from elsewhere. What is different.

    Raises NeedsAttention when the company would leave books that it has posted to, or take another's.
    """
    changes = find_changes(company.settings, dump(settings))
    if not changes:
        return []
    if (company.provider, company.tenant_id) != (settings.ledger.provider, settings.ledger.tenant_id):
        check_ledger_stays(session, company, settings)
        check_books_are_free(session, settings)
    if _is_other_site(company, settings):
        company.cw_codebase = company.callback_id = company.callback_state = None
        _forget(session, company, "site")
    if (company.provider, company.tenant_id) != (settings.ledger.provider, settings.ledger.tenant_id):
        _forget(session, company, "books")
    if company.provider != settings.ledger.provider:
        company.connection = None
    write_settings(company, settings, now=now)
    return changes


def write_settings(company: Company, settings: CompanySettings, *, now: dt.datetime) -> None:
    """The file and the columns that repeat parts of it."""
    company.name = settings.name
    company.settings = dump(settings)
    company.cw_site = settings.connectwise.site
    company.cw_company_id = settings.connectwise.company_id
    company.provider = settings.ledger.provider
    company.tenant_id = settings.ledger.tenant_id
    company.next_care_at = company.next_sweep_at = None  # the clock looks at it at once
    company.updated_at = now


def check_ledger_stays(session: Session, company: Company, settings: CompanySettings) -> None:
    """What stands in one set of books must never be looked for in another."""
    old, new = (company.provider, company.tenant_id), (settings.ledger.provider, settings.ledger.tenant_id)
    made = (*states.MADE, *states.OPEN)
    has_documents = exists().where(Document.company_id == company.id, Document.state.in_(made))
    if session.scalar(select(has_documents)):
        raise NeedsAttention(
            "ledger_in_use",
            f"{company.key} has documents in {_named(old)}, so it can't move to {_named(new)}; "
            "nothing was changed.",
            "Give the other books a company with a key of its own.",
        )


def check_books_are_free(session: Session, settings: CompanySettings) -> None:
    """Two companies in one set of books would take each other's numbers for their own."""
    if settings.ledger.tenant_id is None:
        return
    statement = select(Company.key).where(
        Company.key != settings.key,
        Company.provider == settings.ledger.provider,
        Company.tenant_id == settings.ledger.tenant_id,
    )
    other = session.scalars(statement.order_by(Company.key)).first()
    if other is not None:
        raise NeedsAttention(
            "books_shared",
            f"Company {other} posts to {_named((settings.ledger.provider, settings.ledger.tenant_id))} "
            "already, and two would take each other's numbers for their own; nothing was changed.",
            f"Give each company books of its own, or remove tenant_id from {other}.",
        )


def _named(ledger: tuple[str, str | None]) -> str:
    return f"{ledger[0]} tenant {ledger[1] or '(none)'}"


def _is_other_site(company: Company, settings: CompanySettings) -> bool:
    new = settings.connectwise
    return (company.cw_site, company.cw_company_id) != (new.site, new.company_id)


def _forget(session: Session, company: Company, name: str) -> None:
    session.execute(delete(Reference).where(Reference.company_id == company.id, Reference.name == name))


def find_changes(old: str, new: str) -> list[str]:
    """What differs between two company files, by table and key, in words for a person."""
    before, after = load_text(old), load_text(new)
    changes: list[str] = []
    for table in {**before, **after}:
        one, other = before.get(table, {}), after.get(table, {})
        if isinstance(one or other, list):
            changes += [f"[[{table}]] {change}" for change in _rows_changed(one or [], other or [])]
        else:
            changes += [
                f"[{table}] {name}: {_shown(one.get(name))} → {_shown(other.get(name))}"
                for name in {**one, **other}
                if one.get(name) != other.get(name)
            ]
    return changes


def _rows_changed(before: list[Any], after: list[Any]) -> list[str]:
    """The rows that go and those that come, each whole; a row that was edited is both."""
    if before == after:
        return []
    changes = [f"gone: {_row_shown(row)}" for row in before if row not in after]
    changes += [f"new: {_row_shown(row)}" for row in after if row not in before]
    return changes or ["are in another order"]


def _row_shown(row: dict[str, Any]) -> str:
    return ", ".join(f"{name} = {_shown(value)}" for name, value in row.items())


def _shown(value: Any) -> str:
    if value is None:
        return "not set"
    return str(value).lower() if isinstance(value, bool) else str(value)


def note_change(
    session: Session, company: Company, *, actor: str, what: str, text: str, now: dt.datetime
) -> None:
    """A line of the company's history."""
    note(session, company_id=company.id, expense_id=None, at=now, actor=actor, what=what, text=text)
