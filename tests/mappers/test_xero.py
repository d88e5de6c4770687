"""Documents as Xero's wire: exact bytes, sizes, and no more fields than are meant."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from mappers.books import Books
from mappers.documents import CONTACT, Document, TrackingChoice
from mappers.exact import parse
from mappers.mapping import wanted_contact
from mappers.xero import deep_link, to_books, to_calls, to_contacts
from tests.mappers.world import AMEX_ID, BOOKS, OWN_MONEY, SETTINGS, SITE, documents, entry, settings

REMOTE = "22b3fab4-ef56-4d70-a110-a7cc3c1a26cd"


def settled(*made: Document) -> list[Document]:
    return [document.settling(REMOTE) if document.settles else document for document in made]


def bodies(*made: Document, **more: Any) -> dict[str, list[dict[str, Any]]]:
    calls = to_calls(settled(*made), **more)
    return {call.operation: next(iter(parse(call.body).values())) for call in calls}


def test_a_bill_says_what_xero_needs_and_no_totals() -> None:
    (bill,) = bodies(documents(entry())[0])["invoices"]
    assert bill == {
        "Type": "ACCPAY",
        "InvoiceNumber": "CW-4711",
        "Contact": {"ContactID": "c0000000-0000-4000-8000-000000000001"},
        "Date": "2026-08-21",
        "DueDate": "2026-08-21",
        "LineAmountTypes": "Inclusive",
        "CurrencyCode": "AUD",
        "Status": "AUTHORISED",
        "LineItems": [
            {
                "Description": "Meals - Jo Doe (jdoe) - Lunch with the vendor - ConnectWise expense 4711",
                "Quantity": 1,
                "UnitAmount": Decimal("120.50"),
                "AccountCode": "420",
                "TaxType": "INPUT",
            }
        ],
    }


def test_amounts_are_exact_json_numbers_with_cents() -> None:
    call = to_calls(documents(entry(amount="1200.1"))[:1])[0]
    assert b'"UnitAmount":1200.10,' in call.body
    assert to_calls(documents(entry(amount="1200.1"))[:1])[0].body == call.body


def test_a_payment_names_nothing_but_the_id_of_the_bill() -> None:
    (payment,) = bodies(*documents(entry()))["payments"]
    assert payment == {
        "Invoice": {"InvoiceID": REMOTE},
        "Account": {"AccountID": AMEX_ID},
        "Date": "2026-08-21",
        "Amount": Decimal("120.50"),
        "Reference": "CW-4711 jdoe Meals",
    }


def test_a_refund_settles_a_credit_note_by_its_id() -> None:
    made = bodies(*documents(entry(amount="-20")))
    assert made["payments"][0]["CreditNote"] == {"CreditNoteID": REMOTE}
    assert (made["credit_notes"][0]["Type"], made["credit_notes"][0]["CreditNoteNumber"]) == (
        "ACCPAYCREDIT",
        "CW-4711",
    )


@pytest.mark.parametrize(("amount", "type_name"), [("20", "SPEND"), ("-20", "RECEIVE")])
def test_a_personal_purchase_moves_bank_money_onto_the_offset_account(amount: str, type_name: str) -> None:
    (moved,) = bodies(*documents(entry(amount=amount, kind=3)))["bank_transactions"]
    assert (moved["Type"], moved["Reference"].split()[0]) == (type_name, "CW-4711")
    assert moved["BankAccount"] == {"AccountID": AMEX_ID}
    assert moved["LineItems"][0]["AccountCode"] == "850"


def test_a_draft_is_a_draft_and_net_amounts_are_exclusive() -> None:
    (bill,) = bodies(*documents(entry(member="bob"), settings(inclusive_of_tax=False)))["invoices"]
    assert (bill["Status"], bill["LineAmountTypes"]) == ("DRAFT", "Exclusive")


def test_a_line_carries_typed_tax_tracking_and_an_account_without_code_by_id() -> None:
    (bill,) = documents(entry())[:1]
    choice = TrackingChoice(category="t-1", option="o-1")
    line = replace(bill.lines[0], tax_amount=Decimal(9), tracking=(choice,), account_code="")
    (sent,) = bodies(replace(bill, lines=(line,)))["invoices"][0]["LineItems"]
    assert (sent["TaxAmount"], sent["AccountID"]) == (Decimal("9.00"), bill.lines[0].account)
    assert sent["Tracking"] == [{"TrackingCategoryID": "t-1", "TrackingOptionID": "o-1"}]
    assert "AccountCode" not in sent


def test_a_bill_links_back_only_when_a_link_is_handed_in() -> None:
    bill = documents(entry())[0]
    (linked,) = bodies(bill, links={"bill:CW-4711": "https://relay.example/e/4711"})["invoices"]
    assert linked["Url"] == "https://relay.example/e/4711"


def test_a_contact_has_a_name_a_number_and_an_address_when_known() -> None:
    made = [wanted_contact(entry(member=m), settings=SETTINGS, site=SITE) for m in ("jdoe", "ana")]
    assert bodies(*made)["contacts"] == [
        {"Name": "Jo Doe", "AccountNumber": "V-JDOE", "EmailAddress": "jo@acme.example"},
        {"Name": "Ana Silva"},
    ]


def test_two_contacts_of_one_name_never_share_a_call() -> None:
    one = wanted_contact(entry(), settings=SETTINGS, site=SITE)
    calls = to_calls([one, replace(one, number="jdoe2", name="JO DOE")])
    assert [call.markers for call in calls] == [("contact:jdoe",), ("contact:jdoe2",)]


def many(count: int) -> list[Document]:
    return [document for n in range(count) for document in documents(entry(id=n + 1, pays=OWN_MONEY, kind=2))]


def test_fifty_bills_ride_in_one_call() -> None:
    assert [len(call.markers) for call in to_calls(many(120))] == [50, 50, 20]


def test_a_call_stays_below_the_size_that_xero_takes() -> None:
    calls = to_calls(many(40), max_bytes=3_000)
    assert sum(len(call.markers) for call in calls) == 40
    assert all(len(call.body) <= 3_000 for call in calls)
    assert len(calls) > 1


def test_claims_are_sent_before_money() -> None:
    made = settled(
        *documents(entry(id=1)), *documents(entry(id=2, kind=3)), *documents(entry(id=3, amount="-1"))
    )
    operations = [call.operation for call in to_calls(reversed(made))]
    assert operations == ["invoices", "credit_notes", "payments", "bank_transactions"]


def test_markers_stand_in_the_order_of_the_body() -> None:
    (call,) = to_calls(many(3))
    numbers = [row["InvoiceNumber"] for row in parse(call.body)["Invoices"]]
    assert [f"bill:{number}" for number in numbers] == list(call.markers)


def test_a_payment_that_does_not_know_its_bill_is_a_bug() -> None:
    with pytest.raises(ValueError, match="payment:CW-4711"):
        to_calls(documents(entry()))


def lists(**organisation: object) -> list[dict[str, Any]]:
    own = {"Name": "Acme", "BaseCurrency": "AUD", "CountryCode": "AU", "ShortCode": "!acme", **organisation}
    accounts = [
        {
            "AccountID": "a-1",
            "Code": "420",
            "Name": "Meals",
            "Type": "EXPENSE",
            "TaxType": "INPUT",
            "Status": "ACTIVE",
        },
        {
            "AccountID": "a-2",
            "Name": "Amex",
            "Type": "BANK",
            "BankAccountType": "CREDITCARD",
            "CurrencyCode": "USD",
        },
        {
            "AccountID": "a-3",
            "Code": "850",
            "Name": "Offset",
            "Type": "CURRLIAB",
            "EnablePaymentsToAccount": True,
        },
        {"AccountID": "a-4", "Code": "800", "Name": "A/P", "Type": "CURRLIAB", "SystemAccount": "CREDITORS"},
        {"AccountID": "a-5", "Code": "1", "Name": "Old", "Type": "BANK", "Status": "ARCHIVED"},
        {"AccountID": "a-6", "Code": "2", "Name": "Gone", "Type": "EXPENSE", "Status": "DELETED"},
    ]
    rates = [
        {"TaxType": "INPUT", "Name": "GST", "EffectiveRate": Decimal("10.0"), "CanApplyToExpenses": True},
        {
            "TaxType": "OUTPUT",
            "Name": "Sales",
            "EffectiveRate": 10,
            "CanApplyToExpenses": False,
            "Status": "ARCHIVED",
        },
    ]
    options = [
        {"TrackingOptionID": "o-1", "Name": "North"},
        {"TrackingOptionID": "o-2", "Name": "X", "Status": "ARCHIVED"},
    ]
    tracking = [
        {"TrackingCategoryID": "t-1", "Name": "Region", "Status": "ACTIVE", "Options": options},
        {"TrackingCategoryID": "t-2", "Name": "Old", "Status": "ARCHIVED", "Options": []},
    ]
    return [
        {"Organisations": [own]},
        {"Accounts": accounts},
        {"TaxRates": rates},
        {"TrackingCategories": tracking},
        {"Currencies": [{"Code": "USD"}, {"Code": "AUD"}]},
    ]


def books_of(**organisation: object) -> Books:
    return to_books(*lists(**organisation))


def test_accounts_know_what_can_be_coded_to_and_paid_from() -> None:
    accounts = {account.name: account for account in books_of().accounts}
    flags = {name: (a.active, a.can_code, a.can_pay, a.is_bank) for name, a in accounts.items()}
    assert flags == {
        "Meals": (True, True, False, False),
        "Amex": (True, False, True, True),
        "Offset": (True, True, True, False),
        "A/P": (True, False, False, False),
        "Old": (False, False, False, True),
    }
    assert (accounts["Amex"].code, accounts["Amex"].currency, accounts["Meals"].tax_code) == (
        "",
        "USD",
        "INPUT",
    )


def test_the_rest_of_the_books_is_read() -> None:
    books = books_of()
    assert (books.base_currency, books.currencies, books.locked_until) == ("AUD", ("AUD", "USD"), None)
    assert [(t.code, t.rate, t.active, t.on_expenses) for t in books.tax_codes] == [
        ("INPUT", Decimal(10), True, True),
        ("OUTPUT", Decimal(10), False, False),
    ]
    assert [(t.name, t.options) for t in books.tracking] == [("Region", (("North", "o-1"),))]


@pytest.mark.parametrize(
    ("locks", "until"),
    [
        ({"PeriodLockDate": "/Date(1782777600000+0000)/"}, dt.date(2026, 6, 30)),
        ({"EndOfYearLockDate": "2026-06-30T00:00:00"}, dt.date(2026, 6, 30)),
        (
            {"PeriodLockDate": "/Date(1782777600000+0000)/", "EndOfYearLockDate": "2025-06-30"},
            dt.date(2026, 6, 30),
        ),
        ({"PeriodLockDate": "/Date(-86400000+0000)/"}, dt.date(1969, 12, 31)),
    ],
)
def test_the_later_of_both_lock_dates_counts(locks: dict[str, str], until: dt.date) -> None:
    assert books_of(**locks).locked_until == until


def test_an_answer_without_an_organisation_is_not_books() -> None:
    with pytest.raises(ValueError, match="organisation"):
        to_books({"Organisations": []}, {}, {}, {}, {})


def test_contacts_are_read_with_the_number_that_people_see() -> None:
    row = {"ContactID": REMOTE, "Name": "Jo Doe", "ContactNumber": "api", "AccountNumber": " V-1 "}
    gone = row | {"ContactStatus": "ARCHIVED", "AccountNumber": ""}
    found = to_contacts({"Contacts": [row, gone]})
    assert [(c.number, c.active) for c in found] == [("V-1", True), (None, False)]


def test_a_link_opens_the_document_in_the_right_organisation() -> None:
    link = deep_link(BOOKS, "bill", REMOTE)
    assert link == (
        "https://go.xero.com/organisationlogin/default.aspx?shortcode=!acme"
        f"&redirecturl=/AccountsPayable/Edit.aspx%3FInvoiceID%3D{REMOTE}"
    )
    assert deep_link(BOOKS, "payment", REMOTE) is None
    assert CONTACT in str(deep_link(replace(BOOKS, short_code=""), CONTACT, REMOTE)).lower()
