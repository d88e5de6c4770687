"""The demo's hands on the pretend systems: the sandbox's control API (docs/sandbox.md)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import requests

from bin.demo_month.books import Books, QuickBooks, XeroBooks
from bin.demo_month.month import LOCK_DATE, MONTH, Spent, merchants

XERO_TENANT, QBO_REALM = "11111111-2222-4333-8444-555555555555", "9341453000000001"  # of the seed `demo`
SECRETS = {
    "ACME_CW_PUBLIC": "sandboxPublic",
    "ACME_CW_PRIVATE": "sandboxPrivate",
    "ACME_CW_CLIENT_ID": "00000000-0000-4000-8000-000000000001",
    "ACME_XERO_TENANT": XERO_TENANT,
    "ACME_XERO_REFRESH": "sandbox-refresh-token",
    "ACME_QBO_REALM": QBO_REALM,
    "ACME_QBO_REFRESH": "sandbox-qbo-refresh-token",
}
APP = {
    "XERO_CLIENT_ID": "sandbox-client",
    "XERO_CLIENT_SECRET": "sandbox-secret",
    "QBO_CLIENT_ID": "sandbox-qbo-client",
    "QBO_CLIENT_SECRET": "sandbox-qbo-secret",
}
ORIGINS = ("ACME_CW_SITE", "XERO_API_URL", "XERO_IDENTITY_URL", "XERO_LOGIN_URL",
           "QBO_API_URL", "QBO_OAUTH_URL", "QBO_LOGIN_URL")  # fmt: skip


@dataclass
class Pretend:
    """ConnectWise, ledger and bank of one demo company, at the sandbox's address. `ledger` is "xero" or
    "qbo", `tenant` its organisation or realm, `site` the company's name at ConnectWise."""

    url: str
    ledger: str
    site: str
    tenant: str
    http: requests.Session = field(default_factory=requests.Session)

    def close_books(self) -> None:
        """Closes the ledger's books up to the lock date."""
        if self.ledger == "qbo":
            closed = {"realm_id": self.tenant, "book_close_date": str(LOCK_DATE)}
            self._call("POST", "/qbo/companies", closed)
        else:
            closed = {"tenant_id": self.tenant, "period_lock_date": str(LOCK_DATE)}
            self._call("POST", "/xero/organisations", closed)

    def enter(self, expenses: Iterable[Spent]) -> dict[int, Spent]:
        """Enters the expenses, a report per member and week, and submits them; entry ids to expenses."""
        reports: dict[tuple[str, str, bool], list[Spent]] = {}
        for spent in expenses:
            week = spent.date.strftime("%G-W%V")
            reports.setdefault((spent.member, week, spent.approve), []).append(spent)
        wish = [
            {"member": member, "year": MONTH.year, "entries": [spent.entry() for spent in entries]}
            for (member, _, _), entries in reports.items()
        ]
        made = self._call("POST", f"/connectwise/{self.site}/expenses", {"reports": wish})["reports"]
        self._approvable = [
            report["id"] for report, (_, _, approve) in zip(made, reports, strict=True) if approve
        ]
        return {
            entry_id: spent
            for report, entries in zip(made, reports.values(), strict=True)
            for entry_id, spent in zip(report["entry_ids"], entries, strict=True)
        }

    def approve(self) -> int:
        """Approves every report but those that stay open, at once; how many entries that moved."""
        moved: int = self._call(
            "POST", f"/connectwise/{self.site}/approve", {"report_ids": self._approvable, "tier": 2}
        )["entries"]
        return moved

    def deliveries(self) -> list[dict[str, Any]]:
        """Every try of the pretend ConnectWise to deliver a callback."""
        tries: list[dict[str, Any]] = self._call("GET", f"/connectwise/{self.site}/deliveries")["deliveries"]
        return tries

    def spend(self, entered: Mapping[int, Spent]) -> int:
        """Adds a bank-feed line for everything that was paid with the company's money; how many."""
        payees = merchants()
        lines = [
            {
                "line_id": str(entry_id),
                "account": spent.feed,
                "date": spent.date.isoformat(),
                "amount": str(-spent.amount),
                "payee": next(payees),
            }
            for entry_id, spent in entered.items()
            if spent.feed
        ]
        self._call("POST", f"/bank/{self.tenant}/lines", {"lines": lines})
        return len(lines)

    def bank(self) -> dict[int, dict[str, Any]]:
        """The bank lines by entry id, each with the match that the ledger proposes."""
        lines = self._call("GET", f"/bank/{self.tenant}")["lines"]
        return {int(line["line_id"]): line for line in lines}

    def reconcile(self) -> int:
        """Accepts every proposed match; how many."""
        accepted: int = self._call("POST", f"/bank/{self.tenant}/reconcile")["reconciled"]
        return accepted

    def books(self) -> Books:
        """Every document in the ledger, as the ledger shows it."""
        state = self._call("GET", f"/{self.ledger}/{self.tenant}/state")
        return QuickBooks(state) if self.ledger == "qbo" else XeroBooks(state)

    def balances(self) -> dict[str, Decimal]:
        """What each account holds by double entry, debits positive."""
        held: dict[str, str] = self._call("GET", f"/{self.ledger}/{self.tenant}/balances")
        return {name: Decimal(amount) for name, amount in held.items() if Decimal(amount)}

    def calls(self) -> dict[str, int]:
        """How often each call was made to this ledger, since the sandbox started."""
        by: dict[str, int] = self._call("GET", f"/calls?system={self.ledger}&tenant={self.tenant}")["by"]
        return {pattern.replace("/v3/company/{id}", ""): count for pattern, count in by.items()}

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.http.request(method, f"{self.url}/_sandbox{path}", json=body, timeout=30)
        if not answer.ok:
            raise RuntimeError(f"The sandbox refused {method} {path}: {answer.text[:300]}")
        return answer.json()
