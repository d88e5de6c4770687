"""Redis or the database in trouble: Redis never costs a callback anything, the database asks for it again."""

from __future__ import annotations

import dataclasses
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from sqlalchemy import make_url

from bin.embedded_redis import EmbeddedRedis
from models.company import Company
from models.database import Database
from settings import Settings
from tests.webhooks.conftest import Endpoint, on_the_wire
from tests.webhooks.key_server import KeyServer
from workers.queues import POST, queue, redis_client


@pytest.fixture
def with_own_redis(
    settings: Settings, own_redis: EmbeddedRedis, database: Database, keys: KeyServer, company: Company
) -> Iterator[Endpoint]:
    with on_the_wire(dataclasses.replace(settings, redis_url=own_redis.url)) as url:
        yield Endpoint(url, keys, database)
    database.engine.dispose()


def slowest(endpoint: Endpoint, number: int) -> float:
    """Sends so many messages, all of which must be queued; the seconds that the slowest took."""
    times = []
    for _ in range(number):
        started = time.monotonic()
        assert endpoint.send_message().status_code == 202
        times.append(time.monotonic() - started)
    return max(times)


def test_a_frozen_redis_delays_nothing(with_own_redis: Endpoint, own_redis: EmbeddedRedis) -> None:
    slowest(with_own_redis, 1)
    os.kill(own_redis.pid, signal.SIGSTOP)
    assert slowest(with_own_redis, 30) < 0.8  # the Redis client gives up after a second
    assert len(with_own_redis.events()) == 31


def test_redis_gone_refuses_nothing(with_own_redis: Endpoint, own_redis: EmbeddedRedis) -> None:
    own_redis.stop()
    assert slowest(with_own_redis, 30) < 0.8
    assert with_own_redis.count_expenses() == 1


def test_a_burst_rings_once(with_own_redis: Endpoint, own_redis: EmbeddedRedis) -> None:
    slowest(with_own_redis, 30)
    waiting = queue(POST, redis_client(own_redis.url, fail_fast=True))
    deadline = time.monotonic() + 5
    while not waiting.count and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.2)
    [job] = waiting.jobs
    assert (job.func_name, job.kwargs) == ("workers.jobs.post_expenses", {"company": "acme"})


def test_what_is_refused_duplicate_or_ignored_rings_nobody(
    with_own_redis: Endpoint, own_redis: EmbeddedRedis
) -> None:
    body = with_own_redis.message()
    with_own_redis.send(body)
    client = redis_client(own_redis.url, fail_fast=True)
    time.sleep(0.3)
    client.flushall()
    with_own_redis.send(body)
    with_own_redis.send(body, signature="forged")
    with_own_redis.send_message(Type="ticket")
    with_own_redis.send_message(ID="none")
    time.sleep(0.3)
    assert client.keys() == []


@contextmanager
def locked(url: str, *, kind: str) -> Iterator[None]:
    """Somebody else holds the lock that a callback needs."""
    if kind == "sqlite":
        other = sqlite3.connect(make_url(url).database or "", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        yield
        other.close()
        return
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute("LOCK TABLE event IN ACCESS EXCLUSIVE MODE")
        yield


def test_a_locked_database_means_send_it_again(
    endpoint: Endpoint, database_url: str, database_kind: str
) -> None:
    assert endpoint.send_message().status_code == 202
    body = endpoint.message(ID=2)
    with locked(database_url, kind=database_kind):
        started = time.monotonic()
        first, second = endpoint.send(body), endpoint.send(endpoint.message(ID=3))
        assert time.monotonic() - started < 5.9  # the second is told at once, not after another three
    for refused in (first, second):
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "2")
        assert refused.json()["status"] == "refused"
    time.sleep(0.5)  # ConnectWise waits longer
    assert endpoint.send(body).status_code in (200, 202)
    assert [event.entry_id for event in endpoint.events()] == [4711, 2]


def test_a_database_that_is_gone_means_send_it_again(
    endpoint: Endpoint, database_url: str, database_kind: str, request: pytest.FixtureRequest
) -> None:
    endpoint.send_message()
    endpoint.database.engine.dispose()
    if database_kind == "sqlite":  # a file can't be taken away from those that have it open
        with sqlite3.connect(make_url(database_url).database or "") as other:
            other.execute("ALTER TABLE event RENAME TO elsewhere")
    else:
        request.getfixturevalue("postgresql").drop(make_url(database_url).database)
    assert endpoint.send_message().status_code == 429
    assert endpoint.send_message(Type="ticket").status_code == 429
    assert endpoint.send_message(ID="unreadable").status_code == 429


def test_connections_that_died_while_idle_cost_nothing(
    endpoint: Endpoint, database_url: str, database_kind: str, request: pytest.FixtureRequest
) -> None:
    if database_kind == "sqlite":
        pytest.skip("SQLite has no connections to lose")
    endpoint.send_message()
    request.getfixturevalue("postgresql").execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        f" WHERE datname = '{make_url(database_url).database}'"
    )
    assert endpoint.send_message().status_code == 202


def test_twenty_of_the_same_at_once_are_one(endpoint: Endpoint) -> None:
    body = endpoint.message()
    answers: list[int] = []
    calls = [
        threading.Thread(target=lambda: answers.append(endpoint.send(body).status_code)) for _ in range(20)
    ]
    for call in calls:
        call.start()
    for call in calls:
        call.join(20)
    assert sorted(answers) == [200] * 19 + [202]
    assert len(endpoint.events()) == 1
