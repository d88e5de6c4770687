"""What each kind of trouble means for an expense."""

from __future__ import annotations

import datetime as dt

import pytest
from rq.timeouts import JobTimeoutException
from sqlalchemy.exc import OperationalError

from errors import Held, NeedsAttention, Paused, RateLimited, Refused, Retryable, Skipped, Uncertain, Wait
from models import states
from workers.policy import Verdict, judge

NOW = dt.datetime(2026, 8, 21, 12, tzinfo=dt.UTC)
SCHEDULE = (30, 120)


def verdict(trouble: Exception, *, attempts: int = 0) -> Verdict:
    return judge(trouble, now=NOW, attempts=attempts, schedule=SCHEDULE, subject="acme/4711")


def seconds(given: Verdict) -> float | None:
    return (given.due_at - NOW).total_seconds() if given.due_at else None


@pytest.mark.parametrize(
    ("trouble", "state"),
    [
        (Skipped("nothing is owed"), states.SKIPPED),
        (Held("not approved"), states.HELD),
        (NeedsAttention("unmapped", "why", "to do"), states.NEEDS_ATTENTION),
        (Refused("no", words=("Account code is archived",)), states.NEEDS_ATTENTION),
        (Paused("connect again"), states.QUEUED),
        (Uncertain("no answer"), states.UNCERTAIN),
        (Retryable("no answer"), states.RETRYING),
        (RateLimited("429"), states.RETRYING),
        (Wait("another worker"), states.RETRYING),
        (OperationalError("UPDATE expense", {}, Exception("deadlock detected")), states.RETRYING),
        (JobTimeoutException("600 seconds"), states.RETRYING),
        (ZeroDivisionError("ours"), states.BROKEN),
    ],
)
def test_every_kind_of_trouble_has_its_state(trouble: Exception, state: str) -> None:
    assert verdict(trouble).state == state


def test_passing_trouble_follows_the_schedule_then_a_person_decides() -> None:
    assert [seconds(verdict(Retryable("x"), attempts=n)) for n in (0, 1)] == [30, 120]
    given_up = verdict(Retryable("no answer from Xero"), attempts=2)
    assert (given_up.state, given_up.cause, seconds(given_up)) == (states.NEEDS_ATTENTION, "gave_up", None)
    assert "no answer from Xero" in (given_up.why or "")


def test_what_they_asked_us_to_wait_wins_when_it_is_longer() -> None:
    assert seconds(verdict(Retryable("x", after=90))) == 90
    assert seconds(verdict(Retryable("x", after=5))) == 30


@pytest.mark.parametrize("trouble", [RateLimited("429", after=22), Wait("busy", after=22)])
def test_what_was_never_processed_is_no_attempt(trouble: Exception) -> None:
    given = verdict(trouble, attempts=1)
    assert (given.attempts, seconds(given)) == (1, 22)


def test_a_bug_carries_a_reference_and_no_inner_words() -> None:
    given = verdict(ValueError("token er_secret"))
    assert (given.cause or "").startswith("bug_")
    assert "er_secret" not in f"{given.why} {given.to_do}"


def test_a_refusal_keeps_the_providers_own_words() -> None:
    assert (
        verdict(Refused("no", words=("Account code '400' is archived.",))).why
        == "Account code '400' is archived."
    )
