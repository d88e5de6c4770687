"""Bills of the pretend Xero: what is accepted, worked out, refused and moved."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.sandbox import oracles
from tests.sandbox.clients import Control, Xero, bill, line, payment

ZERO_ID = "00000000-0000-0000-0000-000000000000"


def test_an_approved_bill_comes_back_with_its_sums(xero: Xero) -> None:
    made = xero.made("Invoices", bill())
    assert (made["SubTotal"], made["TotalTax"], made["Total"], made["AmountDue"]) == (
        109.55,
        10.95,
        120.5,
        120.5,
    )
    assert (made["Status"], made["DateString"]) == ("AUTHORISED", "2026-08-21T00:00:00")
    assert made["Date"] == "/Date(1787270400000+0000)/"


def test_exclusive_amounts_have_the_tax_on_top(xero: Xero) -> None:
    made = xero.made("Invoices", bill(LineAmountTypes="Exclusive"))
    assert (made["SubTotal"], made["TotalTax"], made["Total"]) == (120.5, 12.05, 132.55)


def test_without_tax_the_rate_is_none(xero: Xero) -> None:
    made = xero.made("Invoices", bill(LineAmountTypes="NoTax"))
    assert (made["TotalTax"], made["Total"], made["LineItems"][0]["TaxType"]) == (0, 120.5, "NONE")


def test_a_typed_tax_amount_wins_over_the_rate(xero: Xero) -> None:
    made = xero.made("Invoices", bill(LineItems=[line(TaxType="INPUT", TaxAmount=9.99)]))
    assert (made["SubTotal"], made["TotalTax"], made["Total"]) == (110.51, 9.99, 120.5)


def test_tax_is_rounded_line_by_line(xero: Xero) -> None:
    lines = [line(UnitAmount=0.05, TaxType="INPUT") for _ in range(3)]
    made = xero.made("Invoices", bill(LineAmountTypes="Exclusive", LineItems=lines))
    assert (made["TotalTax"], made["Total"]) == (0.03, 0.18)


def test_unit_amounts_have_two_decimals_unless_four_are_asked_for(xero: Xero) -> None:
    rows = {"Invoices": [bill(LineItems=[line(Quantity=100, UnitAmount=0.1234)])]}
    two = xero.call("PUT", "/Invoices", json=rows).json()["Invoices"][0]
    four = xero.call("PUT", "/Invoices?unitdp=4", json=rows).json()["Invoices"][0]
    assert (two["Total"], four["Total"]) == (12.0, 12.34)


def test_the_number_of_a_bill_need_not_be_unique(xero: Xero) -> None:
    first, second = xero.made("Invoices", bill()), xero.made("Invoices", bill())
    assert first["InvoiceID"] != second["InvoiceID"]
    found = xero.get("/Invoices", where='Type=="ACCPAY" AND InvoiceNumber=="CW-4701"', page=1)["Invoices"]
    assert len(found) == 2


def test_the_number_of_a_sales_invoice_must_be_unique(xero: Xero) -> None:
    sale = bill(Type="ACCREC", LineItems=[line(AccountCode="200", TaxType="OUTPUT")])
    xero.made("Invoices", sale)
    assert "must be unique" in xero.refusal("Invoices", sale)


def test_posting_an_existing_number_overwrites_that_bill(xero: Xero) -> None:
    first = xero.made("Invoices", bill())
    second = xero.post("Invoices", bill(LineItems=[line(UnitAmount=50)])).json()["Invoices"][0]
    assert second["InvoiceID"] == first["InvoiceID"]
    assert xero.get(f"/Invoices/{first['InvoiceID']}")["Invoices"][0]["Total"] == 50


def test_the_reference_of_a_bill_is_dropped_in_silence(xero: Xero) -> None:
    assert xero.made("Invoices", bill(Reference="our reference"))["Reference"] == ""


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"Type": "BILL"}, "Invalid Type"),
    ({"Contact": {}}, "A Contact must be specified"),
    ({"Contact": {"ContactID": "3f5c0000-0000-4000-8000-000000000000"}}, "could not be found"),
    ({"LineItems": []}, "One or more line items must be specified"),
    ({"Status": "PAID"}, "not of valid status for creation"),
    ({"DueDate": None}, "Due Date"),
    ({"Date": "21/08/2026"}, "not a valid date"),
    ({"CurrencyCode": "USD"}, "not subscribed to currency USD"),
    ({"LineItems": [line(AccountCode="999")]}, "not a valid code for this document"),
    ({"LineItems": [line(AccountCode="090")]}, "not a valid code for this document"),
    ({"LineItems": [line(AccountCode="800")]}, "not a valid code for this document"),
    ({"LineItems": [line(AccountCode=None)]}, "Account must be valid"),
    ({"LineItems": [line(TaxType="GST on Expenses")]}, "is not valid"),
    ({"LineItems": [line(TaxType="OUTPUT")]}, "cannot be used with account code"),
    ({"LineItems": [line(LineAmount=99)]}, "does not match the expected line total"),
    ({"Total": 99}, "does not equal the sum of the lines"),
    ({"LineItems": [line(UnitAmount=-5)]}, "must not be negative"),
    ({"LineItems": [line(Tracking=[{"Name": "Region", "Option": "North"}])]}, "could not be found"),
    ({"Url": "CW-4701"}, "absolute url"),
    ({"InvoiceNumber": "x" * 256}, "maximum length"),
]


@pytest.mark.parametrize(("change", "words"), REFUSED, ids=[words for _, words in REFUSED])
def test_a_bad_bill_is_refused_in_xeros_words(xero: Xero, change: dict[str, Any], words: str) -> None:
    assert words in xero.refusal("Invoices", bill(**change))


def test_an_archived_account_is_refused_by_name(control: Control, xero: Xero) -> None:
    control.organisation(accounts=[{"code": "420", "status": "ARCHIVED"}])
    assert "has been archived, or has been deleted" in xero.refusal("Invoices", bill())


def test_an_archived_contact_is_refused(control: Control, xero: Xero) -> None:
    control.organisation(contacts=[{"name": "Jo Doe", "status": "ARCHIVED"}])
    assert "archived" in xero.refusal("Invoices", bill())


def test_a_draft_may_be_incomplete(xero: Xero) -> None:
    made = xero.made("Invoices", bill(Status="DRAFT", DueDate=None, LineItems=[line(AccountCode=None)]))
    assert made["Status"] == "DRAFT"


def test_every_trouble_of_a_bill_is_told_at_once(xero: Xero) -> None:
    words = xero.refusal("Invoices", bill(CurrencyCode="USD", LineItems=[line(AccountCode="999")]))
    assert "not subscribed" in words and "not a valid code" in words


@pytest.mark.parametrize(
    ("lock", "words"),
    [("period_lock_date", "period lock date"), ("end_of_year_lock_date", "end of year lock date")],
)
def test_a_locked_day_is_refused_and_the_next_is_open(
    control: Control, xero: Xero, lock: str, words: str
) -> None:
    control.organisation(**{lock: "2026-08-21"})
    assert f"cannot be before the {words}" in xero.refusal("Invoices", bill())
    assert xero.made("Invoices", bill(Date="2026-08-22"))["Status"] == "AUTHORISED"
    assert xero.made("Invoices", bill(Status="DRAFT"))["Status"] == "DRAFT"


def test_foreign_bills_take_the_rate_given_or_the_days(control: Control, xero: Xero) -> None:
    control.organisation(currencies=["AUD", "USD"])
    assert xero.made("Invoices", bill(CurrencyCode="USD", CurrencyRate=0.7))["CurrencyRate"] == 0.7
    assert xero.made("Invoices", bill(CurrencyCode="USD"))["CurrencyRate"] == 0.65


def test_tracking_is_taken_by_name_and_archived_options_are_refused(control: Control, xero: Xero) -> None:
    options = ["North", {"name": "South", "status": "ARCHIVED"}]
    control.organisation(tracking=[{"name": "Region", "options": options}])
    made = xero.made("Invoices", bill(LineItems=[line(Tracking=[{"Name": "Region", "Option": "North"}])]))
    assert made["LineItems"][0]["Tracking"][0]["Option"] == "North"
    refused = bill(LineItems=[line(Tracking=[{"Name": "Region", "Option": "South"}])])
    assert "archived" in xero.refusal("Invoices", refused)


def test_a_draft_can_be_approved_and_an_approved_bill_voided(xero: Xero) -> None:
    made = xero.made("Invoices", bill(Status="DRAFT"))
    path = f"Invoices/{made['InvoiceID']}"
    assert xero.post(path, {"Status": "AUTHORISED"}).json()["Invoices"][0]["Status"] == "AUTHORISED"
    ended = xero.post(path, {"Status": "VOIDED"}).json()["Invoices"][0]
    assert (ended["Status"], ended["AmountDue"], ended["Total"]) == ("VOIDED", 0, 120.5)
    again = xero.post(path, {"Status": "AUTHORISED"}).json()["Invoices"][0]
    assert "not of valid status for modification" in again["ValidationErrors"][0]["Message"]


def test_a_paid_bill_can_be_neither_voided_nor_recoded(xero: Xero) -> None:
    made = xero.made("Invoices", bill())
    xero.made("Payments", payment(made))
    path = f"Invoices/{made['InvoiceID']}"
    void = xero.post(path, {"Status": "VOIDED"}).json()["Invoices"][0]
    edit = xero.post(path, {"LineItems": [line(UnitAmount=1)]}).json()["Invoices"][0]
    assert "VOIDED cannot be applied" in void["ValidationErrors"][0]["Message"]
    assert "cannot be edited as it has a payment" in edit["ValidationErrors"][0]["Message"]


def test_one_bad_element_of_three_leaves_the_others_created(xero: Xero) -> None:
    bad = bill(LineItems=[line(AccountCode="999")])
    elements = xero.put("Invoices", bill(), bad, bill()).json()["Invoices"]
    assert [e["StatusAttributeString"] for e in elements] == ["OK", "ERROR", "OK"]
    assert elements[1]["InvoiceID"] == ZERO_ID
    assert len(xero.get("/Invoices")["Invoices"]) == 2


def test_a_summarised_failure_hides_what_was_created(xero: Xero) -> None:
    reply = xero.put("Invoices", bill(), bill(LineItems=[line(AccountCode="999")]), summarize=True)
    assert reply.status_code == 400
    assert (reply.json()["ErrorNumber"], len(reply.json()["Elements"])) == (10, 1)
    assert len(xero.get("/Invoices")["Invoices"]) == 1


def test_answers_can_come_in_another_order(control: Control, xero: Xero) -> None:
    control.organisation(shuffle_answers=True)
    numbers = [f"CW-{number}" for number in range(20)]
    rows = [bill(InvoiceNumber=number) for number in numbers]
    answered = [e["InvoiceNumber"] for e in xero.put("Invoices", *rows).json()["Invoices"]]
    assert answered != numbers and sorted(answered) == sorted(numbers)


def test_a_wrong_envelope_processes_nothing(xero: Xero) -> None:
    reply = xero.call("PUT", "/Invoices", json={"invoices": [bill()]})
    assert reply.status_code == 400
    assert "No data has been processed for this endpoint" in reply.json()["Message"]


def test_lists_without_a_page_leave_the_lines_out(xero: Xero) -> None:
    xero.made("Invoices", bill())
    assert xero.get("/Invoices")["Invoices"][0]["LineItems"] == []
    paged = xero.get("/Invoices", page=1, pageSize=10)
    assert paged["Invoices"][0]["LineItems"][0]["AccountCode"] == "420"
    assert paged["pagination"] == {"page": 1, "pageSize": 10, "pageCount": 1, "itemCount": 1}


def test_bills_are_found_by_number_id_and_status(xero: Xero) -> None:
    first = xero.made("Invoices", bill(InvoiceNumber="CW-1"))
    xero.made("Invoices", bill(InvoiceNumber="CW-2", Status="DRAFT"))
    for query in ({"InvoiceNumbers": "CW-1,CW-9"}, {"IDs": first["InvoiceID"]}, {"Statuses": "AUTHORISED"}):
        assert [i["InvoiceNumber"] for i in xero.get("/Invoices", **query)["Invoices"]] == ["CW-1"]
    assert xero.get("/Invoices/CW-1")["Invoices"][0]["InvoiceID"] == first["InvoiceID"]
    assert xero.call("GET", "/Invoices/CW-9").status_code == 404


def test_only_what_changed_since_is_listed(control: Control, xero: Xero) -> None:
    xero.made("Invoices", bill(InvoiceNumber="CW-1"))
    now = control("POST", "/clock", {"advance_seconds": 60})["now"]
    xero.made("Invoices", bill(InvoiceNumber="CW-2"))
    found = xero.call("GET", "/Invoices", headers={"If-Modified-Since": now[:19]}).json()["Invoices"]
    assert [i["InvoiceNumber"] for i in found] == ["CW-2"]


@pytest.mark.skipif(not oracles.XERO_RECORDINGS.exists(), reason="no recordings of the real Xero here")
def test_bills_and_organisations_have_the_fields_of_recorded_ones(control: Control, xero: Xero) -> None:
    control.organisation(period_lock_date="2026-06-30")
    xero.made("Payments", payment(xero.made("Invoices", bill())))
    ours = xero.get("/Invoices", page=1)["Invoices"][0]
    recorded = json.loads((oracles.XERO_RECORDINGS / "invoices.json").read_text())["Invoices"]
    theirs = next(i for i in recorded if i["Status"] == "PAID" and i["Type"] == "ACCPAY" and i["Payments"])
    assert set(theirs) - {"Prepayments"} <= set(ours)
    assert set(ours) - set(theirs) == set()
    assert set(theirs["Payments"][0]) == set(ours["Payments"][0])
    organisation = json.loads((oracles.XERO_RECORDINGS / "organisation.json").read_text())["Organisations"][0]
    assert set(organisation) == set(xero.get("/Organisation")["Organisations"][0])
