"""The bell rings for one waiting job, and the worker's job class runs nothing but our own jobs."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue, SimpleWorker
from rq.callbacks import Callback
from rq.serializers import JSONSerializer
from rq.webhook import Webhook

from bin.embedded_redis import EmbeddedRedis
from workers import queues
from workers.queues import POST_EXPENSES, SWEEP_COMPANY, Bell, ForbiddenJob, RegisteredJob, redis_client


@pytest.fixture
def client(redis_url: str) -> Redis:
    return redis_client(redis_url, fail_fast=True)


def strangers(client: Redis) -> Queue:
    """Our queue as somebody uses it who can write into our Redis."""
    return Queue(queues.POST, connection=client, serializer=JSONSerializer)


def run(client: Redis) -> None:
    """A worker as ours, without the fork, until the queue is empty."""
    worker = SimpleWorker(
        [queues.queue(queues.POST, client)],
        connection=client,
        serializer=JSONSerializer,
        job_class=RegisteredJob,
    )
    worker.work(burst=True)


def test_however_often_it_rings_one_job_waits(client: Redis) -> None:
    bell = Bell(client)
    assert [bell.ring("acme") for _ in range(100)] == [True] + [False] * 99
    [job] = queues.queue(queues.POST, client).jobs
    assert (job.func_name, job.kwargs) == (POST_EXPENSES, {"company": "acme"})


def test_each_company_and_each_kind_of_job_has_its_own_bell(client: Redis) -> None:
    bell = Bell(client)
    rung = [bell.ring("acme"), bell.ring("bolt"), bell.ring("acme", job=SWEEP_COMPANY)]
    assert rung == [True, True, True]


def test_after_the_job_answered_a_ring_is_a_new_job(client: Redis) -> None:
    bell = Bell(client)
    bell.ring("acme")
    bell.answer("acme")
    assert bell.ring("acme")
    assert queues.queue(queues.POST, client).count == 2


def test_a_bell_whose_enqueue_failed_frees_itself(client: Redis) -> None:
    client.set("rq:queue:post", "not a list, so that RQ's push is refused")
    assert not Bell(client).ring("acme")
    seconds_left = client.ttl(queues.bell_key(POST_EXPENSES, "acme"))  # -2: gone already
    assert -2 <= seconds_left <= queues.BELL_SECONDS and seconds_left != -1


def test_many_processes_ringing_at_once_make_one_job(redis_url: str, client: Redis) -> None:
    rung: list[bool] = []
    bells = [Bell(redis_client(redis_url, fail_fast=True)) for _ in range(8)]
    threads = [threading.Thread(target=lambda b=bell: rung.append(b.ring("acme"))) for bell in bells]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(rung) == [False] * 7 + [True]
    assert queues.queue(queues.POST, client).count == 1


def test_ringing_in_passing_never_waits_for_a_frozen_redis(own_redis: EmbeddedRedis) -> None:
    bell = Bell(redis_client(own_redis.url, fail_fast=True))
    os.kill(own_redis.pid, signal.SIGSTOP)
    started = time.monotonic()
    for _ in range(1000):
        bell.ring_soon("acme")
    assert time.monotonic() - started < 0.5


def test_what_rang_in_passing_arrives(client: Redis) -> None:
    bell = Bell(client)
    for company in ("acme", "bolt", "acme"):
        bell.ring_soon(company)
    deadline = time.monotonic() + 5
    while queues.queue(queues.POST, client).count < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert {job.kwargs["company"] for job in queues.queue(queues.POST, client).jobs} == {"acme", "bolt"}


def test_a_frozen_redis_is_given_up_within_a_second_or_two(own_redis: EmbeddedRedis) -> None:
    bell = Bell(redis_client(own_redis.url, fail_fast=True))
    os.kill(own_redis.pid, signal.SIGSTOP)
    started = time.monotonic()
    assert not bell.ring("acme")
    assert time.monotonic() - started < 2.5


def test_a_foreign_job_is_not_run(client: Redis, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    strangers(client).enqueue_call("os.system", args=(f"touch {mark}",))
    run(client)
    assert not mark.exists()
    assert queues.queue(queues.POST, client).failed_job_registry.count == 1


@pytest.mark.parametrize("name", ["os.system", "subprocess.call", "workers.jobs.sys.exit", "builtins.exec"])
def test_only_our_own_jobs_may_be_named(client: Redis, name: str) -> None:
    made = strangers(client).enqueue_call(name, args=("true",))
    job = RegisteredJob.fetch(made.id, connection=client, serializer=JSONSerializer)
    with pytest.raises(ForbiddenJob, match="not one of our jobs"):
        _ = job.func


def test_callbacks_in_a_forged_job_are_dropped(client: Redis) -> None:
    forged = strangers(client).enqueue_call(
        POST_EXPENSES,
        kwargs={"company": "nobody"},
        on_success=Callback("os.abort"),
        on_failure=Callback("os.abort"),
        on_stopped=Callback("os.abort"),
    )
    job = RegisteredJob.fetch(forged.id, connection=client, serializer=JSONSerializer)
    assert (job.success_callback, job.failure_callback, job.stopped_callback) == (None, None, None)


def test_webhooks_in_a_forged_job_are_dropped(client: Redis) -> None:
    webhook = Webhook("http://127.0.0.1:9/", job_status="failed")
    forged = strangers(client).enqueue_call("os.system", args=("true",), webhooks=[webhook])
    assert forged.webhooks
    assert RegisteredJob.fetch(forged.id, connection=client, serializer=JSONSerializer).webhooks == []
