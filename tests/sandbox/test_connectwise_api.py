"""The pretend ConnectWise: who gets in, how lists are read, and what happens to entries and reports."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.sandbox import oracles
from tests.sandbox.clients import COMPANY, WAIT, ConnectWise, Control

described = pytest.mark.skipif(not oracles.CONNECTWISE_SPEC.exists(), reason="no ConnectWise document here")


def info(control: Control, company: str) -> Any:
    return requests.get(f"{control.url}/login/companyinfo/{company}", timeout=WAIT).json()


def test_a_site_tells_its_codebase_and_an_unknown_one_is_null(control: Control) -> None:
    found = info(control, COMPANY)
    assert (found["Codebase"], found["IsCloud"], found["CompanyID"]) == ("v2026_1/", "False", COMPANY)
    assert info(control, "nobody") is None


def test_an_upgrade_moves_the_codebase_and_the_old_one_is_gone(
    control: Control, connectwise: ConnectWise
) -> None:
    control.site(upgrade="v2026_2/")
    assert info(control, COMPANY)["Codebase"] == "v2026_2/"
    assert connectwise.get("/expense/types").status_code == 404
    assert ConnectWise(control.url, codebase="v2026_2").get("/expense/types").status_code == 200
    assert ConnectWise(control.url, codebase="v4_6_release").get("/expense/types").status_code == 200


@pytest.mark.parametrize("user", ["acme_f+wrong", "other+sandboxPublic", "acme_f"])
def test_wrong_keys_are_unauthorised(connectwise: ConnectWise, user: str) -> None:
    reply = connectwise.get("/expense/types", auth=(user, "sandboxPrivate"))
    assert (reply.status_code, reply.json()["code"]) == (401, "Unauthorized")


@pytest.mark.parametrize("wanted", ["", "00000000-0000-4000-8000-000000000001"])
def test_the_client_id_is_required(control: Control, connectwise: ConnectWise, wanted: str) -> None:
    control.site(client_id=wanted)
    assert connectwise.get("/expense/types").status_code == 200
    del connectwise.headers["clientId"]
    assert connectwise.get("/expense/types").status_code == 401


def test_two_sites_keep_their_records_apart(control: Control, connectwise: ConnectWise) -> None:
    keys = {"public_key": "p2", "private_key": "k2", "members": [{"identifier": "zoe"}]}
    control("POST", "/connectwise/zeta", keys)
    control.expenses({})
    other = ConnectWise(control.url)
    other.auth = ("zeta+p2", "k2")
    assert other.listed("/expense/entries") == []
    assert [m["identifier"] for m in other.listed("/system/members")] == ["zoe"]


def test_pages_follow_one_another_by_link(control: Control, connectwise: ConnectWise) -> None:
    control.expenses(*[{} for _ in range(5)], silent=True)
    seen, url = [], f"{connectwise.base}/expense/entries?pageSize=2"
    while url:
        reply = connectwise.get(url)
        seen += [entry["id"] for entry in reply.json()]
        url = reply.links.get("next", {}).get("url", "")
    assert seen == [4701, 4702, 4703, 4704, 4705]


def test_forward_only_pages_go_on_from_the_last_id(control: Control, connectwise: ConnectWise) -> None:
    control.expenses(*[{} for _ in range(4)], silent=True)
    forward = {"pagination-type": "forward-only"}
    first = connectwise.get("/expense/entries?pageSize=2&orderBy=id desc", headers=forward)
    assert [entry["id"] for entry in first.json()] == [4701, 4702]
    second = connectwise.get(first.links["next"]["url"], headers=forward)
    third = connectwise.get(second.links["next"]["url"], headers=forward)
    assert [entry["id"] for entry in second.json()] == [4703, 4704]
    assert (third.json(), third.headers["Link"]) == ([], "")


@pytest.mark.parametrize("size", ["0", "1001", "many"])
def test_a_page_size_outside_the_limits_is_refused(connectwise: ConnectWise, size: str) -> None:
    assert connectwise.get(f"/expense/entries?pageSize={size}").status_code == 400


def test_conditions_order_and_fields_shape_a_list(control: Control, connectwise: ConnectWise) -> None:
    control.expenses({"amount": "10"}, {"amount": "30"}, {"amount": "20", "type": "Travel"}, silent=True)
    query = {
        "conditions": 'type/name="Meals" and amount>=10',
        "orderBy": "amount desc",
        "fields": "amount,type/name",
    }
    found = connectwise.listed("/expense/entries", **query)
    assert found == [{"amount": 30.0, "type": {"name": "Meals"}}, {"amount": 10.0, "type": {"name": "Meals"}}]
    count = connectwise.listed("/expense/entries/count", conditions='type/name="Meals"')
    assert count == {"count": 2}


def test_a_condition_on_an_unknown_field_is_refused(connectwise: ConnectWise) -> None:
    reply = connectwise.get("/expense/entries", params={"conditions": "paymentType/id=1"})
    assert (reply.status_code, reply.json()["code"]) == (400, "InvalidObject")


def test_empty_fields_are_left_out_of_an_entry(control: Control, connectwise: ConnectWise) -> None:
    control.expenses({}, silent=True)
    entry = connectwise.listed("/expense/entries/4701")
    assert not {"notes", "taxes", "invoice", "ticket", "project"} & set(entry)
    assert (entry["date"], entry["paymentMethod"]["name"]) == ("2026-08-21T00:00:00Z", "Corporate Amex")


@described
def test_records_fit_connectwises_own_document(control: Control, connectwise: ConnectWise) -> None:
    control.expenses(
        {"taxes": [{"type": "GST", "amount": "10.95"}], "notes": "lunch", "project": "Office move"}
    )
    control("POST", f"/connectwise/{COMPANY}/documents", {"entry_id": 4701, "file_name": "a.pdf"})
    control.approve()
    connectwise.register("https://relay.example/cb?recordId=")
    paths = {
        "/expense/entries": "ExpenseEntry",
        "/expense/reports": "ExpenseReport",
        "/expense/types": "ExpenseType",
        "/expense/paymentTypes": "PaymentType",
        "/expense/classifications": "Classification",
        "/system/members": "Member",
        "/system/callbacks": "CallbackEntry",
        "/system/documents?recordType=Expense&recordId=4701": "DocumentInfo",
        "/expense/entries/4701/audits": "ExpenseEntryAudit",
        "/expense/reports/101/audits": "ExpenseReportAudit",
        "/finance/accounting/unpostedexpenses": "UnpostedExpense",
    }
    for path, schema in paths.items():
        rows = connectwise.listed(path)
        assert rows, path
        for row in rows:
            assert not oracles.connectwise_faults(schema, row), path
            assert set(row) <= oracles.connectwise_fields(schema), path
    assert not oracles.connectwise_faults("TimeExpense", connectwise.listed("/system/myCompany/timeExpense"))
    assert not oracles.connectwise_faults("Info", connectwise.listed("/system/info"))


def test_an_entry_is_made_changed_and_removed(connectwise: ConnectWise) -> None:
    wish = {"type": {"id": 1}, "amount": 12.5, "date": "2026-08-21T00:00:00Z", "company": {"id": 1}}
    made = connectwise.post("/expense/entries", json={**wish, "notes": "one\ntwo"})
    assert (made.status_code, made.json()["status"], made.json()["notes"]) == (201, "Open", "one two")
    path = f"/expense/entries/{made.json()['id']}"
    changed = connectwise.patch(path, json=[{"op": "replace", "path": "amount", "value": 13}])
    assert changed.json()["amount"] == 13
    emptied = connectwise.put(path, json={**wish, "amount": 14})
    assert "notes" not in emptied.json()
    assert connectwise.delete(path).status_code == 204
    assert connectwise.get(path).status_code == 404


def test_a_new_entry_without_its_required_fields_names_them(connectwise: ConnectWise) -> None:
    reply = connectwise.post("/expense/entries", json={"notes": "nothing else"})
    assert reply.status_code == 400
    assert {error["field"] for error in reply.json()["errors"]} == {"type", "amount", "date", "company"}


def test_an_approved_entry_cannot_be_changed(control: Control, connectwise: ConnectWise) -> None:
    control.expenses({})
    control.approve()
    patch = [{"op": "replace", "path": "amount", "value": 1}]
    assert connectwise.patch("/expense/entries/4701", json=patch).status_code == 400


def status(connectwise: ConnectWise) -> tuple[str, str]:
    report = connectwise.listed("/expense/reports/101")
    return report["status"], connectwise.listed("/expense/entries/4701")["status"]


def test_a_report_takes_its_entries_through_both_tiers(control: Control, connectwise: ConnectWise) -> None:
    control.expenses({}, submit=False)
    assert connectwise.post("/expense/reports/101/submit").json()["success"] is True
    assert status(connectwise) == ("PendingApproval", "PendingApproval")
    for kind, reached in (("Tier1Update", "ApprovedByTierOne"), ("Tier2Update", "ApprovedByTierTwo")):
        connectwise.post("/expense/reports/101/approve", json={"approvalType": kind})
        assert status(connectwise) == (reached, reached)
    connectwise.post("/expense/reports/101/reverse")
    assert status(connectwise) == ("Open", "Open")


def test_a_report_is_rejected_by_the_tier_it_is_at(control: Control, connectwise: ConnectWise) -> None:
    control.expenses({})
    control.approve(tier=1)
    connectwise.post("/expense/reports/101/reject")
    assert status(connectwise) == ("RejectBySecondTier", "RejectBySecondTier")


def test_a_site_without_a_second_tier_approves_by_the_first(
    control: Control, connectwise: ConnectWise
) -> None:
    control.site(tier2=False)
    control.expenses({})
    control.approve()
    assert status(connectwise) == ("ApprovedByTierOne", "ApprovedByTierOne")
    assert connectwise.listed("/system/myCompany/timeExpense")["tier2ApprovalFlag"] is False


def test_an_entry_billed_before_approval_keeps_its_status(control: Control, connectwise: ConnectWise) -> None:
    control.expenses({"status": "ReadyToBill"})
    assert status(connectwise) == ("PendingApproval", "ReadyToBill")


def test_audits_tell_who_approved(control: Control, connectwise: ConnectWise) -> None:
    control.site(members=[{"identifier": "boss", "first_name": "Bea", "last_name": "Boss"}])
    control.expenses({})
    control.approve(member="boss")
    last = connectwise.listed("/expense/entries/4701/audits")[-1]
    assert (last["newValue"], last["member"]["identifier"]) == ("ApprovedByTierTwo", "boss")


def test_a_receipt_is_uploaded_listed_and_downloaded(control: Control, connectwise: ConnectWise) -> None:
    control.expenses({})
    form = {"recordId": "4701", "recordType": "Expense", "title": "Receipt"}
    made = connectwise.post("/system/documents", data=form, files={"file": ("r.pdf", b"%PDF\r\n\x00x")})
    assert made.status_code == 201, made.text
    listed = connectwise.listed("/system/documents", recordType="Expense", recordId="4701")
    assert [(d["fileName"], d["size"]) for d in listed] == [("r.pdf", 8)]
    download = connectwise.get(f"/system/documents/{listed[0]['id']}/download")
    assert download.content == b"%PDF\r\n\x00x"
    assert 'filename="r.pdf"' in download.headers["Content-Disposition"]


def test_a_batch_marks_records_as_posted_and_its_end_frees_them(
    control: Control, connectwise: ConnectWise
) -> None:
    control.expenses({}, {})
    assert connectwise.listed("/finance/accounting/unpostedexpenses") == []
    control.approve()
    rows = connectwise.listed("/finance/accounting/unpostedexpenses")
    assert [row["expenseDetailId"] for row in rows] == [4701, 4702]
    wish = {"batchIdentifier": "R-1", "exportExpensesFlag": True, "processedRecordIds": [rows[0]["id"]]}
    made = connectwise.post("/finance/accounting/batches", json=wish)
    assert (made.status_code, len(made.json()["expenses"])) == (201, 1)
    assert connectwise.post("/finance/accounting/batches", json=wish).status_code == 400
    assert len(connectwise.listed("/finance/accounting/unpostedexpenses")) == 1
    batch = connectwise.listed("/finance/accounting/batches")[0]
    assert connectwise.delete(f"/finance/accounting/batches/{batch['id']}").status_code == 204
    assert len(connectwise.listed("/finance/accounting/unpostedexpenses")) == 2


def test_editing_and_deleting_by_control_show_at_once(control: Control, connectwise: ConnectWise) -> None:
    control.expenses({"project": "Office move"}, {})
    control.approve()
    control("POST", f"/connectwise/{COMPANY}/edit", {"entry_id": 4701, "amount": "99.95"})
    entry = connectwise.listed("/expense/entries/4701")
    assert (entry["amount"], entry["status"], entry["project"]["name"]) == (
        99.95,
        "ApprovedByTierTwo",
        "Office move",
    )
    control("POST", f"/connectwise/{COMPANY}/delete", {"entry_id": 4702})
    assert connectwise.get("/expense/entries/4702").status_code == 404
    assert connectwise.listed("/expense/reports/101")["total"] == 99.95


def test_mileage_amounts_are_miles_and_invoice_amounts_money(
    control: Control, connectwise: ConnectWise
) -> None:
    control.expenses({"type": "Mileage", "amount": "100"})
    entry = connectwise.listed("/expense/entries/4701")
    assert (entry["amount"], entry["invoiceAmount"]) == (100, 88)
