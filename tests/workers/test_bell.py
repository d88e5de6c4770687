"""The bell's key, alone: how long it stands and which job it stands for; and what is told of an outage."""

from __future__ import annotations

import os
import signal

from fakeredis import FakeRedis
from redis import Redis
from structlog.testing import capture_logs

from bin.embedded_redis import EmbeddedRedis
from workers.queues import ATTACH_RECEIPTS, BELL_SECONDS, POST_EXPENSES, Bell, bell_key, redis_client


def test_a_bell_frees_itself_within_thirty_seconds() -> None:
    redis = FakeRedis()
    Bell(redis).ring("acme")
    assert 0 < redis.ttl("bell:acme") <= BELL_SECONDS == 30


def test_a_bell_that_stands_lets_nothing_through() -> None:
    redis = FakeRedis()
    redis.set("bell:acme", "1")
    assert Bell(redis).ring("acme") is False
    assert redis.keys("rq:job:*") == []


def test_answering_frees_this_bell_and_no_other() -> None:
    redis = FakeRedis()
    bell = Bell(redis)
    redis.mset({bell_key(POST_EXPENSES, "acme"): "1", bell_key(ATTACH_RECEIPTS, "acme"): "1"})
    bell.answer("acme")
    assert redis.keys("bell:*") == [b"bell:acme:attach_receipts"]


def test_a_bell_whose_job_was_refused_stands_no_longer(redis_url: str) -> None:
    client = Redis.from_url(redis_url)
    client.set("rq:queue:post", "not a list")
    assert Bell(client).ring("acme") is False
    assert client.keys("bell:*") == []
    client.delete("rq:queue:post")
    assert Bell(client).ring("acme") is True


def test_an_outage_of_redis_is_told_once_and_so_is_its_end(own_redis: EmbeddedRedis) -> None:
    bell = Bell(redis_client(own_redis.url, fail_fast=True))
    os.kill(own_redis.pid, signal.SIGSTOP)
    with capture_logs() as told:
        assert not any(bell.ring("acme") for _ in range(3))
        os.kill(own_redis.pid, signal.SIGCONT)
        for company in ("acme", "bolt", "chip"):
            bell.ring(company)
    assert [line["event"] for line in told] == ["Redis is away", "Redis is there again"]
