"""Answers that made nothing, whatever their status says: never counted as posted, in the end made once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from models import states
from tests.journey.conftest import Journey
from tests.journey.hands import REFUSAL, retry
from tests.journey.test_exactly_once import assert_once, until_settled
from tests.journey.test_qbo import MADE, REALM, assert_done, qbo

__all__ = ["qbo"]

pytestmark = pytest.mark.one_database

ZERO = "00000000-0000-0000-0000-000000000000"
SOME = "7d1f6b2e-0000-4000-8000-000000000001"
ERROR = {"StatusAttributeString": "ERROR", "ValidationErrors": [{"Message": "Not today"}]}
NUMBERED = {
    "bill": ("/Invoices", "InvoiceNumber", "InvoiceID"),
    "payment": ("/Payments", "Reference", "PaymentID"),
}


def xeros(kind: str, entry_id: int, answer: str) -> dict[str, Any]:
    """What Xero answers in place of making this bill or payment."""
    path, name, identity = NUMBERED[kind]
    row = {"Type": "ACCPAY", name: f"CW-{entry_id}" + (" payment" if kind == "payment" else "")}
    envelope = {"Id": SOME, "Status": "OK"}
    status, body = {
        "400 without elements": (400, REFUSAL | {"Elements": []}),
        "200 with an error": (200, envelope | {path[1:]: [row | {identity: SOME} | ERROR]}),
        "200 with an id of zeros": (200, envelope | {path[1:]: [row | {identity: ZERO}]}),
        "200 without an id": (200, envelope | {path[1:]: [row]}),
        "200 with nothing in it": (200, envelope | {path[1:]: []}),
        "200 with a page": (200, "<html>We are down for maintenance</html>"),
    }[answer]
    return {"system": "xero", "method": "PUT", "path": path, "status": status, "body": body}


@pytest.mark.parametrize("kind", sorted(NUMBERED))
@pytest.mark.parametrize(
    "answer",
    [
        "400 without elements",
        "200 with an error",
        "200 with an id of zeros",
        "200 without an id",
        "200 with nothing in it",
        "200 with a page",
    ],
)
def test_what_xero_did_not_make_is_never_counted_as_posted(journey: Journey, kind: str, answer: str) -> None:
    [entry_id] = journey.add({})
    journey.fault(kind="status", times=1, **xeros(kind, entry_id, answer))
    journey.post()
    assert state_of(journey, entry_id, kind) not in states.MADE
    assert journey.expense(entry_id).state in (states.NEEDS_ATTENTION, states.UNCERTAIN)
    until_settled(journey, entry_id)
    if journey.expense(entry_id).state == states.NEEDS_ATTENTION:
        retry(journey, entry_id)
        until_settled(journey, entry_id)
    assert_once(journey, entry_id)


def state_of(journey: Journey, entry_id: int, kind: str) -> str:
    [document] = [d for d in journey.documents(entry_id) if d.kind == kind]
    return document.state


FAULT = {"Fault": {"Error": [{"Message": "Not today", "code": "6000"}], "type": "ValidationFault"}}


@pytest.mark.parametrize(
    ("kind", "path", "name"), [("bill", "/bill", "Bill"), ("payment", "/billpayment", "BillPayment")]
)
@pytest.mark.parametrize(
    "answer", ["200 with a fault", "200 with an id of zeros", "200 with nothing in it", "500", "500 after"]
)
def test_what_quickbooks_did_not_make_is_never_counted_as_posted(
    qbo: Journey, kind: str, path: str, name: str, answer: str
) -> None:
    [entry_id] = qbo.add({"amount": "110.00"})
    status, body = {
        "200 with a fault": (200, FAULT),
        "200 with an id of zeros": (200, {name: {"Id": "0", "TotalAmt": 110}}),
        "200 with nothing in it": (200, {}),
    }.get(answer, (500, {}))
    how = "status_after" if answer.endswith("after") else "status"
    fault = {"system": "qbo", "method": "POST", "path": f"{REALM}{path}", "kind": how, "status": status}
    qbo.fault(times=1, body=json.dumps(body), headers={"Content-Type": "application/json"}, **fault)
    qbo.post()
    assert state_of(qbo, entry_id, kind) not in states.MADE
    until_settled(qbo, entry_id)
    if qbo.expense(entry_id).state == states.NEEDS_ATTENTION:
        retry(qbo, entry_id)
        until_settled(qbo, entry_id)
    assert_done(qbo, entry_id)
    state = qbo.control("GET", f"/qbo/{REALM}/state")
    assert sum(len(state[table]) for table in MADE) == 2
