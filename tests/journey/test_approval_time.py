"""Since when an expense counts as approved: from the callback that brought it, not the first we heard."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import update

from models.expense import Expense
from tests.journey.conftest import Journey
from tests.journey.hands import SITE, add_rows, report_of, retry, set_books

pytestmark = pytest.mark.one_database


def since(journey: Journey, entry_id: int) -> dt.datetime | None:
    return journey.expense(entry_id).approved_at


def call_back(journey: Journey, entry_id: int) -> dt.datetime:
    """A callback, whose moment is read back."""
    journey.call_back(entry_id)
    due = journey.expense(entry_id).due_at
    assert due is not None
    return due


def approve(journey: Journey, entry_id: int) -> None:
    body = {"report_ids": [report_of(journey, entry_id)], "tier": 2, "silent": True}
    journey.control("POST", f"{SITE}/approve", body)


def test_what_is_approved_when_we_first_hear_of_it_counts_from_then(journey: Journey) -> None:
    [entry_id] = journey.add({})
    heard = journey.expense(entry_id).due_at
    journey.post()
    assert since(journey, entry_id) == heard and journey.expense(entry_id).state == "done"


def test_waiting_for_approval_does_not_count(journey: Journey) -> None:
    [entry_id] = journey.add({}, approve=False)
    journey.post()
    call_back(journey, entry_id)
    journey.post()
    assert (journey.expense(entry_id).state, since(journey, entry_id)) == ("held", None)
    approve(journey, entry_id)
    brought = call_back(journey, entry_id)
    journey.post()
    assert since(journey, entry_id) == brought and journey.expense(entry_id).state == "done"


def test_waiting_for_a_person_counts(journey: Journey) -> None:
    [entry_id] = journey.add({"type": "Accommodation"})
    heard = journey.expense(entry_id).due_at
    journey.post()
    add_rows(journey, "expense_types", {"name": "Accommodation", "account": "420"})
    retry(journey, entry_id)
    journey.post()
    assert since(journey, entry_id) == heard and journey.expense(entry_id).state == "done"


def test_waiting_for_closed_books_counts(journey: Journey) -> None:
    set_books(journey, period_lock_date="2026-08-31")
    [entry_id] = journey.add({})
    heard = journey.expense(entry_id).due_at
    journey.post()
    assert journey.expense(entry_id).state == "held"
    call_back(journey, entry_id)
    journey.post()
    assert since(journey, entry_id) == heard


def test_a_connectwise_that_is_away_delays_what_was_approved(journey: Journey) -> None:
    [entry_id] = journey.add({})
    heard = journey.expense(entry_id).due_at
    journey.fault(system="connectwise", kind="status", status=503, times=9)
    journey.post()
    assert journey.expense(entry_id).state == "retrying"
    journey.control("DELETE", "/faults")
    journey.make_due()
    journey.post()
    assert since(journey, entry_id) == heard and journey.expense(entry_id).state == "done"


def test_what_was_read_before_anybody_noted_it_is_not_made_up(journey: Journey) -> None:
    [entry_id] = journey.add({"type": "Accommodation"})
    journey.post()
    with journey.database.write() as session:
        session.execute(update(Expense).values(approved_at=None))
    add_rows(journey, "expense_types", {"name": "Accommodation", "account": "420"})
    retry(journey, entry_id)
    journey.post()
    assert (journey.expense(entry_id).state, since(journey, entry_id)) == ("done", None)
