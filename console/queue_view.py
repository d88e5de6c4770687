"""The queue as one picture, for the API and the command line: the database's due rows and RQ's jobs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection
from typing import Any

import structlog
from redis import Redis
from redis.exceptions import RedisError

from console.failed_jobs import FailedJob
from console.jobs import Jobs, WorkerSeen, look_at_jobs
from console.shapes import Shape, instant
from models.backlog import Backlog, list_backlogs
from models.database import Database

log = structlog.get_logger(__name__)

Budgets = Callable[[str, str], dict[str, Any]]


def queue_shape(
    database: Database, redis: Redis, budget: Budgets, *, keys: Collection[str] | None = None
) -> Shape:
    """Depth, oldest age, workers, failed jobs and each company's standing; `keys`: only these companies.

    What Redis would know is null while it is away; what the database knows is told all the same.
    """
    with database.read() as session:
        now = database.now(session)
        backlogs = list_backlogs(session, now=now, keys=keys)
    jobs = _jobs(redis)
    oldest = min((b.oldest for b in backlogs if b.oldest is not None), default=None)
    shape: Shape = {
        "depth": {"expenses": sum(b.due for b in backlogs), "jobs": jobs.waiting if jobs else None},
        "oldest_age_seconds": None if oldest is None else max(0, int((now - oldest).total_seconds())),
        "workers": None,
        "failed_jobs": None,
        "companies": [_company_shape(b, budget, jobs, now=now) for b in backlogs],
    }
    if jobs is not None:
        shape["workers"] = [_worker_shape(worker) for worker in jobs.workers]
        shape["failed_jobs"] = [
            _failed_shape(job) for job in jobs.failed if keys is None or job.company in keys
        ]
    return shape


def _jobs(redis: Redis) -> Jobs | None:
    try:
        return look_at_jobs(redis)
    except (RedisError, OSError) as error:
        log.warning("the queue can't be seen: Redis is away", error=type(error).__name__)
        return None


def _company_shape(backlog: Backlog, budget: Budgets, jobs: Jobs | None, *, now: dt.datetime) -> Shape:
    company = backlog.company
    left = budget(company.provider, company.tenant_id) if jobs is not None and company.tenant_id else None
    return {
        "company": company.key,
        "due": backlog.due,
        "paused": company.paused_at is not None,
        "paused_why": company.paused_why,
        "waiting_until": instant(_still(company.wait_until, now=now)),
        "sparing_until": instant(_still(company.spare_until, now=now)),
        "budget_left": left and _budget_shape(left),
    }


def _still(until: dt.datetime | None, *, now: dt.datetime) -> dt.datetime | None:
    return until if until and until > now else None


def _budget_shape(left: dict[str, Any]) -> Shape:
    return left | {name: instant(left[name]) for name in ("day_ends_at", "blocked_until")}


def _worker_shape(worker: WorkerSeen) -> Shape:
    return {
        "name": worker.name,
        "queues": worker.queues,
        "state": worker.state,
        "seen_at": instant(worker.seen_at),
    }


def _failed_shape(job: FailedJob) -> Shape:
    return {
        "id": job.id,
        "queue": job.queue,
        "job": job.job,
        "company": job.company,
        "failed_at": instant(job.failed_at),
        "error": job.error,
    }
