"""A whole company in one process: the sandbox on the wire, a real database, our worker's own functions."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
import requests
from sqlalchemy import select, update

from mappers.company_file import dump, load, load_text
from models import states
from models.company import Company, Connection
from models.database import Database
from models.expense import Document, Expense, Request
from models.inbox import wake_expenses
from sandbox.server import serve
from settings import Settings
from tests.world import NOON
from workers.posting import Posting
from workers.wiring import Wiring

TENANT = "11111111-2222-4333-8444-555555555555"
COMPANY_FILE = """
[company]
key = "acme"
name = "Acme MSP"
timezone = "Australia/Brisbane"
start_date = 2026-07-01

[connectwise]
site = "{url}"
company_id = "acme_f"
public_key = "sandboxPublic"
private_key = "sandboxPrivate"
client_id = "00000000-0000-4000-8000-000000000001"

[ledger]
provider = "xero"
tenant_id = "11111111-2222-4333-8444-555555555555"

[expenses]
offset_account = "850"

[[expense_types]]
name = "Meals"
account = "420"
tax = "INPUT"

[[expense_types]]
name = "Travel"
account = "493"
tax = "INPUT"

[[taxes]]
name = "GST"
code = "INPUT"

[[rules]]
member = "*"
payment_type = "Corporate Amex"
action = "payment_account"
account = "Amex 1001"
"""


@dataclass
class Journey:
    """One company, its sandbox and its worker, driven by hand."""

    url: str
    wiring: Wiring
    company_id: int
    site: str = "acme_f"
    http: requests.Session = field(default_factory=requests.Session)

    @property
    def database(self) -> Database:
        return self.wiring.database

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.http.request(method, f"{self.url}/_sandbox{path}", json=body, timeout=30)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def add(self, *entries: dict[str, Any], approve: bool = True, member: str = "jdoe") -> list[int]:
        """Enters expenses (one report) in ConnectWise, approves them silently, tells our database."""
        defaults = {"type": "Meals", "payment_type": "Corporate Amex", "classification": "Non-Reimbursable"}
        defaults |= {"amount": "120.50", "date": "2026-08-21", "currency": "AUD"}
        report = {
            "member": member,
            "date_start": "2026-08-17",
            "date_end": "2026-08-23",
            "entries": [defaults | entry for entry in entries],
        }
        made = self.control(
            "POST", f"/connectwise/{self.site}/expenses", {"reports": [report], "submit": True}
        )
        [report] = made["reports"]
        if approve:
            self.control(
                "POST",
                f"/connectwise/{self.site}/approve",
                {"report_ids": [report["id"]], "tier": 2, "silent": True},
            )
        self.call_back(*report["entry_ids"])
        ids: list[int] = report["entry_ids"]
        return ids

    def call_back(self, *entry_ids: int, deleted: bool = False) -> None:
        with self.database.write() as session:
            wake_expenses(session, {(self.company_id, entry_id): deleted for entry_id in entry_ids})

    def post(self) -> None:
        """One job of the worker."""
        Posting(self.wiring.work("acme")).run()

    def make_due(self) -> None:
        """Time passes: whatever waits is due now."""
        with self.database.write() as session:
            now = self.database.now(session)
            session.execute(update(Expense).where(Expense.due_at.is_not(None)).values(due_at=now))
            session.execute(update(Request).where(Request.due_at.is_not(None)).values(due_at=now))
            session.execute(update(Company).values(wait_until=None))

    def fault(self, **fault: Any) -> None:
        self.control("POST", "/faults", fault)

    def expense(self, entry_id: int) -> Expense:
        with self.database.read() as session:
            return session.scalars(select(Expense).where(Expense.entry_id == entry_id)).one()

    def documents(self, entry_id: int) -> list[Document]:
        with self.database.read() as session:
            statement = select(Document).join(Expense).where(Expense.entry_id == entry_id)
            return list(session.scalars(statement.order_by(Document.position)))

    def books(self) -> dict[str, list[dict[str, Any]]]:
        """What stands in the pretend Xero."""
        state: dict[str, list[dict[str, Any]]] = self.control("GET", f"/xero/{TENANT}/state")
        return state

    def balances(self) -> dict[str, Decimal]:
        return {code: Decimal(v) for code, v in self.control("GET", f"/xero/{TENANT}/balances").items()}

    def calls(self) -> dict[str, int]:
        by: dict[str, int] = self.control("GET", f"/calls?system=xero&tenant={TENANT}")["by"]
        return by

    def change_file(self, change: Any) -> None:
        """Changes the company's settings: `change` gets the file's text and gives another."""
        with self.database.write() as session:
            company = session.get_one(Company, self.company_id)
            company.settings = dump(load(load_text(change(company.settings)))[0])

    def assert_posted_once(self, *entry_ids: int) -> None:
        """Exactly one authorised bill each, paid in full by exactly one payment; nobody had to act."""
        state = self.books()
        for entry_id in entry_ids:
            assert self.expense(entry_id).state == states.DONE, self.expense(entry_id).why
            bills = [b for b in state["invoices"] if b["InvoiceNumber"] == f"CW-{entry_id}"]
            assert [b["Status"] for b in bills] == ["PAID"]
            payments = [p for p in state["payments"] if p["Reference"].startswith(f"CW-{entry_id}")]
            assert len([p for p in payments if p["Status"] == "AUTHORISED"]) == 1


@pytest.fixture
def sandbox_url() -> Iterator[str]:
    handle = serve(port=0)
    requests.post(f"{handle.url}/_sandbox/reset", json={"seed": "demo"}, timeout=10).raise_for_status()
    yield handle.url
    handle.close()


@pytest.fixture
def journey(sandbox_url: str, settings: Settings) -> Iterator[Journey]:
    pointed = dataclasses.replace(
        settings,
        xero_api_url=sandbox_url,
        xero_identity_url=sandbox_url,
        xero_login_url=sandbox_url,
        xero_client_id="sandbox-client",
        xero_client_secret="sandbox-secret",
    )
    wiring = Wiring(pointed)
    company_id = open_company(
        wiring, COMPANY_FILE.replace("{url}", sandbox_url), refresh_token="sandbox-refresh-token"
    )
    yield Journey(sandbox_url, wiring, company_id)
    wiring.database.engine.dispose()


def open_company(wiring: Wiring, text: str, *, refresh_token: str) -> int:
    """Puts a company with its connection into the database; its id."""
    loaded, secrets = load(load_text(text))
    with wiring.database.write() as session:
        connection = Connection(
            provider=loaded.ledger.provider,
            refresh_token=wiring.sealer.seal(refresh_token),
            seed_hash=hashlib.sha256(refresh_token.encode()).hexdigest(),
        )
        company = Company(
            key=loaded.key,
            name=loaded.name,
            settings=dump(loaded),
            cw_site=loaded.connectwise.site,
            cw_company_id=loaded.connectwise.company_id,
            cw_secrets=wiring.sealer.seal_mapping(
                {
                    "public_key": secrets.public_key,
                    "private_key": secrets.private_key,
                    "client_id": secrets.client_id,
                }
            ),
            provider=loaded.ledger.provider,
            tenant_id=loaded.ledger.tenant_id,
            connection=connection,
            created_at=NOON,
            updated_at=NOON,
        )
        session.add(company)
        session.flush()
        return company.id
