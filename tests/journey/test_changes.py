"""What changes under our hands: entries after they were posted, bills before we pay them."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor

import pytest

from models.company import Company
from tests.journey.conftest import Journey
from tests.journey.hands import (
    SITE,
    bill_with_payment_refused,
    claim,
    delete,
    edit,
    ending,
    in_xero,
    made,
    move_report,
    payments,
    refuse_payments,
    retry,
    set_books,
    set_rows,
    set_rule,
)
from workers.sweep import care

pytestmark = pytest.mark.one_database

CHANGED = ("changed", "changed_after_posting")
DONE, SKIPPED = ("done", None), ("skipped", None)
WHY = "jdoe pays Corporate Amex from Amex 1001 (rule 1)"


def posted(journey: Journey, **entry: str) -> int:
    [entry_id] = journey.add(entry)
    journey.post()
    journey.assert_posted_once(entry_id)
    return entry_id


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"amount": "99.00"}, "amount was 120.50, is 99.00"),
        ({"date": "2026-08-20"}, "date was 2026-08-21, is 2026-08-20"),
        ({"type": "Travel"}, "expense type was Meals, is Travel"),
        ({"classification": "Personal"}, "classification was Non-Reimbursable, is Personal"),
        ({"payment_type": "Company Visa Debit"}, "payment type was Corporate Amex, is Company Visa Debit"),
        ({"company": "Contoso"}, "company was Acme MSP, is Contoso Ltd"),
        ({"taxes": [{"type": "GST", "amount": "5.00"}]}, "tax was none, is GST 5.00"),
    ],
)
def test_an_edit_after_posting_is_shown_with_what_changed(
    journey: Journey, change: dict[str, str], words: str
) -> None:
    entry_id = posted(journey)
    edit(journey, entry_id, **change)
    journey.post()
    assert ending(journey, entry_id) == CHANGED
    assert words in (journey.expense(entry_id).why or "")
    assert [str(claim(journey, entry_id)["Total"]), len(payments(journey, entry_id))] == ["120.5", 1]


def test_new_notes_after_posting_change_nothing(journey: Journey) -> None:
    entry_id = posted(journey)
    edit(journey, entry_id, notes="Lunch with Contoso")
    journey.post()
    assert ending(journey, entry_id) == DONE
    assert journey.expense(entry_id).why == WHY
    assert "Lunch with Contoso" in (journey.expense(entry_id).entry or "")


def test_an_edit_taken_back_is_done_again_and_says_by_which_rule(journey: Journey) -> None:
    entry_id = posted(journey)
    edit(journey, entry_id, amount="99.00")
    journey.post()
    edit(journey, entry_id, amount="120.50")
    journey.post()
    journey.assert_posted_once(entry_id)
    assert (ending(journey, entry_id), journey.expense(entry_id).why) == (DONE, WHY)


def test_an_approval_taken_back_after_posting_is_shown(journey: Journey) -> None:
    entry_id = posted(journey)
    move_report(journey, entry_id, "PendingApproval")
    journey.post()
    assert ending(journey, entry_id) == CHANGED
    assert "PendingApproval" in (journey.expense(entry_id).why or "")
    move_report(journey, entry_id, "ApprovedByTierTwo")
    journey.post()
    assert ending(journey, entry_id) == DONE


def test_billing_the_entry_after_posting_changes_nothing(journey: Journey) -> None:
    entry_id = posted(journey)
    edit(journey, entry_id, status="Billed")
    journey.post()
    assert ending(journey, entry_id) == DONE


def test_an_entry_deleted_after_posting_is_shown(journey: Journey) -> None:
    entry_id = posted(journey)
    delete(journey, entry_id)
    journey.call_back(entry_id, deleted=True)
    journey.post()
    assert ending(journey, entry_id) == CHANGED
    assert journey.expense(entry_id).why == "It was deleted in ConnectWise after it was posted."
    assert claim(journey, entry_id)["Status"] == "PAID"


def test_an_entry_deleted_before_posting_is_skipped(journey: Journey) -> None:
    [entry_id] = journey.add({}, approve=False)
    journey.post()
    delete(journey, entry_id)
    journey.call_back(entry_id, deleted=True)
    journey.post()
    assert ending(journey, entry_id) == SKIPPED
    assert journey.books()["invoices"] == []


def test_a_deleted_entry_that_can_still_be_read_is_not_posted(journey: Journey) -> None:
    [entry_id] = journey.add({})
    journey.call_back(entry_id, deleted=True)
    journey.post()
    assert ending(journey, entry_id) == SKIPPED
    journey.call_back(entry_id)
    journey.post()
    assert journey.books()["invoices"] == []


def test_an_entry_that_connectwise_never_shows_is_skipped_in_the_end(journey: Journey) -> None:
    journey.call_back(999_999)
    journey.post()
    assert journey.expense(999_999).state == "retrying"
    journey.make_due()
    journey.post()
    assert ending(journey, 999_999) == SKIPPED


def test_a_refused_payment_leaves_the_bill_and_a_retry_pays_it(journey: Journey) -> None:
    entry_id, bill = bill_with_payment_refused(journey)
    assert ending(journey, entry_id) == ("needs_attention", "refused_by_ledger")
    assert "Payments are resting today" in (journey.expense(entry_id).why or "")
    assert [d[1] for d in made(journey, entry_id)] == ["posted", "failed"]
    assert bill["Status"] == "AUTHORISED"
    retry(journey, entry_id)
    journey.assert_posted_once(entry_id)
    assert journey.expense(entry_id).why == WHY


def test_a_payment_refused_again_says_so_again(journey: Journey) -> None:
    refuse_payments(journey, times=2)
    [entry_id] = journey.add({})
    journey.post()
    retry(journey, entry_id)
    assert ending(journey, entry_id) == ("needs_attention", "refused_by_ledger")
    retry(journey, entry_id)
    journey.assert_posted_once(entry_id)


def pay_by_hand(journey: Journey, bill: dict[str, object], *, amount: str) -> None:
    row = {"Invoice": {"InvoiceID": bill["InvoiceID"]}, "Account": {"Code": "090"}}
    in_xero(journey, "PUT", "/Payments", row | {"Date": "2026-08-25", "Amount": amount})


@pytest.mark.parametrize("amount", ["120.50", "20.50"])
def test_a_bill_paid_by_hand_is_seen_and_never_overpaid(journey: Journey, amount: str) -> None:
    entry_id, bill = bill_with_payment_refused(journey)
    pay_by_hand(journey, bill, amount=amount)
    retry(journey, entry_id)
    assert ending(journey, entry_id) == ("needs_attention", "already_settled")
    assert payments(journey, entry_id) == []
    assert str(claim(journey, entry_id)["AmountPaid"]) == f"{float(amount)}"


def test_a_payment_made_by_hand_and_taken_back_makes_room_for_ours(journey: Journey) -> None:
    entry_id, bill = bill_with_payment_refused(journey)
    pay_by_hand(journey, bill, amount="120.50")
    retry(journey, entry_id)
    [by_hand] = journey.books()["payments"]
    in_xero(journey, "POST", f"/Payments/{by_hand['PaymentID']}", {"Status": "DELETED"})
    retry(journey, entry_id)
    journey.assert_posted_once(entry_id)


def test_a_bill_voided_before_our_payment_is_not_made_again(journey: Journey) -> None:
    entry_id, bill = bill_with_payment_refused(journey)
    in_xero(journey, "POST", f"/Invoices/{bill['InvoiceID']}", {"Status": "VOIDED"})
    retry(journey, entry_id)
    assert ending(journey, entry_id)[0] == "needs_attention"
    assert "void" in (journey.expense(entry_id).why or "")
    assert [b["Status"] for b in journey.books()["invoices"]] == ["VOIDED"]
    assert payments(journey, entry_id) == []


def test_a_bill_whose_total_was_edited_before_our_payment_is_seen(journey: Journey) -> None:
    entry_id, bill = bill_with_payment_refused(journey)
    line = {**bill["LineItems"][0], "UnitAmount": 99, "LineAmount": 99}
    line.pop("TaxAmount")
    in_xero(journey, "POST", f"/Invoices/{bill['InvoiceID']}", {"LineItems": [line]})
    retry(journey, entry_id)
    assert ending(journey, entry_id) == ("needs_attention", "total_differs")
    assert "99.00" in (journey.expense(entry_id).why or "")
    assert payments(journey, entry_id) == []


def test_an_entry_edited_between_its_bill_and_its_payment_is_not_paid(journey: Journey) -> None:
    entry_id, _ = bill_with_payment_refused(journey)
    edit(journey, entry_id, amount="99.00")
    journey.post()
    assert ending(journey, entry_id) == CHANGED
    assert payments(journey, entry_id) == []


def test_a_draft_deleted_in_xero_is_the_bookkeepers_own_decision(journey: Journey) -> None:
    set_rule(journey, "draft_bill")
    [entry_id] = journey.add({})
    journey.post()
    bill = claim(journey, entry_id)
    in_xero(journey, "POST", f"/Invoices/{bill['InvoiceID']}", {"Status": "DELETED"})
    journey.call_back(entry_id)
    journey.post()
    assert [b["Status"] for b in journey.books()["invoices"]] == ["DELETED"]


def test_a_posted_bill_is_never_skipped_when_the_file_changes_who_paid(journey: Journey) -> None:
    entry_id, _ = bill_with_payment_refused(journey)
    set_rows(journey, "payment_types", {"name": "Corporate Amex", "company_paid": False})
    retry(journey, entry_id)
    assert ending(journey, entry_id) == CHANGED
    assert "nothing is owed" in str(journey.expense(entry_id).why)


@pytest.mark.parametrize("comes", list(itertools.product((True, False), repeat=2)))
def test_approved_taken_back_and_approved_again_is_posted_once_whenever_the_worker_comes(
    journey: Journey, comes: tuple[bool, bool]
) -> None:
    [entry_id] = journey.add({}, approve=False)
    for status, worker in zip(("ApprovedByTierTwo", "PendingApproval"), comes, strict=True):
        move_report(journey, entry_id, status)
        if worker:
            journey.post()
    move_report(journey, entry_id, "ApprovedByTierTwo")
    journey.post()
    journey.assert_posted_once(entry_id)


def test_a_connectwise_that_was_upgraded_meanwhile_is_found_again(journey: Journey) -> None:
    first = posted(journey)
    journey.control("POST", SITE, {"upgrade": "v2026_2/"})
    second, third = posted(journey), posted(journey)
    care(journey.wiring.work("acme"), callback_url="http://relay.example/callbacks/connectwise/acme")
    journey.assert_posted_once(first, second, third)
    with journey.database.read() as session:
        assert session.get_one(Company, journey.company_id).cw_codebase == "v2026_2/"


@pytest.mark.parametrize("rate", ["0.40", "0.80"])
def test_an_exchange_rate_that_moves_before_our_payment_changes_nothing_that_is_due(
    journey: Journey, rate: str
) -> None:
    set_books(journey, currencies=["AUD", "USD"], rates={"USD": "0.50"})
    entry_id, bill = bill_with_payment_refused(journey, currency="USD")
    set_books(journey, rates={"USD": rate})
    retry(journey, entry_id)
    journey.assert_posted_once(entry_id)
    assert (claim(journey, entry_id)["AmountDue"], claim(journey, entry_id)["Total"]) == (0, bill["Total"])


def test_a_payment_of_a_cent_by_hand_is_seen(journey: Journey) -> None:
    entry_id, bill = bill_with_payment_refused(journey)
    pay_by_hand(journey, bill, amount="0.01")
    retry(journey, entry_id)
    assert ending(journey, entry_id) == ("needs_attention", "already_settled")
    assert payments(journey, entry_id) == []


def test_a_retry_pressed_by_several_people_at_once_is_one_attempt(journey: Journey) -> None:
    entry_id, _ = bill_with_payment_refused(journey)
    with ThreadPoolExecutor(5) as pool:
        for pressed in [pool.submit(retry, journey, entry_id) for _ in range(5)]:
            pressed.result()
    journey.post()
    journey.assert_posted_once(entry_id)
    assert journey.calls()["PUT /Payments"] == 2  # the refused one, and one more
