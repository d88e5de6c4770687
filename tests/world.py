"""The known world of the tests: one company, Ana's taxi on the corporate card."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from cryptography.fernet import Fernet
from sqlalchemy.orm import Session

from models.company import Company
from models.database import Database
from models.inbox import Message
from models.sealing import Sealer

NOON = dt.datetime(2026, 8, 21, 12, 0, tzinfo=dt.UTC)
SEALING_KEY = Fernet.generate_key().decode()


def add_company(
    session: Session, *, key: str = "acme", site: str = "https://na.myconnectwise.net"
) -> Company:
    """A company as a row, with settings that nobody in these tests reads."""
    company = Company(
        key=key,
        name="Acme MSP",
        settings="",
        cw_site=site,
        cw_company_id="acme_f",
        cw_secrets=Sealer([SEALING_KEY]).seal_mapping(
            {"public_key": "p", "private_key": "s", "client_id": "c"}
        ),
        provider="xero",
        tenant_id="t",
        created_at=NOON,
        updated_at=NOON,
    )
    session.add(company)
    session.flush()
    return company


def message(
    company: Company, entry_id: int | None = 4711, *, action: str = "updated", **more: object
) -> Message:
    """A stored callback about this entry."""
    values: dict[str, object] = {
        "company_id": company.id,
        "message_id": uuid.uuid4().hex,
        "status": "queued",
        "body": b"{}",
        "type": "expense",
        "action": action,
        "entry_id": entry_id,
    }
    return Message(**(values | more))  # type: ignore[arg-type]


@pytest.fixture
def database(database_url: str) -> Database:
    return Database(database_url)


@pytest.fixture
def company(database: Database) -> Company:
    with database.write() as session:
        return add_company(session)
