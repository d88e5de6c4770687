"""What QuickBooks answers, item by item: posted, refused in its words, or unknown; its lists as books."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from mappers.documents import Call, Document
from mappers.exact import parse
from mappers.qbo import to_books, to_calls, to_contacts, to_found, to_results
from mappers.qbo_books import deep_link
from mappers.qbo_refusals import refusal, to_fault
from tests.mappers.test_qbo import OFFSET_RULES
from tests.mappers.world import entry, settings
from tests.mappers.world_qbo import documents, settled

BILL, PAYMENT = settled(*documents(entry()))
_, JOURNAL, LINK = settled(*documents(entry(), settings(rules=OFFSET_RULES)))
LINKS = [{"Amount": Decimal("120.50"), "LinkedTxn": [{"TxnId": "145", "TxnType": "Bill"}]}]


def call_of(*made: Document) -> Call:
    (call,) = to_calls(made)
    return call


def fault(
    code: str, message: str = "Refused", detail: str = "", type: str = "ValidationFault"
) -> dict[str, Any]:
    error = {"Message": message, "Detail": detail, "code": code, "element": ""}
    return {"Fault": {"Error": [error], "type": type}, "time": "2026-08-21T01:02:03.000-07:00"}


def row(of: Document, **more: Any) -> dict[str, Any]:
    """The entity of a call as QuickBooks would answer it."""
    return {**parse(call_of(of).body), "Id": "145", "SyncToken": "0", **more}


def outcome(of: Document, answer: dict[str, Any]) -> str:
    (result,) = to_results(call_of(of), answer)
    return result.outcome


def test_a_bill_is_posted_with_its_total_and_balance() -> None:
    said = {"Bill": row(BILL, TotalAmt=Decimal("120.50"), Balance=Decimal("120.50"))}
    (result,) = to_results(call_of(BILL), said)
    assert (result.outcome, result.remote_id, result.status) == ("posted", "145", "Open")
    assert (result.total, result.due) == (Decimal("120.50"), Decimal("120.50"))


def test_items_of_a_batch_are_matched_by_their_batch_id_and_never_by_place() -> None:
    bills = [replace(BILL, number=f"CW-{n}") for n in (1, 2, 3)]
    items = [
        {"bId": "3", "Bill": row(bills[2], Id="203")},
        {"bId": "2", **fault("6240")},
        {"bId": "1", "Bill": row(bills[0], Id="201")},
    ]
    results = to_results(call_of(*bills), {"BatchItemResponse": items})
    assert [(r.outcome, r.remote_id) for r in results] == [
        ("posted", "201"),
        ("refused", None),
        ("posted", "203"),
    ]


def test_an_item_that_the_answer_leaves_out_is_unknown() -> None:
    bills = [replace(BILL, number=f"CW-{n}") for n in (1, 2)]
    items = [{"bId": "1", "Bill": row(bills[0])}]
    results = to_results(call_of(*bills), {"BatchItemResponse": items})
    assert [result.outcome for result in results] == ["posted", "unknown"]


def test_the_answer_to_another_body_under_the_same_key_is_unknown() -> None:
    assert outcome(BILL, {"Bill": row(BILL, DocNumber="CW-1")}) == "unknown"


@pytest.mark.parametrize("said", [{}, {"Bill": None}, {"Bill": {"DocNumber": "CW-4711"}}, {"Bill": []}])
def test_an_answer_without_the_entity_is_unknown(said: dict[str, Any]) -> None:
    assert outcome(BILL, said) == "unknown"


@pytest.mark.parametrize("said", [fault("10000"), fault("500", type="SystemFault"), {"Fault": {"Error": []}}])
def test_a_fault_of_the_system_leaves_the_outcome_open(said: dict[str, Any]) -> None:
    assert outcome(BILL, said) == "unknown"


def test_a_refusal_keeps_quickbooks_words() -> None:
    said = fault("6000", "A business validation error has occurred", "Business Validation Error: Odd.")
    (result,) = to_results(call_of(BILL), said)
    assert (result.outcome, result.cause) == ("refused", "refused_by_ledger")
    assert result.words == (
        "A business validation error has occurred: Business Validation Error: Odd. (6000)",
    )


@pytest.mark.parametrize(
    ("code", "detail", "cause"),
    [
        ("6140", "Duplicate Document Number Error", "number_taken"),
        ("6210", "Account Period Closed", "closed_period"),
        ("6210", "Duplicate document number", "number_taken"),
        ("6200", "", "closed_period"),
        ("6000", "The account period has closed and the account books cannot be updated", "closed_period"),
        ("6000", "Make sure all your transactions have a VAT rate before you save.", "tax_unmapped"),
        ("6430", "You need to select a different type of account", "account_type_wrong"),
        ("2500", "Invalid Reference Id : Accounts element id 7 not found", "account_unknown"),
        ("2500", "Invalid Reference Id : Names element id 7 not found", "contact_missing"),
        ("2500", "Invalid Reference Id : Klasses element id 7 not found", "tracking_unmapped"),
        ("610", "Something you're trying to use has been made inactive.", "something_inactive"),
        ("620", "TxnId 5 cannot be linked", "cannot_be_linked"),
        ("2050", "Max allowed: 21", "malformed_document"),
    ],
)
def test_a_code_and_its_text_name_the_cause(code: str, detail: str, cause: str) -> None:
    said = to_fault(fault(code, "Refused", detail))
    assert said is not None
    assert refusal(said)[0] == cause


def test_a_fault_in_lower_case_is_a_fault() -> None:
    said = to_fault({"fault": {"error": [{"message": "No", "detail": "Token", "code": "3200"}], "type": "X"}})
    assert said is not None and (said.codes, said.words) == (("3200",), ("No: Token (3200)",))


def test_a_payment_is_posted_only_with_its_link() -> None:
    whole = row(PAYMENT, TotalAmt=Decimal("120.50"))
    assert outcome(PAYMENT, {"BillPayment": whole}) == "posted"
    assert outcome(PAYMENT, {"BillPayment": {**whole, "Line": []}}) == "unknown"
    shorter = [{**LINKS[0], "Amount": Decimal("20.50")}]
    assert outcome(PAYMENT, {"BillPayment": {**whole, "Line": shorter}}) == "unknown"


def test_a_payment_of_nothing_needs_both_links() -> None:
    assert outcome(LINK, {"BillPayment": row(LINK, TotalAmt=Decimal(0))}) == "posted"
    assert outcome(LINK, {"BillPayment": row(LINK, TotalAmt=Decimal(0), Line=LINKS)}) == "unknown"


def test_a_journals_total_is_what_it_debits() -> None:
    (result,) = to_results(call_of(JOURNAL), {"JournalEntry": row(JOURNAL, Id="146")})
    assert (result.outcome, result.total) == ("posted", Decimal("120.50"))


def test_a_payment_without_its_link_is_found_as_half() -> None:
    some = [row(PAYMENT, Id="7", TotalAmt=Decimal("120.50"), Line=[])]
    (found,) = to_found("BillPayment", some, [PAYMENT])[PAYMENT.marker]
    assert not found.whole
    (found,) = to_found("BillPayment", [row(PAYMENT, Id="7")], [PAYMENT])[PAYMENT.marker]
    assert found.whole


def test_a_payment_at_anothers_bill_is_not_found() -> None:
    assert to_found("BillPayment", [row(PAYMENT)], [PAYMENT.settling("999")]) == {}


def test_what_was_voided_or_deleted_is_not_found() -> None:
    gone = [row(PAYMENT, PrivateNote="Voided - x"), row(PAYMENT, status="Deleted")]
    assert to_found("BillPayment", gone, [PAYMENT]) == {}


def test_of_two_with_one_number_the_one_with_our_tag_is_meant() -> None:
    theirs = row(BILL, Id="9", PrivateNote="typed by hand")
    found = to_found("Bill", [theirs, row(BILL, Id="145")], [BILL])
    assert [hit.remote_id for hit in found[BILL.marker]] == ["145"]


def test_money_spent_is_not_taken_for_money_back() -> None:
    (refund,) = documents(entry(amount="-20.00"))
    spent = row(refund, Credit=False)
    assert to_found("Purchase", [spent], [refund]) == {}


LISTS: dict[str, list[dict[str, Any]]] = {
    "CompanyInfo": [{"CompanyName": "Acme", "Country": "AUS"}],
    "Preferences": [
        {
            "AccountingInfoPrefs": {"BookCloseDate": "2026-06-30", "TrackDepartments": True},
            "CurrencyPrefs": {"MultiCurrencyEnabled": True, "HomeCurrency": {"value": "AUD"}},
            "TaxPrefs": {"UsingSalesTax": True},
        }
    ],
    "Account": [
        {"Id": "1", "Name": "Taxi", "FullyQualifiedName": "Travel:Taxi", "AccountType": "Expense"},
        {"Id": "2", "Name": "Visa", "AccountType": "Credit Card", "AcctNum": "2002", "Active": True},
        {"Id": "3", "Name": "A/P", "AccountType": "Accounts Payable"},
        {"Id": "4", "Name": "Old (deleted)", "AccountType": "Bank", "Active": False},
    ],
    "TaxRate": [{"Id": "11", "RateValue": Decimal(5)}, {"Id": "12", "RateValue": Decimal("9.975")}],
    "TaxCode": [
        {
            "Id": "5",
            "Name": "QC",
            "PurchaseTaxRateList": {
                "TaxRateDetail": [{"TaxRateRef": {"value": "11"}}, {"TaxRateRef": {"value": "12"}}]
            },
        },
        {"Id": "6", "Name": "Sales only", "SalesTaxRateList": {"TaxRateDetail": []}},
    ],
    "Department": [{"Id": "7", "Name": "Cairns"}],
    "CompanyCurrency": [{"Code": "USD"}],
}


def test_the_books_are_read_from_the_lists() -> None:
    books = to_books(LISTS)
    assert (books.name, books.country, books.currencies) == ("Acme", "AU", ("AUD", "USD"))
    assert books.locked_until is not None and books.locked_until.isoformat() == "2026-06-30"
    taxi, visa, payable, old = books.accounts
    assert (taxi.name, taxi.short_name, taxi.can_code, taxi.can_pay) == ("Travel:Taxi", "Taxi", True, False)
    assert (visa.code, visa.is_bank, visa.can_pay, visa.can_code) == ("2002", True, True, False)
    assert not payable.can_code and not old.active
    assert books.tracking[0].name == "Location" and books.tracking[0].options == (("Cairns", "7"),)


def test_a_tax_codes_rate_is_the_sum_of_its_purchase_rates() -> None:
    both, sales = to_books(LISTS).tax_codes
    assert (both.rate, both.rates) == (Decimal("14.975"), (("11", Decimal(5)), ("12", Decimal("9.975"))))
    assert both.on_expenses and not sales.on_expenses


def test_american_books_have_no_tax_codes() -> None:
    american = {**LISTS, "CompanyInfo": [{"CompanyName": "Acme", "Country": "USA"}]}
    assert to_books(american).tax_codes == ()


def test_an_inactive_vendors_name_is_compared_without_its_mark() -> None:
    (wanted,) = [replace(BILL, kind="contact", name="Jo Doe", number="jdoe")]
    rows = [{"Id": "1", "DisplayName": "Jo Doe (deleted)", "Active": False}]
    (contact,) = to_contacts(rows, [wanted])[wanted.marker]
    assert (contact.name, contact.active) == ("Jo Doe", False)


def test_every_kind_has_an_address() -> None:
    assert deep_link(BILL, "145") == "https://app.qbo.intuit.com/app/bill?txnId=145"
    assert deep_link(JOURNAL, "146").endswith("journal?txnId=146")
