"""A thousand expenses approved at once: what it costs of Xero's sixty calls a minute, with real processes.

The pretend ConnectWise sends its signed callbacks, the pretend Xero counts the calls; its books are audited.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping

import requests
from sqlalchemy import func, select

from bin.service import Service, free_port
from models import states
from models.database import Database
from models.expense import Expense
from tests.bench import report, servers
from tests.bench.pretend import CREDENTIALS, Sandbox

EXPENSES, PER_REPORT = 1_000, 10
START_SECONDS, DONE_SECONDS = 60.0, 900.0


def run() -> None:
    """A month-end on each kind of database. Raises Failed when a bill or a payment is missing or double."""
    rows, per_expense = [], {}
    for kind in servers.KINDS:
        with servers.database(kind) as url, servers.folder() as place:
            port = free_port()
            with Service(place, _settings(url, port)) as service:
                calls, seconds = _month(service, url)
        per_expense[kind] = sum(calls.values()) / EXPENSES
        rows += [[f"{kind}: {call}", str(count)] for call, count in sorted(calls.items())]
        rows.append([f"{kind}: seconds from approval to the last payment", f"{seconds:.1f}"])
    report.table(f"month_end: {EXPENSES} expenses approved at once", ("calls to Xero", ""), rows)
    for kind, ratio in per_expense.items():
        report.verdict(f"calls to Xero per expense, {kind}", ratio, at_most=0.1)


def _settings(url: str, port: int) -> dict[str, str]:
    return CREDENTIALS | {
        "DATABASE_URL": url,
        "PORT": str(port),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "WEB_CONCURRENCY": "1",
        "GUNICORN_CMD_ARGS": f"--bind 127.0.0.1:{port}",
    }


def _month(service: Service, url: str) -> tuple[Mapping[str, int], float]:
    """Xero's calls from the approval on, and how long it took."""
    sandbox = _start(service)
    entry_ids = sandbox.enter(EXPENSES, per_report=PER_REPORT)
    before = sandbox.calls()
    began = time.monotonic()
    report.check("expenses approved", sandbox.approve(), EXPENSES)
    _wait_until_done(url, service)
    seconds = time.monotonic() - began
    sandbox.audit(entry_ids)
    return Counter(sandbox.calls()) - Counter(before), seconds


def _start(service: Service) -> Sandbox:
    """Starts everything and imports the company."""
    service.start_redis()
    sandbox = Sandbox(service)
    service.start_all(copies={"worker": 2})
    sandbox.import_company(service)
    service.run("bin/manage", "callback", "register", "acme")
    _wait_for_web(service)
    return sandbox


def _wait_for_web(service: Service) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        service.check()
        try:
            if requests.get(f"{service.environ['PUBLIC_URL']}/readyz", timeout=5).ok:
                return
        except requests.RequestException:
            time.sleep(0.2)
    raise report.Failed(f"web did not start: {service.last_words('web_0')}")


def _wait_until_done(url: str, service: Service) -> None:
    database = Database(url)
    found: dict[str, int] = {}
    deadline = time.monotonic() + DONE_SECONDS
    while time.monotonic() < deadline and found != {states.DONE: EXPENSES}:
        service.check()
        time.sleep(0.25)
        with database.read() as session:
            rows = session.execute(select(Expense.state, func.count()).group_by(Expense.state))
            found = {str(state): int(count) for state, count in rows}
    database.engine.dispose()
    report.check("states of the expenses", found, {states.DONE: EXPENSES})
