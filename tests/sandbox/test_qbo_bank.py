"""The bank feed of the pretend QuickBooks company."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.clients import Control
from tests.sandbox.qbo_client import REALM, Qbo


@pytest.fixture
def paid(qbo: Qbo) -> Any:
    bill = qbo.made("Bill", qbo.bill())
    return qbo.made("BillPayment", qbo.payment(("Bill", bill["Id"], 110), total=110))


def lines(control: Control, *rows: dict[str, str]) -> Any:
    base = {"account": "Business Cheque", "date": "2026-08-22", "amount": "-110.00"}
    return control("POST", f"/bank/{REALM}/lines", {"lines": [{**base, **row} for row in rows]})["lines"]


def reconcile(control: Control) -> int:
    return int(control("POST", f"/bank/{REALM}/reconcile")["reconciled"])


def test_a_line_matches_the_payment_of_its_amount(control: Control, paid: Any) -> None:
    found = lines(control, {})[0]
    assert (found["state"], found["match"]["kind"], found["match"]["id"]) == (
        "matched",
        "payment",
        paid["Id"],
    )


def test_another_amount_sign_account_or_quarter_does_not_match(control: Control, paid: Any) -> None:
    found = lines(
        control,
        {"amount": "-110.01"},
        {"amount": "110.00"},
        {"account": "Visa 2002"},
        {"date": "2026-11-20"},
    )
    assert [line["state"] for line in found] == ["unmatched"] * 4


def test_ninety_days_are_near_enough(control: Control, paid: Any) -> None:
    assert lines(control, {"date": "2026-11-19"})[0]["state"] == "matched"


def test_an_open_bill_is_not_matched(control: Control, qbo: Qbo) -> None:
    qbo.made("Bill", qbo.bill())
    assert lines(control, {})[0]["state"] == "unmatched"


def test_two_equal_payments_are_ambiguous_until_the_payee_tells(control: Control, qbo: Qbo) -> None:
    other = qbo.made("Vendor", {"DisplayName": "Ana"})
    for vendor in (qbo.vendors["Jo Doe"], other["Id"]):
        who = {"VendorRef": {"value": vendor}}
        bill = qbo.made("Bill", qbo.bill(**who))
        qbo.made("BillPayment", qbo.payment(("Bill", bill["Id"], 110), total=110, **who))
    found = lines(control, {}, {"payee": "ana"})
    assert [line["state"] for line in found] == ["ambiguous", "matched"]
    assert len(found[0]["candidates"]) == 2


def test_purchases_deposits_transfers_and_journals_match_too(control: Control, qbo: Qbo) -> None:
    visa = {"value": qbo.accounts["Visa 2002"]}
    cheque, clearing = ({"value": qbo.accounts[name]} for name in ("Business Cheque", "Expense clearing"))
    kind = "DepositLineDetail"
    spent = {"PaymentType": "CreditCard", "AccountRef": visa, "TxnDate": "2026-08-21"}
    qbo.made("Purchase", {**spent, "GlobalTaxCalculation": "TaxExcluded", "Line": [qbo.line(10)]})
    deposit = {"Amount": 20, "DetailType": kind, kind: {"AccountRef": {"value": qbo.accounts["Travel"]}}}
    qbo.made("Deposit", {"DepositToAccountRef": cheque, "TxnDate": "2026-08-21", "Line": [deposit]})
    ends = {"FromAccountRef": cheque, "ToAccountRef": clearing, "Amount": 30, "TxnDate": "2026-08-21"}
    qbo.made("Transfer", ends)
    qbo.made("JournalEntry", qbo.journal(40, "Business Cheque"))
    rows = [{"account": "Visa 2002", "amount": "-11"}, {"amount": "20"}, {"amount": "-30"}, {"amount": "-40"}]
    kinds = [line["match"]["kind"] for line in lines(control, *rows)]
    assert kinds == ["purchase", "deposit", "transfer", "journal"]


def test_a_zero_payment_moves_no_money_and_matches_nothing(control: Control, qbo: Qbo) -> None:
    bill, entry = qbo.made("Bill", qbo.bill()), qbo.made("JournalEntry", qbo.journal(110))
    links = (("Bill", bill["Id"], 110.0), ("JournalEntry", entry["Id"], 110.0))
    qbo.made("BillPayment", qbo.payment(*links, total=0))
    assert lines(control, {}, {"amount": "0"})[1]["state"] == "unmatched"


def test_one_payment_settles_one_line_only(control: Control, paid: Any) -> None:
    lines(control, {}, {})
    assert reconcile(control) == 1
    states = [line["state"] for line in control("GET", f"/bank/{REALM}")["lines"]]
    assert states == ["reconciled", "unmatched"]


def test_a_matched_payment_can_neither_be_deleted_nor_voided(control: Control, qbo: Qbo, paid: Any) -> None:
    lines(control, {})
    reconcile(control)
    key = {"Id": paid["Id"], "SyncToken": "0"}
    assert qbo.refusal("BillPayment", key, operation="delete") == "6480"
    assert qbo.refusal("BillPayment", {**key, "sparse": True}, operation="update", include="void") == "6480"


@pytest.mark.parametrize("change", [{"account": "Travel"}, {"amount": "much"}, {"date": "soon"}], ids=str)
def test_a_bad_line_is_refused(control: Control, change: dict[str, str]) -> None:
    base = {"account": "Business Cheque", "date": "2026-08-22", "amount": "-110.00"}
    assert control("POST", f"/bank/{REALM}/lines", {"lines": [{**base, **change}]}, status=400)["error"]
