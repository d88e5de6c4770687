"""The application where it reaches the pretend ConnectWise, Xero and QuickBooks, and a company in it."""

from __future__ import annotations

import dataclasses

import pytest
from flask import Flask

from app import create_app
from console.company_import import import_company
from models.company import Company
from models.database import Database
from models.sealing import Sealer
from settings import Settings
from tests.console.conftest import Importer
from tests.journey.conftest import COMPANY_FILE, sandbox_url

__all__ = ["app", "live", "sandbox_url"]

REFRESH = 'refresh_token = "sandbox-refresh-token"'


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
    import_company(database, sealer, text, environ={}, actor="the tests", http_allowed=True)
    by_hand = app.extensions["console"].by_hand
    by_hand.read_site("acme")
    by_hand.read_books("acme")
    return take_in.company()
