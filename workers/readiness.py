"""What would fail, before going live: both connections tried, the callback, worker and clock looked at, and
then everything that settings, site and books tell about each other (mappers/readiness.py)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import TypeVar

from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import select

from errors import Trouble
from mappers.books import Books
from mappers.entry import Site
from mappers.mapping import wanted_contacts
from mappers.readiness import ERROR, WARNING, Finding, check
from models.company import Company, Connection
from models.expense import Tick
from workers.callbacks import ACTIVE, look_at_callback
from workers.queues import POST, count_workers
from workers.work import Work

ENDING_DAYS = 14
CLOCK_SECONDS = 30  # its ticks are seconds apart

T = TypeVar("T")


def check_readiness(work: Work, *, callback_url: str, redis: Redis) -> list[Finding]:
    """Everything that would fail, errors first. Reads both sides; changes nothing there. Trouble of one side
    is a finding, so that the other is looked at all the same."""
    found: list[Finding] = []
    site = _tried(found, "connectwise_unreachable", "ConnectWise", lambda: work.site(fresh=True))
    if site is not None:
        seen = _tried(found, "callback_unknown", "ConnectWise", lambda: look_at_callback(work, callback_url))
        if seen is not None and seen["state"] != ACTIVE:
            found.append(_callback(work, str(seen["state"])))
    books = _tried(found, "ledger_unreachable", "The ledger", lambda: work.books(fresh=True))
    if site is not None and books is not None:
        found += _check_mapping(work, found, site, books)
    found += [*_standing(work), *_processes(work, redis)]
    return sorted(found, key=lambda finding: finding.level != ERROR)


def _tried(found: list[Finding], cause: str, whom: str, read: Callable[[], T]) -> T | None:
    try:
        return read()
    except Trouble as trouble:
        found.append(
            _error(cause, f"{whom} can't be read: {trouble}", "Mend what it says, then check again.")
        )
        return None


def _callback(work: Work, state: str) -> Finding:
    return _error(
        "callback_not_active",
        f"The callback is {state} at ConnectWise: expenses come only when the sweep finds them.",
        f"Run `bin/manage callback register {work.key}`.",
    )


def _check_mapping(work: Work, found: list[Finding], site: Site, books: Books) -> list[Finding]:
    wanted = wanted_contacts(settings=work.settings, site=site)
    candidates = _tried(
        found,
        "ledger_unreachable",
        "The ledger's contacts",
        lambda: work.use_ledger(lambda ledger: ledger.contacts(wanted)),
    )
    return check(
        work.settings,
        site=site,
        books=books,
        contacts=candidates,
        wanted=wanted if candidates is not None else (),
    )


def _standing(work: Work) -> Iterator[Finding]:
    """What we know ourselves: paused, or sharing books with another company."""
    with work.database.read() as session:
        company = session.get_one(Company, work.company_id)
        now = work.database.now(session)
        twins = session.scalars(
            select(Company.key).where(
                Company.provider == company.provider,
                Company.tenant_id == company.tenant_id,
                Company.id != company.id,
            )
        ).all()
    if company.tenant_id is None:
        yield _error(
            "ledger_not_chosen",
            "The company file names no books.",
            "Write tenant_id under [ledger] and import the file again.",
        )
    yield from _connection(company.connection, now=now)
    if company.paused_at is not None:
        yield _error("paused", f"The company is paused: {company.paused_why}", "Mend what it says.")
    if twins:
        yield _error(
            "books_shared",
            f"{', '.join(twins)} posts into the same books: entries of the same number would be taken for "
            "each other.",
            "Give each company books of its own, or remove the other company's tenant_id.",
        )


def _connection(connection: Connection | None, *, now: dt.datetime) -> Iterator[Finding]:
    ends = connection.refresh_ends_at if connection is not None else None
    if ends is not None and ends - now < dt.timedelta(days=ENDING_DAYS):
        yield Finding(
            level=WARNING,
            cause="connection_ends",
            text=f"The connection to the ledger ends on {ends:%Y-%m-%d}, {(ends - now).days} days from now.",
            to_do="Connect the company again before that day.",
        )


def _processes(work: Work, redis: Redis) -> Iterator[Finding]:
    with work.database.read() as session:
        tick = session.get(Tick, "bells")
        now = work.database.now(session)
    if tick is None or now - tick.until > dt.timedelta(seconds=CLOCK_SECONDS):
        yield _error(
            "clock_not_running",
            "The clock isn't running: retries and sweeps don't start.",
            "Start it: `python -m workers clock`, or bin/run for everything.",
        )
    try:
        workers = count_workers(redis, POST)
    except (RedisError, OSError):
        yield _error(
            "redis_away", "Redis does not answer: nothing is worked on.", "Start it, or correct REDIS_URL."
        )
        return
    if not workers:
        yield _error(
            "worker_not_running",
            "No worker is running: nothing is worked on.",
            "Start one: `python -m workers post`, or bin/run for everything.",
        )


def _error(cause: str, text: str, to_do: str) -> Finding:
    return Finding(level=ERROR, cause=cause, text=text, to_do=to_do)
