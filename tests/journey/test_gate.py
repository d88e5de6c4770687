"""When an entry may be posted: approval, tiers, billing, the start date and closed books."""

from __future__ import annotations

import pytest

from tests.journey.conftest import Journey
from tests.journey.hands import (
    SITE,
    bill_with_payment_refused,
    claim,
    edit,
    ending,
    made,
    move_report,
    payments,
    report_of,
    retry,
    set_books,
    set_company,
    set_expenses,
)

pytestmark = pytest.mark.one_database

DONE, HELD, SKIPPED = ("done", None), ("held", None), ("skipped", None)
CLOSED = ("held", "closed_period")


def added(journey: Journey, **entry: object) -> int:
    """An entry in a report that waits for approval."""
    [entry_id] = journey.add(entry, approve=False)
    journey.post()
    return entry_id


def approve(journey: Journey, entry_id: int, *, tier: int) -> None:
    body = {"report_ids": [report_of(journey, entry_id)], "tier": tier, "silent": True}
    journey.control("POST", f"{SITE}/approve", body)
    journey.call_back(entry_id)
    journey.post()


def why(journey: Journey, entry_id: int) -> str:
    return journey.expense(entry_id).why or ""


def test_an_approved_entry_waits_for_its_report(journey: Journey) -> None:
    entry_id = added(journey, status="ApprovedByTierOne")
    assert ending(journey, entry_id) == HELD
    assert "report's status is PendingApproval" in why(journey, entry_id)
    approve(journey, entry_id, tier=1)
    journey.assert_posted_once(entry_id)


def test_the_report_may_be_left_out_of_it(journey: Journey) -> None:
    set_expenses(journey, require_report_approval=False)
    entry_id = added(journey, status="ApprovedByTierOne")
    assert ending(journey, entry_id) == DONE


def test_only_the_wanted_tier_lets_an_entry_through(journey: Journey) -> None:
    set_expenses(journey, approval=["ApprovedByTierTwo"])
    entry_id = added(journey)
    approve(journey, entry_id, tier=1)
    assert ending(journey, entry_id) == HELD
    approve(journey, entry_id, tier=2)
    journey.assert_posted_once(entry_id)


def test_any_status_may_be_enough(journey: Journey) -> None:
    set_expenses(journey, approval="any")
    assert ending(journey, added(journey)) == DONE


def test_a_project_waits_for_the_second_tier(journey: Journey) -> None:
    set_expenses(journey, second_tier_for_projects=True)
    project = {"charge_to_type": "ProjectTicket", "project": "Office move"}
    on_project, other = journey.add(project, {}, approve=False)
    approve(journey, on_project, tier=1)
    assert (ending(journey, on_project), ending(journey, other)) == (HELD, DONE)
    assert "ApprovedByTierTwo" in why(journey, on_project)
    approve(journey, on_project, tier=2)
    journey.assert_posted_once(on_project, other)


def test_a_project_billed_after_its_second_tier_is_proved_by_the_audit(journey: Journey) -> None:
    set_expenses(journey, second_tier_for_projects=True)
    [entry_id] = journey.add({"charge_to_type": "ProjectTicket", "project": "Office move"})
    edit(journey, entry_id, status="Billed")
    move_report(journey, entry_id, "Billed")
    journey.post()
    journey.assert_posted_once(entry_id)


def test_a_project_billed_after_its_first_tier_only_is_held(journey: Journey) -> None:
    set_expenses(journey, second_tier_for_projects=True)
    [entry_id] = journey.add({"charge_to_type": "ProjectTicket", "project": "Office move"}, approve=False)
    body = {"report_ids": [report_of(journey, entry_id)], "tier": 1, "silent": True}
    journey.control("POST", f"{SITE}/approve", body)
    edit(journey, entry_id, status="Billed")
    move_report(journey, entry_id, "Billed")
    journey.post()
    assert ending(journey, entry_id) == HELD


@pytest.mark.parametrize("status", ["ReadyToBill", "Billed", "BilledAgreement", "WrittenOff"])
def test_a_later_status_proves_no_approval(journey: Journey, status: str) -> None:
    entry_id = added(journey, status=status)
    assert ending(journey, entry_id) == HELD
    assert f"Its status {status} does not prove an approval" in why(journey, entry_id)


def test_a_billed_report_counts_as_approved_when_its_audit_shows_the_approval(journey: Journey) -> None:
    [entry_id] = journey.add({})
    edit(journey, entry_id, status="Billed")
    move_report(journey, entry_id, "Billed")
    journey.post()
    journey.assert_posted_once(entry_id)


def test_a_billed_report_that_nobody_approved_is_held(journey: Journey) -> None:
    entry_id = added(journey)
    edit(journey, entry_id, status="Billed")
    move_report(journey, entry_id, "Billed")
    journey.post()
    assert ending(journey, entry_id) == HELD


def test_the_audit_of_a_report_is_read_once_for_all_its_entries(journey: Journey) -> None:
    ids = journey.add(*[{"status": "Billed"} for _ in range(5)], approve=False)
    move_report(journey, ids[0], "Billed")
    journey.post()
    assert {journey.expense(entry_id).state for entry_id in ids} == {"held"}
    calls = journey.control("GET", "/calls?system=connectwise")["calls"]
    assert len([call for call in calls if call["path"].endswith("/audits")]) == 1


def test_what_lies_before_the_start_date_is_skipped(journey: Journey) -> None:
    set_company(journey, start_date="2026-08-21")
    before, first_day = journey.add({"date": "2026-08-20"}, {"date": "2026-08-21"})
    journey.post()
    assert (ending(journey, before), ending(journey, first_day)) == (SKIPPED, DONE)
    assert "2026-08-21" in why(journey, before)


def test_only_the_wanted_billing_statuses_are_posted(journey: Journey) -> None:
    set_expenses(journey, billing_statuses=["Billable"])
    billable, other = journey.add({"billable": True}, {"billable": False})
    journey.post()
    assert (ending(journey, billable), ending(journey, other)) == (DONE, HELD)
    assert "DoNotBill" in why(journey, other)


def test_closed_books_hold_an_entry_until_they_are_opened(journey: Journey) -> None:
    set_books(journey, period_lock_date="2026-08-31")
    [entry_id] = journey.add({})
    journey.post()
    assert ending(journey, entry_id) == CLOSED
    assert "2026-08-31" in why(journey, entry_id)
    set_books(journey, period_lock_date=None)
    retry(journey, entry_id)
    journey.assert_posted_once(entry_id)


def test_the_end_of_year_lock_counts_as_well(journey: Journey) -> None:
    set_books(journey, period_lock_date="2026-06-30", end_of_year_lock_date="2026-08-21")
    on_it, after = journey.add({"date": "2026-08-21"}, {"date": "2026-08-22"})
    journey.post()
    assert (ending(journey, on_it), ending(journey, after)) == (CLOSED, DONE)


def test_what_falls_into_closed_books_may_move_to_the_next_open_day(journey: Journey) -> None:
    set_expenses(journey, closed_period="next_open_day")
    set_books(journey, period_lock_date="2026-08-31")
    [entry_id] = journey.add({})
    journey.post()
    journey.assert_posted_once(entry_id)
    bill, [payment] = claim(journey, entry_id), payments(journey, entry_id)
    assert (bill["DateString"][:10], bill["DueDateString"][:10]) == ("2026-09-01", "2026-09-01")
    assert payment["Date"] == bill["Date"]
    assert "dated 2026-08-21, then closed" in bill["LineItems"][0]["Description"]


def test_what_falls_into_closed_books_may_become_a_draft(journey: Journey) -> None:
    set_expenses(journey, closed_period="draft")
    set_books(journey, period_lock_date="2026-08-31")
    [entry_id] = journey.add({})
    journey.post()
    assert ending(journey, entry_id) == DONE
    assert [d[:2] for d in made(journey, entry_id)] == [("bill", "draft")]
    assert claim(journey, entry_id)["Status"] == "DRAFT"


def close_behind_our_back(journey: Journey) -> None:
    """The books are closed after we last read their lock dates."""
    [other] = journey.add({"date": "2026-09-02"})
    journey.post()
    journey.assert_posted_once(other)
    set_books(journey, period_lock_date="2026-08-31")


@pytest.mark.parametrize(
    ("policy", "ends_as", "status"),
    [("hold", CLOSED, None), ("next_open_day", DONE, "PAID"), ("draft", DONE, "DRAFT")],
)
def test_books_closed_a_minute_ago_get_the_same_policy(
    journey: Journey, policy: str, ends_as: tuple[str, str | None], status: str | None
) -> None:
    set_expenses(journey, closed_period=policy)
    close_behind_our_back(journey)
    [entry_id] = journey.add({})
    journey.post()
    assert ending(journey, entry_id) == ends_as
    bills = [b for b in journey.books()["invoices"] if b["InvoiceNumber"] == f"CW-{entry_id}"]
    assert [b["Status"] for b in bills] == ([status] if status else [])


@pytest.mark.parametrize("policy", ["hold", "draft"])
def test_books_closed_between_bill_and_payment_hold_the_payment(journey: Journey, policy: str) -> None:
    set_expenses(journey, closed_period=policy)
    entry_id, bill = bill_with_payment_refused(journey)
    set_books(journey, period_lock_date="2026-08-31")
    retry(journey, entry_id)
    assert ending(journey, entry_id) == CLOSED
    assert payments(journey, entry_id) == []
    set_books(journey, period_lock_date=None)
    retry(journey, entry_id)
    journey.assert_posted_once(entry_id)
    assert [p["Invoice"]["InvoiceID"] for p in payments(journey, entry_id)] == [bill["InvoiceID"]]


def test_books_closed_between_bill_and_payment_move_the_payment(journey: Journey) -> None:
    set_expenses(journey, closed_period="next_open_day")
    entry_id, bill = bill_with_payment_refused(journey)
    set_books(journey, period_lock_date="2026-08-31")
    retry(journey, entry_id)
    journey.assert_posted_once(entry_id)
    assert claim(journey, entry_id)["DateString"] == bill["DateString"]
    [payment] = payments(journey, entry_id)
    assert payment["Date"] == "/Date(1788220800000+0000)/"  # 2026-09-01
