"""No secret stands open anywhere: every byte of database and Redis, every log line, every answer is looked at
after a run with retries, rotated tokens and a bug."""

from __future__ import annotations

import base64
import binascii
import contextlib
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import requests
from sqlalchemy import inspect, select, text, update

from console.company_import import export_company
from models import states
from models.api_tokens import add_token
from models.company import Company, Connection
from models.database import Database
from models.expense import Expense
from tests.faults.conftest import Rig, wait_until
from tests.faults.test_kills import register_callback, settle
from tests.journey.conftest import Journey
from tests.journey.hands import edit
from tests.journey.test_exactly_once import until_settled

PATHS = (
    *("/companies", "/queue", "/companies/acme/expenses", "/companies/acme/causes", "/companies/acme/events"),
    *("/companies/acme/expenses/{id}", "/companies/acme/expenses/{id}/preview", "/companies/nobody/causes"),
)


def connection_secrets(journey: Journey) -> set[str]:
    """The tokens that are in use now."""
    sealer = journey.wiring.sealer
    with journey.database.read() as session:
        connection = session.scalars(select(Connection)).one()
    assert connection.access_token is not None
    return {sealer.open(connection.refresh_token), sealer.open(connection.access_token)}


def standing_secrets(journey: Journey) -> set[str]:
    """Keys and passwords, and the forms in which they travel."""
    settings = journey.wiring.settings
    basic = {"sandbox-client:sandbox-secret", "acme_f+sandboxPublic:sandboxPrivate"}
    encoded = {base64.b64encode(words.encode()).decode() for words in basic}
    own = {settings.secret_key, *settings.encryption_keys}
    return {"sandbox-refresh-token", "sandbox-secret", "sandboxPrivate", "sandboxPublic"} | encoded | own


def database_bytes(database: Database) -> bytes:
    """Every byte of the database's files, what was overwritten included."""
    file = Path(str(database.url.database))
    return b"".join(part.read_bytes() for part in sorted(file.parent.glob(f"{file.name}*")))


def redis_bytes(url: str) -> bytes:
    """Every key and value; what RQ squeezed together is unpacked."""
    with redis.Redis.from_url(url) as client:
        return b"\n".join(part for key in client.scan_iter("*") for part in (key, *_values(client, key)))


def _values(client: Any, key: bytes) -> Iterator[bytes]:
    match client.type(key):
        case b"string":
            yield client.get(key)
        case b"hash":
            yield from (_unpacked(part) for pair in client.hgetall(key).items() for part in pair)
        case b"list":
            yield from client.lrange(key, 0, -1)
        case b"set":
            yield from client.smembers(key)
        case b"zset":
            yield from client.zrange(key, 0, -1)
        case b"stream":
            for _, fields in client.xrange(key):
                yield from (_unpacked(part) for pair in fields.items() for part in pair)


def _unpacked(value: bytes) -> bytes:
    for unpack in (zlib.decompress, lambda packed: zlib.decompress(base64.b64decode(packed))):
        with contextlib.suppress(zlib.error, binascii.Error):
            return unpack(value)
    return value


def answers(rig: Rig, entry_id: int, token: str) -> bytes:
    """What the API says, its errors, and what anybody may ask."""
    web = f"http://127.0.0.1:{rig.port}"
    headers = {"Authorization": f"Bearer {token}"}
    urls = [f"{web}/api/v1{path.format(id=entry_id)}" for path in PATHS]
    said = [requests.get(url, headers=headers, timeout=30) for url in urls]
    said += [requests.get(web + path, timeout=30) for path in ("/metrics", "/healthz", "/readyz")]
    said.append(requests.get(urls[0], headers={"Authorization": f"Bearer {token}x"}, timeout=30))
    return b"\n".join(str(dict(one.headers)).encode() + one.content for one in said)


def break_the_record_of(rig: Rig, entry_id: int) -> None:
    """What we kept of the entry can't be read any more, and it was edited: a bug, with its traceback."""
    with rig.journey.database.write() as session:
        session.execute(update(Expense).where(Expense.entry_id == entry_id).values(entry='{"broken'))
    edit(rig.journey, entry_id, amount="99.00")
    wait_until(lambda: rig.journey.expense(entry_id).state == states.BROKEN)
    with redis.Redis.from_url(rig.environ["REDIS_URL"]) as client:
        wait_until(lambda: client.zcard("rq:failed:post"))


@pytest.mark.one_database
def test_no_secret_stands_open_anywhere(rig: Rig) -> None:
    database = rig.journey.database
    rig.environ["LOG_LEVEL"] = "DEBUG"
    with database.write() as session:
        token = add_token(session, "scan", role="operator", now=database.now(session))
    register_callback(rig)
    rig.start_web()
    rig.start_clock()
    rig.start_worker()
    rig.journey.fault(system="xero", method="PUT", path="/Payments", kind="status", status=500, times=1)
    [first] = rig.journey.add({})
    settle(rig, [first])
    secrets = connection_secrets(rig.journey) | standing_secrets(rig.journey) | {token}
    with database.write() as session:
        session.execute(update(Connection).values(expires_at=database.now(session)))
    [second] = rig.journey.add({"amount": "7.00"})
    settle(rig, [second])
    break_the_record_of(rig, first)
    said = answers(rig, first, token)
    rotated = connection_secrets(rig.journey)
    assert not rotated & secrets
    with database.read() as session:
        exported = export_company(session.scalars(select(Company)).one()).encode()
    rig.stop()
    logs = b"".join(log.read_bytes() for log in rig.logs.iterdir())
    stores = {
        "the database": (database_bytes(database), b"CW-"),
        "Redis": (redis_bytes(rig.environ["REDIS_URL"]), b"Traceback"),
        "the logs": (logs, b'"exception"'),
        "the API": (said, b"timeline"),
        "the export": (exported, b"[connectwise]"),
    }
    for place, (content, known) in stores.items():
        assert known in content, f"{place} was not looked at"
        open_ones = [secret[:4] for secret in secrets | rotated if secret.encode() in content]
        assert open_ones == [], f"secrets stand open in {place}"


def table_bytes(database: Database) -> bytes:
    """Every row of every table as text."""
    tables = inspect(database.engine).get_table_names()
    with database.read() as session:
        rows = [row for name in tables for row in session.execute(text(f'SELECT * FROM "{name}"'))]
    return "\n".join(repr(tuple(row)) for row in rows).encode()


def test_no_secret_stands_open_in_any_row(journey: Journey) -> None:
    database = journey.database
    with database.write() as session:
        token = add_token(session, "scan", role="operator", now=database.now(session))
    journey.fault(system="xero", method="PUT", path="/Payments", kind="status", status=500, times=1)
    [entry_id] = journey.add({})
    journey.post()
    before = connection_secrets(journey)
    with database.write() as session:
        session.execute(update(Connection).values(expires_at=database.now(session)))
    until_settled(journey, entry_id)
    after = connection_secrets(journey)
    assert not before & after
    content = table_bytes(database)
    assert f"CW-{entry_id}".encode() in content
    secrets = before | after | standing_secrets(journey) | {token}
    assert [secret[:4] for secret in secrets if secret.encode() in content] == []
