"""Jobs that RQ keeps for later: scheduled for a time, or deferred until another job has ended.

We put none there, and nothing here takes any up: the clock keeps time in the database (docs/queue.md). So
whatever is found was put there by hand or by another program, and is looked at with distrust. Every function
here raises RedisError when Redis is away.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from redis import Redis
from rq.registry import BaseRegistry

from console.job_reading import JobSeen, forget, id_of, read_jobs
from errors import NeedsAttention, NotFound
from workers.queues import JOB_QUEUES, QUEUES, enqueue, queue

SCHEDULED, DEFERRED = "scheduled", "deferred"


@dataclass(frozen=True, kw_only=True)
class ParkedJob:
    """A job for later. `at`: when it is due (SCHEDULED), or since when it waits (DEFERRED). `may_go`: whether
    it is one of our own jobs, which can be put on its queue now."""

    id: str
    queue: str
    kind: str
    at: dt.datetime | None
    job: str
    company: str | None
    may_go: bool


@dataclass(frozen=True, kw_only=True)
class Parked:
    """What is kept for later: how many, and the first of them. `begun`: jobs at work, by queue."""

    count: int
    jobs: list[ParkedJob]
    begun: dict[str, int]


def list_parked(redis: Redis, *, most: int) -> Parked:
    """What every queue keeps for later, the first to come due first; of each kind and queue `most`."""
    places = _registries(redis)
    with redis.pipeline(transaction=False) as asking:
        for name in QUEUES:
            asking.zcard(queue(name, redis).started_job_registry.key)
        for registry in places.values():
            asking.zcard(registry.key)
            asking.zrange(registry.key, 0, most - 1, withscores=True)
        answers = asking.execute()
    begun, counts, rows = answers[: len(QUEUES)], answers[len(QUEUES) :: 2], answers[len(QUEUES) + 1 :: 2]
    found = [
        (kind, name, id_of(raw), score)
        for (kind, name), some in zip(places, rows, strict=True)
        for raw, score in some
    ]
    seen = read_jobs(redis, [job_id for _, _, job_id, _ in found])
    return Parked(
        count=sum(counts),
        jobs=[_parked(*place, job) for place, job in zip(found, seen, strict=True)],
        begun=dict(zip(QUEUES, begun, strict=True)),
    )


def enqueue_parked(redis: Redis, job_id: str) -> list[str]:
    """Puts a scheduled job on its queue now, as a new one of ours: nothing of the old one is taken over but
    what it names. Raises NotFound, and NeedsAttention for what is not one of our jobs."""
    kind, name, registry = _place(redis, job_id)
    [seen] = read_jobs(redis, [job_id])
    if not _may_go(kind, name, seen):
        raise NeedsAttention(
            "not_our_job",
            f"The job {job_id!r} is not one of our jobs that wait for a time, so it is not put on a queue.",
            "Delete it; what is due stands in the database, and goes on without it.",
        )
    if forget(redis, registry, job_id):
        enqueue(redis, str(seen.function), company=str(seen.company))
        return [job_id]
    return []


def delete_parked(redis: Redis, job_ids: Sequence[str]) -> list[str]:
    """Forgets these jobs, without ids all of them. Raises NotFound naming the first that isn't there."""
    places: list[tuple[BaseRegistry, str | bytes]] = []
    for job_id in job_ids:
        places.append((_place(redis, job_id)[2], job_id))
    if not job_ids:
        places += [(one, raw) for one in _registries(redis).values() for raw in _members(redis, one)]
    return [raw if isinstance(raw, str) else id_of(raw) for one, raw in places if forget(redis, one, raw)]


def _members(redis: Redis, registry: BaseRegistry) -> list[bytes]:
    """As they stand there: an id need not be text."""
    found: list[bytes] = redis.zrange(registry.key, 0, -1)  # type: ignore[assignment]
    return found


def _registries(redis: Redis) -> dict[tuple[str, str], BaseRegistry]:
    """By kind and queue."""
    ours = {name: queue(name, redis) for name in QUEUES}
    return {(SCHEDULED, name): one.scheduled_job_registry for name, one in ours.items()} | {
        (DEFERRED, name): one.deferred_job_registry for name, one in ours.items()
    }


def _place(redis: Redis, job_id: str) -> tuple[str, str, BaseRegistry]:
    for (kind, name), registry in _registries(redis).items():
        if redis.zscore(registry.key, job_id) is not None:
            return kind, name, registry
    raise NotFound(
        f"There is no job {job_id!r} kept for later (any more). The page Jobs shows those there are."
    )


def _parked(kind: str, name: str, job_id: str, score: float, seen: JobSeen) -> ParkedJob:
    return ParkedJob(
        id=job_id,
        queue=name,
        kind=kind,
        at=_moment(score),
        job=seen.job,
        company=seen.company,
        may_go=_may_go(kind, name, seen),
    )


def _may_go(kind: str, name: str, seen: JobSeen) -> bool:
    """A deferred job has another one to wait for; a stranger's job runs nowhere here."""
    is_ours = seen.company is not None and JOB_QUEUES.get(seen.function or "") == name
    return kind == SCHEDULED and is_ours


def _moment(score: float) -> dt.datetime | None:
    try:
        return dt.datetime.fromtimestamp(score, tz=dt.UTC)
    except (ValueError, OverflowError, OSError):  # somebody wrote a time that no calendar has
        return None
