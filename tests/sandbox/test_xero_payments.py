"""Payments of the pretend Xero: what can be paid, from where, how often, and taken back."""

from __future__ import annotations

import pytest

from tests.sandbox.clients import TENANT, Control, Xero, bill, line, payment


def messages(element: dict[str, list[dict[str, str]]]) -> str:
    return " | ".join(error["Message"] for error in element["ValidationErrors"])


def test_paying_in_full_makes_the_bill_paid(xero: Xero) -> None:
    made = xero.made("Invoices", bill())
    paid = xero.made("Payments", payment(made))
    shown = xero.get(f"/Invoices/{made['InvoiceID']}")["Invoices"][0]
    assert (shown["Status"], shown["AmountDue"], shown["AmountPaid"]) == ("PAID", 0, 120.5)
    assert shown["FullyPaidOnDate"] == "/Date(1787270400000+0000)/"
    assert shown["Payments"][0]["PaymentID"] == paid["PaymentID"]


def test_two_part_payments_settle_a_bill(xero: Xero) -> None:
    made = xero.made("Invoices", bill())
    xero.made("Payments", payment(made, Amount=20.5))
    assert xero.get(f"/Invoices/{made['InvoiceID']}")["Invoices"][0]["AmountDue"] == 100
    xero.made("Payments", payment(made, Amount=100))
    assert xero.get(f"/Invoices/{made['InvoiceID']}")["Invoices"][0]["Status"] == "PAID"


def test_paying_twice_is_refused_with_both_texts(xero: Xero) -> None:
    made = xero.made("Invoices", bill())
    xero.made("Payments", payment(made))
    words = xero.refusal("Payments", payment(made))
    assert "only be made against Authorised documents" in words
    assert "exceeds the amount outstanding" in words


def test_paying_too_much_is_refused(xero: Xero) -> None:
    made = xero.made("Invoices", bill())
    assert xero.refusal("Payments", payment(made, Amount=120.51)).endswith(
        "exceeds the amount outstanding on this document"
    )


def test_a_draft_cannot_be_paid(xero: Xero) -> None:
    made = xero.made("Invoices", bill(Status="DRAFT"))
    assert "Authorised documents" in xero.refusal("Payments", payment(made))


@pytest.mark.parametrize(
    ("account", "words"),
    [
        ({"Code": "420"}, "Account type is invalid for making a payment"),
        ({"Code": "999"}, "Account could not be found"),
    ],
)
def test_a_payment_needs_an_account_that_can_pay(xero: Xero, account: dict[str, str], words: str) -> None:
    assert words in xero.refusal("Payments", payment(xero.made("Invoices", bill()), Account=account))


def test_a_liability_with_payments_enabled_can_pay(xero: Xero) -> None:
    made = xero.made("Invoices", bill())
    assert xero.made("Payments", payment(made, Account={"Code": "850"}))["Status"] == "AUTHORISED"


def test_a_card_without_a_code_pays_by_its_id(xero: Xero) -> None:
    card = xero.account("Amex 1001")
    assert "Code" not in card
    made = xero.made("Invoices", bill())
    paid = xero.made("Payments", payment(made, Account={"AccountID": card["AccountID"]}))
    assert paid["Account"]["AccountID"] == card["AccountID"]


def test_a_locked_payment_day_is_refused(control: Control, xero: Xero) -> None:
    made = xero.made("Invoices", bill(Date="2026-08-25", DueDate="2026-08-25"))
    control.organisation(period_lock_date="2026-08-21")
    assert "cannot be before the period lock date" in xero.refusal("Payments", payment(made))


def test_deleting_a_payment_opens_the_bill_again(xero: Xero) -> None:
    made = xero.made("Invoices", bill())
    paid = xero.made("Payments", payment(made))
    gone = xero.call("POST", f"/Payments/{paid['PaymentID']}", json={"Status": "DELETED"})
    assert gone.json()["Payments"][0]["Status"] == "DELETED"
    assert xero.get(f"/Invoices/{made['InvoiceID']}")["Invoices"][0]["Status"] == "AUTHORISED"


def test_a_payment_cannot_be_changed(xero: Xero) -> None:
    paid = xero.made("Payments", payment(xero.made("Invoices", bill())))
    reply = xero.call("POST", f"/Payments/{paid['PaymentID']}", json={"Amount": 5})
    assert reply.status_code == 400
    assert "Only Status accepted for updates" in messages(reply.json()["Elements"][0])


def test_a_reconciled_payment_cannot_be_deleted(control: Control, xero: Xero) -> None:
    paid = xero.made("Payments", payment(xero.made("Invoices", bill())))
    lines = [{"account": "090", "date": "2026-08-21", "amount": "-120.50"}]
    control("POST", f"/bank/{TENANT}/lines", {"lines": lines})
    assert control("POST", f"/bank/{TENANT}/reconcile")["reconciled"] == 1
    reply = xero.call("POST", f"/Payments/{paid['PaymentID']}", json={"Status": "DELETED"})
    assert "reconciled" in messages(reply.json()["Elements"][0])


def test_payments_are_found_through_their_bill_and_reference(xero: Xero) -> None:
    made, other = xero.made("Invoices", bill()), xero.made("Invoices", bill())
    paid = xero.made("Payments", payment(made))
    xero.made("Payments", payment(other, Reference="CW-2"))
    wheres = (f'Invoice.InvoiceID==guid("{made["InvoiceID"]}")', 'Reference.StartsWith("CW-4701")')
    for where in wheres:
        assert [p["PaymentID"] for p in xero.get("/Payments", where=where)["Payments"]] == [paid["PaymentID"]]


def test_a_foreign_bill_is_paid_from_the_base_account_at_its_rate(control: Control, xero: Xero) -> None:
    control.organisation(currencies=["AUD", "USD"])
    made = xero.made("Invoices", bill(CurrencyCode="USD", CurrencyRate=0.5))
    paid = xero.made("Payments", payment(made))
    assert (paid["Amount"], paid["BankAmount"]) == (120.5, 241.0)
    paid_later = xero.made("Invoices", bill(CurrencyCode="USD", CurrencyRate=0.5))
    assert xero.made("Payments", payment(paid_later, CurrencyRate=0.6))["BankAmount"] == 200.83


def test_two_foreign_currencies_cannot_settle_each_other(control: Control, xero: Xero) -> None:
    account = {"code": "095", "name": "Euro card", "type": "BANK", "currency": "EUR"}
    control.organisation(currencies=["AUD", "USD", "EUR"], accounts=[account])
    made = xero.made("Invoices", bill(CurrencyCode="USD"))
    assert "cannot settle" in xero.refusal("Payments", payment(made, Account={"Code": "095"}))


def test_a_batch_is_one_and_ends_as_one(xero: Xero) -> None:
    bills = [xero.made("Invoices", bill()) for _ in range(2)]
    members = [{"Invoice": {"InvoiceID": b["InvoiceID"]}, "Amount": 120.5} for b in bills]
    row = {"Account": {"Code": "090"}, "Date": "2026-08-21", "Payments": members}
    batch = xero.put("BatchPayments", row).json()["BatchPayments"][0]
    member = xero.get(f"/Invoices/{bills[0]['InvoiceID']}")["Invoices"][0]["Payments"][0]
    alone = xero.call("POST", f"/Payments/{member['PaymentID']}", json={"Status": "DELETED"})
    assert "within a batch cannot be deleted" in messages(alone.json()["Elements"][0])
    wish = {"BatchPaymentID": batch["BatchPaymentID"], "Status": "DELETED"}
    assert xero.post("BatchPayments", wish).json()["BatchPayments"][0]["Status"] == "DELETED"
    assert xero.get(f"/Invoices/{bills[1]['InvoiceID']}")["Invoices"][0]["Status"] == "AUTHORISED"


def test_a_batch_with_one_bad_member_pays_nothing(xero: Xero) -> None:
    good = xero.made("Invoices", bill())
    members = [{"Invoice": {"InvoiceID": good["InvoiceID"]}, "Amount": amount} for amount in (100, 100)]
    row = {"Account": {"Code": "090"}, "Date": "2026-08-21", "Payments": members}
    assert "exceeds" in messages(xero.put("BatchPayments", row).json()["BatchPayments"][0])
    assert xero.get("/Payments")["Payments"] == []


def credit_note(**more: object) -> dict[str, object]:
    return {**bill(), "Type": "ACCPAYCREDIT", "CreditNoteNumber": "CW-4702", "InvoiceNumber": None, **more}


def test_a_credit_note_is_used_up_against_a_bill(xero: Xero) -> None:
    note = xero.made("CreditNotes", credit_note(LineItems=[line(UnitAmount=20.5)]))
    made = xero.made("Invoices", bill())
    path = f"CreditNotes/{note['CreditNoteID']}/Allocations"
    row = {"Invoice": {"InvoiceID": made["InvoiceID"]}, "Amount": 20.5, "Date": "2026-08-21"}
    allocation = xero.put(path, row).json()["Allocations"][0]
    shown = xero.get(f"/Invoices/{made['InvoiceID']}")["Invoices"][0]
    assert (shown["AmountDue"], shown["AmountCredited"]) == (100, 20.5)
    assert xero.get(f"/CreditNotes/{note['CreditNoteID']}")["CreditNotes"][0]["Status"] == "PAID"
    assert xero.call("DELETE", f"/{path}/{allocation['AllocationID']}").status_code == 200
    assert xero.get(f"/Invoices/{made['InvoiceID']}")["Invoices"][0]["AmountDue"] == 120.5


def test_a_credit_note_is_refunded_onto_an_account(xero: Xero) -> None:
    note = xero.made("CreditNotes", credit_note())
    refund = {
        "CreditNote": {"CreditNoteID": note["CreditNoteID"]},
        "Account": {"Code": "090"},
        "Amount": 120.5,
    }
    made = xero.made("Payments", {**refund, "Date": "2026-08-21"})
    assert made["PaymentType"] == "APCREDITPAYMENT"
    assert xero.get(f"/CreditNotes/{note['CreditNoteID']}")["CreditNotes"][0]["RemainingCredit"] == 0
    assert "exceeds" in xero.refusal("Payments", refund)


def test_credit_notes_are_found_by_number_and_voided(xero: Xero) -> None:
    xero.made("CreditNotes", credit_note())
    found = xero.get("/CreditNotes", where='CreditNoteNumber=="CW-4702"', page=1)["CreditNotes"]
    assert len(found) == 1
    ended = xero.post(f"CreditNotes/{found[0]['CreditNoteID']}", {"Status": "VOIDED"})
    assert ended.json()["CreditNotes"][0]["Status"] == "VOIDED"


def spend(**more: object) -> dict[str, object]:
    return {
        "Type": "SPEND",
        "BankAccount": {"Code": "090"},
        "Contact": {"Name": "Jo Doe"},
        "Date": "2026-08-21",
        "Reference": "CW-4703",
        "LineAmountTypes": "NoTax",
        "LineItems": [line(AccountCode="850")],
        **more,
    }


def test_money_is_spent_without_a_bill_and_taken_back(xero: Xero) -> None:
    made = xero.made("BankTransactions", spend())
    assert (made["Total"], made["Status"], made["BankAccount"]["Code"]) == (120.5, "AUTHORISED", "090")
    found = xero.get("/BankTransactions", where='Reference=="CW-4703"', page=1)["BankTransactions"]
    assert [f["BankTransactionID"] for f in found] == [made["BankTransactionID"]]
    path = f"BankTransactions/{made['BankTransactionID']}"
    assert xero.post(path, {"Status": "DELETED"}).json()["BankTransactions"][0]["Status"] == "DELETED"


def test_money_can_only_be_spent_from_a_bank_account(xero: Xero) -> None:
    assert "type BANK" in xero.refusal("BankTransactions", spend(BankAccount={"Code": "850"}))
