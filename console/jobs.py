"""RQ's side of the queue: what waits, who works, what failed, and putting failed jobs back.

Facts about RQ: https://python-rq.org/docs/ (version 3.0). Every function here raises RedisError when Redis
is away.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from redis import Redis
from rq import Worker
from rq.exceptions import NoSuchJobError
from rq.job import Job
from rq.serializers import JSONSerializer

from errors import NotFound
from workers.queues import QUEUES, RegisteredJob, queue

MOST = 100  # failed jobs that are told in detail


@dataclass(frozen=True, kw_only=True)
class WorkerSeen:
    name: str
    queues: list[str]
    state: str
    seen_at: dt.datetime | None


@dataclass(frozen=True, kw_only=True)
class FailedJob:
    """A job in RQ's failed registry: a bug of ours, or a worker that died. `error`: its last line."""

    id: str
    queue: str
    job: str
    company: str | None
    failed_at: dt.datetime | None
    error: str | None


@dataclass(frozen=True, kw_only=True)
class Jobs:
    """RQ at one moment. `waiting` and `failed_count` by queue."""

    waiting: dict[str, int]
    failed_count: dict[str, int]
    workers: list[WorkerSeen]
    failed: list[FailedJob]


def look_at_jobs(redis: Redis) -> Jobs:
    """What RQ knows now; at most MOST failed jobs, the latest."""
    queues = {name: queue(name, redis) for name in QUEUES}
    return Jobs(
        waiting={name: one.count for name, one in queues.items()},
        failed_count=count_failed(redis),
        workers=list_workers(redis),
        failed=[job for name in QUEUES for job in _failed(redis, name)],
    )


def count_failed(redis: Redis) -> dict[str, int]:
    """How many jobs each queue's failed registry holds."""
    return {name: len(queue(name, redis).failed_job_registry.get_job_ids(cleanup=False)) for name in QUEUES}


def count_waiting(redis: Redis) -> dict[str, int]:
    """How many jobs wait in each queue."""
    return {name: queue(name, redis).count for name in QUEUES}


def list_workers(redis: Redis) -> list[WorkerSeen]:
    """The workers that RQ knows, by name."""
    found = Worker.all(connection=redis, job_class=RegisteredJob, serializer=JSONSerializer)
    seen = [
        WorkerSeen(
            name=worker.name,
            queues=list(worker.queue_names()),
            state=str(worker.get_state()),
            seen_at=_utc(worker.last_heartbeat),
        )
        for worker in found
    ]
    return sorted(seen, key=lambda worker: worker.name)


def retry_jobs(redis: Redis, job_ids: list[str]) -> list[str]:
    """Puts these failed jobs back on their queues, without ids all of them; those that were put back.

    Raises NotFound naming the first that is not in the failed registry.
    """
    registries = {name: queue(name, redis).failed_job_registry for name in QUEUES}
    places = {job_id: name for name, one in registries.items() for job_id in one.get_job_ids(cleanup=False)}
    for job_id in job_ids:
        if job_id not in places:
            raise NotFound(
                f"There is no failed job {job_id!r}. `bin/manage queue status` shows those there are."
            )
    done = []
    for job_id in job_ids or list(places):
        try:
            registries[places[job_id]].requeue(job_id)
        except NoSuchJobError:  # its data is gone; the entry in the registry is all that is left
            registries[places[job_id]].remove(job_id)
            continue
        done.append(job_id)
    return done


def _failed(redis: Redis, name: str) -> list[FailedJob]:
    ids = queue(name, redis).failed_job_registry.get_job_ids(cleanup=False, end=MOST - 1, desc=True)
    jobs = RegisteredJob.fetch_many(ids, connection=redis, serializer=JSONSerializer)
    return [_failed_job(job, name) for job in jobs if job is not None]


def _failed_job(job: Job, name: str) -> FailedJob:
    result = job.latest_result()
    lines = (result.exc_string or "").strip().splitlines() if result else []
    company = job.kwargs.get("company") if isinstance(job.kwargs, dict) else None
    return FailedJob(
        id=job.id,
        queue=name,
        job=str(job.func_name).rpartition(".")[2],
        company=company if isinstance(company, str) else None,
        failed_at=_utc(result.created_at if result else job.ended_at),
        error=lines[-1][:300] if lines else None,
    )


def _utc(moment: dt.datetime | None) -> dt.datetime | None:
    if moment is None:
        return None
    return moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)
