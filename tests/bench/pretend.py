"""The pretend ConnectWise and Xero in a process of their own, and the company of the benchmarks."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path
from typing import Any

import requests

from bin.service import Service
from tests.bench import report
from tests.journey.conftest import COMPANY_FILE, TENANT

START_SECONDS = 60.0
MOST_AT_ONCE = 50  # reports in one control call
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


class Sandbox:
    """The pretend providers, by their control API."""

    def __init__(self, service: Service) -> None:
        """Starts them; the service's processes that start later talk to them."""
        service.start("sandbox", sys.executable, "-m", "sandbox", "--port", "0", "--seed", "demo")
        self._url = _address(service)
        service.environ |= dict.fromkeys(("XERO_API_URL", "XERO_IDENTITY_URL", "XERO_LOGIN_URL"), self._url)
        self._http = requests.Session()
        self._reports: list[int] = []

    def import_company(self, service: Service) -> None:
        """Acme, connected to the pretend Xero; the tables must be there."""
        tenant = f'tenant_id = "{TENANT}"'
        text = COMPANY_FILE.replace("{url}", self._url)
        file = Path(service.folder / "acme.toml")
        file.write_text(text.replace(tenant, f'{tenant}\nrefresh_token = "{REFRESH}"'))
        service.run("bin/manage", "company", "import", str(file))

    def enter(self, expenses: int, *, per_report: int) -> list[int]:
        """Enters expenses and submits them; their ids."""
        week = {"member": "jdoe", "date_start": "2026-08-17", "date_end": "2026-08-23"}
        left = expenses // per_report
        ids: list[int] = []
        while left:
            wish = [week | {"entries": [ENTRY] * per_report} for _ in range(min(left, MOST_AT_ONCE))]
            made = self._call("POST", f"{SITE}/expenses", {"reports": wish, "submit": True})["reports"]
            self._reports += [one["id"] for one in made]
            ids += [entry_id for one in made for entry_id in one["entry_ids"]]
            left -= len(wish)
        return ids

    def approve(self, *, silent: bool = False) -> int:
        """Approves all at once; how many. `silent`: without callbacks."""
        wish = {"report_ids": self._reports, "tier": 2, "silent": silent}
        return int(self._call("POST", f"{SITE}/approve", wish)["entries"])

    def calls(self) -> dict[str, int]:
        """How often each of Xero's addresses was called."""
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
        answer = self._http.request(method, f"{self._url}/_sandbox{path}", json=body, timeout=120)
        if not answer.ok:
            raise report.Failed(f"the sandbox refused {method} {path}: {answer.text[:300]}")
        return answer.json()


def _address(service: Service) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        service.check()
        ready = re.search(r"Sandbox ready on (\S+)", service.last_words("sandbox"))
        if ready:
            return ready.group(1)
        time.sleep(0.05)
    raise report.Failed(f"the sandbox did not start within {START_SECONDS:.0f} s")
