"""Jobs that failed: reading them page by page, putting them back, deleting them.

However many there are, a page costs three round trips. Every function here raises RedisError when Redis is
away.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from redis import Redis
from rq.exceptions import DeserializationError, InvalidJobOperation, NoSuchJobError
from rq.job import Job
from rq.registry import FailedJobRegistry
from rq.results import Result
from rq.serializers import JSONSerializer

from errors import NotFound
from workers.queues import QUEUES, RegisteredJob, queue

LONGEST_TRACE = 20_000  # characters, the last ones
LONGEST_ERROR = 300


@dataclass(frozen=True, kw_only=True)
class FailedJob:
    """A job in RQ's failed registry: a bug of ours, or a worker that died. `trace`: the whole traceback,
    `error`: its last line."""

    id: str
    queue: str
    job: str
    company: str | None
    failed_at: dt.datetime | None
    error: str | None
    trace: str | None


def count_failed(redis: Redis) -> dict[str, int]:
    """How many jobs each queue's failed registry holds."""
    with redis.pipeline(transaction=False) as asking:
        for registry in _registries(redis).values():
            asking.zcard(registry.key)
        return dict(zip(QUEUES, asking.execute(), strict=True))


def list_failed(redis: Redis, *, skip: int = 0, most: int) -> list[FailedJob]:
    """The failed jobs of every queue, the latest first."""
    places = list(_places(redis).items())[skip : skip + most]
    ids = [job_id for job_id, _ in places]
    jobs = RegisteredJob.fetch_many(ids, connection=redis, serializer=JSONSerializer)
    results = _results(redis, ids)
    return [
        _failed_job(job_id, name, job, result)
        for (job_id, name), job, result in zip(places, jobs, results, strict=True)
    ]


def retry_jobs(redis: Redis, job_ids: Sequence[str]) -> list[str]:
    """Puts these failed jobs back on their queues, without ids all of them; those that were put back.

    Raises NotFound naming the first that is not in the failed registry.
    """
    done = []
    for registry, job_id in _chosen(redis, job_ids):
        try:
            registry.requeue(job_id)
        except NoSuchJobError:  # its data is gone; the entry in the registry is all that is left
            registry.remove(job_id)
            continue
        except InvalidJobOperation:  # somebody else was quicker
            continue
        done.append(job_id)
    return done


def delete_jobs(redis: Redis, job_ids: Sequence[str]) -> list[str]:
    """Forgets these failed jobs, without ids all of them. What they were about is in the database, and goes
    on. Raises NotFound naming the first that is not in the failed registry."""
    chosen = _chosen(redis, job_ids)
    for registry, job_id in chosen:
        with suppress(NoSuchJobError):  # only its name was left
            registry.remove(job_id, delete_job=True)
    return [job_id for _, job_id in chosen]


def _chosen(redis: Redis, job_ids: Sequence[str]) -> list[tuple[FailedJobRegistry, str]]:
    registries, places = _registries(redis), _places(redis)
    for job_id in job_ids:
        if job_id not in places:
            raise NotFound(
                f"There is no failed job {job_id!r}. `bin/manage queue status` shows those there are."
            )
    return [(registries[places[job_id]], job_id) for job_id in job_ids or places]


def _registries(redis: Redis) -> dict[str, FailedJobRegistry]:
    return {name: queue(name, redis).failed_job_registry for name in QUEUES}


def _places(redis: Redis) -> dict[str, str]:
    """Every failed job's id to its queue, the latest first; the registries keep a thousand each at most."""
    with redis.pipeline(transaction=False) as asking:
        for registry in _registries(redis).values():
            asking.zrange(registry.key, 0, -1, desc=True, withscores=True)
        answers = asking.execute()
    found = [
        (score, job_id.decode(), name)
        for name, answer in zip(QUEUES, answers, strict=True)
        for job_id, score in answer
    ]
    return {job_id: name for _, job_id, name in sorted(found, reverse=True)}


def _results(redis: Redis, ids: Sequence[str]) -> list[Result | None]:
    with redis.pipeline(transaction=False) as asking:
        for job_id in ids:
            asking.xrevrange(Result.get_key(job_id), count=1)  # type: ignore[no-untyped-call]
        answers = asking.execute()
    return [
        Result.restore(job_id, answer[0][0].decode(), answer[0][1], redis, JSONSerializer) if answer else None
        for job_id, answer in zip(ids, answers, strict=True)
    ]


def _failed_job(job_id: str, name: str, job: Job | None, result: Result | None) -> FailedJob:
    trace = (result.exc_string or "").strip() if result else ""
    ended = result.created_at if result else job.ended_at if job else None
    what, company = described(job)
    return FailedJob(
        id=job_id,
        queue=name,
        job=what,
        company=company,
        failed_at=utc(ended),
        error=trace.splitlines()[-1][:LONGEST_ERROR] if trace else None,
        trace=trace[-LONGEST_TRACE:] or None,
    )


def described(job: Job | None) -> tuple[str, str | None]:
    """What the job does, and for which company, where it can be read."""
    if job is None:
        return "gone", None
    try:
        company = job.kwargs.get("company") if isinstance(job.kwargs, dict) else None
        return str(job.func_name).rpartition(".")[2], company if isinstance(company, str) else None
    except DeserializationError:
        return "unreadable", None


def utc(moment: dt.datetime | None) -> dt.datetime | None:
    """The moment as aware UTC, which RQ doesn't always say."""
    if moment is None:
        return None
    return moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)
