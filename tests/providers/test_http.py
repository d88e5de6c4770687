from __future__ import annotations

import datetime as dt
from decimal import Decimal
from email.utils import format_datetime

import pytest
import requests
import responses
from structlog.testing import capture_logs

from errors import RateLimited, Refused, Retryable, Trouble, Uncertain
from providers.http import (
    Answer,
    exchange,
    make_session,
    rate_limit_wait,
    read_json,
    refuse_trouble,
    retry_after,
)
from tests.providers.peer import answering, closed_address, deaf_peer, hanging_up, peer, silent

SECRET = "Bearer very-secret"


def call(url: str, *, write: bool, max_bytes: int = 1_000) -> Answer:
    return exchange(
        make_session(),
        "PUT" if write else "GET",
        f"{url}/api/things?where=Name%3D%22Jo%20Doe%22",
        provider="Xero",
        headers={"Authorization": SECRET},
        data=b"{}" if write else None,
        write=write,
        max_bytes=max_bytes,
    )


def answer(status: int, body: bytes = b"", **headers: str) -> Answer:
    return Answer(
        status=status,
        headers=requests.structures.CaseInsensitiveDict({k.replace("_", "-"): v for k, v in headers.items()}),
        body=body,
    )


def trouble_of(url: str, *, write: bool, max_bytes: int = 1_000) -> Trouble:
    with pytest.raises(Trouble) as caught:
        call(url, write=write, max_bytes=max_bytes)
    return caught.value


@pytest.mark.parametrize("write", [False, True])
def test_a_refused_connection_sent_nothing_so_even_a_write_is_retried(write: bool) -> None:
    assert isinstance(trouble_of(closed_address(), write=write), Retryable)


def test_a_connect_time_out_sent_nothing_so_a_write_is_retried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("providers.http.CONNECT_SECONDS", 0.2)
    with deaf_peer() as url:
        trouble = trouble_of(url, write=True)
    assert isinstance(trouble, Retryable) and "time-out" in str(trouble)


def test_an_unknown_host_sent_nothing() -> None:
    assert isinstance(trouble_of("http://nowhere.invalid", write=True), Retryable)


@pytest.mark.parametrize(("write", "kind"), [(False, Retryable), (True, Uncertain)])
def test_a_cut_connection_leaves_a_write_uncertain(write: bool, kind: type[Trouble]) -> None:
    with peer(hanging_up) as url:
        trouble = trouble_of(url, write=write)
    assert type(trouble) is kind
    assert not getattr(trouble, "answered", False)


@pytest.mark.parametrize(("write", "kind"), [(False, Retryable), (True, Uncertain)])
def test_a_read_time_out_leaves_a_write_uncertain(
    write: bool, kind: type[Trouble], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("providers.http.READ_SECONDS", 0.2)
    with peer(silent) as url:
        assert type(trouble_of(url, write=write)) is kind


def test_half_an_answer_leaves_a_write_uncertain() -> None:
    with peer(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{half")) as url:
        assert isinstance(trouble_of(url, write=True), Uncertain)


def test_something_that_is_not_http_leaves_a_write_uncertain() -> None:
    with peer(answering(b"SSH-2.0-hello\r\n")) as url:
        assert isinstance(trouble_of(url, write=True), Uncertain)


def test_a_huge_answer_is_not_taken() -> None:
    raw = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5000
    with peer(answering(raw)) as url:
        assert isinstance(trouble_of(url, write=False), Refused)
    with peer(answering(raw)) as url:
        assert isinstance(trouble_of(url, write=True), Uncertain)


def test_an_answer_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("providers.http.WHOLE_ANSWER_SECONDS", -1.0)
    with peer(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")) as url:
        assert isinstance(trouble_of(url, write=True), Uncertain)


def test_a_redirect_is_refused_and_not_followed() -> None:
    raw = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    with peer(answering(raw)) as url:
        found = call(url, write=False)
    with pytest.raises(Refused):
        refuse_trouble(found, provider="Xero")


def test_neither_trouble_nor_log_tells_a_secret_or_a_name() -> None:
    with capture_logs() as logs, peer(hanging_up) as url:
        trouble = trouble_of(url, write=True)
    told = f"{trouble!r} {trouble.__cause__!r} {logs}"
    assert "very-secret" not in told and "Doe" not in told
    assert logs[0]["path"] == "/api/things"


def test_the_log_carries_the_correlation_id() -> None:
    raw = b"HTTP/1.1 200 OK\r\nXero-Correlation-Id: abc-1\r\nContent-Length: 2\r\n\r\n{}"
    with capture_logs() as logs, peer(answering(raw)) as url:
        call(url, write=False)
    assert (logs[0]["correlation_id"], logs[0]["status"], logs[0]["method"]) == ("abc-1", 200, "GET")


@responses.activate
def test_a_cookie_of_one_company_never_travels_with_the_next() -> None:
    responses.get("http://cw.test/api/things", json={}, headers={"Set-Cookie": "who=acme; Path=/"})
    session = make_session()
    for _ in range(2):
        exchange(session, "GET", "http://cw.test/api/things", provider="CW", headers={})
    assert "Cookie" not in responses.calls[1].request.headers


def test_proxies_and_netrc_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", closed_address())
    with peer(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")) as url:
        assert call(url, write=False).body == b"{}"


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_may_have_acted_on_a_write(status: int) -> None:
    with pytest.raises(Uncertain) as trouble:
        refuse_trouble(answer(status), provider="Xero", write=True)
    assert (trouble.value.answered, trouble.value.status) == (True, status)
    with pytest.raises(Retryable):
        refuse_trouble(answer(status), provider="Xero")


@pytest.mark.parametrize("status", [408, 425])
def test_a_call_that_came_too_early_is_retried_even_when_it_writes(status: int) -> None:
    with pytest.raises(Retryable):
        refuse_trouble(answer(status), provider="Xero", write=True)


def test_good_answers_and_the_providers_own_refusals_pass() -> None:
    for status in (200, 201, 204, 400, 401, 403, 404, 409):
        refuse_trouble(answer(status), provider="Xero", write=True)


def test_429_carries_what_was_asked_for() -> None:
    with pytest.raises(RateLimited) as trouble:
        refuse_trouble(answer(429, Retry_After="22", X_Rate_Limit_Problem="minute"), provider="Xero")
    assert (trouble.value.after, trouble.value.scope) == (22, "tenant")


@pytest.mark.parametrize(
    ("problem", "least", "most", "scope"),
    [
        ("concurrent", 0.25, 2, "tenant"),
        ("appminute", 5, 15, "app"),
        ("app-minute", 5, 15, "app"),
        ("day", 3600, 3600, "tenant"),
        ("minute", 30, 30, "tenant"),
        ("", 30, 30, "tenant"),
    ],
)
def test_429_without_a_time_waits_as_its_limit_deserves(
    problem: str, least: float, most: float, scope: str
) -> None:
    after, whose = rate_limit_wait({"X-Rate-Limit-Problem": problem})
    assert least <= after <= most
    assert whose == scope


def test_retry_after_may_be_a_date() -> None:
    moment = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=90)
    told = retry_after({"Retry-After": format_datetime(moment, usegmt=True)})
    assert told is not None and 85 < told <= 90


@pytest.mark.parametrize(("text", "seconds"), [("", None), ("soon", None), ("-5", None), ("0", 0.0)])
def test_a_nonsense_retry_after_is_none(text: str, seconds: float | None) -> None:
    assert retry_after({"Retry-After": text}) == seconds


def test_an_absurd_retry_after_is_cut_to_two_days() -> None:
    assert retry_after({"Retry-After": "9" * 40}) == 2 * 86_400


def test_json_numbers_are_exact() -> None:
    found = read_json(answer(200, b'{"Total": 120.10, "Big": 1234567890123456.78}'), provider="Xero")
    assert found == {"Total": Decimal("120.10"), "Big": Decimal("1234567890123456.78")}


@pytest.mark.parametrize("body", [b"", b"<html>", b"[" * 100_000, b'{"Total": NaN}', b"\xff\xfe\x00"])
def test_an_unreadable_good_answer_is_never_taken_for_done(body: bytes) -> None:
    with pytest.raises(Uncertain) as trouble:
        read_json(answer(200, body), provider="Xero", write=True)
    assert trouble.value.answered
    with pytest.raises(Retryable):
        read_json(answer(200, body), provider="Xero")


def test_broken_utf_8_inside_json_is_read_leniently() -> None:
    assert read_json(answer(200, b'{"notes": "caf\xe9"}'), provider="ConnectWise") == {"notes": "caf\ufffd"}
