"""Limits, metered reads and trouble on request of the pretend QuickBooks."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.sandbox.clients import Control
from tests.sandbox.qbo_client import NO_LIMITS, REALM, Qbo, set_up

CUT = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)


def limit(control: Control, **limits: int) -> None:
    set_up(control, limits={**NO_LIMITS, **limits})


def statuses(qbo: Qbo, times: int, **more: Any) -> list[int]:
    return [qbo.call("GET", "/preferences", **more).status_code for _ in range(times)]


def trouble(control: Control, kind: str, **more: Any) -> None:
    control("POST", "/faults", {"system": "qbo", "kind": kind, "times": 1, **more})


def test_every_reply_carries_a_support_key(qbo: Qbo) -> None:
    seen = {qbo.call("GET", f"/bill/{number}").headers["intuit_tid"] for number in range(3)}
    assert len(seen) == 3


@pytest.mark.parametrize(("name", "seconds"), [("minute", 60), ("second", 1)])
def test_calls_are_limited_by_the_clock(control: Control, qbo: Qbo, name: str, seconds: int) -> None:
    limit(control, **{name: 2})
    assert 429 in statuses(qbo, 8)
    control("POST", "/clock", {"advance_seconds": seconds})
    assert statuses(qbo, 1) == [200]


def test_calls_at_once_are_limited(control: Control, qbo: Qbo) -> None:
    limit(control, concurrent=0)
    assert statuses(qbo, 1) == [429]


def test_a_throttled_call_says_3001_and_not_how_long(control: Control, qbo: Qbo) -> None:
    limit(control, minute=0)
    reply = qbo.call("GET", "/preferences")
    fault = reply.json()["Fault"]
    assert (reply.status_code, fault["type"], fault["Error"][0]["code"]) == (429, "SERVICE", "3001")
    assert "ThrottleExceeded" in fault["Error"][0]["Message"]
    assert "Retry-After" not in reply.headers


def test_batches_have_a_limit_of_their_own(control: Control, qbo: Qbo) -> None:
    limit(control, batches=0)
    item = {"bId": "1", "Query": "select * from Bill"}
    assert qbo.post("batch", {"BatchItemRequest": [item]}).status_code == 429
    assert statuses(qbo, 1) == [200]


def test_metered_reads_are_blocked_when_used_up_while_writes_go_on(control: Control, qbo: Qbo) -> None:
    limit(control, reads=0)
    assert statuses(qbo, 1) == [429]
    assert qbo.query("select * from Bill").status_code == 429
    assert qbo.made("Bill", qbo.bill())["Id"]
    control("POST", "/clock", {"advance_seconds": 600})
    assert statuses(qbo, 1) == [429]


def test_reads_are_counted(control: Control, qbo: Qbo) -> None:
    before = control("GET", "/")["qbo"][REALM]["limits"]["reads_used"]
    qbo.query("select * from Bill")
    qbo.made("Bill", qbo.bill())
    assert control("GET", "/")["qbo"][REALM]["limits"]["reads_used"] == before + 1


def test_a_lost_answer_has_acted_and_its_requestid_finds_it_again(control: Control, qbo: Qbo) -> None:
    trouble(control, "lose_answer", method="POST", path="/bill")
    with pytest.raises(CUT):
        qbo.post("Bill", qbo.bill(), requestid="r1")
    assert qbo.made("Bill", qbo.bill(), requestid="r1")["Id"] == qbo.state()["bills"][0]["Id"]
    assert len(qbo.state()["bills"]) == 1


def test_a_status_has_not_acted_and_is_not_kept(control: Control, qbo: Qbo) -> None:
    trouble(control, "status", status=503)
    assert (
        qbo.session.post(f"{qbo.url}/v3/company/{REALM}/bill?requestid=r1", json=qbo.bill()).status_code
        == 503
    )
    assert qbo.state()["bills"] == []
    assert qbo.made("Bill", qbo.bill(), requestid="r1")["Id"]


def test_a_200_may_carry_a_fault_though_it_acted(control: Control, qbo: Qbo) -> None:
    fault = {
        "Error": [{"Message": "m", "Detail": "d", "code": "10000", "element": ""}],
        "type": "SystemFault",
    }
    trouble(control, "status_after", status=200, body={"Fault": fault}, path="/bill")
    reply = qbo.post("Bill", qbo.bill())
    assert (reply.status_code, "Bill" in reply.json(), len(qbo.state()["bills"])) == (200, False, 1)


def test_a_rate_limit_on_request_may_say_how_long(control: Control, qbo: Qbo) -> None:
    trouble(control, "rate_limit", retry_after=7)
    assert qbo.call("GET", "/preferences").headers["Retry-After"] == "7"
    assert statuses(qbo, 1) == [200]


def test_sign_in_can_be_troubled_by_its_path(control: Control) -> None:
    fault = {"system": "identity", "path": "/oauth2/v1/", "kind": "status", "status": 503}
    control("POST", "/faults", fault)
    assert requests.post(f"{control.url}/oauth2/v1/tokens/bearer", timeout=5).status_code == 503


def test_the_journal_tells_path_realm_and_requestid(control: Control, qbo: Qbo) -> None:
    control("DELETE", "/calls")
    qbo.made("Bill", qbo.bill(), requestid="r1")
    qbo.made("Bill", qbo.bill(), requestid="r1")
    found = control("GET", f"/calls?system=qbo&tenant={REALM}")
    assert found["by"] == {"POST /bill": 2}
    shown = [(call["idempotency_key"], call["replayed"]) for call in found["calls"]]
    assert shown == [("r1", False), ("r1", True)]


def test_only_json_is_spoken(qbo: Qbo) -> None:
    assert qbo.call("GET", "/preferences", headers={"Accept": "*/*"}).status_code == 406


def test_unknown_paths_and_methods_are_refused(qbo: Qbo) -> None:
    assert qbo.call("DELETE", "/query").status_code == 405
    assert qbo.refusal("Yacht", {}) == "500"


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("/qbo/companies", {"colour": "red"}, 400, "unknown: colour"),
        ("/qbo/companies", {"limits": {"hour": 1}}, 400, "limit hour is unknown"),
        (
            "/qbo/companies",
            {"accounts": [{"name": "x", "type": "Gold"}]},
            400,
            "account type Gold is unknown",
        ),
        ("/qbo/companies", {"preferences": {"x": True}}, 400, "unknown preference: x"),
        ("/qbo/companies", {"realm_id": REALM, "country": "US"}, 400, "country is fixed"),
        ("/qbo/grants", {"realm_id": "9"}, 404, "no QuickBooks company 9"),
    ],
)
def test_a_bad_wish_is_answered_in_one_sentence(
    control: Control, path: str, body: Any, status: int, words: str
) -> None:
    assert words in control("POST", path, body, status=status)["error"]


def test_the_demo_company_and_its_site_are_there(control: Control) -> None:
    found = control("GET", "/")
    assert found["qbo"][REALM]["name"] == "Acme MSP (QuickBooks, AU)"
    assert set(found["connectwise"]) == {"acme_f", "acme_q"}
