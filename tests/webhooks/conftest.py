"""The callback endpoint on the wire: the whole web application on loopback, and its site's key server."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
from sqlalchemy import func, select
from werkzeug.serving import make_server

from app import create_app
from models.company import Company, Event
from models.database import Database
from models.expense import Expense
from settings import Settings
from tests.webhooks.key_server import SIGNING_KEY, KeyServer, serving
from tests.world import add_company, database

__all__ = ["database"]


def sign(body: bytes, *, key: str = SIGNING_KEY) -> str:
    """As the vendor's page says, and on purpose not with our own code."""
    digest = hmac.new(hashlib.sha256(key.encode()).digest(), body, hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


@dataclass
class Endpoint:
    """What ConnectWise sees of us, and what we kept of what it sent."""

    url: str
    keys: KeyServer
    database: Database
    http: requests.Session = field(default_factory=requests.Session)

    def message(self, **changes: Any) -> bytes:
        """A callback about entry 4711 as ConnectWise writes it. A change to None leaves the key out."""
        values = {
            "MessageId": str(uuid.uuid4()),
            "FromUrl": "na.myconnectwise.net",
            "CompanyId": "acme_f",
            "MemberId": "jdoe",
            "Action": "updated",
            "Type": "expense",
            "ID": 4711,
            "Entity": '{"id":4711,"amount":120.5,"status":"ApprovedByTierTwo"}',
            "Metadata": {"key_url": self.keys.key_url()},
        }
        return json.dumps({k: v for k, v in (values | changes).items() if v is not None}).encode()

    def send(self, body: bytes, *, signature: str | None = None, to: str = "acme") -> requests.Response:
        """Sends the body, well signed unless another signature is given ("" for none)."""
        signature = sign(body) if signature is None else signature
        headers = {"Content-Type": "application/json"}
        headers |= {"x-content-signature": signature} if signature else {}
        url = f"{self.url}/callbacks/connectwise/{to}?recordId=4711&action=updated"
        return self.http.post(url, body, headers=headers, timeout=20)

    def send_message(self, **changes: Any) -> requests.Response:
        return self.send(self.message(**changes))

    def events(self) -> list[Event]:
        with self.database.read() as session:
            return list(session.scalars(select(Event).order_by(Event.id)))

    def count_expenses(self) -> int:
        with self.database.read() as session:
            return session.scalar(select(func.count()).select_from(Expense)) or 0

    def kept_nothing(self) -> bool:
        return not self.events() and not self.count_expenses()


@contextmanager
def on_the_wire(settings: Settings) -> Iterator[str]:
    """The address of the web application with these settings."""
    server = make_server("127.0.0.1", 0, create_app(settings), threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join(5)
    server.server_close()


@pytest.fixture
def keys() -> Iterator[KeyServer]:
    with serving() as server:
        yield server


@pytest.fixture
def company(database: Database, keys: KeyServer) -> Company:
    """A company whose (on-premise) site is the key server's address."""
    with database.write() as session:
        return add_company(session, site=keys.url)


@pytest.fixture
def endpoint(settings: Settings, database: Database, keys: KeyServer, company: Company) -> Iterator[Endpoint]:
    with on_the_wire(settings) as url:
        yield Endpoint(url, keys, database)
    database.engine.dispose()
