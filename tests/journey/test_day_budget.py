"""The ledger's calls of a day run low: routine work waits and says until when; what people ask for goes."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from console.shapes import expense_shape
from models import states
from models.actions import retry_expense
from models.claims import companies_with_receipts, companies_with_work
from models.company import Company
from models.expense import Expense
from providers.day_budget import RESERVE
from tests.journey.conftest import Journey
from tests.journey.hands import retry, set_books
from workers.receipts import Receipts
from workers.sweep import care

URL = "http://localhost:8000/callbacks/connectwise/acme?recordId="


def use_up(journey: Journey) -> int:
    """The day's calls are used up but for the reserve, and an expense that was posted learnt it: its id."""
    set_books(journey, limits={"day": RESERVE, "minute": None})
    [entry_id] = journey.add({})
    journey.post()
    journey.assert_posted_once(entry_id)
    return entry_id


def begin_a_new_day(journey: Journey) -> None:
    """The count is whole again, and a person's look at the books tells us so."""
    set_books(journey, limits={"day": 5_000, "minute": None})
    journey.wiring.work("acme").books(fresh=True)


def shown(journey: Journey, entry_id: int) -> dict[str, Any]:
    with journey.database.read() as session:
        company = session.get_one(Company, journey.company_id)
        expense = session.scalars(select(Expense).where(Expense.entry_id == entry_id)).one()
        return expense_shape(expense, [], company=company, now=journey.database.now(session))


def rings(journey: Journey) -> tuple[list[str], list[str]]:
    """For whom the clock rings: to post, and to file receipts."""
    with journey.database.read() as session:
        now = journey.database.now(session)
        return companies_with_work(session, now=now), companies_with_receipts(session, now=now)


def test_routine_work_leaves_the_reserve_to_people_and_goes_on_the_next_day(journey: Journey) -> None:
    use_up(journey)
    urgent, routine = journey.add({}, {"amount": "7.00"})
    before = sum(journey.calls().values())
    journey.post()
    assert sum(journey.calls().values()) == before
    told = shown(journey, routine)
    assert told["state"] == states.QUEUED
    assert "kept for what people ask for" in told["why"]
    assert told["next_attempt_at"] is not None
    assert rings(journey) == ([], [])

    assert retry(journey, urgent) == 1
    journey.assert_posted_once(urgent)
    assert journey.expense(routine).state == states.QUEUED

    begin_a_new_day(journey)
    care(journey.wiring.work("acme"), callback_url=URL)
    assert rings(journey)[0] == ["acme"]
    assert shown(journey, routine)["next_attempt_at"] is None
    journey.post()
    journey.assert_posted_once(routine)


@pytest.mark.one_database
def test_receipts_and_care_leave_the_reserve_alone(journey: Journey) -> None:
    use_up(journey)
    before = sum(journey.calls().values())
    assert not Receipts(journey.wiring.work("acme")).run()
    care(journey.wiring.work("acme"), callback_url=URL)
    assert sum(journey.calls().values()) == before
    with journey.database.read() as session:
        assert session.scalars(select(Expense.receipts_due_at)).one() is not None


@pytest.mark.one_database
def test_what_is_begun_is_finished_from_the_reserve(journey: Journey) -> None:
    [entry_id] = journey.add({})
    set_books(journey, limits={"day": RESERVE, "minute": None})
    journey.fault(system="xero", method="PUT", path="/Payments", kind="lose_answer", times=1)
    journey.post()
    assert journey.expense(entry_id).state == states.UNCERTAIN
    journey.make_due()
    journey.post()
    journey.make_due()
    journey.post()
    journey.assert_posted_once(entry_id)


def test_a_person_waits_too_once_the_whole_day_is_used_up(journey: Journey) -> None:
    use_up(journey)
    urgent, routine = journey.add({}, {"amount": "7.00"})
    journey.fault(system="xero", kind="rate_limit", problem="day", retry_after=5_000, times=1)
    with journey.database.write() as session:
        company = session.get_one(Company, journey.company_id)
        retry_expense(session, company, urgent, actor="bo", now=journey.database.now(session))
    journey.post()
    assert journey.expense(urgent).state == states.RETRYING
    assert shown(journey, urgent)["next_attempt_at"] is not None
    with journey.database.read() as session:
        company = session.get_one(Company, journey.company_id)
        assert company.wait_until is not None
        assert company.spare_until is not None
        seconds = (company.wait_until - journey.database.now(session)).total_seconds()
    assert 4_800 < seconds <= 5_001
    assert shown(journey, routine)["next_attempt_at"] is not None
