"""Queries, changes and reference reads of the pretend QuickBooks."""

from __future__ import annotations

import pytest

from tests.sandbox.clients import Control
from tests.sandbox.qbo_client import REALM, Qbo, set_up


def ids(qbo: Qbo, where: str, kind: str = "Bill") -> list[str]:
    return [row["Id"] for row in qbo.rows(f"select * from {kind} {where}")]


@pytest.fixture
def bills(qbo: Qbo) -> list[str]:
    """Three bills of 110, 22 and 33 on three days."""
    days = ("2026-08-21", "2026-08-22", "2026-08-23")
    rows = zip(days, (100, 20, 30), ("CW-1", "CW-2", "XX-3"), strict=True)
    return [
        qbo.made("Bill", qbo.bill(qbo.line(amount), TxnDate=day, DocNumber=number))["Id"]
        for day, amount, number in rows
    ]


CONDITIONS: list[tuple[str, str]] = [
    ("where DocNumber = 'CW-1'", "0"),
    ("where docnumber like 'cw-%'", "01"),
    ("where DocNumber IN ('CW-1', 'XX-3')", "02"),
    ("where TxnDate >= '2026-08-22' and TxnDate < '2026-08-23'", "1"),
    ("where TotalAmt > '25' and Balance <= '110.00'", "02"),
    ("where VendorRef = '1' and TotalAmt = '22.0'", "1"),
    ("where Id = '99'", ""),
    ("orderby TotalAmt", "120"),
    ("ORDER BY TxnDate DESC", "210"),
    ("startposition 2 maxresults 1", "1"),
    ("where MetaData.CreateTime > '2030-01-01T00:00:00Z'", ""),
]


@pytest.mark.parametrize(("where", "places"), CONDITIONS, ids=[where for where, _ in CONDITIONS])
def test_a_condition_finds_its_bills(qbo: Qbo, bills: list[str], where: str, places: str) -> None:
    assert ids(qbo, where) == [bills[int(place)] for place in places]


BAD: list[tuple[str, str]] = [
    ("select Id from Bill", "4000"),
    ("select * from Bill where TotalAmt = 1 or TotalAmt = 2", "4000"),
    ("select * from Bill where DocNumber = CW-1", "4000"),
    ("select * from Bill where DocNumber != 'a'", "4000"),
    ("select * from Bill where DocNumber = 'a", "4000"),
    ("drop table Bill", "4000"),
    ("select * from Yacht", "4001"),
    ("select * from Bill where PrivateNote = 'x'", "4001"),
    ("select * from Vendor where AcctNum = 'V-1001'", "4001"),
    ("select * from Account where AcctNum = '1000'", "4001"),
    ("select * from Bill where DepartmentRef = '1'", "4001"),
    ("select * from Bill where Id > '1'", "4001"),
    ("select * from Bill startposition 0", "4001"),
    ("select * from Bill maxresults 1001", "4001"),
]


@pytest.mark.parametrize(("statement", "code"), BAD, ids=[statement for statement, _ in BAD])
def test_a_bad_statement_is_refused(qbo: Qbo, bills: list[str], statement: str, code: str) -> None:
    assert qbo.query_fault(statement) == code


def test_an_apostrophe_is_written_with_a_backslash(qbo: Qbo) -> None:
    made = qbo.made("Vendor", {"DisplayName": "Bob's & Söhne"})
    assert ids(qbo, r"where DisplayName = 'Bob\'s & Söhne'", "Vendor") == [made["Id"]]


def test_an_empty_result_lacks_the_entitys_name(qbo: Qbo) -> None:
    assert qbo.query("select * from Bill").json()["QueryResponse"] == {}
    assert qbo.query("select count(*) from Bill").json()["QueryResponse"] == {"totalCount": 0}


def test_a_query_may_stand_in_the_address(qbo: Qbo, bills: list[str]) -> None:
    reply = qbo.call("GET", "/query", params={"query": "select * from Bill where DocNumber = 'CW-2'"})
    assert reply.json()["QueryResponse"]["Bill"][0]["Id"] == bills[1]


def test_a_statement_sent_as_json_is_not_parsed(qbo: Qbo) -> None:
    assert qbo.call("POST", "/query", json="select * from Bill").status_code == 400


def test_a_hundred_rows_come_unasked_and_a_thousand_at_most(control: Control, qbo: Qbo) -> None:
    set_up(control, vendors=[{"name": f"V{number}"} for number in range(1100)])
    assert len(ids(qbo, "", "Vendor")) == 100
    first = ids(qbo, "orderby Id startposition 1 maxresults 1000", "Vendor")
    rest = ids(qbo, "orderby Id startposition 1001 maxresults 1000", "Vendor")
    assert (len(first), len(rest), len({*first, *rest})) == (1000, 101, 1101)


def test_only_active_rows_unless_asked(qbo: Qbo) -> None:
    made = qbo.made("Vendor", {"DisplayName": "Ana"})
    qbo.made("Vendor", {"Id": made["Id"], "SyncToken": "0", "sparse": True, "Active": False})
    assert made["Id"] not in ids(qbo, "", "Vendor")
    assert made["Id"] in ids(qbo, "where Active IN (true, false)", "Vendor")
    assert ids(qbo, "where Active = false", "Vendor") == [made["Id"]]


def test_a_deleted_transaction_is_gone_from_queries(qbo: Qbo, bills: list[str]) -> None:
    qbo.made("Bill", {"Id": bills[0], "SyncToken": "0"}, operation="delete")
    assert ids(qbo, "") == bills[1:]


def test_preferences_tell_currency_closing_date_and_tracking(control: Control, qbo: Qbo) -> None:
    shown = qbo.call("GET", "/preferences").json()["Preferences"]
    assert "BookCloseDate" not in shown["AccountingInfoPrefs"]
    assert shown["CurrencyPrefs"] == {"MultiCurrencyEnabled": False, "HomeCurrency": {"value": "AUD"}}
    set_up(control, book_close_date="2026-06-30", preferences={"TrackDepartments": True})
    shown = qbo.rows("select * from Preferences")[0]["AccountingInfoPrefs"]
    assert (shown["BookCloseDate"], shown["TrackDepartments"]) == ("2026-06-30", True)


def test_the_company_tells_its_country(qbo: Qbo) -> None:
    shown = qbo.call("GET", f"/companyinfo/{REALM}").json()["CompanyInfo"]
    assert (shown["Country"], shown["CompanyAddr"]["Country"]) == ("AU", "AUS")


def test_currencies_are_listed_and_others_refused(control: Control, qbo: Qbo) -> None:
    assert qbo.rows("select * from CompanyCurrency") == []
    set_up(control, multicurrency=True, currencies=["USD", "EUR"])
    assert [row["Code"] for row in qbo.rows("select * from CompanyCurrency")] == ["USD", "EUR"]
    assert qbo.refusal("Vendor", {"DisplayName": "Yuki", "CurrencyRef": {"value": "JPY"}}) == "2220"
    assert qbo.made("Vendor", {"DisplayName": "Sam", "CurrencyRef": {"value": "USD"}})["Id"]


def test_exchange_rates_are_home_units_for_one(control: Control, qbo: Qbo) -> None:
    set_up(control, rates={"USD": "1.5"})
    query = {"sourcecurrencycode": "USD", "asofdate": "2026-08-21"}
    shown = qbo.call("GET", "/exchangerate", params=query).json()["ExchangeRate"]
    assert (shown["Rate"], shown["TargetCurrencyCode"], shown["AsOfDate"]) == (1.5, "AUD", "2026-08-21")


def test_classes_and_locations_are_kept_when_tracking_is_on(control: Control, qbo: Qbo) -> None:
    tracking = {"TrackDepartments": True, "ClassTrackingPerTxnLine": True}
    set_up(control, classes=["North"], departments=["Brisbane"], preferences=tracking)
    row, place = ids(qbo, "", "Class")[0], ids(qbo, "", "Department")[0]
    line = qbo.line(ClassRef={"value": row})
    made = qbo.made("Bill", qbo.bill(line, DepartmentRef={"value": place}))
    assert made["DepartmentRef"]["name"] == "Brisbane"
    assert made["Line"][0]["AccountBasedExpenseLineDetail"]["ClassRef"]["name"] == "North"


def test_changes_tell_what_was_made_changed_and_deleted(control: Control, qbo: Qbo, bills: list[str]) -> None:
    control("POST", "/clock", {"advance_seconds": 120})
    since = control("GET", "/")["now"]
    qbo.made("Bill", {"Id": bills[0], "SyncToken": "0"}, operation="delete")
    fresh = qbo.made("Bill", qbo.bill())["Id"]
    query = {"entities": "Bill,Vendor", "changedSince": since}
    found = qbo.call("GET", "/cdc", params=query).json()["CDCResponse"][0]["QueryResponse"]
    assert [(row["Id"], row.get("status")) for row in found[0]["Bill"]] == [
        (bills[0], "Deleted"),
        (fresh, None),
    ]
    assert found[1] == {}


@pytest.mark.parametrize(
    "query",
    [
        {"entities": "TaxCode", "changedSince": "2026-11-20"},
        {"entities": "Bill", "changedSince": "2020-01-01"},
        {"entities": "Bill", "changedSince": "soon"},
        {"entities": "", "changedSince": "2026-11-20"},
    ],
    ids=str,
)
def test_changes_refuse_what_they_do_not_follow(qbo: Qbo, query: dict[str, str]) -> None:
    assert qbo.call("GET", "/cdc", params=query).status_code == 400
