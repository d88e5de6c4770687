"""The application where it reaches the pretend ConnectWise, Xero and QuickBooks, and a company in it."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable

import pytest
import requests
from flask import Flask

from app import create_app
from console.company_import import import_company
from models import states
from models.company import Company
from models.database import Database
from models.expense import Expense
from models.sealing import Sealer
from settings import Settings
from tests.console.conftest import Importer
from tests.journey.conftest import COMPANY_FILE, sandbox_url
from tests.journey.test_qbo import company_file

__all__ = ["add_real", "app", "live", "live_qbo", "sandbox_url"]

REFRESH = 'refresh_token = "sandbox-refresh-token"'


Real = Callable[..., int]


@pytest.fixture
def app(settings: Settings, sandbox_url: str) -> Flask:
    return create_app(
        dataclasses.replace(
            settings,
            xero_api_url=sandbox_url,
            xero_identity_url=sandbox_url,
            xero_login_url=sandbox_url,
            xero_client_id="sandbox-client",
            xero_client_secret="sandbox-secret",
            qbo_api_url=sandbox_url,
            qbo_oauth_url=sandbox_url,
            qbo_login_url=sandbox_url,
            qbo_client_id="sandbox-qbo-client",
            qbo_client_secret="sandbox-qbo-secret",
        )
    )


@pytest.fixture
def live(app: Flask, database: Database, sealer: Sealer, take_in: Importer, sandbox_url: str) -> Company:
    """Acme at the sandbox: connected, its lists read."""
    text = COMPANY_FILE.replace("{url}", sandbox_url).replace("[expenses]", f"{REFRESH}\n\n[expenses]")
    return _reach(app, database, sealer, take_in, text)


@pytest.fixture
def live_qbo(app: Flask, database: Database, sealer: Sealer, take_in: Importer, sandbox_url: str) -> Company:
    """The same with QuickBooks for its ledger."""
    refresh = REFRESH.replace("sandbox-", "sandbox-qbo-", 1)
    text = company_file(sandbox_url).replace("[expenses]", f"{refresh}\n\n[expenses]")
    return _reach(app, database, sealer, take_in, text)


def _reach(app: Flask, database: Database, sealer: Sealer, take_in: Importer, text: str) -> Company:
    import_company(database, sealer, text, environ={}, actor="the tests", http_allowed=True)
    by_hand = app.extensions["console"].by_hand
    by_hand.read_site("acme")
    by_hand.read_books("acme")
    return take_in.company()


@pytest.fixture
def add_real(take_in: Importer, database: Database, sandbox_url: str) -> Real:
    """Enters and approves an expense of jdoe's in ConnectWise, as we know it after its callback; its entry
    id."""

    def add(payment_type: str) -> int:
        company = take_in.company()
        base = f"{sandbox_url}/_sandbox/connectwise/{company.cw_company_id}"
        entry = {"type": "Meals", "payment_type": payment_type, "classification": "Non-Reimbursable",
                 "amount": "120.50", "date": "2026-08-21", "currency": "AUD"}  # fmt: skip
        report = {"member": "jdoe", "date_start": "2026-08-17", "date_end": "2026-08-23", "entries": [entry]}
        made = requests.post(f"{base}/expenses", json={"reports": [report], "submit": True}, timeout=10)
        [found] = made.json()["reports"]
        approval = {"report_ids": [found["id"]], "tier": 2, "silent": True}
        requests.post(f"{base}/approve", json=approval, timeout=10).raise_for_status()
        [entry_id] = found["entry_ids"]
        with database.write() as session:
            now = database.now(session)
            session.add(
                Expense(company_id=company.id, entry_id=entry_id, state=states.DONE, member="jdoe",
                        payment_type=payment_type, date=dt.date(2026, 8, 21), created_at=now, updated_at=now)
            )  # fmt: skip
        return int(entry_id)

    return add
