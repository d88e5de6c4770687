"""The rest of the pretend Xero: contacts, files, notes, settings, filters."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from sandbox.web import Refused
from sandbox.xero_query import order, where
from tests.sandbox.clients import WAIT, Control, Xero, bill


def test_a_contact_name_belongs_to_one_active_contact(xero: Xero) -> None:
    assert "already assigned to another contact" in xero.refusal("Contacts", {"Name": "Jo Doe"})
    renamed = xero.post("Contacts", {"Name": "jo doe", "EmailAddress": "jo@acme.example"})
    assert renamed.json()["Contacts"][0]["EmailAddress"] == "jo@acme.example"
    assert len(xero.get("/Contacts")["Contacts"]) == 1


def test_contacts_are_found_by_filter_number_and_text(xero: Xero) -> None:
    made = xero.made("Contacts", {"Name": "Ana Smith", "ContactNumber": "M-7", "AccountNumber": "V-1002"})
    queries: tuple[dict[str, str], ...] = (
        {"where": 'AccountNumber=="V-1002"'},
        {"where": 'Name=="Ana Smith"'},
        {"searchTerm": "ana"},
        {"IDs": made["ContactID"]},
    )
    for query in queries:
        assert [c["ContactID"] for c in xero.get("/Contacts", **query)["Contacts"]] == [made["ContactID"]]
    assert xero.get("/Contacts/M-7")["Contacts"][0]["Name"] == "Ana Smith"


def test_archived_contacts_are_hidden_unless_asked_for(xero: Xero) -> None:
    made = xero.made("Contacts", {"Name": "Old Supplier"})
    xero.post("Contacts", {"ContactID": made["ContactID"], "ContactStatus": "ARCHIVED"})
    assert [c["Name"] for c in xero.get("/Contacts")["Contacts"]] == ["Jo Doe"]
    assert len(xero.get("/Contacts", includeArchived="true")["Contacts"]) == 2


@pytest.mark.parametrize("name", ["", "x" * 256, "<b>Jo</b>"])
def test_a_bad_contact_name_is_refused(xero: Xero, name: str) -> None:
    assert "contact name" in xero.refusal("Contacts", {"Name": name})


def test_a_bill_with_a_new_name_makes_the_contact_once(xero: Xero) -> None:
    first = xero.made("Invoices", bill(Contact={"Name": "Ana Smith"}))
    second = xero.made("Invoices", bill(Contact={"Name": "ana smith"}))
    assert first["Contact"]["ContactID"] == second["Contact"]["ContactID"]


def test_a_refused_bill_leaves_no_contact_behind(xero: Xero) -> None:
    xero.refusal("Invoices", bill(Contact={"Name": "Ana Smith"}, CurrencyCode="USD"))
    assert [c["Name"] for c in xero.get("/Contacts")["Contacts"]] == ["Jo Doe"]


def attach(xero: Xero, made: Any, name: str, content: bytes, method: str = "PUT") -> Any:
    path = f"{xero.url}/api.xro/2.0/Invoices/{made['InvoiceID']}/Attachments/{name}"
    return xero.session.request(
        method, path, data=content, headers={"Content-Type": "image/png"}, timeout=WAIT
    )


def test_a_file_is_kept_listed_and_given_back(xero: Xero) -> None:
    made = xero.made("Invoices", bill())
    assert attach(xero, made, "a.png", b"12345").json()["Attachments"][0]["ContentLength"] == 5
    listed = xero.get(f"/Invoices/{made['InvoiceID']}/Attachments")["Attachments"]
    assert [(a["FileName"], a["MimeType"]) for a in listed] == [("a.png", "image/png")]
    assert xero.session.get(listed[0]["Url"], timeout=WAIT).content == b"12345"
    assert xero.get(f"/Invoices/{made['InvoiceID']}")["Invoices"][0]["HasAttachments"] is True


def test_post_replaces_a_file_and_put_adds_another(xero: Xero) -> None:
    made = xero.made("Invoices", bill())
    for method in ("PUT", "POST", "PUT"):
        assert attach(xero, made, "a.png", b"12345", method).status_code == 200
    assert len(xero.get(f"/Invoices/{made['InvoiceID']}/Attachments")["Attachments"]) == 2


def test_the_eleventh_an_empty_and_a_huge_file_are_refused(xero: Xero) -> None:
    made = xero.made("Invoices", bill())
    for number in range(10):
        assert attach(xero, made, f"{number}.png", b"1").status_code == 200
    assert "maximum of 10" in attach(xero, made, "11.png", b"1").json()["Message"]
    other = xero.made("Invoices", bill())
    assert attach(xero, other, "0.png", b"").status_code == 400
    assert attach(xero, other, "big.png", b"x" * (10 * 1024 * 1024 + 1)).status_code in (400, 413)
    assert attach(xero, other, "a%3Ab.png", b"1").status_code == 400


def test_a_note_is_written_into_the_history(xero: Xero) -> None:
    path = f"/Invoices/{xero.made('Invoices', bill())['InvoiceID']}/History"
    xero.call("PUT", path, json={"HistoryRecords": [{"Details": "Posted for CW-4701"}]})
    assert xero.get(path)["HistoryRecords"][-1]["Details"] == "Posted for CW-4701"


def test_lock_dates_show_only_when_set(control: Control, xero: Xero) -> None:
    assert "PeriodLockDate" not in xero.get("/Organisation")["Organisations"][0]
    control.organisation(period_lock_date="2026-06-30")
    assert xero.get("/Organisation")["Organisations"][0]["PeriodLockDate"] == "/Date(1782777600000+0000)/"


def test_currencies_and_what_they_allow(control: Control, xero: Xero) -> None:
    control.organisation(currencies=["AUD", "USD"])
    assert [c["Code"] for c in xero.get("/Currencies")["Currencies"]] == ["AUD", "USD"]
    actions = {a["Name"]: a["Status"] for a in xero.get("/Organisation/Actions")["Actions"]}
    assert actions["UseMulticurrency"] == "ALLOWED"


def test_accounts_are_filtered_and_looked_up(xero: Xero) -> None:
    found = xero.get("/Accounts", where='Type=="BANK" AND Status=="ACTIVE"', order="Name DESC")["Accounts"]
    assert [a["Name"] for a in found] == ["Visa Debit 2002", "Business Bank Account", "Amex 1001"]
    assert xero.get(f"/Accounts/{found[0]['AccountID']}")["Accounts"][0]["Code"] == "092"


def test_a_reply_that_is_not_asked_for_in_json_is_not_given(xero: Xero) -> None:
    assert xero.call("GET", "/Accounts", headers={"Accept": "text/xml"}).status_code == 406
    assert xero.call("DELETE", "/Accounts").status_code == 405


RECORD = {
    "Date": date(2026, 8, 21),
    "Total": Decimal("120.50"),
    "Reference": "CW-4701 taxi",
    "IsReconciled": False,
    "Contact": {"ContactID": "3f5c0000-0000-4000-8000-000000000000", "Name": 'Jo "J" Doe'},
    "UpdatedDateUTC": datetime(2026, 8, 22, 1, tzinfo=UTC),
    "_noun": "Invoice",
}
TRUE = [
    "Total == 120.5",
    "Total = 120.50 AND NOT IsReconciled",
    "Total >= 100 && Total < 121",
    "Date == DateTime(2026, 08, 21)",
    'Date > DateTime.Parse("2026-08-20")',
    "UpdatedDateUTC >= DateTime(2026,8,22)",
    'Contact.ContactID == guid("3F5C0000-0000-4000-8000-000000000000")',
    r'Contact.Name == "Jo \"J\" Doe"',
    'Reference.StartsWith("CW-4701") OR Total == 1',
    'Reference.Contains("taxi") && (Total == 1 || IsReconciled == false)',
    'Reference != null AND Reference <> "x"',
    "!string.IsNullOrEmpty(Reference)",
]


@pytest.mark.parametrize("text", TRUE)
def test_a_where_clause_is_read_as_xero_reads_it(text: str) -> None:
    assert where(text)(RECORD)
    assert not where(f"NOT ({text})")(RECORD)


@pytest.mark.parametrize(
    "text", ["", "Total ==", "Total == 1 Total", "(Total == 1", "Totl == 1", "Total ~ 1", '"a']
)
def test_a_where_clause_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(Refused) as caught:
        where(text)(RECORD)
    assert b"QueryParseException" in caught.value.reply.body


def test_order_sorts_by_several_fields_and_puts_empty_ones_first() -> None:
    rows: list[dict[str, Any]] = [{"A": 1, "B": 1}, {"A": 1, "B": 2}, {"A": None, "B": 0}]
    assert [row["B"] for row in order(rows, "A ASC, B DESC")] == [0, 2, 1]
