"""The one place that decides what trouble means for an expense: its state, its cause, when to look again."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from rq.timeouts import BaseTimeoutException
from sqlalchemy.exc import InterfaceError, OperationalError

from errors import (
    Held,
    NeedsAttention,
    Paused,
    RateLimited,
    Refused,
    Retryable,
    Skipped,
    Trouble,
    Uncertain,
    Wait,
)
from models import states

# Our own parts that time mends: a deadlock or lost connection of the database, a job that took too long.
OURS_PASSING = (OperationalError, InterfaceError, BaseTimeoutException)
LOOK_AGAIN_SECONDS = 10  # after an unknown outcome: let the other side finish what it may be doing

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What becomes of an expense. `due_at` None: until something wakes it."""

    state: str
    cause: str | None = None
    to_do: str | None = None
    why: str | None = None
    due_at: dt.datetime | None = None
    attempts: int = 0


def judge(
    trouble: Exception, *, now: dt.datetime, attempts: int, schedule: Sequence[int], subject: str
) -> Verdict:
    """The verdict on an expense that met this trouble. `attempts`: automatic retries already spent.

    `schedule`: seconds before each automatic retry; when it is used up, a person decides.
    """
    match trouble:
        case Skipped():
            return Verdict(state=states.SKIPPED, why=trouble.why)
        case Held():
            return Verdict(state=states.HELD, cause=trouble.cause, to_do=trouble.to_do, why=trouble.why)
        case NeedsAttention():
            return Verdict(
                state=states.NEEDS_ATTENTION, cause=trouble.cause, to_do=trouble.to_do, why=trouble.why
            )
        case Paused():
            return Verdict(state=states.QUEUED, why=str(trouble), due_at=now, attempts=attempts)
        case Wait() | RateLimited():
            after = dt.timedelta(seconds=max(1.0, trouble.after or 0))
            return Verdict(state=states.RETRYING, why=str(trouble), due_at=now + after, attempts=attempts)
        case Retryable():
            return _retry(trouble, now=now, attempts=attempts, schedule=schedule)
        case Uncertain():
            due = now + dt.timedelta(seconds=LOOK_AGAIN_SECONDS)
            return Verdict(state=states.UNCERTAIN, why=str(trouble), due_at=due, attempts=attempts)
        case Refused():
            return _refused(trouble)
    if isinstance(trouble, OURS_PASSING):
        why = Retryable("Our database did not answer, or the batch took too long; it is tried again.")
        return _retry(why, now=now, attempts=attempts, schedule=schedule)
    return broken(trouble, subject=subject)


def _retry(trouble: Retryable, *, now: dt.datetime, attempts: int, schedule: Sequence[int]) -> Verdict:
    if attempts < len(schedule):
        after = dt.timedelta(seconds=max(float(schedule[attempts]), trouble.after or 0))
        return Verdict(state=states.RETRYING, why=str(trouble), due_at=now + after, attempts=attempts + 1)
    return Verdict(
        state=states.NEEDS_ATTENTION,
        cause="gave_up",
        why=f"Tried {attempts + 1} times. The last answer: {trouble}",
        to_do="See whether the other side is well again, then retry.",
        attempts=attempts,
    )


def _refused(trouble: Refused) -> Verdict:
    return Verdict(
        state=states.NEEDS_ATTENTION,
        cause="refused_by_ledger",
        why=" ".join(trouble.words) or str(trouble),
        to_do="Read the ledger's own words, mend what they name, then retry.",
    )


def broken(error: Exception, *, subject: str) -> Verdict:
    """A bug: logged with its traceback under a reference that the expense carries."""
    reference = f"bug_{uuid.uuid4().hex[:8]}"
    log.error("bug", reference=reference, subject=subject, exc_info=error)
    return Verdict(
        state=states.BROKEN,
        cause=reference,
        why=f"Our program failed ({type(error).__name__}); nothing more was sent for this expense.",
        to_do=f"Give the reference {reference} to the developers; retry once it is mended.",
    )


def is_bug(error: Exception) -> bool:
    """Whether nobody expected this."""
    return not isinstance(error, (Trouble, *OURS_PASSING))
