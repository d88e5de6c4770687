"""One expense that no database or mapper can swallow: it stops for itself, its neighbours go on."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from models import states
from models.states import IllegalMove
from tests.journey.conftest import Journey
from workers.case import Case
from workers.endings import verdict_on
from workers.policy import Verdict
from workers.posting import Posting
from workers.reading import read_entries
from workers.sweep import sweep
from workers.work import Work

POISONS: dict[str, dict[str, Any]] = {
    "a huge amount": {"amount": 10**40},
    "more than a column holds": {"amount": 10**16},
    "a NUL": {"member": {"identifier": "jdoe\0", "name": "Jo\0 Doe"}},
    "half a character": {"notes": "\ud83d", "member": {"identifier": "jdoe", "name": "Jo \ud83d"}},
    "an endless id": {"classification": {"id": 10**30, "name": "Non-Reimbursable"}},
    "no day": {"date": "soon"},
}


def poison(journey: Journey, monkeypatch: pytest.MonkeyPatch, entry_id: int, part: dict[str, Any]) -> None:
    """From now on ConnectWise shows this entry so."""

    def poisoned(connectwise: Any, ids: Any) -> Any:
        return {i: raw | part if i == entry_id else raw for i, raw in read_entries(connectwise, ids).items()}

    monkeypatch.setattr("workers.posting.read_entries", poisoned)


@pytest.mark.parametrize("part", POISONS.values(), ids=POISONS)
def test_an_entry_that_cannot_be_kept_stops_alone(
    journey: Journey, monkeypatch: pytest.MonkeyPatch, part: dict[str, Any]
) -> None:
    first, odd, last = journey.add({}, {"amount": "7.00"}, {"amount": "8.00"})
    poison(journey, monkeypatch, odd, part)
    for _ in range(2):
        try:
            Posting(journey.wiring.work("acme")).run()
        except Exception as bug:
            print("told to RQ:", repr(bug))
        journey.make_due()
    journey.assert_posted_once(first, last)
    assert journey.expense(odd).due_at is None
    assert journey.expense(odd).state in (states.BROKEN, states.NEEDS_ATTENTION, states.DONE)


@pytest.mark.one_database
def test_an_ending_that_cannot_be_true_stops_alone_as_a_bug(
    journey: Journey, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, odd, last = journey.add({}, {"amount": "7.00"}, {"amount": "8.00"})

    def wrong(work: Work, case: Case, *, now: dt.datetime) -> Verdict:
        if case.expense.entry_id == odd and case.trouble is None:
            return Verdict(state=states.SKIPPED)  # though its bill is posted
        return verdict_on(work, case, now=now)

    monkeypatch.setattr("workers.posting.verdict_on", wrong)
    with pytest.raises(IllegalMove):
        Posting(journey.wiring.work("acme")).run()
    assert [journey.expense(i).state for i in (first, odd, last)] == [states.DONE, states.BROKEN, states.DONE]
    assert str(journey.expense(odd).cause).startswith("bug_")


@pytest.mark.one_database
def test_a_sweep_reads_past_an_entry_that_it_cannot_read(
    journey: Journey, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd, plain = journey.add({}, {})
    work = journey.wiring.work("acme")
    raws = [{**raw, "id": raw["id"] + 1_000_000} for raw in work.connectwise.entries([odd, plain])]
    del raws[0]["date"]
    monkeypatch.setattr(work.connectwise, "approved_entries", lambda **_: iter(raws))
    assert sweep(work) == 2
