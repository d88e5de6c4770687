"""The clock: one small process that rings for what is due.

A second one does no harm, since every tick takes a lease in the database first. It does no work itself: it
enqueues jobs, and when Redis is away it tries again.
"""

from __future__ import annotations

import datetime as dt
import signal
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from sqlalchemy import or_, select, update
from sqlalchemy.exc import SQLAlchemyError

from models.claims import companies_with_receipts, companies_with_work
from models.company import Company
from models.database import Database
from models.expense import Tick
from models.inbox import dialect_insert
from models.roles import EVERYWHERE
from workers.outages import Outage
from workers.queues import ATTACH_RECEIPTS, CARE_FOR_COMPANY, LOOK_FOR_ALERTS, SWEEP_COMPANY, Bell

BELL_SECONDS = 2
CARE_SECONDS = 900
ALERT_SECONDS = 60
BEAT_SECONDS = 1.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Task:
    """Something to do every so many seconds."""

    name: str
    every_seconds: float
    run: Callable[[], None]


class Clock:
    """Ticks until told to stop."""

    def __init__(self, database: Database, bell: Bell, *, sweep_seconds: int) -> None:
        self._database = database
        self._bell = bell
        self._holder = uuid.uuid4().hex
        self._stop = threading.Event()
        self._outage = Outage("The database")
        self.tasks = (
            Task(name="bells", every_seconds=BELL_SECONDS, run=self.ring_bells),
            Task(name="sweeps", every_seconds=min(5, sweep_seconds), run=lambda: self._rounds(
                "next_sweep_at", sweep_seconds, SWEEP_COMPANY)),
            Task(name="care", every_seconds=5, run=lambda: self._rounds(
                "next_care_at", CARE_SECONDS, CARE_FOR_COMPANY)),
            Task(name="alerts", every_seconds=ALERT_SECONDS, run=self.ring_for_alerts),
        )  # fmt: skip

    def run(self) -> None:
        """Ticks until SIGTERM or SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        log.info("clock started")
        while not self._stop.is_set():
            self.tick()
            self._stop.wait(BEAT_SECONDS)
        log.info("clock stopped")

    def tick(self) -> None:
        """Runs what is due and not held by another clock. Trouble is met again next time."""
        failures = [error for task in self.tasks if (error := self._run_when_due(task))]
        if failures:
            self._outage.failed(failures[0], meanwhile="nothing is rung for; the clock tries every second")
        else:
            self._outage.worked()

    def _run_when_due(self, task: Task) -> Exception | None:
        try:
            if self._take(task):
                task.run()
        except (SQLAlchemyError, OSError) as error:
            return error
        return None

    def _take(self, task: Task) -> bool:
        """Takes the lease of this task for one period; False when it is not due or another clock has it."""
        with self._database.write() as session:
            now = self._database.now(session)
            until = now + dt.timedelta(seconds=task.every_seconds)
            insert = dialect_insert(session)(Tick).values(name=task.name, until=until, holder=self._holder)
            taken = session.execute(
                insert.on_conflict_do_update(
                    index_elements=["name"],
                    set_={"until": until, "holder": self._holder},
                    where=Tick.until <= now,
                ).returning(Tick.name)
            )
            return taken.one_or_none() is not None

    def ring_bells(self) -> None:
        """Rings for every company with due rows: lost bells, due retries, rows stranded by a dead worker,
        callbacks stored while Redis was away."""
        with self._database.read() as session:
            companies = companies_with_work(session, now=self._database.now(session))
            filing = companies_with_receipts(session, now=self._database.now(session))
        for company in companies:
            self._bell.ring(company)
        for company in filing:
            self._bell.ring(company, job=ATTACH_RECEIPTS)

    def ring_for_alerts(self) -> None:
        """Rings for one look at all companies together."""
        self._bell.ring(EVERYWHERE, job=LOOK_FOR_ALERTS)

    def _rounds(self, column: str, every_seconds: int, job: str) -> None:
        """Rings this job for every company whose turn it is; the turn moves on when Redis took the job."""
        due_at = getattr(Company, column)
        with self._database.read() as session:
            now = self._database.now(session)
            turn = or_(due_at.is_(None), due_at <= now)
            keys = select(Company.key).where(turn)
            if job != CARE_FOR_COMPANY:  # care looks whether what paused a company is cured
                keys = keys.where(Company.paused_at.is_(None))
            companies = list(session.scalars(keys))
        for company in companies:
            if self._bell.ring(company, job=job):
                with self._database.write() as session:
                    session.execute(
                        update(Company)
                        .where(Company.key == company)
                        .values({column: now + dt.timedelta(seconds=every_seconds)})
                    )
