"""Idempotency keys and call limits of the pretend Xero, on its own clock."""

from __future__ import annotations

import threading

from tests.sandbox.clients import TENANT, Control, Xero, bill


def test_a_repeated_key_makes_one_bill(control: Control, xero: Xero) -> None:
    first = xero.put("Invoices", bill(), key="k1")
    second = xero.put("Invoices", bill(), key="k1")
    assert first.content == second.content
    assert len(control.state()["invoices"]) == 1
    assert control("GET", "/calls?system=xero")["calls"][-1]["replayed"] is True


def test_after_six_minutes_the_same_key_makes_a_second_bill(control: Control, xero: Xero) -> None:
    xero.put("Invoices", bill(), key="k1")
    control("POST", "/clock", {"advance_seconds": 359})
    xero.put("Invoices", bill(), key="k1")
    assert len(control.state()["invoices"]) == 1
    control("POST", "/clock", {"advance_seconds": 2})
    xero.put("Invoices", bill(), key="k1")
    assert len(control.state()["invoices"]) == 2


def test_a_key_used_with_another_body_or_address_is_refused(xero: Xero) -> None:
    xero.put("Invoices", bill(), key="k1")
    other_body = xero.put("Invoices", bill(InvoiceNumber="CW-2"), key="k1")
    other_address = xero.put("Invoices", bill(), key="k1", summarize=True)
    for reply in (other_body, other_address):
        assert reply.status_code == 400
        assert reply.json()["Message"] == "Idempotency Key: k1 is used with a different request"


def test_refusals_are_kept_too(control: Control, xero: Xero) -> None:
    row = bill(CurrencyCode="USD")
    assert xero.put("Invoices", row, key="k1").json()["Invoices"][0]["StatusAttributeString"] == "ERROR"
    control.organisation(currencies=["AUD", "USD"])
    assert xero.put("Invoices", row, key="k1").json()["Invoices"][0]["StatusAttributeString"] == "ERROR"
    assert xero.put("Invoices", row, key="k2").json()["Invoices"][0]["StatusAttributeString"] == "OK"


def test_a_key_may_have_128_characters_and_no_more(xero: Xero) -> None:
    assert xero.put("Invoices", bill(), key="k" * 128).status_code == 200
    assert xero.put("Invoices", bill(), key="k" * 129).status_code == 400


def test_keys_mean_nothing_to_get(xero: Xero) -> None:
    for _ in range(2):
        assert xero.call("GET", "/Accounts", headers={"Idempotency-Key": "k1"}).status_code == 200
    assert xero.call("GET", "/TaxRates", headers={"Idempotency-Key": "k1"}).status_code == 200


def test_two_organisations_keep_their_keys_apart(control: Control, xero: Xero) -> None:
    other = control("POST", "/xero/organisations", {"name": "Other"})["tenant_id"]
    made = control("POST", "/xero/grants", {"tenants": [TENANT, other]})
    xero.session.headers["Authorization"] = f"Bearer {made['access_token']}"
    xero.put("Invoices", bill(), key="k1")
    xero.session.headers["xero-tenant-id"] = other
    assert xero.put("Invoices", bill(InvoiceNumber="CW-2"), key="k1").status_code == 200


def test_the_minute_limit_says_how_long_to_wait(control: Control, xero: Xero) -> None:
    control.fresh_minute()
    control.organisation(limits={"minute": 3})
    left = [xero.call("GET", "/Currencies").headers["X-MinLimit-Remaining"] for _ in range(3)]
    assert left == ["2", "1", "0"]
    refused = xero.call("GET", "/Currencies")
    assert (refused.status_code, refused.headers["X-Rate-Limit-Problem"]) == (429, "minute")
    control("POST", "/clock", {"advance_seconds": int(refused.headers["Retry-After"])})
    assert xero.call("GET", "/Currencies").status_code == 200


def test_the_day_limit_waits_for_hours(control: Control, xero: Xero) -> None:
    control.organisation(limits={"day": 1})
    assert xero.call("GET", "/Currencies").headers["X-DayLimit-Remaining"] == "0"
    refused = xero.call("GET", "/Currencies")
    assert refused.headers["X-Rate-Limit-Problem"] == "day"
    assert 0 < int(refused.headers["Retry-After"]) <= 86_400


def test_a_replay_costs_a_call_and_a_refused_call_does_nothing(control: Control, xero: Xero) -> None:
    control.fresh_minute()
    control.organisation(limits={"minute": 2})
    xero.put("Invoices", bill(), key="k1")
    assert xero.put("Invoices", bill(), key="k1").headers["X-MinLimit-Remaining"] == "0"
    assert xero.put("Invoices", bill(), key="k2").status_code == 429
    control("POST", "/clock", {"advance_seconds": 60})
    assert xero.put("Invoices", bill(InvoiceNumber="other"), key="k2").status_code == 200


def test_more_than_the_allowed_calls_at_once_are_refused_without_a_wait(control: Control, xero: Xero) -> None:
    control.organisation(limits={"concurrent": 2})
    control.fault("slow", seconds=0.4)
    replies: list[tuple[int, str | None]] = []

    def call() -> None:
        reply = Xero.call(xero, "GET", "/Currencies")
        replies.append((reply.status_code, reply.headers.get("X-Rate-Limit-Problem")))

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(replies, key=str) == [(200, None)] * 2 + [(429, "concurrent")] * 2


def test_every_reply_carries_a_correlation_id_equal_to_its_own(xero: Xero) -> None:
    reply = xero.call("GET", "/Accounts")
    assert reply.headers["Xero-Correlation-Id"] == reply.json()["Id"]
    assert xero.call("GET", "/Nothing").headers["Xero-Correlation-Id"]
