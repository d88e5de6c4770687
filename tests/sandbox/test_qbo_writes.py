"""Updates, sync tokens, `requestid` and batches of the pretend QuickBooks."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.clients import Control
from tests.sandbox.qbo_client import REALM, Qbo


def count(qbo: Qbo, name: str = "bills") -> int:
    return len(qbo.state()[name])


def key(record: Any) -> dict[str, Any]:
    return {"Id": record["Id"], "SyncToken": record["SyncToken"]}


def test_a_full_update_forgets_what_it_leaves_out(qbo: Qbo) -> None:
    made = qbo.made("Bill", qbo.bill(PrivateNote="[k]"))
    changed = qbo.made("Bill", {**qbo.bill(), **key(made)})
    assert (changed["SyncToken"], "PrivateNote" in changed) == ("1", False)


def test_a_sparse_update_keeps_the_header_but_replaces_all_lines(qbo: Qbo) -> None:
    made = qbo.made("Bill", qbo.bill(qbo.line(), qbo.line(50), PrivateNote="[k]"))
    vendor = {"VendorRef": made["VendorRef"], "sparse": True}
    noted = qbo.made("Bill", {**key(made), **vendor, "DueDate": "2026-09-01"})
    assert (noted["PrivateNote"], len(noted["Line"])) == ("[k]", 2)
    cut = qbo.made("Bill", {**key(noted), **vendor, "Line": [qbo.line(50)]})
    assert (cut["PrivateNote"], len(cut["Line"]), cut["TotalAmt"]) == ("[k]", 1, 55)


def test_a_sparse_update_needs_the_vendor_all_the_same(qbo: Qbo) -> None:
    made = qbo.made("Bill", qbo.bill())
    assert qbo.refusal("Bill", {**key(made), "sparse": True, "PrivateNote": "x"}) == "2020"


def test_a_stale_sync_token_is_refused(qbo: Qbo) -> None:
    made = qbo.made("Bill", qbo.bill())
    qbo.made("Bill", {**qbo.bill(), **key(made)})
    assert qbo.refusal("Bill", {**qbo.bill(), **key(made)}) == "5010"
    assert qbo.refusal("Bill", key(made), operation="delete") == "5010"


def test_an_update_without_an_id_makes_a_second_one(qbo: Qbo) -> None:
    qbo.made("Bill", qbo.bill())
    qbo.made("Bill", qbo.bill(), operation="update")
    assert count(qbo) == 2


def test_a_paid_bill_cannot_shrink_below_its_payments(qbo: Qbo) -> None:
    made = qbo.made("Bill", qbo.bill())
    qbo.made("BillPayment", qbo.payment(("Bill", made["Id"], 110), total=110))
    assert qbo.refusal("Bill", {**qbo.bill(qbo.line(50)), **key(made)}) == "6000"


def test_a_refused_change_of_a_payment_leaves_it_as_it_was(qbo: Qbo) -> None:
    made = qbo.made("Bill", qbo.bill())
    paid = qbo.made("BillPayment", qbo.payment(("Bill", made["Id"], 110), total=110))
    wrong = {**qbo.payment(("Bill", "99", 110), total=110), **key(paid)}
    assert qbo.refusal("BillPayment", wrong) == "620"
    assert qbo.read("Bill", made["Id"])["Balance"] == 0


def test_a_read_body_cannot_be_echoed_into_delete(qbo: Qbo) -> None:
    assert qbo.refusal("Bill", qbo.made("Bill", qbo.bill()), operation="delete") == "2010"


def test_names_are_unique_across_vendors_customers_and_employees(control: Control, qbo: Qbo) -> None:
    people = {"customers": [{"name": "Contoso"}], "employees": [{"name": "Ana Smith"}]}
    control("POST", "/qbo/companies", {"realm_id": REALM, **people})
    for name in ("jo doe", "CONTOSO", "Ana Smith"):
        assert qbo.refusal("Vendor", {"DisplayName": name}) == "6240"
    assert qbo.refusal("Vendor", {"DisplayName": "a:b"}) == "2040"
    assert qbo.refusal("Vendor", {"DisplayName": "x" * 501}) == "2050"
    assert qbo.refusal("Vendor", {"AcctNum": "1"}) == "2020"


def test_a_vendor_is_made_inactive_and_its_name_is_free_again(qbo: Qbo) -> None:
    made = qbo.made("Vendor", {"DisplayName": "Ana (CW)", "AcctNum": "V-7"})
    gone = qbo.made("Vendor", {**key(made), "sparse": True, "Active": False})
    assert (gone["DisplayName"], gone["AcctNum"]) == ("Ana (CW) (deleted)", "V-7")
    assert qbo.made("Vendor", {"DisplayName": "Ana (CW)"})["Id"] != made["Id"]
    assert qbo.refusal("Vendor", key(gone), operation="delete") == "500"


def test_an_account_is_made_and_its_name_taken(qbo: Qbo) -> None:
    made = qbo.made("Account", {"Name": "Cab fares", "AccountType": "Expense"})
    assert made["Classification"] == "Expense"
    assert qbo.refusal("Account", {"Name": "cab fares", "AccountType": "Expense"}) == "6240"
    assert qbo.refusal("Account", {"Name": "Gold", "AccountType": "Treasure"}) == "2170"


def test_a_repeated_requestid_gets_the_first_answer_and_books_nothing(qbo: Qbo) -> None:
    first = qbo.post("Bill", qbo.bill(), requestid="r1")
    again = qbo.post("Bill", qbo.bill(), requestid="r1")
    other = qbo.post("Bill", qbo.bill(qbo.line(999)), requestid="r1")
    assert first.content == again.content == other.content
    assert count(qbo) == 1


def test_a_refusal_is_repeated_even_when_the_body_was_cured(qbo: Qbo) -> None:
    assert qbo.refusal("Bill", qbo.bill(Line=[]), requestid="r1") == "2020"
    assert qbo.refusal("Bill", qbo.bill(), requestid="r1") == "2020"
    assert qbo.made("Bill", qbo.bill(), requestid="r2")["Id"]


def test_a_requestid_is_forgotten_after_its_time(control: Control, qbo: Qbo) -> None:
    control("POST", "/qbo/companies", {"realm_id": REALM, "requestid_seconds": 600})
    for _ in range(2):
        qbo.made("Bill", qbo.bill(), requestid="r1")
        control("POST", "/clock", {"advance_seconds": 601})
    assert count(qbo) == 2


def test_an_overlong_requestid_is_refused(qbo: Qbo) -> None:
    assert qbo.refusal("Bill", qbo.bill(), requestid="r" * 51) == "2130"
    items = {"BatchItemRequest": [{"bId": "1", "operation": "create", "Bill": qbo.bill()}]}
    assert qbo.refusal("batch", items, requestid="r" * 37) == "2130"
    items["BatchItemRequest"][0]["bId"] = "b" * 11
    assert qbo.refusal("batch", items, requestid="r1") == "2130"


def create(identity: str, body: Any, kind: str = "Bill", **more: str) -> dict[str, Any]:
    return {"bId": identity, "operation": "create", kind: body, **more}


def test_one_bad_item_of_a_batch_stops_no_other(qbo: Qbo) -> None:
    answers = qbo.batch(create("1", qbo.bill()), create("2", qbo.bill(Line=[])), create("3", qbo.bill()))
    assert [("Bill" in row, "Fault" in row) for row in answers] == [
        (True, False),
        (False, True),
        (True, False),
    ]
    assert count(qbo) == 2


def test_items_of_a_batch_cannot_see_each_other(qbo: Qbo) -> None:
    last = qbo.made("Bill", qbo.bill())["Id"]
    following = str(int(last) + 1)
    payment = qbo.payment(("Bill", following, 110), total=110)
    query = {"bId": "3", "Query": "select * from Bill"}
    answers = qbo.batch(create("1", qbo.bill()), create("2", payment, "BillPayment"), query)
    assert answers[0]["Bill"]["Id"] == following
    assert answers[1]["Fault"]["Error"][0]["code"] == "620"
    assert [row["Id"] for row in answers[2]["QueryResponse"]["Bill"]] == [last]


def test_a_batchs_identity_is_the_pair_of_request_and_item(qbo: Qbo) -> None:
    first = qbo.batch(create("1", qbo.bill()), create("2", qbo.bill(Line=[])), requestid="r1")
    again = qbo.batch(create("2", qbo.bill()), create("3", qbo.bill()), create("1", None), requestid="r1")
    assert (again[0], again[2]) == (first[1], first[0])
    assert count(qbo) == 2


def test_a_batch_updates_deletes_and_takes_options(control: Control, qbo: Qbo) -> None:
    made = qbo.made("Bill", qbo.bill())
    other = qbo.made("Bill", qbo.bill(DocNumber="CW-2"))
    control("POST", "/qbo/companies", {"realm_id": REALM, "preferences": {"WarnDuplicateBillNumber": True}})
    answers = qbo.batch(
        {"bId": "1", "operation": "update", "Bill": {**qbo.bill(qbo.line(7)), **key(made)}},
        {"bId": "2", "operation": "delete", "Bill": key(other)},
        create("3", qbo.bill()),
        create("4", qbo.bill(), optionsData="allowduplicatedocnum"),
    )
    assert (answers[0]["Bill"]["TotalAmt"], answers[1]["Bill"]["status"]) == (7.7, "Deleted")
    assert answers[2]["Fault"]["Error"][0]["code"] == "6140"
    assert answers[3]["Bill"]["Id"]


def test_a_batch_holds_thirty_items_with_different_ids(qbo: Qbo) -> None:
    items = [create(str(number), {"DisplayName": f"V{number}"}, "Vendor") for number in range(31)]
    assert qbo.refusal("batch", {"BatchItemRequest": items}) == "1040"
    assert qbo.refusal("batch", {"BatchItemRequest": [items[0], items[0]]}) == "2010"
    assert len(qbo.batch(*items[:30])) == 30


def test_a_batch_may_answer_in_any_order(control: Control, qbo: Qbo) -> None:
    control("POST", "/qbo/companies", {"realm_id": REALM, "shuffle_answers": True})
    items = [create(str(number), {"DisplayName": f"V{number}"}, "Vendor") for number in range(10)]
    ids = [row["bId"] for row in qbo.batch(*items)]
    assert sorted(ids) == [str(number) for number in range(10)] != ids


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"a": "\xff"}'])
def test_a_body_that_is_no_json_object_is_refused(qbo: Qbo, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    reply = qbo.session.post(f"{qbo.url}/v3/company/{REALM}/bill", data=body, headers=headers, timeout=10)
    assert (reply.status_code in (400, 500), "Fault" in reply.json()) == (True, True)
