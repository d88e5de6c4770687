"""What changes under our hands at QuickBooks: bills before we pay them, lists, lock dates; and receipts."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from models import states
from models.expense import Expense
from tests.journey.conftest import Journey
from tests.journey.hands import ending, retry, set_expenses
from tests.journey.test_qbo import (
    BANK,
    CARD,
    COST,
    MADE,
    REALM,
    assert_done,
    balances,
    kinds,
    qbo,
    refuse_once,
)
from workers.receipts import Receipts

__all__ = ["qbo"]

pytestmark = pytest.mark.one_database

CLOSED = ("held", "closed_period")


def in_quickbooks(qbo: Journey, path: str, body: Any) -> Any:
    """A bookkeeper's own change."""
    token = qbo.control("POST", "/qbo/grants", {"realm_id": REALM})["access_token"]
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    address = f"{qbo.url}/v3/company/{REALM}{path}"
    answer = qbo.http.post(address, json=body, headers=headers, timeout=30)
    assert answer.ok, answer.text
    return answer.json()


def set_quickbooks(qbo: Journey, **wanted: Any) -> None:
    qbo.control("POST", "/qbo/companies", {"realm_id": REALM} | wanted)


def state(qbo: Journey, table: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = qbo.control("GET", f"/qbo/{REALM}/state")[table]
    return rows


def bill_without_payment(qbo: Journey) -> tuple[int, dict[str, Any]]:
    """An expense whose bill stands while its payment was refused; its entry id and that bill."""
    [entry_id] = qbo.add({"amount": "110.00"})
    refuse_once(qbo, "/billpayment")
    qbo.post()
    assert qbo.expense(entry_id).state == states.NEEDS_ATTENTION
    [bill] = state(qbo, "bills")
    return entry_id, bill


@pytest.mark.parametrize("amount", ["110.00", "10.00"])
def test_a_bill_paid_by_hand_is_seen_and_never_overpaid(qbo: Journey, amount: str) -> None:
    entry_id, bill = bill_without_payment(qbo)
    accounts = qbo.control("POST", "/qbo/companies", {"realm_id": REALM})["accounts"]
    bank = next(account["Id"] for account in accounts if account["Name"] == BANK)
    payment = {
        "VendorRef": bill["VendorRef"],
        "PayType": "Check",
        "CheckPayment": {"BankAccountRef": {"value": bank}},
        "TotalAmt": amount,
        "TxnDate": "2026-08-25",
        "Line": [{"Amount": amount, "LinkedTxn": [{"TxnId": bill["Id"], "TxnType": "Bill"}]}],
    }
    in_quickbooks(qbo, "/billpayment", payment)
    retry(qbo, entry_id)
    assert ending(qbo, entry_id) == ("needs_attention", "already_settled")
    assert len(state(qbo, "bill_payments")) == 1
    assert CARD not in balances(qbo)


def test_a_bill_deleted_before_our_payment_is_not_made_again(qbo: Journey) -> None:
    entry_id, bill = bill_without_payment(qbo)
    in_quickbooks(qbo, "/bill?operation=delete", {"Id": bill["Id"], "SyncToken": bill["SyncToken"]})
    retry(qbo, entry_id)
    assert ending(qbo, entry_id) == ("needs_attention", "bill_gone")
    assert state(qbo, "bills") == state(qbo, "bill_payments") == []


def test_a_bill_edited_before_our_payment_is_seen(qbo: Journey) -> None:
    entry_id, bill = bill_without_payment(qbo)
    detail = {"AccountRef": bill["Line"][0]["AccountBasedExpenseLineDetail"]["AccountRef"]}
    line = {
        "Amount": 90,
        "DetailType": "AccountBasedExpenseLineDetail",
        "AccountBasedExpenseLineDetail": detail,
    }
    kept = {name: bill[name] for name in ("Id", "SyncToken", "VendorRef", "DocNumber", "TxnDate")}
    in_quickbooks(qbo, "/bill", kept | {"Line": [line], "GlobalTaxCalculation": "NotApplicable"})
    retry(qbo, entry_id)
    assert ending(qbo, entry_id) == ("needs_attention", "total_differs")
    assert "90.00" in (qbo.expense(entry_id).why or "")
    assert state(qbo, "bill_payments") == []


def test_an_entry_edited_between_bill_and_payment_is_not_paid(qbo: Journey) -> None:
    entry_id, _ = bill_without_payment(qbo)
    edit_in_connectwise(qbo, entry_id, amount="99.00")
    qbo.post()
    assert ending(qbo, entry_id) == ("changed", "changed_after_posting")
    assert "Undo" in (qbo.expense(entry_id).to_do or "")
    assert state(qbo, "bill_payments") == []


def edit_in_connectwise(qbo: Journey, entry_id: int, **changes: Any) -> None:
    body = {"entry_id": entry_id, "silent": True} | changes
    qbo.control("POST", f"/connectwise/{qbo.site}/edit", body)
    qbo.call_back(entry_id)


@pytest.mark.parametrize(
    ("policy", "ends_as", "day"),
    [
        ("hold", CLOSED, None),
        ("next_open_day", ("done", None), "2026-09-01"),
        ("draft", ("awaiting_approval", None), None),
    ],
)
@pytest.mark.parametrize("known", [True, False], ids=["known", "a minute ago"])
def test_books_closed_on_the_bills_day_follow_the_policy(
    qbo: Journey, policy: str, ends_as: tuple[str, str | None], day: str | None, known: bool
) -> None:
    set_expenses(qbo, closed_period=policy)
    if not known:
        qbo.wiring.work("acme").books()
    set_quickbooks(qbo, book_close_date="2026-08-31")
    [entry_id] = qbo.add({"amount": "110.00"})
    qbo.post()
    assert ending(qbo, entry_id) == ends_as
    days = {row["TxnDate"] for name in MADE for row in state(qbo, name)}
    assert days == ({day} if day else set())


@pytest.mark.parametrize(
    ("policy", "day"), [("hold", None), ("draft", None), ("next_open_day", "2026-09-01")]
)
def test_books_closed_on_the_payments_day_only_follow_the_policy(
    qbo: Journey, policy: str, day: str | None
) -> None:
    set_expenses(qbo, closed_period=policy)
    entry_id, bill = bill_without_payment(qbo)
    set_quickbooks(qbo, book_close_date="2026-08-31")
    retry(qbo, entry_id)
    assert ending(qbo, entry_id) == (("done", None) if day else CLOSED)
    assert [row["TxnDate"] for row in state(qbo, "bill_payments")] == ([day] if day else [])
    assert [row["TxnDate"] for row in state(qbo, "bills")] == [bill["TxnDate"]]
    set_quickbooks(qbo, book_close_date=None)
    retry(qbo, entry_id)
    assert_done(qbo, entry_id)


def test_a_vendor_of_that_name_that_is_inactive_is_named(qbo: Journey) -> None:
    set_quickbooks(qbo, vendors=[{"name": "Ben Chan", "active": False}])
    [entry_id] = qbo.add({"amount": "110.00"}, member="bchan")
    qbo.post()
    assert ending(qbo, entry_id) == ("needs_attention", "contact_archived")
    assert "Ben Chan" in (qbo.expense(entry_id).why or "")
    assert state(qbo, "bills") == []


def test_an_account_made_inactive_is_named(qbo: Journey) -> None:
    qbo.wiring.work("acme").books()
    set_quickbooks(qbo, accounts=[{"name": COST, "active": False}])
    [entry_id] = qbo.add({"amount": "110.00"})
    qbo.post()
    assert qbo.expense(entry_id).state == states.NEEDS_ATTENTION
    assert state(qbo, "bills") == []
    set_quickbooks(qbo, accounts=[{"name": COST, "active": True}])
    retry(qbo, entry_id)
    assert_done(qbo, entry_id)


def test_a_class_that_the_books_lack_is_named_and_not_dropped(qbo: Journey) -> None:
    set_expenses(qbo, tracking={"Class": "department"})
    [entry_id] = qbo.add({"amount": "110.00"})
    qbo.post()
    assert ending(qbo, entry_id) == ("needs_attention", "tracking_unmapped")
    assert state(qbo, "bills") == []


@pytest.mark.parametrize("kind", [None, "lose_answer", "refuse", "garbage"])
def test_receipts_are_filed_once_at_the_bill(qbo: Journey, kind: str | None) -> None:
    [entry_id] = qbo.add({"amount": "110.00"})
    for name in ("taxi.pdf", "lunch.pdf"):
        body = {"entry_id": entry_id, "file_name": name, "size": 2000}
        qbo.control("POST", f"/connectwise/{qbo.site}/documents", body)
    qbo.post()
    if kind:
        qbo.fault(system="qbo", method="POST", path="/upload", kind=kind, times=1)
    for _ in range(3):
        look_for_receipts(qbo)
    assert kinds(qbo, entry_id)[-2:] == [("receipt", "posted"), ("receipt", "posted")]
    assert len(state(qbo, "attachables")) == 2


def look_for_receipts(qbo: Journey) -> None:
    with qbo.database.write() as session:
        now = qbo.database.now(session)
        due = update(Expense).where(Expense.receipts_due_at.is_not(None))
        session.execute(due.values(receipts_due_at=now))
    Receipts(qbo.wiring.work("acme")).run()
