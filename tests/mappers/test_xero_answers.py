"""What Xero answers: made, refused or not to be trusted, each element by its own number."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from mappers.documents import BILL, CONTACT, CREDIT_NOTE, PAYMENT, REFUND, SPEND, Call, Document, Result
from mappers.mapping import wanted_contact
from mappers.xero import refusal, to_calls, to_found, to_results
from tests.mappers.world import DAY, OWN_MONEY, SETTINGS, SITE, documents, entry

ZERO = "00000000-0000-0000-0000-000000000000"
TICKS = "/Date(1787270400000+0000)/"


def remote(number: int) -> str:
    return f"22b3fab4-ef56-4d70-a110-{number:012d}"


def bill_documents(count: int) -> list[Document]:
    return [documents(entry(id=n, pays=OWN_MONEY, kind=2))[0] for n in range(1, count + 1)]


def bills(count: int) -> Call:
    (call,) = to_calls(bill_documents(count))
    return call


def made(number: int, **more: Any) -> dict[str, Any]:
    return {
        "InvoiceID": remote(number),
        "Type": "ACCPAY",
        "InvoiceNumber": f"CW-{number}",
        "Status": "AUTHORISED",
        "Total": Decimal("120.5"),
        "AmountDue": 120,
        "StatusAttributeString": "OK",
        "HasErrors": False,
    } | more


def failed(number: int, *words: str, **more: Any) -> dict[str, Any]:
    errors = [{"Message": word} for word in words]
    return made(number, InvoiceID=ZERO, StatusAttributeString="ERROR", ValidationErrors=errors) | more


def outcomes(call: Call, *rows: dict[str, Any], name: str = "Invoices") -> list[str]:
    return [result.outcome for result in to_results(call, {name: list(rows)})]


def test_answers_are_matched_by_number_in_whatever_order_they_come() -> None:
    results = to_results(bills(3), {"Invoices": [made(3), made(1), made(2)]})
    assert [(r.marker, r.remote_id) for r in results] == [(f"bill:CW-{n}", remote(n)) for n in (1, 2, 3)]
    assert (results[0].total, results[0].due, results[0].status) == (
        Decimal("120.5"),
        Decimal(120),
        "AUTHORISED",
    )


def test_one_bad_bill_of_three_leaves_two_made() -> None:
    words = "Account code '999' is not a valid code for this document."
    results = to_results(bills(3), {"Invoices": [made(1), failed(2, words), made(3)]})
    assert [r.outcome for r in results] == ["posted", "refused", "posted"]
    assert (results[1].words, results[1].cause) == ((words,), "account_cannot_be_coded")
    assert results[1].remote_id is None


@pytest.mark.parametrize(
    "row",
    [
        made(1, InvoiceID=ZERO),
        made(1, InvoiceID=None),
        made(1, InvoiceID=""),
        made(1, HasErrors=True),
        made(1, InvoiceNumber="CW-2"),
        made(1, InvoiceNumber=None),
    ],
)
def test_what_cannot_be_trusted_is_unknown(row: dict[str, Any]) -> None:
    assert outcomes(bills(1), row) == ["unknown"]


def test_a_document_that_the_answer_leaves_out_is_unknown() -> None:
    assert outcomes(bills(2), made(2)) == ["unknown", "posted"]
    assert outcomes(bills(1)) == ["unknown"]


def test_two_answers_for_one_number_are_unknown() -> None:
    assert outcomes(bills(1), made(1), made(1, InvoiceID=remote(9))) == ["unknown"]


@pytest.mark.parametrize(
    "row",
    [
        made(1, ValidationErrors=[{"Message": "No."}]),
        made(1, StatusAttributeString="ERROR"),
        made(1, LineItems=[{"ValidationErrors": [{"Message": "No."}]}]),
        made(1, Contact={"ValidationErrors": [{"Description": "No."}]}),
        made(1, ValidationErrors=[{}]),
    ],
)
def test_an_error_at_any_depth_is_a_refusal_even_with_an_id(row: dict[str, Any]) -> None:
    (result,) = to_results(bills(1), {"Invoices": [row]})
    assert (result.outcome, result.remote_id) == ("refused", None)
    assert result.words


def test_warnings_do_not_refuse() -> None:
    row = made(1, StatusAttributeString="WARNING", Warnings=[{"Message": "Odd rate."}])
    assert outcomes(bills(1), row) == ["posted"]


def test_the_elements_of_a_400_are_judged_alike_and_the_rest_stays_unknown() -> None:
    assert outcomes(bills(2), failed(2, "No."), name="Elements") == ["unknown", "refused"]


def test_a_lone_refusal_may_leave_out_the_number() -> None:
    bare = {"ValidationErrors": [{"Message": "No."}]}
    assert outcomes(bills(1), bare, name="Elements") == ["refused"]
    assert outcomes(bills(2), bare, name="Elements") == ["unknown", "unknown"]


def money(**changes: Any) -> Document:
    return documents(entry(**changes))[1].settling(remote(7))


PAYMENT_ROW = {
    "PaymentID": remote(1),
    "Invoice": {"InvoiceID": remote(7), "InvoiceNumber": "CW-4711", "CurrencyCode": "AUD"},
    "Amount": Decimal("120.50"),
    "Reference": "CW-4711 jdoe Meals",
    "Date": TICKS,
    "Status": "AUTHORISED",
}


def result_of(document: Document, name: str, row: dict[str, Any]) -> Result:
    (call,) = to_calls([document])
    (result,) = to_results(call, {name: [row]})
    return result


def test_a_payment_is_matched_by_its_reference_or_by_what_it_pays() -> None:
    silent = {**PAYMENT_ROW, "Reference": None}
    for row in (PAYMENT_ROW, silent):
        result = result_of(money(), "Payments", row)
        assert (result.outcome, result.remote_id, result.total) == ("posted", remote(1), Decimal("120.50"))


@pytest.mark.parametrize(
    "change",
    [
        {"Reference": "CW-47110 jdoe Meals"},
        {"Reference": "CW-4711-2 jdoe"},
        {"Invoice": {"InvoiceID": remote(8)}},
        {"Reference": "", "Invoice": None},
    ],
)
def test_a_payment_of_something_else_is_not_ours(change: dict[str, Any]) -> None:
    assert result_of(money(), "Payments", PAYMENT_ROW | change).outcome == "unknown"


def test_a_failed_payment_with_an_id_is_refused() -> None:
    words = "Payment amount exceeds the amount outstanding on this document"
    row = PAYMENT_ROW | {"HasValidationErrors": True, "ValidationErrors": [{"Message": words}]}
    result = result_of(money(), "Payments", row)
    assert (result.outcome, result.cause) == ("refused", "already_settled")


def test_a_bank_transaction_is_matched_by_type_and_reference() -> None:
    row = {
        "BankTransactionID": remote(1),
        "Type": "SPEND",
        "Reference": "CW-4711 jdoe",
        "Total": Decimal("120.5"),
    }
    spend = documents(entry(kind=3))[1]
    assert result_of(spend, "BankTransactions", row).outcome == "posted"
    assert result_of(spend, "BankTransactions", row | {"Type": "RECEIVE"}).outcome == "unknown"


def test_a_contact_is_matched_by_its_name() -> None:
    wanted = wanted_contact(entry(), settings=SETTINGS, site=SITE)
    row = {"ContactID": remote(1), "Name": "Jo Doe", "ContactStatus": "ACTIVE", "HasValidationErrors": False}
    assert result_of(wanted, "Contacts", row).remote_id == remote(1)
    taken = "The contact name Jo Doe is already assigned to another contact. The contact name must be unique."
    refused = row | {"ContactID": ZERO, "ValidationErrors": [{"Message": taken}]}
    assert result_of(wanted, "Contacts", refused).cause == "contact_name_taken"


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        ("The document date cannot be before the PERIOD lock date, 30 June 2026.", "closed_period"),
        ("The document date cannot be before the end of year lock date", "closed_period"),
        ("Account code '420' has been archived, or has been deleted", "account_archived"),
        ("The TaxType code 'INPUT' cannot be used with account code '850'.", "tax_cannot_be_used"),
        ("The TaxType code 'GST' is not valid", "tax_unknown"),
        ("Account type is invalid for making a payment", "account_cannot_pay"),
        ("Payments can only be made against Authorised documents", "already_settled"),
        ("Organisation is not subscribed to currency CHF", "currency_missing"),
        ("The contact is archived.", "contact_archived"),
        ("Idempotency Key: K is used with a different request", "idempotency_key_reused"),
        ("You have reached the limit of invoices you can approve", "plan_limit"),
        ("Something nobody has met", "refused_by_ledger"),
    ],
)
def test_xeros_words_are_put_under_a_cause(words: str, cause: str) -> None:
    found, to_do = refusal(["Some other words", words])
    assert found == cause
    assert to_do.endswith(".")


def found_one(document: Document, answer: dict[str, Any]) -> Any:
    found = to_found(document.kind, answer, [document])
    return found.get(document.marker, [])


BILL_DOC = documents(entry(id=1))[0]


def test_a_live_bill_is_found_by_type_and_number() -> None:
    row = made(1, CurrencyCode="AUD", Date=TICKS, DateString="2026-08-21T00:00:00")
    (hit,) = found_one(BILL_DOC, {"Invoices": [row, made(2)]})
    assert (hit.remote_id, hit.amount, hit.currency, hit.date) == (remote(1), Decimal("120.5"), "AUD", DAY)
    assert (hit.due, hit.status, hit.approved) == (Decimal(120), "AUTHORISED", True)


@pytest.mark.parametrize(
    "change", [{"Status": "VOIDED"}, {"Status": "DELETED"}, {"Type": "ACCREC"}, {"InvoiceNumber": "CW-11"}]
)
def test_voided_deleted_and_other_documents_are_not_found(change: dict[str, str]) -> None:
    assert found_one(BILL_DOC, {"Invoices": [made(1, **change)]}) == []


def test_every_live_bill_of_the_number_is_reported() -> None:
    twins = {"Invoices": [made(1), made(1, InvoiceID=remote(9), Status="DRAFT")]}
    assert [hit.approved for hit in found_one(BILL_DOC, twins)] == [True, False]


def test_a_credit_note_is_found_with_what_is_left_of_it() -> None:
    note = documents(entry(amount="-20"))[0]
    row = {
        "CreditNoteID": remote(1),
        "Type": "ACCPAYCREDIT",
        "CreditNoteNumber": "CW-4711",
        "Status": "AUTHORISED",
        "Total": 20,
        "RemainingCredit": 5,
    }
    (hit,) = to_found(CREDIT_NOTE, {"CreditNotes": [row]}, [note])[note.marker]
    assert (hit.amount, hit.due) == (Decimal(20), Decimal(5))


def test_a_payment_is_found_inside_its_bill_or_in_the_list_of_payments() -> None:
    inside = made(7, InvoiceNumber="CW-4711", CurrencyCode="AUD", Payments=[{**PAYMENT_ROW, "Invoice": None}])
    for answer in (
        {"Invoices": [inside]},
        {"Payments": [PAYMENT_ROW]},
        {"Payments": [PAYMENT_ROW], "Invoices": [inside]},
    ):
        (hit,) = to_found(PAYMENT, answer, [money()])["payment:CW-4711"]
        assert (hit.remote_id, hit.amount, hit.currency, hit.date) == (
            remote(1),
            Decimal("120.50"),
            "AUD",
            DAY,
        )


@pytest.mark.parametrize(
    "change",
    [
        {"Status": "DELETED"},
        {"Reference": "paid by hand"},
        {"Reference": "CW-4711-2 jdoe"},
        {"Invoice": {"InvoiceID": remote(8)}},
    ],
)
def test_payments_of_others_are_not_found(change: dict[str, Any]) -> None:
    assert to_found(PAYMENT, {"Payments": [PAYMENT_ROW | change]}, [money()]) == {}


def test_a_refund_is_found_by_its_credit_note() -> None:
    row = PAYMENT_ROW | {"Invoice": None, "CreditNote": {"CreditNoteID": remote(7)}, "IsReconciled": True}
    (hit,) = to_found(REFUND, {"Payments": [row]}, [money(amount="-120.50")])["refund:CW-4711"]
    assert hit.reconciled


@pytest.mark.parametrize(("amount", "type_name", "kind"), [("5", "SPEND", SPEND), ("-5", "RECEIVE", REFUND)])
def test_bank_money_is_found_by_type_and_reference(amount: str, type_name: str, kind: str) -> None:
    document = documents(entry(kind=3, amount=amount))[1]
    row = {
        "BankTransactionID": remote(1),
        "Type": type_name,
        "Reference": "CW-4711 x",
        "Total": 5,
        "Status": "AUTHORISED",
    }
    assert len(to_found(kind, {"BankTransactions": [row]}, [document])[document.marker]) == 1
    other = row | {"Type": "RECEIVE" if type_name == "SPEND" else "SPEND"}
    assert to_found(kind, {"BankTransactions": [other]}, [document]) == {}


def test_only_an_active_contact_counts_as_made() -> None:
    wanted = wanted_contact(entry(), settings=SETTINGS, site=SITE)
    row = {"ContactID": remote(1), "Name": "Jo Doe", "ContactStatus": "ACTIVE"}
    assert to_found(CONTACT, {"Contacts": [row]}, [wanted])["contact:jdoe"][0].remote_id == remote(1)
    assert to_found(CONTACT, {"Contacts": [row | {"ContactStatus": "ARCHIVED"}]}, [wanted]) == {}


def test_documents_of_another_kind_are_left_alone() -> None:
    assert to_found(BILL, {"Invoices": [made(1)]}, [replace(BILL_DOC, kind=CREDIT_NOTE)]) == {}


@pytest.mark.parametrize(
    "row",
    [
        {"Date": TICKS},
        {"Date": "2026-08-21"},
        {"DateString": "2026-08-21 00:00:00"},
        {"Date": "/Date(1787270400000)/"},
    ],
)
def test_every_form_of_a_day_is_read_without_shifting_it(row: dict[str, str]) -> None:
    (hit,) = found_one(BILL_DOC, {"Invoices": [made(1, **row)]})
    assert hit.date == dt.date(2026, 8, 21)


@pytest.mark.parametrize(
    "answer", [{}, {"Invoices": None}, {"Invoices": "none"}, {"Invoices": [None, 1, []]}]
)
def test_an_odd_answer_finds_nothing_and_proves_nothing(answer: dict[str, Any]) -> None:
    assert found_one(BILL_DOC, answer) == []
    assert [r.outcome for r in to_results(bills(2), answer)] == ["unknown", "unknown"]
