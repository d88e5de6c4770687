"""Jobs: RQ's queues and workers, what the clock will ring for, failed jobs put back or deleted by hand."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from redis import Redis
from redis.exceptions import RedisError

from console.access import caller
from console.failed_jobs import delete_jobs, retry_jobs
from console.jobs import Jobs, look_at_jobs
from console.pages.blueprint import PageBlueprint
from console.pages.live import live_answer
from console.parked_jobs import delete_parked, enqueue_parked
from console.services import services
from models.backlog import Backlog, clock_beat, list_backlogs
from models.history import note
from models.roles import ADMIN
from workers.queues import QUEUES

ROWS = 25  # failed jobs of a page
QUIET = dt.timedelta(seconds=30)  # a clock that was not heard of for so long is not there
NAMED = 5  # jobs that a line of the history names

Press = Callable[[Redis, list[str]], list[str]]
log = structlog.get_logger(__name__)
blueprint = PageBlueprint("jobs", __name__, acts=ADMIN)


@dataclass(frozen=True, kw_only=True)
class Look:
    """The page's content at one moment. `jobs` None: Redis does not answer."""

    jobs: Jobs | None
    backlogs: list[Backlog]
    beat: dt.datetime | None
    now: dt.datetime
    skip: int

    @property
    def version(self) -> str:
        due = [(b.company.id, b.due, b.oldest, b.company.next_sweep_at) for b in self.backlogs]
        seen = (self.jobs, due, self.is_clock_up, self.now.replace(second=0, microsecond=0))
        return hashlib.sha256(repr(seen).encode()).hexdigest()[:16]

    @property
    def is_clock_up(self) -> bool:
        return self.beat is not None and self.beat > self.now - QUIET

    @property
    def failed_count(self) -> int:
        return sum(self.jobs.failed_count.values()) if self.jobs else 0

    @property
    def has_more(self) -> bool:
        return self.failed_count > self.skip + ROWS


@blueprint.reads("/jobs")
def show() -> ResponseReturnValue:
    """Everything about the queue; `skip`: older failed jobs."""
    return render_template("jobs.html", **_context(_look()))


@blueprint.reads("/jobs/now")
def now() -> ResponseReturnValue:
    """What changes while somebody looks."""
    look = _look()
    return live_answer("_jobs.html", **_context(look))


@blueprint.acts("/jobs/retry")
def retry() -> ResponseReturnValue:
    """Puts a failed job back on its queue, or all."""
    return _press(retry_jobs, "failed", "put back on the queue")


@blueprint.acts("/jobs/delete")
def delete() -> ResponseReturnValue:
    """Forgets a failed job, or all."""
    return _press(delete_jobs, "failed", "deleted")


@blueprint.acts("/jobs/parked/enqueue")
def enqueue() -> ResponseReturnValue:
    """Puts a job that waits for its time on its queue now."""
    return _press(lambda redis, ids: [one for each in ids for one in enqueue_parked(redis, each)], "waiting",
                  "put on the queue")  # fmt: skip


@blueprint.acts("/jobs/parked/delete")
def delete_waiting() -> ResponseReturnValue:
    """Forgets a job that waits for a time or for another job, or all."""
    return _press(delete_parked, "waiting", "deleted")


def _press(act: Press, which: str, done: str) -> ResponseReturnValue:
    job_id = request.form.get("job", "")
    if not job_id and request.form.get("all") != "yes":
        flash("Nothing was chosen: name a job, or all.", "warning")
        return redirect(url_for("jobs.show"))
    try:
        ids = act(services().redis, [job_id] if job_id else [])
    except (RedisError, OSError) as error:
        log.warning("jobs can't be changed: Redis is away", error=type(error).__name__)
        flash("Redis does not answer, so not all was done. Try again when it does.", "problem")
        return redirect(url_for("jobs.show"))
    _write_down(ids, which, done)
    flash(f"{len(ids)} {which} {'job was' if len(ids) == 1 else 'jobs were'} {done}.", "done")
    return redirect(url_for("jobs.show"))


def _write_down(ids: list[str], which: str, done: str) -> None:
    more = f" and {len(ids) - NAMED} more" if len(ids) > NAMED else ""
    text = f"{len(ids)} {which} jobs were {done}: {', '.join(ids[:NAMED])}{more}"
    with services().database.write() as session:
        at = services().database.now(session)
        note(
            session,
            company_id=None,
            expense_id=None,
            at=at,
            actor=caller().actor,
            what="jobs",
            text=text,
        )


def _look() -> Look:
    skip = max(0, min(request.args.get("skip", 0, type=int), 1_000_000))
    with services().database.read() as session:
        moment = services().database.now(session)
        backlogs, beat = list_backlogs(session, now=moment), clock_beat(session)
    return Look(jobs=_jobs(skip), backlogs=backlogs, beat=beat, now=moment, skip=skip)


def _jobs(skip: int) -> Jobs | None:
    try:
        return look_at_jobs(services().redis, skip=skip, most=ROWS)
    except (RedisError, OSError) as error:
        log.warning("the jobs can't be seen: Redis is away", error=type(error).__name__)
        return None


def _context(look: Look) -> dict[str, Any]:
    return {
        "look": look,
        "version": look.version,
        "queues": QUEUES,
        "older": url_for("jobs.show", skip=look.skip + ROWS) if look.has_more else None,
        "newest": url_for("jobs.show") if look.skip else None,
    }
