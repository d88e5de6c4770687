"""Redis frozen, killed and started anew under real workers: first RQ alone, then ours (docs/queue.md)."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from redis import Redis
from redis.backoff import ConstantBackoff, NoBackoff
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeout
from redis.retry import Retry as Repeat
from rq import Retry
from rq.job import JobStatus

from bin.embedded_redis import EmbeddedRedis
from console.jobs import list_workers
from tests.faults import bare
from tests.faults.conftest import Rig, wait_until
from tests.faults.house import House, move_in
from tests.faults.servers import frozen
from tests.faults.test_kills import settle
from tests.faults.test_rq import wait_until_idle
from tests.journey.conftest import Journey
from workers.queues import POST, queue, redis_client

pytestmark = pytest.mark.one_database


class Mortal:
    """A Redis with an append-only file: killed it can be started again, at the same address."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.start()

    def start(self) -> None:
        self.server = EmbeddedRedis(self.folder, durable=True)

    def kill(self) -> None:
        self.server.process.kill()
        self.server.process.wait(10)


@pytest.fixture
def mortal(server_folder: Path) -> Iterator[Mortal]:
    made = Mortal(server_folder / uuid.uuid4().hex[:8])
    yield made
    made.server.stop()


@pytest.fixture
def redis_url(mortal: Mortal) -> str:
    return mortal.server.url


@pytest.fixture
def client(redis_url: str) -> Redis:
    return Redis.from_url(redis_url, retry=Repeat(NoBackoff(), 0))


@pytest.fixture
def house(journey: Journey, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> House:
    return move_in(journey, redis_url, monkeypatch)


def test_d2_rq_runs_again_what_ended_while_redis_was_away(
    client: Redis, mortal: Mortal, tmp_path: Path
) -> None:
    lines = tmp_path / "lines"
    bare_queue = bare.bare_queue(client)
    arguments = (str(lines), mortal.server.pid)
    job = bare_queue.enqueue(bare.write_line_and_lose_redis, *arguments, retry=Retry(max=1))
    with suppress(RedisError):
        bare.run_all(client)
    mortal.start()
    assert job.get_status() == JobStatus.STARTED
    bare_queue.started_job_registry.cleanup(time.time() + 10_000)
    bare.run_all(client)
    assert bare.count_runs(lines) == 2


def test_d2_our_work_is_recorded_while_redis_is_away_and_not_done_again(
    rig: Rig, house: House, mortal: Mortal
) -> None:
    worker = rig.start_worker()
    wait_until_idle(house.redis)
    rig.journey.fault(id="f", system="xero", method="PUT", path="/Invoices", kind="slow", seconds=2, times=1)
    [entry_id] = rig.journey.add({})
    assert rig.journey.wiring.bell.ring("acme")
    rig.wait_for_fault("f")
    mortal.kill()
    settle(rig, [entry_id])
    assert worker.wait(120) == 1  # a supervisor sees that it did not end as asked
    mortal.start()
    house.queue.started_job_registry.cleanup(time.time() + 10_000)
    house.tick()
    house.work()
    rig.journey.assert_posted_once(entry_id)


def test_an_idle_worker_goes_on_and_is_seen_when_redis_comes_back_empty(
    rig: Rig, house: House, mortal: Mortal, client: Redis
) -> None:
    worker = rig.start_worker()
    wait_until_idle(client)
    mortal.kill()
    [entry_id] = rig.journey.add({})
    assert rig.journey.wiring.bell.ring("acme") is False
    mortal.start()
    client.flushall()
    house.tick()
    settle(rig, [entry_id])
    rig.journey.assert_posted_once(entry_id)
    wait_until(lambda: len(list_workers(client)) == 1)
    assert worker.poll() is None


def test_a_repeated_command_doubles_a_job_ours_is_sent_once(
    house: House, redis_url: str, mortal: Mortal
) -> None:
    """The last command of an enqueue is tried alone: a frozen Redis keeps what it was sent, and does it all
    when it wakes, though the client has long sent it again."""
    repeating = Redis.from_url(redis_url, socket_timeout=0.3, retry=Repeat(ConstantBackoff(0.1), 100))
    patient = bare.bare_queue(repeating)
    ours = queue(POST, redis_client(redis_url, fail_fast=True))
    for one in (patient, ours):
        one.connection.ping()
    [entry_id] = house.journey.add({})
    with frozen(mortal.server.pid):
        pushing = threading.Thread(target=patient.push_job_id, args=("one",))
        pushing.start()
        with pytest.raises(RedisTimeout):
            ours.push_job_id("one")
        assert house.journey.wiring.bell.ring("acme") is False
    pushing.join(60)
    assert patient.connection.lrange(patient.key, 0, -1).count(b"one") >= 2
    assert ours.connection.lrange(ours.key, 0, -1).count(b"one") <= 1
    house.tick()
    house.work()
    house.journey.assert_posted_once(entry_id)
