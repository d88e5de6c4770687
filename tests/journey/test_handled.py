"""A bookkeeper made the bill in Xero and says so: it is looked up, compared, and nothing more is sent."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select, update

from errors import NeedsAttention, NotFound, Paused, Retryable
from models import states
from models.companies import pause_companies
from models.company import Company
from models.expense import Expense, History
from tests.journey.conftest import Journey
from tests.journey.hands import (
    REFUSAL,
    bill_with_payment_refused,
    delete,
    edit,
    ending,
    in_xero,
    made,
    move_report,
    retry,
    set_books,
    set_expenses,
    set_rows,
    set_rule,
)
from tests.journey.test_receipts import file_receipts, filed, give
from workers import handled, reading
from workers.sweep import sweep

DONE, CHANGED = ("done", None), ("changed", "changed_after_posting")
MEALS = {"name": "Meals", "account": "420", "tax": "INPUT"}
JO, NOBODY = "V-1001", "00000000-0000-4000-8000-00000000dead"
ACTOR = "bo@example.com"


def contact(journey: Journey) -> str:
    found = in_xero(journey, "GET", f'/Contacts?where=AccountNumber=="{JO}"')["Contacts"]
    return str(found[0]["ContactID"])


def typed(journey: Journey, amount: str = "120.50", **more: Any) -> dict[str, Any]:
    """A bill that the bookkeeper types into Xero: paid by nobody yet."""
    line = {
        "Description": "Lunch",
        "Quantity": 1,
        "UnitAmount": amount,
        "AccountCode": "420",
        "TaxType": "INPUT",
    }
    body = {
        "Type": "ACCPAY",
        "InvoiceNumber": "INV-77",
        "Contact": {"ContactID": contact(journey)},
        "Date": "2026-08-21",
        "DueDate": "2026-08-31",
        "LineAmountTypes": "Inclusive",
        "CurrencyCode": "AUD",
        "Status": "AUTHORISED",
        "LineItems": [line],
    }
    found: dict[str, Any] = in_xero(journey, "PUT", "/Invoices", {"Invoices": [body | more]})["Invoices"][0]
    return found


def typed_credit_note(journey: Journey, amount: str = "30.00") -> str:
    line = {
        "Description": "Back",
        "Quantity": 1,
        "UnitAmount": amount,
        "AccountCode": "420",
        "TaxType": "INPUT",
    }
    body = {
        "Type": "ACCPAYCREDIT", "CreditNoteNumber": "CN-1", "Contact": {"ContactID": contact(journey)},
        "Date": "2026-08-21", "LineAmountTypes": "Inclusive", "Status": "AUTHORISED", "LineItems": [line],
    }  # fmt: skip
    made = in_xero(journey, "PUT", "/CreditNotes", {"CreditNotes": [body]})["CreditNotes"][0]
    return str(made["CreditNoteID"])


def pay(journey: Journey, bill: dict[str, Any], *, amount: str) -> None:
    payment = {"Invoice": {"InvoiceID": bill["InvoiceID"]}, "Account": {"Code": "090"}, "Amount": amount}
    in_xero(journey, "PUT", "/Payments", {"Payments": [payment | {"Date": "2026-08-25"}]})


def say(journey: Journey, entry_id: int, bill: object) -> None:
    handled.handle(journey.wiring.work("acme"), entry_id, str(bill), actor=ACTOR)


def stuck(journey: Journey, **entry: Any) -> int:
    """An expense whose type has no account."""
    set_rows(journey, "expense_types")
    [entry_id] = journey.add(entry)
    journey.post()
    assert ending(journey, entry_id) == ("needs_attention", "expense_type_unmapped")
    return entry_id


def test_a_bill_made_by_hand_ends_the_expense_and_is_told(journey: Journey) -> None:
    entry_id = stuck(journey)
    bill = typed(journey)
    say(journey, entry_id, bill["InvoiceID"])
    assert ending(journey, entry_id) == DONE
    assert made(journey, entry_id) == [("bill", "posted", f"CW-{entry_id}", "120.50", None)]
    [document] = journey.documents(entry_id)
    assert document.remote_id == bill["InvoiceID"]
    assert document.url is not None and bill["InvoiceID"] in document.url
    assert journey.expense(entry_id).why == (
        f"Handled by hand, as {ACTOR} said: bill INV-77 of Jo Doe stands in Xero over 120.50 AUD, which"
        " agrees with the expense. 120.50 AUD is still due on it; nothing is sent from here."
    )
    with journey.database.read() as session:
        story = session.scalars(select(History).where(History.actor == ACTOR)).one()
    assert story.what == "handled by hand" and bill["InvoiceID"] in story.text


def test_nothing_is_ever_sent_for_it_afterwards(journey: Journey) -> None:
    entry_id = stuck(journey)
    say(journey, entry_id, typed(journey)["InvoiceID"])
    set_rows(journey, "expense_types", MEALS)
    before = journey.books()
    for _ in range(2):
        journey.call_back(entry_id)
        journey.post()
        sweep(journey.wiring.work("acme"))
        retry(journey, entry_id)
        journey.make_due()
    assert journey.books() == before
    assert ending(journey, entry_id) == DONE
    assert (journey.expense(entry_id).why or "").startswith("Handled by hand")


def test_its_receipts_are_left_to_the_person_too(journey: Journey) -> None:
    entry_id = stuck(journey)
    give(journey, entry_id, "lunch.pdf")
    say(journey, entry_id, typed(journey)["InvoiceID"])
    edit(journey, entry_id, amount="99.00")
    journey.post()
    edit(journey, entry_id, amount="120.50")
    journey.post()
    assert ending(journey, entry_id) == DONE
    file_receipts(journey)
    assert filed(journey) == []


def test_a_bill_that_is_paid_at_the_ledger_is_told_so(journey: Journey) -> None:
    entry_id = stuck(journey)
    bill = typed(journey)
    pay(journey, bill, amount="20.50")
    say(journey, entry_id, bill["InvoiceID"])
    assert "100.00 AUD is still due on it" in (journey.expense(entry_id).why or "")
    pay(journey, bill, amount="100.00")
    say(journey, entry_id, bill["InvoiceID"])
    assert "Nothing is due on it any more." in (journey.expense(entry_id).why or "")


def test_another_day_and_another_contact_are_told_and_not_refused(journey: Journey) -> None:
    entry_id = stuck(journey)
    other = in_xero(journey, "PUT", "/Contacts", {"Contacts": [{"Name": "Lunch Bar"}]})["Contacts"][0]
    bill = typed(journey, Date="2026-09-01", Contact={"ContactID": other["ContactID"]})
    say(journey, entry_id, bill["InvoiceID"])
    why = journey.expense(entry_id).why or ""
    assert "of Lunch Bar" in why and "It is dated 2026-09-01, the expense 2026-08-21." in why


def test_a_draft_is_kept_as_a_draft(journey: Journey) -> None:
    entry_id = stuck(journey)
    say(journey, entry_id, typed(journey, Status="DRAFT")["InvoiceID"])
    assert [state for _, state, *_ in made(journey, entry_id)] == ["draft"]
    assert "It is a draft there." in (journey.expense(entry_id).why or "")


def test_the_address_of_the_bills_page_is_taken_too(journey: Journey) -> None:
    entry_id = stuck(journey)
    bill = typed(journey)
    say(
        journey,
        entry_id,
        f"https://go.xero.com/AccountsPayable/Edit.aspx?InvoiceID={bill['InvoiceID'].upper()}",
    )
    assert ending(journey, entry_id) == DONE


def refused(journey: Journey, entry_id: int, bill: object) -> NeedsAttention:
    """It is refused, and nothing of the expense is changed."""
    before, documents = journey.expense(entry_id), made(journey, entry_id)
    with pytest.raises(NeedsAttention) as refusal:
        say(journey, entry_id, bill)
    after = journey.expense(entry_id)
    for name in ("state", "cause", "why", "due_at", "updated_at", "fingerprint", "entry"):
        assert getattr(after, name) == getattr(before, name)
    assert made(journey, entry_id) == documents
    return refusal.value


def test_a_bill_over_other_money_is_refused_with_both_figures(journey: Journey) -> None:
    entry_id = stuck(journey)
    refusal = refused(journey, entry_id, typed(journey, "99.00")["InvoiceID"])
    assert refusal.cause == "bill_differs"
    assert "99.00 AUD" in refusal.why and "120.50 AUD" in refusal.why


def test_a_bill_in_another_currency_is_refused(journey: Journey) -> None:
    set_books(journey, currencies=["AUD", "USD"])
    entry_id = stuck(journey)
    refusal = refused(journey, entry_id, typed(journey, CurrencyCode="USD")["InvoiceID"])
    assert refusal.cause == "bill_differs"
    assert "120.50 USD" in refusal.why and "120.50 AUD" in refusal.why


def test_a_company_that_types_net_amounts_compares_before_tax(journey: Journey) -> None:
    set_expenses(journey, inclusive_of_tax=False)
    entry_id = stuck(journey, amount="100.00")
    assert refused(journey, entry_id, typed(journey, "100.00")["InvoiceID"]).cause == "bill_differs"
    say(journey, entry_id, typed(journey, "100.00", LineAmountTypes="Exclusive")["InvoiceID"])
    assert made(journey, entry_id)[0][3] == "110.00"


@pytest.mark.parametrize("status", ["VOIDED", "DELETED"])
def test_a_bill_that_is_no_more_is_refused(journey: Journey, status: str) -> None:
    entry_id = stuck(journey)
    bill = typed(journey, Status="AUTHORISED" if status == "VOIDED" else "DRAFT")
    in_xero(journey, "POST", f"/Invoices/{bill['InvoiceID']}", {"Status": status})
    assert refused(journey, entry_id, bill["InvoiceID"]).cause == "bill_voided"


def test_an_id_that_nothing_has_is_refused(journey: Journey) -> None:
    entry_id = stuck(journey)
    refusal = refused(journey, entry_id, NOBODY)
    assert refusal.cause == "bill_not_found" and NOBODY in refusal.why


@pytest.mark.parametrize("text", ["INV-77", "145", f"{NOBODY} {NOBODY[:-1]}e", "https://go.xero.com/Bills"])
def test_what_is_no_id_is_refused_before_anybody_is_asked(journey: Journey, text: str) -> None:
    entry_id = stuck(journey)
    journey.control("DELETE", "/calls")
    assert refused(journey, entry_id, text).cause == "bill_id_unreadable"
    assert journey.calls() == {}


def test_a_sales_invoice_is_refused(journey: Journey) -> None:
    entry_id = stuck(journey)
    refusal = refused(journey, entry_id, typed(journey, Type="ACCREC")["InvoiceID"])
    assert refusal.cause == "not_a_bill" and "sales invoice" in refusal.why


def test_money_that_came_back_wants_a_credit_note(journey: Journey) -> None:
    entry_id = stuck(journey, amount="-30.00")
    assert refused(journey, entry_id, typed(journey, "30.00")["InvoiceID"]).cause == "not_a_bill"
    say(journey, entry_id, typed_credit_note(journey))
    assert made(journey, entry_id) == [("credit_note", "posted", f"CW-{entry_id}", "30.00", None)]


def test_one_bill_stands_for_one_expense_only(journey: Journey) -> None:
    bill = typed(journey)
    first, second = stuck(journey), stuck(journey)
    say(journey, first, bill["InvoiceID"])
    refusal = refused(journey, second, bill["InvoiceID"])
    assert refusal.cause == "bill_taken" and str(first) in refusal.why


def test_two_people_at_once_cannot_give_one_bill_to_two_expenses(journey: Journey) -> None:
    bill = typed(journey)
    entry_ids = [stuck(journey) for _ in range(4)]
    journey.wiring.work("acme").books()

    def both(entry_id: int) -> str:
        try:
            say(journey, entry_id, bill["InvoiceID"])
        except NeedsAttention as refusal:
            return refusal.cause
        return "kept"

    with ThreadPoolExecutor(4) as people:
        assert sorted(people.map(both, entry_ids)) == ["bill_taken"] * 3 + ["kept"]


def test_a_bill_that_we_posted_for_another_expense_is_refused(journey: Journey) -> None:
    [posted] = journey.add({})
    journey.post()
    [document, _] = journey.documents(posted)
    assert refused(journey, stuck(journey), document.remote_id).cause == "bill_taken"


def test_a_bill_of_ours_whose_answer_is_still_lost_is_not_given_to_another_expense(journey: Journey) -> None:
    [lost] = journey.add({})
    journey.fault(system="xero", method="PUT", path="/Invoices", kind="lose_answer", times=1)
    journey.post()
    [bill] = journey.books()["invoices"]
    assert refused(journey, stuck(journey), bill["InvoiceID"]).cause == "bill_taken"
    assert refused(journey, lost, typed(journey)["InvoiceID"]).cause == "may_be_posted"


def test_what_is_posted_is_not_given_a_second_bill(journey: Journey) -> None:
    [entry_id] = journey.add({})
    journey.post()
    assert refused(journey, entry_id, typed(journey)["InvoiceID"]).cause == "already_posted"
    half, _ = bill_with_payment_refused(journey)
    assert refused(journey, half, typed(journey)["InvoiceID"]).cause == "already_posted"


def test_it_waits_while_a_worker_is_at_it(journey: Journey) -> None:
    entry_id = stuck(journey)
    with journey.database.write() as session:
        session.execute(update(Expense).values(lease="somebody"))
    assert refused(journey, entry_id, typed(journey)["InvoiceID"]).cause == "in_progress"


def test_a_paused_company_and_a_ledger_that_is_away_change_nothing(journey: Journey) -> None:
    entry_id = stuck(journey)
    bill = typed(journey)
    journey.fault(system="xero", method="GET", path="/Invoices", kind="status", status=503, times=1)
    with pytest.raises(Retryable):
        say(journey, entry_id, bill["InvoiceID"])
    with journey.database.write() as session:
        now = journey.database.now(session)
        pause_companies(session, Company.key == "acme", why="Consent was withdrawn.", now=now)
    with pytest.raises(Paused, match="Consent was withdrawn"):
        say(journey, entry_id, bill["InvoiceID"])
    assert ending(journey, entry_id) == ("needs_attention", "expense_type_unmapped")


def test_an_entry_that_is_gone_from_connectwise_cannot_be_compared(journey: Journey) -> None:
    entry_id = stuck(journey)
    delete(journey, entry_id)
    with pytest.raises(NotFound, match="any more"):
        say(journey, entry_id, typed(journey)["InvoiceID"])


def test_an_edit_afterwards_is_shown_as_changed_and_undone_again(journey: Journey) -> None:
    entry_id = stuck(journey)
    say(journey, entry_id, typed(journey)["InvoiceID"])
    edit(journey, entry_id, amount="99.00")
    journey.post()
    assert ending(journey, entry_id) == CHANGED
    assert "amount was 120.50, is 99.00" in (journey.expense(entry_id).why or "")
    edit(journey, entry_id, amount="120.50")
    journey.post()
    assert ending(journey, entry_id) == DONE


def test_a_bill_corrected_after_an_edit_is_verified_anew(journey: Journey) -> None:
    entry_id = stuck(journey)
    say(journey, entry_id, typed(journey)["InvoiceID"])
    edit(journey, entry_id, amount="99.00")
    journey.post()
    better = typed(journey, "99.00", InvoiceNumber="INV-78")
    say(journey, entry_id, better["InvoiceID"])
    assert ending(journey, entry_id) == DONE
    assert [d.remote_id for d in journey.documents(entry_id)] == [better["InvoiceID"]]
    assert journey.expense(entry_id).amount == 99


def test_an_approval_taken_back_afterwards_is_shown_as_changed(journey: Journey) -> None:
    entry_id = stuck(journey)
    say(journey, entry_id, typed(journey)["InvoiceID"])
    move_report(journey, entry_id, "Rejected")
    journey.post()
    assert ending(journey, entry_id) == CHANGED


def test_a_person_may_be_ahead_of_the_approval(journey: Journey) -> None:
    [entry_id] = journey.add({}, approve=False)
    journey.post()
    assert journey.expense(entry_id).state == states.HELD
    say(journey, entry_id, typed(journey)["InvoiceID"])
    journey.call_back(entry_id)
    journey.post()
    assert ending(journey, entry_id) == DONE
    edit(journey, entry_id, amount="99.00")
    journey.post()
    assert ending(journey, entry_id) == CHANGED


def test_what_was_planned_and_refused_gives_way_to_the_persons_bill(journey: Journey) -> None:
    element = {"ValidationErrors": [{"Message": "Bills are resting today"}]}
    body = REFUSAL | {"Elements": [element]}
    journey.fault(
        system="xero", kind="status", method="PUT", path="/Invoices", status=400, times=1, body=body
    )
    [entry_id] = journey.add({})
    journey.post()
    assert [kind for kind, *_ in made(journey, entry_id)] == ["bill", "payment"]
    say(journey, entry_id, typed(journey)["InvoiceID"])
    assert made(journey, entry_id) == [("bill", "posted", f"CW-{entry_id}", "120.50", None)]


def test_a_contradiction_is_settled_by_a_persons_bill(journey: Journey) -> None:
    set_rule(journey, "approved_bill")
    [entry_id] = journey.add({"classification": "Reimbursable"})
    journey.post()
    assert ending(journey, entry_id) == ("needs_attention", "paid_by_company_but_reimbursable")
    say(journey, entry_id, typed(journey)["InvoiceID"])
    assert ending(journey, entry_id) == DONE


def test_a_callback_that_came_meanwhile_is_not_lost(
    journey: Journey, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry_id = stuck(journey)
    bill = typed(journey)
    read = reading.read_entries

    def read_and_called_back(*arguments: Any) -> Any:
        found = read(*arguments)
        edit(journey, entry_id, amount="99.00")
        return found

    monkeypatch.setattr(handled, "read_entries", read_and_called_back)
    say(journey, entry_id, bill["InvoiceID"])
    journey.post()
    assert ending(journey, entry_id) == CHANGED
