"""The known world as programs see it: Acme and Beta imported from files, expenses as rows, real Redis."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app import create_app
from console.company_import import import_company
from models import states
from models.api_tokens import add_token
from models.company import Company
from models.database import Database
from models.expense import Document, Expense
from models.sealing import Sealer
from settings import Settings

MORNING = dt.datetime(2026, 8, 22, 3, 0, tzinfo=dt.UTC)
ENVIRON = {"ACME_CW_PUBLIC": "publicKey", "ACME_CW_PRIVATE": "privateKey", "CW_CLIENT_ID": "client"}
COMPANY_FILE = """
[company]
key = "acme"
name = "Acme MSP"
timezone = "Australia/Brisbane"

[connectwise]
site = "https://127.0.0.1:1"
company_id = "acme_f"
public_key = "env:ACME_CW_PUBLIC"
private_key = "env:ACME_CW_PRIVATE"
client_id = "env:CW_CLIENT_ID"

[ledger]
provider = "xero"
tenant_id = "tenant-1"

[expenses]
offset_account = "850"

[[rules]]
member = "ana"
payment_type = "Corporate Amex"
action = "payment_account"
account = "Amex 1001"
"""


@dataclass
class Importer:
    """Takes company files in, as `bin/manage company import` does."""

    database: Database
    sealer: Sealer

    def __call__(self, text: str = COMPANY_FILE, **environ: str) -> Any:
        return import_company(self.database, self.sealer, text, environ=ENVIRON | environ, actor="the tests")

    def company(self, key: str = "acme") -> Company:
        with self.database.read() as session:
            return session.scalars(select(Company).where(Company.key == key)).one()


def client(app: Flask) -> Any:
    """A caller without a token."""
    return app.test_client()


@dataclass
class Api:
    """A caller of the API with one token."""

    app: Flask
    token: str

    def get(self, path: str, **query: Any) -> Any:
        return client(self.app).get(f"/api/v1{path}", query_string=query or None, headers=self.headers)

    def post(self, path: str, body: Any = None, **more: Any) -> Any:
        return client(self.app).post(f"/api/v1{path}", json=body, headers=self.headers, **more)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


@pytest.fixture
def app(settings: Settings) -> Flask:
    return create_app(settings)


@pytest.fixture
def database(app: Flask) -> Database:
    found: Database = app.extensions["console"].database
    return found


@pytest.fixture
def sealer(settings: Settings) -> Sealer:
    return Sealer(settings.encryption_keys)


@pytest.fixture
def take_in(database: Database, sealer: Sealer) -> Importer:
    return Importer(database, sealer)


@pytest.fixture
def acme(take_in: Importer) -> Company:
    take_in()
    return take_in.company()


@pytest.fixture
def beta(take_in: Importer) -> Company:
    take_in(COMPANY_FILE.replace('"acme"', '"beta"').replace("tenant-1", "tenant-2"))
    return take_in.company("beta")


@pytest.fixture
def token(database: Database) -> Callable[..., str]:
    """Makes a token of a role, bound to companies or not."""

    def make(role: str = "operator", companies: Sequence[str] = ()) -> str:
        with database.write() as session:
            name = f"{role} {' '.join(companies)}"
            return add_token(session, name, role=role, companies=companies, now=MORNING)

    return make


@pytest.fixture
def api(app: Flask, token: Callable[..., str], acme: Company) -> Api:
    """An operator of every company."""
    return Api(app, token())


@pytest.fixture
def add_expense(database: Database, acme: Company) -> Callable[..., Expense]:
    """Stores an expense of Acme: Ana's taxi, unless told otherwise."""

    def add(entry_id: int = 4711, **more: Any) -> Expense:
        values: dict[str, Any] = {
            "company_id": acme.id,
            "entry_id": entry_id,
            "state": states.NEEDS_ATTENTION,
            "member": "ana",
            "payment_type": "Corporate Amex",
            "classification": "NonReimbursable",
            "expense_type": "Taxi",
            "amount": Decimal("120.5"),
            "currency": "AUD",
            "date": dt.date(2026, 8, 21),
            "created_at": MORNING,
            "updated_at": MORNING,
        }
        with database.write() as session:
            expense = Expense(**(values | more))
            session.add(expense)
        return expense

    return add


def add_document(database: Database, expense: Expense, kind: str, **more: Any) -> None:
    """Stores a posted document of the expense."""
    values: dict[str, Any] = {
        "company_id": expense.company_id,
        "expense_id": expense.id,
        "kind": kind,
        "number": f"CW-{expense.entry_id}",
        "state": states.POSTED,
        "plan": "{}",
        "amount": Decimal("120.50"),
        "currency": "AUD",
        "created_at": MORNING,
        "updated_at": MORNING,
    }
    with database.write() as session:
        session.add(Document(**(values | more)))
