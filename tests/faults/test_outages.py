"""Redis or the database is gone for a while in the middle of a burst: nothing lost, nothing half-written."""

from __future__ import annotations

import dataclasses
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import make_url

from bin.embedded_redis import EmbeddedRedis
from settings import Settings
from tests.faults.conftest import Rig, wait_until
from tests.faults.test_deploy import deliveries
from tests.faults.test_kills import approve_with_callbacks, register_callback, settle_known

BURST = 25


@pytest.fixture
def settings(settings: Settings, own_redis: EmbeddedRedis) -> Settings:
    """With a Redis that may be ended."""
    return dataclasses.replace(settings, redis_url=own_redis.url)


def start_all(rig: Rig) -> None:
    register_callback(rig)
    rig.start_web()
    rig.start_clock()
    rig.start_worker()


@pytest.mark.one_database
def test_redis_gone_while_callbacks_arrive_refuses_none_and_loses_none(
    rig: Rig, own_redis: EmbeddedRedis
) -> None:
    start_all(rig)
    own_redis.stop()
    entry_ids = approve_with_callbacks(rig, BURST)
    rig.journey.control("POST", "/connectwise/acme_f/wait", {"timeout_seconds": 60})
    tries = deliveries(rig)
    assert len(tries) >= BURST
    assert [t for t in tries if t["status"] != 202] == []
    with EmbeddedRedis(own_redis.socket.parent):
        rig.start_worker()  # the first has ended with its Redis, and its supervisor starts it again
        settle_known(rig, entry_ids)
    rig.journey.assert_posted_once(*entry_ids)


@contextmanager
def database_gone(rig: Rig, request: pytest.FixtureRequest, *, kind: str) -> Iterator[None]:
    """PostgreSQL crashes; with SQLite somebody has the write lock and keeps it."""
    if kind == "postgresql":
        server = request.getfixturevalue("postgresql")
        server.crash()
        try:
            yield
        finally:
            server.recover()
            rig.journey.database.engine.dispose()
        return
    other = sqlite3.connect(make_url(rig.environ["DATABASE_URL"]).database or "", isolation_level=None)
    wait_until(lambda: _locks(other))
    yield
    other.close()


def _locks(connection: sqlite3.Connection) -> bool:
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return False
    return True


def test_the_database_gone_for_a_while_loses_nothing(
    rig: Rig, request: pytest.FixtureRequest, database_kind: str
) -> None:
    rig.journey.control("POST", "/connectwise/acme_f", {"delivery": {"retry_delays": [6.0, 12.0]}})
    start_all(rig)
    first = approve_with_callbacks(rig, BURST)
    wait_until(lambda: len(deliveries(rig)) >= 5, every=0.02)
    with database_gone(rig, request, kind=database_kind):
        second = approve_with_callbacks(rig, 5)
        wait_until(lambda: any(t["status"] == 429 for t in deliveries(rig)))
        time.sleep(2)
    rig.journey.control("POST", "/connectwise/acme_f/wait", {"timeout_seconds": 60})
    assert {t["status"] for t in deliveries(rig)} <= {200, 202, 429}
    settle_known(rig, [*first, *second])
    rig.journey.assert_posted_once(*first, *second)
