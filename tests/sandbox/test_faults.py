"""Trouble on request, one kind each."""

from __future__ import annotations

import time
from typing import Any

import pytest
import requests

from tests.sandbox.clients import CLIENT, REFRESH, WAIT, ConnectWise, Control, Xero, bill

CUT = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)


def bills(control: Control) -> int:
    return len(control.state()["invoices"])


def test_a_lost_answer_has_acted_and_its_key_finds_it_again(control: Control, xero: Xero) -> None:
    control.fault("lose_answer", method="PUT", path="/Invoices", times=1)
    with pytest.raises(CUT):
        xero.put("Invoices", bill(), key="k1")
    assert bills(control) == 1
    assert xero.put("Invoices", bill(), key="k1").json()["Invoices"][0]["InvoiceID"]
    assert bills(control) == 1


def test_a_refused_connection_has_not_acted(control: Control, xero: Xero) -> None:
    control.fault("refuse", times=1)
    with pytest.raises(CUT):
        xero.put("Invoices", bill())
    assert bills(control) == 0


def test_a_status_has_not_acted_and_5xx_is_kept_under_the_key(control: Control, xero: Xero) -> None:
    control.fault("status", status=503, body="offline", times=1)
    assert xero.put("Invoices", bill(), key="k1").status_code == 503
    assert (xero.put("Invoices", bill(), key="k1").status_code, bills(control)) == (503, 0)
    assert xero.put("Invoices", bill(), key="k2").status_code == 200


def test_a_5xx_that_is_not_kept_is_gone_with_the_next_try(control: Control, xero: Xero) -> None:
    control.fault("status", status=502, times=1, cached=False)
    assert xero.put("Invoices", bill(), key="k1").status_code == 502
    assert xero.put("Invoices", bill(), key="k1").status_code == 200


def test_a_status_after_has_acted(control: Control, xero: Xero) -> None:
    control.fault("status_after", status=504, times=1)
    assert xero.put("Invoices", bill(), key="k1").status_code == 504
    assert bills(control) == 1
    assert (xero.put("Invoices", bill(), key="k1").status_code, bills(control)) == (200, 1)


def test_garbage_has_acted_and_cannot_be_read(control: Control, xero: Xero) -> None:
    control.fault("garbage", times=1)
    reply = xero.session.put(f"{xero.url}/api.xro/2.0/Invoices", json={"Invoices": [bill()]}, timeout=WAIT)
    assert reply.status_code == 200
    with pytest.raises(ValueError):
        reply.json()
    assert bills(control) == 1


@pytest.mark.parametrize(("kind", "acted"), [("slow", 1), ("slow_before", 0)])
def test_slowness_comes_after_the_act_or_before_it(
    control: Control, xero: Xero, kind: str, acted: int
) -> None:
    control.fault(kind, seconds=0.5, times=1)
    url = f"{xero.url}/api.xro/2.0/Invoices"
    with pytest.raises(requests.ReadTimeout):
        xero.session.put(url, json={"Invoices": [bill()]}, timeout=0.15)
    assert bills(control) == acted
    deadline = time.monotonic() + WAIT
    while bills(control) == 0 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert bills(control) == 1


@pytest.mark.parametrize("problem", ["minute", "day", "concurrent", "appminute"])
def test_a_rate_limit_names_its_problem(control: Control, xero: Xero, problem: str) -> None:
    control.fault("rate_limit", problem=problem, retry_after=7, times=1)
    reply = xero.put("Invoices", bill(), key="k1")
    assert (reply.status_code, reply.headers["X-Rate-Limit-Problem"]) == (429, problem)
    assert reply.headers["Retry-After"] == "7"
    assert xero.put("Invoices", bill(), key="k1").status_code == 200


def test_a_fault_can_skip_the_first_and_end_after_some(control: Control, xero: Xero) -> None:
    control.fault("status", status=500, path="/Accounts", skip=1, times=2)
    statuses = [xero.call("GET", "/Accounts").status_code for _ in range(4)]
    assert statuses == [200, 500, 500, 200]
    assert xero.call("GET", "/TaxRates").status_code == 200


def test_a_chance_is_the_same_for_the_same_seed(control: Control, xero: Xero) -> None:
    def run() -> list[int]:
        control("DELETE", "/faults")
        control.fault("status", status=500, path="/Currencies", probability=0.5, seed=3)
        return [xero.call("GET", "/Currencies").status_code for _ in range(12)]

    first = run()
    assert first == run() and set(first) == {200, 500}


def test_identity_can_lose_the_answer_of_a_rotation(control: Control) -> None:
    control.fault("lose_answer", system="identity", path="/connect/token", times=1)
    form = {"grant_type": "refresh_token", "refresh_token": REFRESH}
    with pytest.raises(CUT):
        requests.post(f"{control.url}/connect/token", data=form, auth=CLIENT, timeout=WAIT)
    assert (
        requests.post(f"{control.url}/connect/token", data=form, auth=CLIENT, timeout=WAIT).status_code == 200
    )


def test_connectwise_can_be_throttled(control: Control, connectwise: ConnectWise) -> None:
    body = {"error": "ConnectWiseAPI", "message": "Too many requests"}
    control.fault(
        "status", system="connectwise", status=429, body=body, headers={"Retry-After": "30"}, times=1
    )
    reply = connectwise.get("/expense/types")
    assert (reply.status_code, reply.headers["Retry-After"], reply.json()) == (429, "30", body)
    assert connectwise.get("/expense/types").status_code == 200


def test_faults_are_listed_with_their_counts_and_cleared(control: Control, xero: Xero) -> None:
    control.fault("status", status=500, path="/Accounts", id="mine")
    xero.call("GET", "/Accounts")
    fault = control("GET", "/faults")["faults"][0]
    assert (fault["id"], fault["seen"], fault["happened"]) == ("mine", 1, 1)
    control("DELETE", "/faults")
    assert control("GET", "/faults") == {"faults": []}


@pytest.mark.parametrize(
    ("wish", "words"),
    [({"kind": "explode"}, "kind one of"), ({"kind": "slow", "colour": 1}, "unknown in a fault: colour")],
)
def test_an_unknown_fault_is_refused_by_name(control: Control, wish: Any, words: str) -> None:
    assert words in control("POST", "/faults", {"system": "xero", **wish}, status=400)["error"]


def test_the_journal_tells_what_happened_to_each_call(control: Control, xero: Xero) -> None:
    control("DELETE", "/calls")
    control.fault("lose_answer", path="/Invoices", times=1)
    with pytest.raises(CUT):
        xero.put("Invoices", bill(), key="k1")
    journal = control("GET", "/calls?system=xero")
    assert journal["by"] == {"PUT /Invoices": 1}
    call = journal["calls"][0]
    assert (call["status"], call["idempotency_key"], call["fault"]) == (0, "k1", "fault-1 lose_answer")
