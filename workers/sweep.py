"""The equal way in: what callbacks missed, what is held, and what changed after posting.

And the care of a company: its connection, its reference data and its callback.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import structlog
from marshmallow import ValidationError
from sqlalchemy import select, update

from errors import Paused, RateLimited, Retryable, Trouble
from mappers import documents as words
from mappers.connectwise import fingerprint, to_entry
from mappers.exact import parse
from mappers.gate import LATER
from models import states
from models.companies import load_reference, resume_company, save_reference, spare_calls
from models.company import Company
from models.expense import Document, Expense
from models.history import note
from models.inbox import wake_expenses, wake_states
from workers.callbacks import ACTIVE, INACTIVE, look_at_callback, register_callback
from workers.work import Work

WINDOW_DAYS = 45  # every sweep looks this far back by the day of the expense
RECONCILED = "reconciled"
RECONCILE_SECONDS, RECONCILE_DAYS, RECONCILE_AT_ONCE = 3600, 90, 80
FULL_HOURS = 24  # once a day from the start date on: old expenses are approved late

log = structlog.get_logger(__name__)


def sweep(work: Work, *, since: dt.date | None = None) -> int:
    """Polls ConnectWise for approved entries and makes due what we don't know, hold, or know otherwise.

    `since`: look back to this day of expense; by default the last weeks, and once a day everything since the
    start date. Returns how many expenses were made due. Raises what reading ConnectWise raises.
    """
    with work.database.read() as session:
        company = session.get_one(Company, work.company_id)
        now = work.database.now(session)
    woken = _sweep_from(work, since or _first_day(work, now=now, full=False))
    _remember_sweep(work, swept_at=now)
    if since is None and _is_full(company, now=now):
        woken += _sweep_fully(work, now=now)
    return woken


def _sweep_fully(work: Work, *, now: dt.datetime) -> int:
    """After the last weeks, so that a history too long for one job never hides what is new; and not again at
    once when it was too long."""
    try:
        woken = _sweep_from(work, _first_day(work, now=now, full=True))
    except Trouble:
        raise
    except Exception:
        _remember_sweep(work, swept_fully_at=now)
        raise
    _remember_sweep(work, swept_fully_at=now)
    return woken


def _sweep_from(work: Work, first_day: dt.date | None) -> int:
    approval = work.settings.expenses.approval
    statuses = None if approval is None else sorted(approval | LATER)
    seen: dict[int, str] = {}
    for raw in work.connectwise.approved_entries(statuses=statuses, since=first_day):
        seen[int(raw["id"])] = _fingerprint(raw)
    woken = _wake(work, seen, first_day=first_day)
    log.info("swept", seen=len(seen), woken=woken, since=str(first_day))
    return woken


def _remember_sweep(work: Work, **times: dt.datetime) -> None:
    with work.database.write() as session:
        session.execute(update(Company).where(Company.id == work.company_id).values(times))


def _fingerprint(raw: Mapping[str, Any]) -> str:
    """Of one that can't be read: nothing. Its own expense says so when it is worked on; the sweep goes on."""
    try:
        return fingerprint(to_entry(raw))
    except ValidationError:
        return ""


def _is_full(company: Company, *, now: dt.datetime) -> bool:
    last = company.swept_fully_at
    return last is None or now - last >= dt.timedelta(hours=FULL_HOURS)


def _first_day(work: Work, *, now: dt.datetime, full: bool) -> dt.date | None:
    start = work.settings.start_date
    if full:
        return start
    window = now.date() - dt.timedelta(days=WINDOW_DAYS)
    return max(start, window) if start else window


def _wake(work: Work, seen: dict[int, str], *, first_day: dt.date | None) -> int:
    woken = 0
    ids = sorted(seen)
    for start in range(0, len(ids), 500):
        woken += _wake_some(work, {entry_id: seen[entry_id] for entry_id in ids[start : start + 500]})
    return woken + _wake_vanished(work, set(seen), first_day=first_day)


def _wake_some(work: Work, seen: dict[int, str]) -> int:
    with work.database.write() as session:
        rows = session.scalars(
            select(Expense).where(Expense.company_id == work.company_id, Expense.entry_id.in_(seen))
        ).all()
        known = {row.entry_id for row in rows}
        missing = {(work.company_id, entry_id): False for entry_id in seen if entry_id not in known}
        wake_expenses(session, missing)
        news = [row.entry_id for row in rows if _is_news(row, seen[row.entry_id])]
        woken = wake_states(session, work.company_id, news, states.WOKEN_BY_CALLBACK)
    return len(missing) + woken


def _is_news(row: Expense, now: str) -> bool:
    """Whether an entry that is approved and has this fingerprint now deserves another look."""
    match row.state:
        case states.HELD:
            return True
        case states.DONE | states.AWAITING_APPROVAL:
            return row.fingerprint != now
        case states.CHANGED:
            return row.fingerprint == now and not row.deleted
        case states.NEEDS_ATTENTION:
            return row.entry is not None and _last_read(row) != now
        case states.SKIPPED:
            return _last_read(row) != now and not row.deleted
    return False


def _last_read(row: Expense) -> str | None:
    return fingerprint(to_entry(parse(row.entry.encode()))) if row.entry else None


def _wake_vanished(work: Work, seen: set[int], *, first_day: dt.date | None) -> int:
    """Posted expenses of the window that are no longer among the approved ones: un-approved or deleted."""
    statement = select(Expense.entry_id).where(
        Expense.company_id == work.company_id, Expense.state == states.DONE
    )
    if first_day is not None:
        statement = statement.where(Expense.date >= first_day)
    with work.database.read() as session:  # it may be a long list: nobody may wait for it
        gone = sorted(set(session.scalars(statement)) - seen)
    woken = 0
    for start in range(0, len(gone), 500):
        with work.database.write() as session:
            woken += wake_states(session, work.company_id, gone[start : start + 500], (states.DONE,))
    return woken


def care(work: Work, *, callback_url: str) -> None:
    """Refreshes the token when it is near its end, the reference data, and looks after the callback.

    Each part's passing trouble is logged and left for next time; a lost connection pauses the company. A
    paused company whose both sides answer again goes on. The ledger's last calls of a day are left to people.
    """
    is_paused = _is_paused(work)
    spares = _spares(work)
    well = not spares
    for name, step in (
        ("site", lambda: work.site(fresh=is_paused)),
        ("books", lambda: None if spares else work.books(fresh=is_paused)),
        ("reconciled", lambda: 0 if spares else look_for_reconciled(work)),
        ("callback", lambda: care_for_callback(work, callback_url)),
    ):
        try:
            step()
        except (Paused, RateLimited):
            raise
        except (Retryable, Trouble) as trouble:
            log.warning("care postponed", part=name, why=str(trouble))
            well = False
    _remember_codebase(work)
    if is_paused and well:
        _resume(work)


def _is_paused(work: Work) -> bool:
    with work.database.read() as session:
        return session.get_one(Company, work.company_id).paused_at is not None


def _spares(work: Work) -> bool:
    """Whether the day's last calls are left to people; told by the company's row too, for the clock."""
    until = work.spare_until()
    with work.database.write() as session:
        spare_calls(session.get_one(Company, work.company_id), until=until)
    return until is not None


def _resume(work: Work) -> None:
    with work.database.write() as session:
        now = work.database.now(session)
        company = session.get_one(Company, work.company_id)
        why = company.paused_why
        resume_company(session, company, now=now)
        note(session, company_id=company.id, expense_id=None, at=now, actor="worker", what="resumed",
             text=f"Both sides answer again. It was paused because: {why}")  # fmt: skip
    log.info("company resumed")


def look_for_reconciled(work: Work) -> int:
    """Asks the ledger, once an hour, which of our payments found their bank line; how many did. The longest
    unasked come first, so that a large backlog is gone through in turns and not all at once."""
    with work.database.read() as session:
        now = work.database.now(session)
        asked = load_reference(session, work.company_id, RECONCILED)
        statement = (
            select(Document)
            .where(Document.company_id == work.company_id, Document.kind.in_(words.MONEY))
            .where(Document.state == states.POSTED, Document.reconciled.is_(False))
            .where(Document.created_at > now - dt.timedelta(days=RECONCILE_DAYS))
            .order_by(Document.seen_at)
            .limit(RECONCILE_AT_ONCE)
        )
        rows = list(session.scalars(statement))
    if not rows or (asked and now - asked.fetched_at < dt.timedelta(seconds=RECONCILE_SECONDS)):
        return 0
    pairs = [(row.kind, row.remote_id) for row in rows if row.remote_id]
    found = work.use_ledger(lambda ledger: ledger.reconciled(pairs))
    with work.database.write() as session:
        save_reference(session, work.company_id, RECONCILED, "{}", now=now)
        for row in rows:
            session.execute(
                update(Document)
                .where(Document.id == row.id)
                .values(seen_at=now, reconciled=row.remote_id in found)
            )
    return len(found)


def _remember_codebase(work: Work) -> None:
    with work.database.write() as session:
        session.execute(
            update(Company)
            .where(Company.id == work.company_id)
            .values(cw_codebase=work.connectwise.codebase)
        )  # fmt: skip


def care_for_callback(work: Work, callback_url: str) -> str:
    """The callback's state: "active" or "missing". One that ConnectWise switched off is switched on again;
    one that was never registered stays so, since registering is a person's decision."""
    state = str(look_at_callback(work, callback_url)["state"])
    if state != INACTIVE:
        return state
    register_callback(work, callback_url)
    log.warning("callback was switched off by ConnectWise; it is on again")
    return ACTIVE
