"""The equal way in: everything is found without a single callback, and nothing is asked for in vain."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from rq.timeouts import JobTimeoutException
from sqlalchemy import func, select, update

from models.company import Company, Reference
from models.expense import Expense
from tests.journey.conftest import Journey
from tests.journey.hands import (
    SITE,
    add_rows,
    all_of,
    delete,
    ending,
    report_of,
    retry,
    set_books,
    set_company,
    set_expenses,
)
from workers.sweep import care, sweep

pytestmark = pytest.mark.one_database

CHANGED, DONE, HELD = ("changed", "changed_after_posting"), ("done", None), ("held", None)
CALLBACK = "http://relay.example/callbacks/connectwise/acme?recordId="


def enter(journey: Journey, *entries: dict[str, Any], approve: bool = True) -> list[int]:
    """Expenses of which nobody tells us."""
    defaults = {"type": "Meals", "payment_type": "Corporate Amex", "classification": "Non-Reimbursable"}
    defaults |= {"amount": "120.50", "date": "2026-11-20", "currency": "AUD"}
    report = {"member": "jdoe", "entries": [defaults | entry for entry in entries]}
    body = {"reports": [report], "submit": True, "silent": True}
    [made] = journey.control("POST", f"{SITE}/expenses", body)["reports"]
    if approve:
        journey.control("POST", f"{SITE}/approve", {"report_ids": [made["id"]], "silent": True})
    ids: list[int] = made["entry_ids"]
    return ids


def swept(journey: Journey) -> int:
    """A sweep and the job that follows it; how many expenses were woken."""
    woken = sweep(journey.wiring.work("acme"))
    journey.post()
    return woken


def edit_silently(journey: Journey, entry_id: int, **changes: Any) -> None:
    journey.control("POST", f"{SITE}/edit", {"entry_id": entry_id, "silent": True} | changes)


def move_silently(journey: Journey, entry_id: int, status: str) -> None:
    body = {"report_ids": [report_of(journey, entry_id)], "status": status, "silent": True}
    journey.control("POST", f"{SITE}/unapprove", body)


def known(journey: Journey) -> int:
    with journey.database.read() as session:
        return session.scalar(select(func.count()).select_from(Expense)) or 0


def calls_of(journey: Journey, system: str) -> list[str]:
    calls = journey.control("GET", f"/calls?system={system}")["calls"]
    return [f"{call['method']} {call['path'].rpartition('3.0/')[2]}" for call in calls]


def test_everything_approved_is_found_without_callbacks(journey: Journey) -> None:
    ids = enter(journey, *[{"amount": f"{n}.00"} for n in range(1, 8)])
    waiting = enter(journey, {}, approve=False)
    assert swept(journey) == 7
    journey.assert_posted_once(*ids)
    assert known(journey) == 7
    move_silently(journey, waiting[0], "ApprovedByTierTwo")
    assert swept(journey) == 1
    journey.assert_posted_once(*ids, *waiting)


def test_a_thousand_entries_are_read_page_by_page_to_the_last(journey: Journey) -> None:
    set_company(journey, start_date="2026-11-21")
    old = [{"date": "2026-11-20"} for _ in range(600)]
    new = [{"date": "2026-11-21", "payment_type": "Paid by employee"} for _ in range(600)]
    enter(journey, *old, *new)
    assert sweep(journey.wiring.work("acme")) == 600
    assert known(journey) == 600


def test_a_second_sweep_has_nothing_to_do_and_costs_the_ledger_nothing(journey: Journey) -> None:
    enter(journey, {}, {"amount": "0"}, {"classification": "Reimbursable"})
    assert swept(journey) == 3
    care(journey.wiring.work("acme"), callback_url=CALLBACK)
    journey.control("DELETE", "/calls")
    assert swept(journey) == 0
    assert calls_of(journey, "xero") == []
    assert calls_of(journey, "connectwise") == ["GET expense/entries"]


def test_a_held_expense_is_looked_at_again(journey: Journey) -> None:
    set_expenses(journey, billing_statuses=["Billable"])
    [entry_id] = enter(journey, {})
    swept(journey)
    assert ending(journey, entry_id) == HELD
    edit_silently(journey, entry_id, billable=True)
    swept(journey)
    journey.assert_posted_once(entry_id)


def test_looking_again_at_closed_books_costs_the_ledger_nothing(journey: Journey) -> None:
    set_books(journey, period_lock_date="2026-11-30")
    [entry_id] = enter(journey, {})
    swept(journey)
    assert ending(journey, entry_id) == ("held", "closed_period")
    journey.control("DELETE", "/calls")
    swept(journey)
    assert calls_of(journey, "xero") == []
    set_books(journey, period_lock_date=None)
    retry(journey, entry_id)
    journey.assert_posted_once(entry_id)


def test_an_edit_after_posting_is_found(journey: Journey) -> None:
    edited, other = enter(journey, {}, {})
    swept(journey)
    edit_silently(journey, edited, amount="99.00")
    assert swept(journey) == 1
    assert (ending(journey, edited), ending(journey, other)) == (CHANGED, DONE)
    assert swept(journey) == 0


def test_an_edit_taken_back_is_found_too(journey: Journey) -> None:
    [entry_id] = enter(journey, {})
    swept(journey)
    edit_silently(journey, entry_id, amount="99.00")
    swept(journey)
    edit_silently(journey, entry_id, amount="120.50")
    assert swept(journey) == 1
    journey.assert_posted_once(entry_id)


@pytest.mark.parametrize("how", ["deleted", "unapproved"])
def test_what_vanishes_after_posting_is_found(journey: Journey, how: str) -> None:
    [gone], [stays] = enter(journey, {}), enter(journey, {})
    swept(journey)
    if how == "deleted":
        delete(journey, gone)
    else:
        move_silently(journey, gone, "Rejected")
    assert swept(journey) == 1
    assert (ending(journey, gone), ending(journey, stays)) == (CHANGED, DONE)
    assert swept(journey) == 0


def test_what_was_mended_in_connectwise_is_found(journey: Journey) -> None:
    wrong, nothing = enter(journey, {"classification": "Reimbursable"}, {"amount": "0"})
    swept(journey)
    assert (ending(journey, wrong)[0], ending(journey, nothing)[0]) == ("needs_attention", "skipped")
    edit_silently(journey, wrong, classification="Non-Reimbursable")
    edit_silently(journey, nothing, amount="12.00")
    assert swept(journey) == 2
    journey.assert_posted_once(wrong, nothing)


def test_an_unmapped_expense_waits_for_its_person_and_not_for_sweeps(journey: Journey) -> None:
    [entry_id] = enter(journey, {"type": "Software"})
    swept(journey)
    assert swept(journey) == 0
    add_rows(journey, "expense_types", {"name": "Software", "account": "485"})
    retry(journey, entry_id)
    journey.assert_posted_once(entry_id)


def test_an_old_expense_approved_late_is_found_by_the_days_full_sweep(journey: Journey) -> None:
    swept(journey)
    [old] = enter(journey, {"date": "2026-07-03"})
    assert swept(journey) == 0
    with journey.database.write() as session:
        session.get_one(Company, journey.company_id).swept_fully_at = None
    assert swept(journey) == 1
    journey.assert_posted_once(old)


def test_a_sweep_that_fails_half_way_is_begun_anew(journey: Journey) -> None:
    ids = enter(journey, {}, {})
    journey.fault(system="connectwise", kind="status", path="/expense/entries", status=503, times=1)
    with pytest.raises(Exception, match="ConnectWise"):
        sweep(journey.wiring.work("acme"))
    assert swept(journey) == 2
    assert all_of(journey, ids) == {"done"}


def test_a_callback_that_connectwise_switched_off_is_on_again(journey: Journey) -> None:
    work = journey.wiring.work("acme")
    made = work.connectwise.register_callback(CALLBACK, "Expense Relay")
    off = [{"op": "replace", "path": "inactiveFlag", "value": True}]
    work.connectwise.patch(f"system/callbacks/{made['id']}", off)
    care(work, callback_url=CALLBACK)
    [row] = work.connectwise.callbacks(CALLBACK)
    assert (row["id"], row["inactiveFlag"]) == (made["id"], False)
    with journey.database.read() as session:
        assert session.get_one(Company, journey.company_id).callback_state == "active"


def test_a_callback_that_nobody_registered_is_left_to_a_person(journey: Journey) -> None:
    work = journey.wiring.work("acme")
    care(work, callback_url=CALLBACK)
    assert work.connectwise.callbacks(CALLBACK) == []
    with journey.database.read() as session:
        assert session.get_one(Company, journey.company_id).callback_state == "missing"


def test_care_brings_new_accounts_and_expense_types_when_ours_are_an_hour_old(journey: Journey) -> None:
    work = journey.wiring.work("acme")
    care(work, callback_url=CALLBACK)
    set_books(journey, accounts=[{"code": "487", "name": "Cloud services", "type": "EXPENSE"}])
    journey.control("POST", SITE, {"expense_types": [{"name": "Parking"}]})
    with journey.database.write() as session:
        hour_ago = journey.database.now(session) - dt.timedelta(hours=1, seconds=1)
        session.execute(update(Reference).values(fetched_at=hour_ago))
    care(journey.wiring.work("acme"), callback_url=CALLBACK)
    later = journey.wiring.work("acme")
    assert "487" in {account.code for account in later.books().accounts}
    assert "Parking" in {kind.name for kind in later.site().expense_types.values()}


def test_care_goes_on_when_one_side_is_ill(journey: Journey) -> None:
    work = journey.wiring.work("acme")
    work.connectwise.register_callback(CALLBACK, "Expense Relay")
    journey.fault(system="xero", kind="status", path="/Accounts", status=503)
    care(journey.wiring.work("acme"), callback_url=CALLBACK)
    with journey.database.read() as session:
        assert session.get_one(Company, journey.company_id).callback_state == "active"


def test_a_history_too_long_for_one_job_never_hides_what_is_new(
    journey: Journey, monkeypatch: pytest.MonkeyPatch
) -> None:
    [entry_id] = enter(journey, {})
    work = journey.wiring.work("acme")
    approved = work.connectwise.approved_entries

    def endless(*, statuses: Any, since: dt.date) -> Any:
        yield from approved(statuses=statuses, since=since)
        if since == work.settings.start_date:
            raise JobTimeoutException("600 seconds")

    monkeypatch.setattr(work.connectwise, "approved_entries", endless)
    with pytest.raises(JobTimeoutException):
        sweep(work)
    journey.post()
    assert ending(journey, entry_id) == DONE
    assert sweep(work) == 0
