"""The queues, the jobs they may run, and the bell: one waiting job per company, however many callbacks ring.

Redis is only the doorbell: when it is slow, frozen or gone a ring is lost, nothing else, and the clock rings
again within seconds. So the client here fails fast, and no error leaves this module but into the log.
Facts about RQ: https://python-rq.org/docs/ (version 3.0).
"""

from __future__ import annotations

import os
import threading
import time
from typing import Any

from redis import Redis, Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeout
from redis.retry import Retry
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.worker_registration import get_keys

from workers.outages import Outage

POST, RECEIPTS = "post", "receipts"
QUEUES = (POST, RECEIPTS)

POST_EXPENSES = "workers.jobs.post_expenses"
CARE_FOR_COMPANY = "workers.jobs.care_for_company"
SWEEP_COMPANY = "workers.jobs.sweep_company"
ATTACH_RECEIPTS = "workers.jobs.attach_receipts"
LOOK_FOR_ALERTS = "workers.jobs.look_for_alerts"
JOB_QUEUES = {
    POST_EXPENSES: POST,
    CARE_FOR_COMPANY: POST,
    SWEEP_COMPANY: POST,
    ATTACH_RECEIPTS: RECEIPTS,
    LOOK_FOR_ALERTS: RECEIPTS,
}

BELL_SECONDS = 30  # frees a bell whose enqueue failed
REST_SECONDS = 0.02  # between rings in passing: in a burst one does for all that came meanwhile
JOB_SECONDS = 600
FAILURE_SECONDS = 30 * 24 * 3600


class ForbiddenJob(Exception):
    """A job names something that is not one of our jobs: somebody else wrote into our Redis."""


class RegisteredJob(Job):
    """Runs only our own jobs: with RQ's JSON serializer any importable name would be callable."""

    @property
    def func(self) -> Any:
        if self.func_name not in JOB_QUEUES or self.instance is not None:
            raise ForbiddenJob(f"Job {self.id} names {self.func_name!r}, which is not one of our jobs.")
        return super().func

    def restore(self, raw_data: Any) -> Any:
        """Reads the job, but takes no callbacks and no webhooks from it: we use none."""
        restored = super().restore(raw_data)
        self._success_callback_name = self._failure_callback_name = self._stopped_callback_name = None
        self.webhooks = []
        return restored


def redis_client(url: str, *, fail_fast: bool) -> Redis:
    """A client for `redis://`, `rediss://`, `unix://` or `redis+sentinel://host:port,…/service[/db]`.

    `fail_fast`: gives up within a second and never repeats a command (a repeated enqueue doubles the job).
    """
    options: dict[str, Any] = {"health_check_interval": 30}
    if fail_fast:
        quick = {"socket_timeout": 1.0, "socket_connect_timeout": 0.5, "retry": Retry(NoBackoff(), 0)}
        options |= quick | {"retry_on_timeout": False}
    if url.startswith("redis+sentinel://"):
        hosts, _, rest = url.removeprefix("redis+sentinel://").partition("/")
        service, _, db = rest.partition("/")
        sentinels = [(host.rpartition(":")[0], int(host.rpartition(":")[2])) for host in hosts.split(",")]
        sentinel = Sentinel(sentinels, sentinel_kwargs=quick if fail_fast else None)  # type: ignore[no-untyped-call]
        client: Redis = sentinel.master_for(service, db=int(db or 0), **options)  # type: ignore[no-untyped-call]
        return client
    return Redis.from_url(url, **options)


def queue(name: str, connection: Redis) -> Queue:
    """One of our queues, with our serializer and job class."""
    return Queue(name, connection=connection, serializer=JSONSerializer, job_class=RegisteredJob)


def count_workers(connection: Redis, name: str) -> int:
    """How many workers of this queue are alive. `Worker.all` would tell as well, but makes this connection as
    patient as a worker's. Raises RedisError."""
    keys = get_keys(queue=queue(name, connection))
    return int(connection.exists(*keys)) if keys else 0


def count_failed_jobs(connection: Redis) -> int:
    """How many jobs failed, in all queues. Raises RedisError."""
    return sum(int(connection.zcard(queue(name, connection).failed_job_registry.key)) for name in QUEUES)


def enqueue(connection: Redis, job: str, *, company: str, **arguments: Any) -> None:
    """Puts one of our jobs on its queue. Raises RedisError."""
    queue(JOB_QUEUES[job], connection).enqueue_call(
        job,
        kwargs={"company": company, **arguments},
        description=f"{job.rpartition('.')[2]} {company}",
        timeout=JOB_SECONDS,
        result_ttl=0,
        failure_ttl=FAILURE_SECONDS,
    )


def bell_key(job: str, company: str) -> str:
    """The key that stands while a job of this kind waits for this company."""
    return f"bell:{company}" if job == POST_EXPENSES else f"bell:{company}:{job.rpartition('.')[2]}"


class Bell:
    """Rings for a company: enqueues one job that claims whatever is due, unless one is waiting already."""

    def __init__(self, connection: Redis) -> None:
        self._redis = connection
        self._outage = Outage("Redis")
        self._pending: set[str] = set()
        self._lock = threading.Lock()
        self._work = threading.Event()
        self._thread: threading.Thread | None = None
        self._pid = 0

    def ring(self, company: str, *, job: str = POST_EXPENSES) -> bool:
        """Rings now. True when a job was enqueued; False when one is waiting, or Redis did not answer."""
        try:
            rung = self._ring(company, job)
        except (RedisError, OSError) as error:
            self._outage.failed(error, meanwhile="bells are lost; the clock rings again")
            return False
        self._outage.worked()
        return rung

    def _ring(self, company: str, job: str) -> bool:
        key = bell_key(job, company)
        if not self._redis.set(key, "1", nx=True, ex=BELL_SECONDS):
            return False
        try:
            enqueue(self._redis, job, company=company)
        except (RedisError, OSError) as error:
            if not isinstance(
                error, RedisTimeout
            ):  # then it may have been enqueued, and costs another second
                self._redis.delete(key)
            raise
        return True

    def answer(self, company: str, *, job: str = POST_EXPENSES) -> None:
        """Called first by the job itself: from here on a new ring means a new job."""
        try:
            self._redis.delete(bell_key(job, company))
        except (RedisError, OSError) as error:
            self._outage.failed(error, meanwhile="bells free themselves within half a minute")

    def ring_soon(self, company: str) -> None:
        """Rings from a background thread of this process: never waits, never fails, coalesces a burst."""
        with self._lock:
            self._pending.add(company)
            if self._thread is None or self._pid != os.getpid():
                self._pid = os.getpid()
                self._thread = threading.Thread(target=self._ring_pending, name="bell", daemon=True)
                self._thread.start()
        self._work.set()

    def _ring_pending(self) -> None:
        while True:
            self._work.wait()
            self._work.clear()
            with self._lock:
                companies, self._pending = self._pending, set()
            for company in sorted(companies):
                self.ring(company)
            time.sleep(REST_SECONDS)
