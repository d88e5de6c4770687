"""A bookkeeper made the bill in QuickBooks and says so: bills, vendor credits, and money back onto a card."""

from __future__ import annotations

from typing import Any

import pytest

from errors import NeedsAttention
from models import states
from tests.journey.conftest import Journey
from tests.journey.hands import ending, retry, set_expenses
from tests.journey.test_qbo import CARD, COST, REALM, qbo
from tests.journey.test_qbo_faults import edit_in_connectwise, in_quickbooks, state
from workers.handled import handle

__all__ = ["qbo"]

ACTOR = "bo@example.com"
DONE = ("done", None)


def lines(qbo: Journey, amount: str) -> dict[str, Any]:
    detail = {"AccountRef": {"value": account(qbo, COST)}}
    line = {"Amount": amount, "DetailType": "AccountBasedExpenseLineDetail"}
    line |= {"AccountBasedExpenseLineDetail": detail}  # type: ignore[dict-item]
    return {"Line": [line], "GlobalTaxCalculation": "NotApplicable", "TxnDate": "2026-08-21"}


def account(qbo: Journey, name: str) -> str:
    accounts = qbo.control("POST", "/qbo/companies", {"realm_id": REALM})["accounts"]
    return next(str(each["Id"]) for each in accounts if each["Name"] == name)


def vendor(qbo: Journey) -> dict[str, str]:
    return {"value": str(state(qbo, "vendors")[0]["Id"])}


def typed(qbo: Journey, entity: str, amount: str, **more: Any) -> str:
    """What the bookkeeper types into QuickBooks; its id."""
    body = lines(qbo, amount) | {"DocNumber": "INV-77"} | more
    if entity != "Purchase":
        body |= {"VendorRef": vendor(qbo)}
    return str(in_quickbooks(qbo, f"/{entity.lower()}", body)[entity]["Id"])


def say(qbo: Journey, entry_id: int, bill: str) -> None:
    handle(qbo.wiring.work("acme"), entry_id, bill, actor=ACTOR)


def waiting(qbo: Journey, **entry: Any) -> int:
    """An expense that no worker has looked at yet."""
    [entry_id] = qbo.add({"amount": "110.00"} | entry)
    return entry_id


def cause(qbo: Journey, entry_id: int, bill: str) -> str:
    with pytest.raises(NeedsAttention) as refusal:
        say(qbo, entry_id, bill)
    assert qbo.expense(entry_id).state == states.QUEUED and qbo.documents(entry_id) == []
    return refusal.value.cause


def test_a_bill_made_by_hand_ends_the_expense_and_nothing_is_sent(qbo: Journey) -> None:
    entry_id = waiting(qbo)
    bill_id = typed(qbo, "Bill", "110.00")
    say(qbo, entry_id, f"https://app.qbo.intuit.com/app/bill?txnId={bill_id}")
    [document] = qbo.documents(entry_id)
    assert (ending(qbo, entry_id), document.kind, document.remote_id) == (DONE, "bill", bill_id)
    assert document.url == f"https://app.qbo.intuit.com/app/bill?txnId={bill_id}"
    assert "110.00 AUD is still due on it" in (qbo.expense(entry_id).why or "")
    qbo.call_back(entry_id)
    qbo.post()
    retry(qbo, entry_id)
    assert [row["Id"] for row in state(qbo, "bills")] == [bill_id]
    assert state(qbo, "bill_payments") == [] and ending(qbo, entry_id) == DONE


def test_an_edit_afterwards_is_shown_as_changed(qbo: Journey) -> None:
    entry_id = waiting(qbo)
    say(qbo, entry_id, typed(qbo, "Bill", "110.00"))
    edit_in_connectwise(qbo, entry_id, amount="99.00")
    qbo.post()
    assert ending(qbo, entry_id) == ("changed", "changed_after_posting")


def test_a_bill_over_other_money_or_deleted_is_refused(qbo: Journey) -> None:
    entry_id = waiting(qbo)
    bill_id = typed(qbo, "Bill", "99.00")
    assert cause(qbo, entry_id, bill_id) == "bill_differs"
    in_quickbooks(qbo, "/bill?operation=delete", {"Id": bill_id, "SyncToken": "0"})
    assert cause(qbo, entry_id, bill_id) == "bill_not_found"


def test_money_spent_without_a_bill_is_not_one(qbo: Journey) -> None:
    entry_id = waiting(qbo)
    card = {"AccountRef": {"value": account(qbo, CARD)}, "PaymentType": "CreditCard"}
    assert cause(qbo, entry_id, typed(qbo, "Purchase", "110.00", **card)) == "not_a_bill"


def test_money_back_onto_the_card_is_taken_as_a_card_credit(qbo: Journey) -> None:
    entry_id = waiting(qbo, amount="-55.00")
    card = {"AccountRef": {"value": account(qbo, CARD)}, "PaymentType": "CreditCard", "Credit": True}
    purchase_id = typed(qbo, "Purchase", "55.00", **card)
    say(qbo, entry_id, purchase_id)
    [document] = qbo.documents(entry_id)
    assert (document.kind, document.state, document.remote_id) == ("refund", "posted", purchase_id)
    assert document.url == f"https://app.qbo.intuit.com/app/expense?txnId={purchase_id}"


def test_money_back_is_taken_as_a_vendor_credit_too(qbo: Journey) -> None:
    entry_id = waiting(qbo, amount="-55.00")
    say(qbo, entry_id, typed(qbo, "VendorCredit", "55.00"))
    assert [document.kind for document in qbo.documents(entry_id)] == ["credit_note"]


def test_a_draft_that_is_kept_here_gives_way_to_the_persons_bill(qbo: Journey) -> None:
    set_expenses(qbo, reimbursable_as="draft")
    entry_id = waiting(qbo, classification="Reimbursable", payment_type="Paid by employee")
    qbo.post()
    assert qbo.expense(entry_id).state == states.AWAITING_APPROVAL
    say(qbo, entry_id, typed(qbo, "Bill", "110.00"))
    assert ending(qbo, entry_id) == DONE
    assert [document.state for document in qbo.documents(entry_id)] == ["posted"]


def test_one_bill_stands_for_one_expense_only(qbo: Journey) -> None:
    first, second = waiting(qbo), waiting(qbo)
    bill_id = typed(qbo, "Bill", "110.00")
    say(qbo, first, bill_id)
    assert cause(qbo, second, bill_id) == "bill_taken"
