"""The pretend ConnectWise and ledgers of a chaos run, by the sandbox's control API (docs/sandbox.md).

It remembers what each entry was whenever it stood approved: that alone the auditor is told.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import requests

from bin.demo_month.pretend import QBO_REALM, XERO_TENANT
from tests.chaos.entries import Entry

SITES = {"acme": "acme_f", "acme-q": "acme_q"}
LEDGERS = {"acme": ("xero", XERO_TENANT), "acme-q": ("qbo", QBO_REALM)}
MODES = {"no callbacks": "off", "double callbacks": "duplicate", "shuffle callbacks": "shuffled",
         "plain callbacks": "on"}  # fmt: skip
# Ten answers of a hundred get lost, ten are a 5xx (half of them after the act), and some of the rest is odd.
STEADY = (
    {"kind": "lose_answer", "probability": 0.1},
    {"kind": "status", "status": 503, "probability": 0.05},
    {"kind": "status_after", "status": 502, "probability": 0.05},
    {"kind": "refuse", "probability": 0.02},
    {"kind": "garbage", "probability": 0.01},
    {"kind": "slow", "seconds": 1.0, "probability": 0.03},
)
# However short the run: each of these strikes once, at the first calls of its kind.
CERTAIN: tuple[dict[str, Any], ...] = (
    {"system": "connectwise", "kind": "lose_answer"},
    {"system": "connectwise", "kind": "status", "status": 503},
    {"system": "connectwise", "kind": "status_after", "status": 502},
    {"system": "xero", "method": "PUT", "path": "/Invoices", "kind": "lose_answer"},
    {"system": "xero", "method": "PUT", "path": "/Payments", "kind": "rate_limit", "retry_after": 1},
    {"system": "xero", "method": "PUT", "path": "/Payments", "kind": "status_after", "status": 502},
    {"system": "qbo", "path": "/batch", "kind": "lose_answer", "skip": 1},
)
TROUBLED = ("xero", "qbo", "connectwise", "identity", "key")


@dataclass
class Report:
    """One expense report and what its entries are now."""

    company: str
    id: int
    entries: dict[int, Entry]
    approved: bool = False


@dataclass
class World:
    """Both sites and both ledgers at the sandbox's address."""

    url: str
    seed: int
    reports: dict[int, Report] = field(default_factory=dict)
    ever_approved: dict[tuple[str, int], set[Entry]] = field(default_factory=dict)
    upgrades: int = 0
    _http: requests.Session = field(default_factory=requests.Session)

    def prepare(self) -> None:
        """Ledgers that take their time, with limits that a busy month does not meet; patient callbacks."""
        limits = {"limits": {"minute": 3000}, "latency_seconds": 0.05}
        self.call("POST", "/xero/organisations", {"tenant_id": XERO_TENANT, **limits})
        self.call("POST", "/qbo/companies", {"realm_id": QBO_REALM, **limits})
        for site in SITES.values():
            delivery = {"retry_delays": [1.0, 2.0], "workers": 8}
            self.call("POST", f"/connectwise/{site}", {"delivery": delivery})

    def begin_trouble(self) -> None:
        """Puts the steady faults in force, behind the certain ones."""
        for fault in CERTAIN:
            self.call("POST", "/faults", {**fault, "times": 1})
        for number, fault in enumerate(STEADY):
            for system in TROUBLED:
                wish = {**fault, "system": system, "seed": f"{self.seed} {system} {number}"}
                self.call("POST", "/faults", wish)

    def end_trouble(self) -> dict[str, int]:
        """Takes all faults away; how often each kind has struck."""
        struck: dict[str, int] = {}
        for fault in self.call("GET", "/faults")["faults"]:
            struck[fault["kind"]] = struck.get(fault["kind"], 0) + fault["happened"]
        self.call("DELETE", "/faults")
        self.deliver("plain callbacks")
        return struck

    # -- what people do --------------------------------------------------------------------------------

    def enter(self, *, report: int, company: str, entries: list[Entry], receipts: list[int]) -> None:
        """A new report, submitted; `receipts`: how many files each entry has."""
        wish = {"member": entries[0].member, "entries": [entry.wish() for entry in entries]}
        [made] = self._at_site(company, "expenses", {"reports": [wish]})["reports"]
        ids = dict(zip(made["entry_ids"], entries, strict=True))
        self.reports[report] = Report(company, made["id"], ids)
        for entry_id, files in zip(ids, receipts, strict=True):
            for number in range(files):
                self._at_site(
                    company, "documents", {"entry_id": entry_id, "file_name": f"receipt {number}.pdf"}
                )

    def approve(self, *, report: int) -> None:
        self._move(self.reports[report], "approve", approved=True, tier=2)

    def unapprove(self, *, report: int) -> None:
        self._move(self.reports[report], "unapprove", approved=False)

    def edit(self, *, report: int, entry: int, amount: Decimal) -> None:
        """Gives one entry another amount."""
        changed = self.reports[report]
        entry_id = sorted(changed.entries)[entry]
        self._at_site(changed.company, "edit", {"entry_id": entry_id, "amount": str(amount)})
        changed.entries[entry_id] = replace(changed.entries[entry_id], amount=amount)
        self._remember(changed)

    def delete(self, *, report: int, entry: int) -> None:
        shrunk = self.reports[report]
        entry_id = sorted(shrunk.entries)[entry]
        self._at_site(shrunk.company, "delete", {"entry_id": entry_id})
        del shrunk.entries[entry_id]

    def _move(self, report: Report, move: str, *, approved: bool, **how: Any) -> None:
        self._at_site(report.company, move, {"report_ids": [report.id], **how})
        report.approved = approved
        self._remember(report)

    def _remember(self, report: Report) -> None:
        for entry_id, entry in report.entries.items() if report.approved else ():
            self.ever_approved.setdefault((report.company, entry_id), set()).add(entry)

    # -- what breaks -----------------------------------------------------------------------------------

    def deliver(self, how: str) -> None:
        """How callbacks are delivered from now on: a name of MODES."""
        for site in SITES.values():
            self.call("POST", f"/connectwise/{site}", {"delivery": {"mode": MODES[how]}})

    def storm(self, *, problem: str, times: int, retry_after: int) -> None:
        """So many 429 from each ledger."""
        said = {"kind": "rate_limit", "problem": problem, "times": times, "retry_after": retry_after}
        for system in ("xero", "qbo"):
            self.call("POST", "/faults", {**said, "system": system})

    def expire_tokens(self) -> None:
        for system in ("xero", "qbo"):
            self.call("POST", f"/{system}/grants/expire")

    def upgrade(self) -> None:
        """ConnectWise moves to another codebase: the addresses of before answer 404."""
        self.upgrades += 1
        for site in SITES.values():
            self.call("POST", f"/connectwise/{site}", {"upgrade": f"v2026_{1 + self.upgrades}/"})

    # -- what the auditor sees -------------------------------------------------------------------------

    def site(self, company: str) -> dict[str, Any]:
        """Everything that ConnectWise holds."""
        found: dict[str, Any] = self.call("GET", f"/connectwise/{SITES[company]}")
        return found

    def state(self, company: str) -> dict[str, list[dict[str, Any]]]:
        """Everything that the ledger holds."""
        ledger, tenant = LEDGERS[company]
        found: dict[str, list[dict[str, Any]]] = self.call("GET", f"/{ledger}/{tenant}/state")
        return found

    def deliveries(self) -> list[dict[str, Any]]:
        """Every try to deliver a callback."""
        pages = [self.call("GET", f"/connectwise/{site}/deliveries") for site in SITES.values()]
        return [one for page in pages for one in page["deliveries"]]

    def calls(self) -> list[dict[str, Any]]:
        """Every call to a pretend system."""
        made: list[dict[str, Any]] = self.call("GET", "/calls")["calls"]
        return made

    def _at_site(self, company: str, act: str, body: dict[str, Any]) -> Any:
        return self.call("POST", f"/connectwise/{SITES[company]}/{act}", body)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One control call; raises RuntimeError with the sandbox's own words."""
        answer = self._http.request(method, f"{self.url}/_sandbox{path}", json=body, timeout=60)
        if not answer.ok:
            raise RuntimeError(f"The sandbox refused {method} {path}: {answer.text[:300]}")
        return answer.json()
