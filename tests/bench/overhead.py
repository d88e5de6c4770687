"""What an expense costs our own processor: one worker, batches of a hundred, providers in another process.

All of the worker counts, with the processes that it forks for its jobs; waiting does not.
"""

from __future__ import annotations

import re
import sys
import time
from contextlib import suppress

import psutil
from sqlalchemy import ColumnElement, func, select

from bin.service import Service
from models import states
from models.companies import find_company
from models.database import Database
from models.expense import Expense
from models.inbox import wake_expenses
from tests.bench import report, servers
from tests.bench.pretend import CREDENTIALS, Sandbox
from workers.queues import Bell, redis_client

WARM_UP, EXPENSES, PER_REPORT = 50, 600, 50
DONE_SECONDS = 600.0
CALL = re.compile(r"provider_call.*\bms=(\d+)")


def run() -> None:
    """Measures on each kind of database. Raises Failed when an expense doesn't end as done."""
    rows, costs = [], {}
    for kind in servers.KINDS:
        with (
            servers.database(kind) as url,
            servers.folder() as place,
            Service(place, CREDENTIALS | {"DATABASE_URL": url}) as service,
        ):
            posting = Posting(service, url)
            posting.post(WARM_UP)  # reads the books and the site's tables
            cost = posting.post(EXPENSES)
            posting.database.engine.dispose()
        costs[kind] = cost[0]
        rows.append([kind, *(f"{value:.2f}" for value in cost)])
    columns = ("milliseconds per expense", "our processor", "all in all", "of it in providers' calls")
    report.table(f"overhead: {EXPENSES} expenses in batches of a hundred, one worker", columns, rows)
    for kind, milliseconds in costs.items():
        report.verdict(f"processor ms per expense, {kind}", milliseconds, at_most=5.0)


class Posting:
    """One worker, rung by hand; no web and no clock."""

    def __init__(self, service: Service, url: str) -> None:
        service.start_redis()
        self.sandbox = Sandbox(service)
        self.sandbox.import_company(service)
        self.database = Database(url)
        self.redis = redis_client(service.environ["REDIS_URL"], fail_fast=True)
        self.worker = service.start("worker", sys.executable, "-m", "workers", "post")
        self.largest_job = 0.0  # MB
        self._service = service
        self._log = service.folder / "worker.log"

    def post(self, expenses: int) -> tuple[float, float, float]:
        """Milliseconds per expense: our processor, all in all, and of it in providers' calls."""
        ids = self.sandbox.enter(expenses, per_report=PER_REPORT)
        self.sandbox.approve(silent=True)
        before, calls, began = self.processor(), self._calls(), time.monotonic()
        self.wake(ids)
        self.ring()
        self.wait_until_done()
        seconds = time.monotonic() - began
        self._wait_until_idle()
        spent = (self.processor() - before, seconds, self._calls() - calls)
        return spent[0] / expenses * 1000, spent[1] / expenses * 1000, spent[2] / expenses * 1000

    def wake(self, ids: list[int]) -> None:
        """Makes the expenses due, as a callback about each does."""
        with self.database.write() as session:
            company = find_company(session, "acme").id
            wake_expenses(session, {(company, entry_id): False for entry_id in ids})

    def ring(self) -> None:
        """The worker begins."""
        Bell(self.redis).ring("acme")

    def processor(self) -> float:
        """Seconds of processor that the worker and its ended children took."""
        return sum(psutil.Process(self.worker.pid).cpu_times()[:4])

    def wait_until_done(self) -> None:
        """Until nothing is due or being worked on. Raises Failed when something is not done."""
        deadline = time.monotonic() + DONE_SECONDS
        while self._count(Expense.due_at.is_not(None)):
            self._service.check()
            if time.monotonic() > deadline:
                raise report.Failed(f"the worker did not get through in {DONE_SECONDS:.0f} s")
            self._measure_jobs()
            time.sleep(0.05)
        report.check("expenses not done", self._count(Expense.state != states.DONE), 0)

    def _measure_jobs(self) -> None:
        for job in psutil.Process(self.worker.pid).children():
            with suppress(psutil.NoSuchProcess):
                self.largest_job = max(self.largest_job, job.memory_info().rss / 2**20)

    def _wait_until_idle(self) -> None:
        while psutil.Process(self.worker.pid).children():
            time.sleep(0.02)

    def _count(self, which: ColumnElement[bool]) -> int:
        with self.database.read() as session:
            return session.scalar(select(func.count()).select_from(Expense).where(which)) or 0

    def _calls(self) -> float:
        """Seconds spent in providers' calls so far."""
        return sum(int(ms) for ms in CALL.findall(self._log.read_text(errors="replace"))) / 1000
