"""Jobs that failed: reading them page by page, putting them back, deleting them.

However many there are, a page costs three round trips. Every function here raises RedisError when Redis is
away.
"""

from __future__ import annotations

import datetime as dt
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis import Redis
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.registry import FailedJobRegistry
from rq.results import Result
from rq.serializers import JSONSerializer

from console.job_reading import JobSeen, forget, id_of, read_jobs
from errors import NotFound
from workers.queues import QUEUES, queue

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
    jobs, results = read_jobs(redis, ids), _results(redis, ids)
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
        except (ValueError, TypeError):  # it can't be read, so it can't be run; it stays to be seen
            continue
        done.append(job_id)
    return done


def delete_jobs(redis: Redis, job_ids: Sequence[str]) -> list[str]:
    """Forgets these failed jobs, without ids all of them. What they were about is in the database, and goes
    on. Raises NotFound naming the first that is not in the failed registry."""
    chosen = _chosen(redis, job_ids)
    for registry, job_id in chosen:
        forget(redis, registry, job_id)
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
        (score, id_of(job_id), name)
        for name, answer in zip(QUEUES, answers, strict=True)
        for job_id, score in answer
    ]
    return {job_id: name for _, job_id, name in sorted(found, reverse=True)}


def _results(redis: Redis, ids: Sequence[str]) -> list[Result | None]:
    with redis.pipeline(transaction=False) as asking:
        for job_id in ids:
            asking.xrevrange(Result.get_key(job_id), count=1)  # type: ignore[no-untyped-call]
        answers = asking.execute(raise_on_error=False)
    return [_result(redis, job_id, answer) for job_id, answer in zip(ids, answers, strict=True)]


def _result(redis: Redis, job_id: str, answer: Any) -> Result | None:
    try:
        [(result_id, told)] = answer
        return Result.restore(job_id, result_id.decode(), told, redis, JSONSerializer)
    except (ValueError, TypeError, KeyError, zlib.error):  # there is none, or it isn't RQ's own
        return None


def _failed_job(job_id: str, name: str, job: JobSeen, result: Result | None) -> FailedJob:
    trace = (result.exc_string or "").strip() if result else ""
    return FailedJob(
        id=job_id,
        queue=name,
        job=job.job,
        company=job.company,
        failed_at=utc(result.created_at if result else job.ended_at),
        error=trace.splitlines()[-1][:LONGEST_ERROR] if trace else None,
        trace=trace[-LONGEST_TRACE:] or None,
    )


def utc(moment: dt.datetime | None) -> dt.datetime | None:
    """The moment as aware UTC, which RQ doesn't always say."""
    if moment is None:
        return None
    return moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)
