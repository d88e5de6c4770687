"""The demo judges from outside: its month covers the table, and whatever differs is told."""

from __future__ import annotations

import socket
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from bin.demo_month.books import QuickBooks, XeroBooks
from bin.demo_month.month import AMEX, CARD_ACCOUNT, CURED_CAUSE, Spent, cured, expenses
from bin.demo_month.quickbooks import (
    CARD,
    LIABILITY,
    approved_by_hand,
    balances_due,
    first_kept,
    quickbooks_expenses,
)
from bin.demo_month.verify import differences, unbalanced, waiting
from bin.service import Service, ServiceFailed, free_port

MONTH = expenses(60)


def plain_card_expense() -> Spent:
    """The first everyday one: paid from the Amex."""
    return next(s for s in MONTH if s.due.row == "2" and s.payment == AMEX and not s.more)


@pytest.fixture
def world() -> dict[str, Any]:
    """Everything as it must be for one expense, 4711, once it is posted."""
    spent = plain_card_expense()
    day, worth = spent.date.isoformat(), str(spent.worth)
    bill = {
        "InvoiceNumber": "CW-4711", "Status": "PAID", "Total": worth, "AmountDue": "0.00", "TotalTax": "1.00",
        "Contact": {"Name": "Ana Smith"}, "DateString": f"{day}T00:00:00", "DueDateString": f"{day}T00:00:00",
        "LineItems": [{"AccountCode": spent.due.cost}],
    }  # fmt: skip
    payment = {
        "PaymentID": "p-1", "PaymentType": "ACCPAYPAYMENT", "Status": "AUTHORISED", "Amount": worth,
        "Reference": "CW-4711 asmith", "DateString": day, "Account": {"Name": CARD_ACCOUNT},
    }  # fmt: skip
    documents = [{"kind": "bill", "state": "posted"}, {"kind": "payment", "state": "posted"}]
    return {
        "entered": {4711: spent},
        "seen": {4711: {"state": "done", "cause": None, "why": "so", "documents": documents}},
        "books": {"invoices": [bill], "credit_notes": [], "payments": [payment], "bank_transactions": []},
        "bank": {4711: {"state": "matched", "match": {"id": "p-1"}, "reconciled_with": None}},
    }


def told(world: dict[str, Any], books: type[XeroBooks] | type[QuickBooks] = XeroBooks) -> str:
    return "\n".join(
        differences(world["entered"], seen=world["seen"], books=books(world["books"]), bank=world["bank"])
    )


def test_the_month_covers_every_row_of_the_decision_table() -> None:
    assert {str(row) for row in range(1, 12)} <= {spent.due.row for spent in MONTH}
    assert len(MONTH) == 60


@pytest.mark.parametrize("month", [expenses(400), quickbooks_expenses()])
def test_no_bank_line_of_the_month_is_ambiguous(month: list[Spent]) -> None:
    lines = Counter((spent.feed, spent.amount, spent.date) for spent in month if spent.feed)
    assert lines.most_common(1)[0][1] == 1


def test_fewer_expenses_than_the_table_needs_are_refused() -> None:
    with pytest.raises(ValueError, match="at least that many"):
        expenses(10)


def test_the_cure_is_expected_to_release_just_its_cause() -> None:
    entered = dict(enumerate(MONTH))
    after = cured(entered)
    changed = [entry_id for entry_id in entered if after[entry_id] != entered[entry_id]]
    assert {entered[entry_id].due.cause for entry_id in changed} == {CURED_CAUSE}
    assert {after[entry_id].due.row for entry_id in changed} == {"2"}


def test_a_month_as_it_must_be_has_no_differences(world: dict[str, Any]) -> None:
    assert told(world) == ""
    assert waiting(world["entered"], world["seen"]) == []


def test_a_second_payment_is_told(world: dict[str, Any]) -> None:
    world["books"]["payments"].append({**world["books"]["payments"][0], "PaymentID": "p-2"})
    assert "has 2 money documents" in told(world)


def test_a_missing_bill_is_told(world: dict[str, Any]) -> None:
    world["books"]["invoices"].clear()
    assert "should have 1 bill of that number, and has 0" in told(world)


@pytest.mark.parametrize(
    ("part", "field", "value", "words"),
    [
        ("invoices", "Status", "AUTHORISED", "status should be PAID"),
        ("invoices", "AmountDue", Decimal("0.01"), "paid should be"),
        ("payments", "Account", {"Name": "Business Bank Account"}, "account should be Amex 1001"),
        ("payments", "DateString", "2026-08-31", "date should be"),
    ],
)
def test_a_wrong_field_is_told(world: dict[str, Any], part: str, field: str, value: Any, words: str) -> None:
    world["books"][part][0][field] = value
    assert words in told(world)


def test_a_bank_line_that_matches_something_else_is_told(world: dict[str, Any]) -> None:
    world["bank"][4711]["match"] = {"id": "another"}
    assert "should match exactly its payment" in told(world)


def test_an_expense_in_another_state_is_told_and_waited_for(world: dict[str, Any]) -> None:
    world["seen"][4711] |= {"state": "needs_attention", "cause": "tax_unknown"}
    assert "should be done, is needs_attention (tax_unknown)" in told(world)
    assert waiting(world["entered"], world["seen"]) == [4711]


def test_a_document_of_no_expense_is_told(world: dict[str, Any]) -> None:
    world["books"]["invoices"].append({"InvoiceNumber": "CW-9"})
    assert "belongs to no expense: CW-9" in told(world)


@pytest.fixture
def liability() -> dict[str, Any]:
    """Everything as it must be in QuickBooks for one expense that a journal takes over to the liability."""
    spent = next(s for s in quickbooks_expenses() if s.due.row == "5")
    day, worth, vendor = spent.date.isoformat(), str(spent.worth), {"value": "7", "name": "Duc Nguyen"}
    head = {"DocNumber": "CW-4711", "TxnDate": day}
    cost = {"AccountBasedExpenseLineDetail": {"AccountRef": {"name": spent.due.cost}}}
    bill = head | {
        "Id": "1",
        "TotalAmt": worth,
        "Balance": "0",
        "VendorRef": vendor,
        "DueDate": day,
        "Line": [cost],
    }
    owed = {"PostingType": "Debit", "AccountRef": {"name": "Accounts Payable (A/P)"}, "Entity": vendor}
    held = {"PostingType": "Credit", "AccountRef": {"name": LIABILITY}}
    journal = head | {
        "Id": "2",
        "Line": [{"Amount": worth, "JournalEntryLineDetail": d} for d in (owed, held)],
    }
    links = [{"LinkedTxn": [{"TxnType": kind}]} for kind in ("Bill", "JournalEntry")]
    payment = head | {"Id": "3", "TotalAmt": "0", "CheckPayment": {}, "Line": links}
    documents = [{"kind": kind, "state": "posted"} for kind in ("bill", "journal", "payment")]
    none: dict[str, Any] = {"vendor_credits": [], "purchases": [], "deposits": []}
    return {
        "entered": {4711: spent},
        "seen": {4711: {"state": "done", "cause": None, "why": "so", "documents": documents}},
        "books": none | {"bills": [bill], "journal_entries": [journal], "bill_payments": [payment]},
        "bank": {4711: {"state": "unmatched", "match": None, "reconciled_with": None}},
    }


def test_the_month_on_quickbooks_covers_every_row_of_the_decision_table() -> None:
    assert {str(row) for row in range(1, 12)} <= {spent.due.row for spent in quickbooks_expenses()}


def test_a_bill_that_a_journal_takes_over_has_no_differences(liability: dict[str, Any]) -> None:
    assert told(liability, QuickBooks) == ""


def test_a_missing_journal_is_told(liability: dict[str, Any]) -> None:
    liability["books"]["journal_entries"].clear()
    assert "should have 1 journals for it, and has 0" in told(liability, QuickBooks)


def test_a_journal_to_another_account_is_told(liability: dict[str, Any]) -> None:
    [journal] = liability["books"]["journal_entries"]
    journal["Line"][1]["JournalEntryLineDetail"]["AccountRef"]["name"] = CARD
    assert f"journal account should be {LIABILITY}, is {CARD}" in told(liability, QuickBooks)


def test_a_bill_that_stays_open_at_quickbooks_is_told(liability: dict[str, Any]) -> None:
    liability["books"]["bills"][0]["Balance"] = "74.30"
    assert "status should be PAID, is AUTHORISED" in told(liability, QuickBooks)


def test_a_draft_that_is_kept_here_must_not_stand_in_the_books(liability: dict[str, Any]) -> None:
    kept = next(spent for spent in quickbooks_expenses() if spent.due.row == "4")
    liability["entered"] = {4711: kept}
    assert "should have 0 bill of that number, and has 1" in told(liability, QuickBooks)


def test_the_books_due_are_double_entry_and_miss_a_kept_draft() -> None:
    entered = dict(enumerate(quickbooks_expenses()))
    before, after = balances_due(entered), balances_due(approved_by_hand(entered, first_kept(entered)))
    assert sum(before.values()) == sum(after.values()) == 0
    assert after["Accounts Payable (A/P)"] - before["Accounts Payable (A/P)"] == Decimal("-32.10")


def test_an_account_that_holds_something_else_is_told() -> None:
    [sentence] = unbalanced({"Travel": Decimal("1.00")}, {})
    assert sentence == "account Travel should hold 0, and holds 1.00"


def test_a_process_that_ends_by_itself_is_told_with_its_last_words(tmp_path: Any) -> None:
    with Service(tmp_path / "demo", {}) as service:
        service.start("web_0", "/bin/sh", "-c", "echo no room left; exit 3").wait()
        with pytest.raises(ServiceFailed, match=r"(?s)web_0 ended by itself \(exit status 3\).*no room left"):
            service.check()


def test_nothing_of_a_real_installation_reaches_the_demo(tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("SENTRY_DSN", "https://key@sentry.example/1")
    monkeypatch.setenv("DATABASE_URL", "postgresql://real/books")
    environ = Service(tmp_path, {"PORT": "8123"}).environ
    assert (environ["SENTRY_DSN"], environ["PORT"]) == ("", "8123")
    assert environ["DATABASE_URL"] == f"sqlite:///{tmp_path / 'expense-relay.db'}"


def test_a_port_that_is_taken_is_not_offered() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert free_port(preferred=taken.getsockname()[1]) != taken.getsockname()[1]
