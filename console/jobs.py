"""RQ's side of the queue: what waits, who works at what, and what failed.

Facts about RQ: https://python-rq.org/docs/ (version 3.0). Every function here raises RedisError when Redis
is away.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from redis import Redis
from rq.executions import WORKER_EXECUTIONS_KEY_TEMPLATE
from rq.worker_registration import get_keys

from console.failed_jobs import FailedJob, count_failed, list_failed, utc
from console.job_reading import GONE, JobSeen, id_of, moment_of, read_jobs
from console.parked_jobs import Parked, list_parked
from workers.queues import QUEUES, queue

MOST = 100  # failed jobs that are told in detail
PARKED = 25  # jobs that wait for a time or for another, of each queue
_PREFIX = "rq:worker:"


@dataclass(frozen=True, kw_only=True)
class WorkerSeen:
    """A worker. `job`, `company`: what it does now."""

    name: str
    queues: list[str]
    state: str
    seen_at: dt.datetime | None
    job: str | None
    company: str | None


@dataclass(frozen=True, kw_only=True)
class Jobs:
    """RQ at one moment. `waiting`, `oldest` (since when the first in the queue waits) and `failed_count` by
    queue. `parked`: what waits for a time or for another job."""

    waiting: dict[str, int]
    oldest: dict[str, dt.datetime | None]
    failed_count: dict[str, int]
    workers: list[WorkerSeen]
    parked: Parked
    failed: list[FailedJob]


def look_at_jobs(redis: Redis, *, skip: int = 0, most: int = MOST) -> Jobs:
    """What RQ knows now; of the failed jobs `most`, the latest after the first `skip`."""
    return Jobs(
        waiting=count_waiting(redis),
        oldest=_oldest(redis),
        failed_count=count_failed(redis),
        workers=list_workers(redis),
        parked=list_parked(redis, most=PARKED),
        failed=list_failed(redis, skip=skip, most=most),
    )


def count_waiting(redis: Redis) -> dict[str, int]:
    """How many jobs wait in each queue."""
    return {name: queue(name, redis).count for name in QUEUES}


def list_workers(redis: Redis) -> list[WorkerSeen]:
    """The workers that RQ knows, by name.

    Not by `Worker.all`: that makes workers of them, and each would give our impatient connections the
    patience of a worker, who may wait for minutes.
    """
    keys = sorted(get_keys(connection=redis))
    with redis.pipeline(transaction=False) as asking:
        for key in keys:
            asking.hgetall(key)
            asking.srandmember(WORKER_EXECUTIONS_KEY_TEMPLATE.format(key.removeprefix(_PREFIX)))
        answers = asking.execute()
    alive = [
        (key.removeprefix(_PREFIX), _texts(told), (doing or b"").decode().partition(":")[0])
        for key, told, doing in zip(keys, answers[::2], answers[1::2], strict=True)
        if told
    ]
    jobs = _by_id(redis, [job_id for _, _, job_id in alive if job_id])
    return [_seen(name, told, jobs.get(job_id)) for name, told, job_id in alive]


def _seen(name: str, told: dict[str, str], job: JobSeen | None) -> WorkerSeen:
    heartbeat = told.get("last_heartbeat", "")
    return WorkerSeen(
        name=name,
        queues=[one for one in told.get("queues", "").split(",") if one],
        state=told.get("state", "?"),
        seen_at=utc(moment_of(heartbeat.encode())),
        job=job.job if job else None,
        company=job.company if job else None,
    )


def _oldest(redis: Redis) -> dict[str, dt.datetime | None]:
    with redis.pipeline(transaction=False) as asking:
        for name in QUEUES:
            asking.lindex(queue(name, redis).key, 0)
        first = {name: id_of(answer) for name, answer in zip(QUEUES, asking.execute(), strict=True) if answer}
    jobs = _by_id(redis, list(first.values()))
    found = {name: jobs.get(job_id) for name, job_id in first.items()}
    return {name: utc(job.enqueued_at) if (job := found.get(name)) else None for name in QUEUES}


def _by_id(redis: Redis, ids: list[str]) -> dict[str, JobSeen]:
    return {job_id: job for job_id, job in zip(ids, read_jobs(redis, ids), strict=True) if job is not GONE}


def _texts(told: dict[bytes, bytes]) -> dict[str, str]:
    return {name.decode(errors="replace"): value.decode(errors="replace") for name, value in told.items()}
