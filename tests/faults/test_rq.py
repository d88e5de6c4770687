"""What RQ 3.0.0 loses, doubles or parks, shown with RQ alone; then ours, which loses and doubles nothing.

The letters are those of docs/queue.md, which says why. What takes RQ minutes of waiting is laid out as the
crash would have left it.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue, Retry, Worker
from rq.cron import CronScheduler
from rq.exceptions import DuplicateJobError
from rq.job import Job, JobStatus

from console.failed_jobs import retry_jobs
from console.jobs import list_workers
from models import states
from tests.faults import bare
from tests.faults.conftest import Rig, wait_until
from tests.faults.house import House, move_in
from tests.faults.test_kills import settle
from tests.journey.conftest import Journey
from workers import jobs
from workers.clock import Clock
from workers.posting import Posting
from workers.queue_worker import QueueWorker, drop_oldest_failed
from workers.queues import ATTACH_RECEIPTS, POST, Bell
from workers.readiness import _processes

pytestmark = pytest.mark.one_database

LATER = 10_000  # seconds, after which every heartbeat is too old


@pytest.fixture
def client(redis_url: str) -> Redis:
    return Redis.from_url(redis_url)


@pytest.fixture
def house(journey: Journey, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> House:
    return move_in(journey, redis_url, monkeypatch)


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    return tmp_path / "lines"


def wait_until_idle(client: Redis) -> None:
    """Until a worker waits in Redis for its next job."""
    wait_until(lambda: any(one["cmd"] == "blmove" for one in client.client_list()))


def test_l1_a_job_for_a_killed_idle_worker_goes_to_the_next_one(rig: Rig, client: Redis, lines: Path) -> None:
    scheduling = rig.start(sys.executable, "-m", "tests.faults.bare", rig.environ["REDIS_URL"])
    wait_until_idle(client)
    wait_until(lambda: rig.children(scheduling))
    orphans = rig.children(scheduling)
    rig.kill(scheduling, family=False)
    job = bare.bare_queue(client).enqueue(bare.write_line, str(lines))
    wait_until(lambda: bare.bare_queue(client).intermediate_queue.get_job_ids() == [job.id])
    for orphan in orphans:  # RQ's scheduler: it lives on, and with it the dead worker's connection
        orphan.kill()

    wait_until(lambda: not any(one["cmd"] == "blmove" for one in client.client_list()))
    ours = rig.start_worker()
    wait_until_idle(client)
    assert rig.children(ours) == []
    rig.kill(ours)
    [entry_id] = rig.journey.add({})
    assert rig.journey.wiring.bell.ring("acme")
    assert client.llen("rq:queue:post") == 1
    rig.start_worker()
    settle(rig, [entry_id])
    rig.journey.assert_posted_once(entry_id)


def test_l2_a_worker_of_two_queues_loses_what_it_took_ours_has_one(
    house: House, client: Redis, lines: Path
) -> None:
    queues = [bare.bare_queue(client), bare.bare_queue(client, "other")]
    lost = queues[0].enqueue(bare.write_line, str(lines))
    Queue.dequeue_any(queues, 1, connection=client)  # and dies
    assert lost.get_status() == JobStatus.QUEUED
    assert bare.is_nowhere(client, queues[0], lost)

    assert [one.name for one in QueueWorker(POST, client).queues] == [POST]
    [entry_id] = house.journey.add({})
    house.ring()
    client.lpop(house.queue.key)  # were one lost all the same
    house.tick()
    house.work()
    house.journey.assert_posted_once(entry_id)


def test_l3_a_job_taken_and_not_begun_is_failed_by_rq_ours_is_rung_for_again(
    house: House, client: Redis, lines: Path
) -> None:
    queue = bare.bare_queue(client)
    parked = queue.enqueue(bare.write_line, str(lines))
    Queue.dequeue_any([queue], None, connection=client)  # and dies
    tidy_up(client, queue, Worker([queue], connection=client), parked)
    bare.run_all(client)
    assert (parked.get_status(), bare.count_runs(lines)) == (JobStatus.FAILED, 0)

    [entry_id] = house.journey.add({})
    ours = house.ring()
    house.take()
    house.tick()
    house.work()
    house.journey.assert_posted_once(entry_id)
    tidy_up(client, house.queue, QueueWorker(POST, client), ours)
    assert retry_jobs(client, []) == [ours.id]  # an operator who sees it failed may press retry
    house.work()
    house.journey.assert_posted_once(entry_id)


def tidy_up(client: Redis, queue: Queue, worker: Worker, job: Job) -> None:
    """RQ's maintenance, when it has seen the job parked for two minutes."""
    client.set(queue.intermediate_queue.get_first_seen_key(job.id), time.time() - 120)
    queue.intermediate_queue.cleanup(worker, queue)


def test_l4_a_job_killed_with_its_worker_is_failed_by_rq_ours_is_rung_for_again(
    house: House, client: Redis, lines: Path
) -> None:
    queue = bare.bare_queue(client)
    killed = queue.enqueue(bare.write_line, str(lines))
    bare.begin(client, killed)
    queue.started_job_registry.cleanup(time.time() + LATER)
    bare.run_all(client)
    assert (killed.get_status(), bare.count_runs(lines)) == (JobStatus.FAILED, 0)

    [entry_id] = house.journey.add({})
    house.begin(house.ring())
    Posting(house.journey.wiring.work("acme"))._claim()
    house.tick()
    house.ring()
    house.work()
    assert house.journey.expense(entry_id).state == states.POSTING  # the dead one's lease still runs
    house.journey.make_due()
    house.tick()
    house.work()
    house.queue.started_job_registry.cleanup(time.time() + LATER)
    house.work()
    house.journey.assert_posted_once(entry_id)


def test_d1_a_job_whose_parent_died_runs_twice_at_once_ours_shares_no_row(
    house: House, client: Redis, lines: Path
) -> None:
    queue = bare.bare_queue(client)
    job = queue.enqueue(bare.write_line, str(lines), retry=Retry(max=1))
    bare.begin(client, job)
    queue.started_job_registry.cleanup(time.time() + LATER)
    job.perform()  # what the dead worker's child was at
    bare.run_all(client)
    assert bare.count_runs(lines) == 2

    entry_ids = house.journey.add({}, {"amount": "7.00"})
    house.journey.fault(system="xero", method="PUT", path="/Invoices", kind="slow", seconds=1, times=1)
    both = [threading.Thread(target=jobs.post_expenses, kwargs={"company": "acme"}) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join(60)
    house.journey.assert_posted_once(*entry_ids)


def test_d3_a_finished_job_left_in_the_registry_stays_finished(
    house: House, client: Redis, lines: Path
) -> None:
    """RQ 2.12 failed or ran it again; 3.0.0 looks at its status first, so RQ alone is well here."""
    queue = bare.bare_queue(client)
    job = queue.enqueue(bare.write_line, str(lines))
    bare.run_all(client)
    client.zadd(queue.started_job_registry.key, {f"{job.id}:left": 1})
    queue.started_job_registry.cleanup()
    bare.run_all(client)
    assert (job.get_status(), bare.count_runs(lines)) == (JobStatus.FINISHED, 1)

    [entry_id] = house.journey.add({})
    ours = house.ring()
    house.work()
    client.zadd(house.queue.started_job_registry.key, {f"{ours.id}:left": 1})
    house.queue.started_job_registry.cleanup()
    house.work()
    assert house.queue.failed_job_registry.count == house.queue.started_job_registry.count == 0
    house.journey.assert_posted_once(entry_id)


def test_d4_a_job_lost_while_it_is_put_back_is_rung_for_again(
    house: House, client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = bare.bare_queue(client)
    lost = queue.enqueue(bare.fail)
    bare.run_all(client)
    [entry_id] = house.journey.add({})
    ours = house.ring()
    house.begin(ours)
    house.queue.started_job_registry.cleanup(time.time() + LATER)

    with monkeypatch.context() as dying:
        dying.setattr(Queue, "_enqueue_job", lambda *_, **__: bare.fail())
        for put_back in (lambda: queue.failed_job_registry.requeue(lost.id), lambda: retry_jobs(client, [])):
            with pytest.raises(RuntimeError):
                put_back()
    assert bare.is_nowhere(client, queue, lost)
    assert bare.is_nowhere(client, house.queue, ours)
    house.tick()
    house.work()
    house.journey.assert_posted_once(entry_id)


def test_a_failed_job_with_a_fixed_id_bars_the_next_ours_has_no_fixed_id(
    house: House, client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = bare.bare_queue(client)
    queue.enqueue(bare.fail, job_id="doorbell", unique=True)
    bare.run_all(client)
    with pytest.raises(DuplicateJobError):
        queue.enqueue(bare.fail, job_id="doorbell", unique=True)

    [entry_id] = house.journey.add({})
    with monkeypatch.context() as broken:
        broken.setattr(Posting, "run", lambda _self: bare.fail())
        house.ring()
        house.work()
    assert house.queue.failed_job_registry.count == 1
    house.ring()
    house.work()
    house.journey.assert_posted_once(entry_id)


def test_two_schedulers_double_everything_two_clocks_do_not(house: House, client: Redis, lines: Path) -> None:
    for _ in range(2):
        cron = CronScheduler(connection=client)
        cron.register(bare.write_line, bare.NAME, args=(str(lines),), interval=3600)
        cron.enqueue_jobs()
    bare.run_all(client)
    assert bare.count_runs(lines) == 2

    [entry_id] = house.journey.add({})
    for _ in range(2):
        clock = Clock(house.journey.database, house.journey.wiring.bell, sweep_seconds=300)
        clock.tick()
    descriptions = sorted(str(job.description) for job in house.queue.jobs)
    assert descriptions == ["care_for_company acme", "post_expenses acme", "sweep_company acme"]
    house.work()
    house.journey.assert_posted_once(entry_id)


def test_redis_flushed_takes_every_job_of_rq_and_none_of_ours(
    house: House, client: Redis, lines: Path
) -> None:
    bare.bare_queue(client).enqueue(bare.write_line, str(lines))
    [entry_id] = house.journey.add({})
    house.ring()
    client.flushall()
    bare.run_all(client)
    house.work()
    assert (bare.count_runs(lines), house.journey.expense(entry_id).state) == (0, states.QUEUED)
    house.tick()
    house.work()
    house.journey.assert_posted_once(entry_id)


def test_a_worker_that_redis_forgot_is_seen_again_at_its_next_beat(client: Redis) -> None:
    theirs, ours = Worker([bare.bare_queue(client)], connection=client), QueueWorker(POST, client)
    for worker in (theirs, ours):
        worker.register_birth()  # type: ignore[no-untyped-call]
    client.flushall()
    for worker in (theirs, ours):
        worker.heartbeat()
    assert [seen.name for seen in list_workers(client)] == [ours.name]
    assert 0 < client.ttl(ours.key) <= 45


def test_a_dead_worker_is_not_counted_as_one_that_runs(house: House, client: Redis) -> None:
    work = house.journey.wiring.work("acme")
    worker = QueueWorker(POST, client)
    worker.register_birth()  # type: ignore[no-untyped-call]
    assert "worker_not_running" not in [found.cause for found in _processes(work, client)]
    client.delete(worker.key)  # it died, and its time is over
    assert "worker_not_running" in [found.cause for found in _processes(work, client)]


def test_jobs_that_fail_for_ever_do_not_fill_redis(client: Redis) -> None:
    queue = bare.bare_queue(client)
    made = [queue.enqueue(bare.fail).id for _ in range(5)]
    bare.run_all(client)
    drop_oldest_failed(queue.failed_job_registry, keep=2)
    kept = queue.failed_job_registry.get_job_ids()
    assert len(kept) == 2 and set(kept) < set(made)
    assert len(client.keys("rq:job:*")) == 2


def test_jobs_that_have_ended_leave_nothing_in_redis(house: House, client: Redis) -> None:
    def keys_after(rounds: int) -> list[str]:
        for _ in range(rounds):
            house.ring()
            Bell(client).ring("acme", job=ATTACH_RECEIPTS)
            house.work()
        return sorted(str(key) for key in client.keys("rq:*") if ":worker" not in str(key))

    assert keys_after(2) == keys_after(6)
