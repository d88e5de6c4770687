"""Jobs as they lie in Redis, read without trusting them: whoever writes there may have left anything.

Nothing is run, and nothing but JSON is understood; what can't be read is shown as such. Every function here
raises RedisError when Redis is away.
"""

from __future__ import annotations

import datetime as dt
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis import Redis
from redis.exceptions import ResponseError
from rq.executions import ExecutionRegistry
from rq.job import Job
from rq.registry import BaseRegistry
from rq.results import Result
from rq.utils import str_to_date

from mappers.words import one_line

MOST_DATA = 100_000  # bytes of a job that are looked at; one of ours has a hundred
LONGEST_NAME = 100
FIELDS = ("data", "enqueued_at", "ended_at")


@dataclass(frozen=True, kw_only=True)
class JobSeen:
    """A job as far as it can be read. `job`: what it does ("gone" or "unreadable" where that can't be told).
    `function`: the full name of what it calls, None when that is no plain function."""

    job: str
    company: str | None = None
    enqueued_at: dt.datetime | None = None
    ended_at: dt.datetime | None = None
    function: str | None = None


GONE, UNREADABLE = JobSeen(job="gone"), JobSeen(job="unreadable")


def read_jobs(redis: Redis, ids: Sequence[str]) -> list[JobSeen]:
    """These jobs, in this order."""
    with redis.pipeline(transaction=False) as asking:
        for job_id in ids:
            asking.hmget(Job.key_for(job_id), FIELDS)
        answers = asking.execute(raise_on_error=False)
    return [_seen(answer) for answer in answers]


def forget(redis: Redis, registry: BaseRegistry, raw: str | bytes) -> bool:
    """Takes a job out of the registry and out of Redis, without reading it; False when it isn't there."""
    job_id = id_of(raw) if isinstance(raw, bytes) else raw
    with redis.pipeline() as telling:
        telling.zrem(registry.key, raw)
        telling.delete(
            Job.key_for(job_id),
            Job.dependents_key_for(job_id),
            f"{Job.redis_job_namespace_prefix}:{job_id}:dependencies",
            Result.get_key(job_id),  # type: ignore[no-untyped-call]
            ExecutionRegistry(job_id, redis).key,
        )
        removed, _ = telling.execute()
    return bool(removed)


def id_of(raw: bytes) -> str:
    """A job's id as text. One that isn't text can be looked at, and pressed for only with all others."""
    return raw.decode(errors="replace")


def moment_of(raw: bytes | None) -> dt.datetime | None:
    """A moment as RQ writes it; None for anything else."""
    try:
        return str_to_date(raw) if raw else None
    except ValueError:
        return None


def _seen(answer: Any) -> JobSeen:
    if isinstance(answer, ResponseError):  # something else than a job stands under its key
        return UNREADABLE
    data, enqueued_at, ended_at = answer
    if data is None:
        return UNREADABLE if enqueued_at or ended_at else GONE
    try:
        name, instance, _, named = json.loads(_unpacked(data))
    except (ValueError, TypeError, RecursionError):
        return UNREADABLE
    if not isinstance(name, str) or not isinstance(named, dict):
        return UNREADABLE
    company = named.get("company")
    is_key = isinstance(company, str) and company == one_line(company, most=LONGEST_NAME)
    return JobSeen(
        job=one_line(name.rpartition(".")[2], most=LONGEST_NAME) or UNREADABLE.job,
        company=company if is_key else None,
        enqueued_at=moment_of(enqueued_at),
        ended_at=moment_of(ended_at),
        function=name if instance is None else None,
    )


def _unpacked(data: bytes) -> bytes:
    """The job's data, compressed or not; of what would fill our memory only a beginning that is no JSON."""
    try:
        return zlib.decompressobj().decompress(data, MOST_DATA)
    except zlib.error:
        return data[:MOST_DATA]
