"""Three hundred expenses approved at once: what it costs of Xero's sixty calls a minute, with real processes.

The pretend ConnectWise sends its signed callbacks, the pretend Xero counts the calls; its books are audited.
"""

from __future__ import annotations

import re
import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import func, select

from bin.service import Service, free_port
from models import states
from models.database import Database
from models.expense import Expense
from tests.bench import report, servers
from tests.journey.conftest import COMPANY_FILE, TENANT

EXPENSES, PER_REPORT = 300, 10
START_SECONDS, DONE_SECONDS = 60.0, 300.0
SITE = "/connectwise/acme_f"
CREDENTIALS = {"XERO_CLIENT_ID": "sandbox-client", "XERO_CLIENT_SECRET": "sandbox-secret"}
REFRESH = "sandbox-refresh-token"
ENTRY = {
    "type": "Meals",
    "payment_type": "Corporate Amex",
    "classification": "Non-Reimbursable",
    "amount": "120.50",
    "date": "2026-08-21",
    "currency": "AUD",
}


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
    sandbox = Sandbox(_start(service))
    entry_ids = sandbox.enter()
    before = sandbox.calls()
    began = time.monotonic()
    report.check("expenses approved", sandbox.approve(), EXPENSES)
    _wait_until_done(url, service)
    seconds = time.monotonic() - began
    sandbox.audit(entry_ids)
    return Counter(sandbox.calls()) - Counter(before), seconds


def _start(service: Service) -> str:
    """Starts everything and imports the company; the sandbox's address."""
    service.start_redis()
    service.start("sandbox", sys.executable, "-m", "sandbox", "--port", "0", "--seed", "demo")
    address = _sandbox_address(service)
    service.environ |= dict.fromkeys(("XERO_API_URL", "XERO_IDENTITY_URL", "XERO_LOGIN_URL"), address)
    file = Path(service.folder / "acme.toml")
    text = COMPANY_FILE.replace("{url}", address)
    file.write_text(
        text.replace(f'tenant_id = "{TENANT}"', f'tenant_id = "{TENANT}"\nrefresh_token = "{REFRESH}"')
    )
    service.start_all(copies={"worker": 2})
    service.run("bin/manage", "company", "import", str(file))
    service.run("bin/manage", "callback", "register", "acme")
    _wait_for_web(service)
    return address


def _sandbox_address(service: Service) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        service.check()
        ready = re.search(r"Sandbox ready on (\S+)", service.last_words("sandbox"))
        if ready:
            return ready.group(1)
        time.sleep(0.05)
    raise report.Failed(f"the sandbox did not start within {START_SECONDS:.0f} s")


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


class Sandbox:
    """The pretend ConnectWise and Xero, by their control API."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._http = requests.Session()
        self._reports: list[int] = []

    def enter(self) -> list[int]:
        """Enters the expenses and submits them; their ids."""
        week = {"member": "jdoe", "date_start": "2026-08-17", "date_end": "2026-08-23"}
        wish = [week | {"entries": [ENTRY] * PER_REPORT} for _ in range(EXPENSES // PER_REPORT)]
        made = self._call("POST", f"{SITE}/expenses", {"reports": wish, "submit": True})["reports"]
        self._reports = [one["id"] for one in made]
        return [entry_id for one in made for entry_id in one["entry_ids"]]

    def approve(self) -> int:
        """Approves them all at once; how many."""
        return int(self._call("POST", f"{SITE}/approve", {"report_ids": self._reports, "tier": 2})["entries"])

    def calls(self) -> dict[str, int]:
        by: dict[str, int] = self._call("GET", f"/calls?system=xero&tenant={TENANT}")["by"]
        return by

    def audit(self, entry_ids: list[int]) -> None:
        """Exactly one paid bill and one payment for each; nothing else. Raises Failed."""
        books = self._call("GET", f"/xero/{TENANT}/state")
        numbers = sorted(f"CW-{entry_id}" for entry_id in entry_ids)
        bills = [one["InvoiceNumber"] for one in books["invoices"] if one["Status"] == "PAID"]
        report.check("paid bills", sorted(bills), numbers)
        paid = [one["Reference"].split()[0] for one in books["payments"] if one["Status"] == "AUTHORISED"]
        report.check("payments", sorted(paid), numbers)

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._http.request(method, f"{self._url}/_sandbox{path}", json=body, timeout=60)
        if not answer.ok:
            raise report.Failed(f"the sandbox refused {method} {path}: {answer.text[:300]}")
        return answer.json()
