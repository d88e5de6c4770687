"""A bill that a person made: its id in what people paste, what it must be, and what is told of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from errors import NeedsAttention
from mappers import qbo_bills, xero_bills
from mappers.documents import BILL, CREDIT_NOTE, REFUND, SPEND, Standing
from mappers.handled import Wanted, check_standing, tell_standing, to_document, wanted_bill
from mappers.traits import QBO, XERO, LedgerTraits
from tests.mappers.world import BOOKS, DAY, OWN_MONEY, SITE, entry, settings
from tests.mappers.world_qbo import QBO_BOOKS

ID = "3f5c0000-0000-4000-8000-00000000000a"
STANDING = Standing(
    remote_id=ID, kind=BILL, what="bill", number="INV-77", total=Decimal("120.50"), tax=Decimal("10.95"),
    currency="AUD", date=DAY, contact="c-1", contact_name="Jo Doe", due=Decimal("120.50"),
)  # fmt: skip


def wanted(traits: LedgerTraits = XERO, *, inclusive: bool = True, **changes: Any) -> Wanted:
    books = BOOKS if traits is XERO else QBO_BOOKS
    by = settings(inclusive_of_tax=inclusive)
    return wanted_bill(entry(**changes), settings=by, site=SITE, books=books, traits=traits)


def refusal(of: Wanted, **changes: Any) -> NeedsAttention:
    with pytest.raises(NeedsAttention) as refused:
        check_standing(of, replace(STANDING, **changes), books=BOOKS)
    return refused.value


@pytest.mark.parametrize(
    "text",
    [
        ID,
        f" {ID.upper()} ",
        f"https://go.xero.com/AccountsPayable/View.aspx?InvoiceID={ID}",
        f"https://go.xero.com/app/!acme/bills/{ID}?from={ID}",
        "https://go.xero.com/organisationlogin/default.aspx?shortcode=!acme"
        f"&redirecturl=%2FAccountsPayable%2FEdit.aspx%3FInvoiceID%3D{ID}",
    ],
)
def test_the_one_id_is_taken_from_what_people_paste_of_xero(text: str) -> None:
    assert xero_bills.to_bill_id(text) == ID


@pytest.mark.parametrize("text", ["", "INV-77", "145", f"{ID}0", f"{ID} {ID[:-1]}b", "https://go.xero.com/"])
def test_what_holds_no_id_of_xeros_or_several_is_none(text: str) -> None:
    assert xero_bills.to_bill_id(text) is None


@pytest.mark.parametrize(
    "text", ["145", " 145 ", "https://app.qbo.intuit.com/app/bill?txnId=145", "qbo/app/expense?TxnID=145&a=7"]
)
def test_the_id_is_taken_from_what_people_paste_of_quickbooks(text: str) -> None:
    assert qbo_bills.to_bill_id(text) == "145"


@pytest.mark.parametrize(
    "text", ["", "0", "x145", "1" * 20, "http://[", "https://x/?txnId=1&txnId=2", "https://x/?txnId=' OR 1"]
)
def test_what_holds_no_id_of_quickbooks_is_none(text: str) -> None:
    assert qbo_bills.to_bill_id(text) is None


@pytest.mark.parametrize(
    ("changes", "kinds"),
    [
        ({}, (BILL,)),
        ({"pays": OWN_MONEY, "kind": 2}, (BILL,)),
        ({"kind": 3}, (CREDIT_NOTE,)),
        ({"amount": "-9"}, (CREDIT_NOTE,)),
        ({"amount": "-9", "kind": 3}, (BILL,)),
        ({"kind": 2}, (BILL,)),  # a contradiction: a person has settled it
        ({"kind": 2, "amount": "-9"}, (CREDIT_NOTE,)),
        ({"pays": OWN_MONEY}, (BILL,)),  # nothing is owed, says the table
        ({"classification": "odd", "classification_id": None}, (BILL,)),
    ],
)
def test_the_decision_table_says_what_it_must_be(changes: dict[str, Any], kinds: tuple[str, ...]) -> None:
    assert wanted(**changes).kinds == kinds


def test_quickbooks_takes_money_back_without_a_credit_note_too() -> None:
    assert wanted(QBO, amount="-9").kinds == (REFUND, CREDIT_NOTE)
    assert wanted(QBO).kinds == (BILL,)


def test_what_agrees_passes() -> None:
    check_standing(wanted(), STANDING, books=BOOKS)
    check_standing(wanted(), replace(STANDING, currency=None), books=BOOKS)
    check_standing(wanted(currency=None), STANDING, books=BOOKS)


def test_net_amounts_are_compared_before_tax() -> None:
    net = wanted(inclusive=False, amount="109.55")
    check_standing(net, STANDING, books=BOOKS)
    assert "120.50 AUD before tax" in refusal(net, tax=Decimal(0)).why


@pytest.mark.parametrize(
    ("changes", "cause", "words"),
    [
        ({"total": Decimal("120.51")}, "bill_differs", ("120.51 AUD", "120.50 AUD", "INV-77")),
        ({"currency": "USD"}, "bill_differs", ("120.50 USD", "120.50 AUD")),
        ({"live": False}, "bill_voided", ("Bill INV-77",)),
        ({"live": False, "total": Decimal(0)}, "bill_voided", ()),
        (
            {"kind": CREDIT_NOTE, "what": "credit note"},
            "not_a_bill",
            ("a credit note INV-77", "wants a bill"),
        ),
        ({"kind": SPEND, "what": "expense"}, "not_a_bill", ("an expense",)),
        ({"kind": "", "what": "sales invoice"}, "not_a_bill", ("a sales invoice",)),
    ],
)
def test_what_does_not_agree_is_refused_in_words(
    changes: dict[str, Any], cause: str, words: tuple[str, ...]
) -> None:
    refused = refusal(wanted(), **changes)
    assert refused.cause == cause
    assert all(word in refused.why for word in words), refused.why


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "120.50 AUD is still due on it; nothing is sent from here."),
        ({"due": Decimal(0)}, "Nothing is due on it any more."),
        ({"approved": False}, "It is a draft there."),
        ({"date": dt.date(2026, 9, 1)}, "It is dated 2026-09-01, the expense 2026-08-21."),
        ({"contact_name": "Lunch\nBar"}, "bill INV-77 of Lunch Bar stands in Xero over 120.50 AUD"),
    ],
)
def test_what_somebody_should_know_is_told(changes: dict[str, Any], words: str) -> None:
    told = tell_standing(wanted(), replace(STANDING, **changes))
    assert told.startswith("bill INV-77 of ") and words in told


def test_it_is_kept_under_our_number_with_the_ledgers_total() -> None:
    kept = to_document(wanted(), replace(STANDING, number="CW-1"), entry_id=4711, posting=2)
    assert (kept.marker, kept.amount, kept.date) == ("bill:CW-4711-2", Decimal("120.50"), DAY)


def test_xeros_number_in_place_of_an_id_is_not_it() -> None:
    row = {"InvoiceID": ID, "InvoiceNumber": "INV-77", "Type": "ACCPAY", "Total": Decimal(1)}
    assert xero_bills.to_standing("Invoices", {"Invoices": [row]}, ID.upper()) is not None
    assert xero_bills.to_standing("Invoices", {"Invoices": [row]}, "INV-77") is None


@pytest.mark.parametrize(
    ("entity", "row", "kind"),
    [
        ("Bill", {}, BILL),
        ("VendorCredit", {}, CREDIT_NOTE),
        ("Purchase", {}, SPEND),
        ("Purchase", {"Credit": True}, REFUND),
        ("Deposit", {}, REFUND),
    ],
)
def test_quickbooks_entities_are_known_by_what_they_do(entity: str, row: dict[str, Any], kind: str) -> None:
    found = qbo_bills.to_standing({entity: [{"Id": "145", "TotalAmt": Decimal(5)} | row]}, "145")
    assert found is not None and (found.kind, found.total, found.live) == (kind, Decimal(5), True)


def test_a_purchase_voided_in_quickbooks_is_no_more() -> None:
    row = {"Id": "145", "Credit": True, "TotalAmt": Decimal(0), "PrivateNote": "Voided"}
    found = qbo_bills.to_standing({"Purchase": [row]}, "145")
    assert found is not None and not found.live
