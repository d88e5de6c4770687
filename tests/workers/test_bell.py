"""The bell's key, alone: how long it stands and which job it stands for (fakeredis: no queue is run here)."""

from __future__ import annotations

from fakeredis import FakeRedis

from workers.queues import ATTACH_RECEIPTS, BELL_SECONDS, POST_EXPENSES, Bell, bell_key


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
