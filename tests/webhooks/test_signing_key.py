"""Fetching the signing key: once, bare, small, quick, and never where it should not go."""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from typing import Any

import pytest

from tests.providers.peer import closed_address
from tests.webhooks.conftest import Endpoint, sign
from tests.webhooks.key_server import ANSWER, PATH, KeyServer, dripping, saying, serving, slow
from tests.world import add_company
from webhooks.signing_key import KeyRefused, KeyUnavailable, SigningKeys, is_public

pytestmark = pytest.mark.one_database


def at_once(endpoint: Endpoint, number: int) -> Counter[int]:
    """The answers to so many different messages sent together."""
    answers: Counter[int] = Counter()
    bodies = [endpoint.message(ID=entry_id) for entry_id in range(1, number + 1)]
    calls = [
        threading.Thread(target=lambda b=body: answers.update([endpoint.send(b).status_code]))
        for body in bodies
    ]
    for call in calls:
        call.start()
    for call in calls:
        call.join(20)
    return answers


def test_a_burst_fetches_the_key_once(endpoint: Endpoint) -> None:
    assert at_once(endpoint, 20) == {202: 20}
    assert len(endpoint.keys.fetches) == 1


def test_a_new_key_address_is_fetched_anew(endpoint: Endpoint) -> None:
    endpoint.send_message()
    endpoint.send_message(Metadata={"key_url": endpoint.keys.key_url(key_id="2")})
    assert len(endpoint.keys.fetches) == 2


def test_the_fetch_carries_nothing_of_ours(endpoint: Endpoint) -> None:
    endpoint.keys.play = saying(200, ANSWER, **{"Set-Cookie": "session=1"})
    endpoint.send_message()
    endpoint.send_message(Metadata={"key_url": endpoint.keys.key_url(key_id="2")})
    for path, headers in endpoint.keys.fetches:
        assert path.startswith(f"{PATH}?companyName=acme_f&id=")
        assert not {"authorization", "cookie", "clientid", "referer"} & set(headers)


def test_a_redirect_is_not_followed(endpoint: Endpoint) -> None:
    with serving() as elsewhere:
        endpoint.keys.play = saying(302, b"", Location=elsewhere.key_url())
        assert endpoint.send_message().status_code == 401
        assert elsewhere.fetches == []
    assert endpoint.kept_nothing()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"not JSON"),
        (200, b"[]"),
        (200, b"{}"),
        (200, b'{"signing_key": null}'),
        (200, b'{"signing_key": ""}'),
        (200, b'{"signing_key": {"a": 1}}'),
        (200, b"[" * 60_000),
        (200, ANSWER + b" " * 70_000),
        (404, ANSWER),
        (403, b"<html>"),
    ],
)
def test_an_answer_without_a_key_is_a_refusal(endpoint: Endpoint, status: int, body: bytes) -> None:
    endpoint.keys.play = saying(status, body)
    assert endpoint.send_message().status_code == 401
    assert endpoint.kept_nothing()


@pytest.mark.parametrize("play", [slow, dripping, saying(500, ANSWER), saying(429, b"")])
def test_a_key_server_in_trouble_means_send_it_again(endpoint: Endpoint, play: object) -> None:
    endpoint.keys.play = play  # type: ignore[assignment]
    body = endpoint.message()
    started = time.monotonic()
    response = endpoint.send(body)
    assert (response.status_code, response.headers["Retry-After"]) == (429, "2")
    assert time.monotonic() - started < 4
    assert endpoint.kept_nothing()


def test_a_key_server_that_is_gone_means_send_it_again(endpoint: Endpoint) -> None:
    with endpoint.database.write() as session:
        site = closed_address()
        add_company(session, key="away", site=site)
    body = endpoint.message(Metadata={"key_url": f"{site}{PATH}?companyName=acme_f"})
    assert endpoint.send(body, to="away").status_code == 429
    assert endpoint.send_message().status_code == 202


def test_after_the_trouble_the_same_message_is_taken(endpoint: Endpoint) -> None:
    body = endpoint.message()
    endpoint.keys.play = saying(503, b"")
    assert endpoint.send(body).status_code == 429
    endpoint.keys.play = saying(200, ANSWER)
    time.sleep(2)  # ConnectWise waits as long
    assert endpoint.send(body).status_code == 202


def test_a_dead_key_server_costs_a_burst_one_wait_not_one_each(endpoint: Endpoint) -> None:
    endpoint.keys.play = slow
    started = time.monotonic()
    assert at_once(endpoint, 10) == {429: 10}
    assert time.monotonic() - started < 4
    assert len(endpoint.keys.fetches) == 1


def test_a_remembered_key_outlives_its_server(endpoint: Endpoint) -> None:
    endpoint.send_message()
    endpoint.keys.play = saying(500, b"")
    assert endpoint.send_message().status_code == 202


PRIVATE = (
    *("127.0.0.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
    *("192.0.2.1", "198.18.0.1", "224.0.0.1", "255.255.255.255", "::", "::1", "fe80::1%eth0", "fd00::1"),
    *("fec0::1", "ff02::1", "::ffff:10.0.0.1", "::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1"),
    *("2001:db8::1", "2002:7f00:1::"),
)


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_out_in_the_world_is_known_in_every_clothing(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_an_address_out_in_the_world_is_let_through(address: str) -> None:
    assert is_public(address)


def test_a_name_that_now_leads_inside_is_refused_whatever_it_said_before(
    keys: KeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    inside = socket.getaddrinfo("127.0.0.1", keys.server_address[1], 0, socket.SOCK_STREAM)

    def resolve(host: Any, *_: Any, **__: Any) -> Any:
        asked.append(host)
        return inside

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(KeyRefused, match="private network"):
        SigningKeys().fetch(f"http://na.myconnectwise.net{PATH}?companyName=acme_f", public_only=True)
    assert asked == ["na.myconnectwise.net"]
    assert keys.fetches == []


def test_nothing_inside_gets_a_single_byte_not_even_of_tls() -> None:
    with socket.create_server(("127.0.0.1", 0)) as inside:
        address = f"https://127.0.0.1:{inside.getsockname()[1]}{PATH}?companyName=acme_f"
        with pytest.raises(KeyRefused, match="private network"):
            SigningKeys().fetch(address, public_only=True)
        inside.settimeout(10)
        visitor, _ = inside.accept()
        with visitor:
            visitor.settimeout(10)
            assert visitor.recv(100) == b""


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0177.0.0.1", "0x7f.1", "127.1"])
def test_a_public_site_that_leads_to_a_private_address_is_refused_unasked(keys: KeyServer, host: str) -> None:
    address = keys.key_url().replace("127.0.0.1", host)
    with pytest.raises(KeyRefused, match="private network"):
        SigningKeys().fetch(address, public_only=True)
    assert keys.fetches == []


def test_a_refusal_is_remembered_no_longer_than_a_moment(keys: KeyServer) -> None:
    signing_keys = SigningKeys()
    keys.play = saying(500, b"")
    for _ in range(3):
        with pytest.raises(KeyUnavailable):
            signing_keys.fetch(keys.key_url(), public_only=False)
    assert len(keys.fetches) == 1
    time.sleep(1.6)
    keys.play = saying(200, ANSWER)
    assert signing_keys.fetch(keys.key_url(), public_only=False) == "test-signing-key"


def test_another_companys_key_vouches_for_nobody_else(endpoint: Endpoint) -> None:
    """Same login company on another site: a message that names no key must not pass with that site's key."""
    with serving() as other:
        other.play = saying(200, b'{"signing_key": "the other key"}')
        with endpoint.database.write() as session:
            add_company(session, key="twin", site=other.url)
        known = endpoint.message(Metadata={"key_url": other.key_url()})
        assert endpoint.send(known, signature=sign(known, key="the other key"), to="twin").status_code == 202
    body = endpoint.message(Metadata=None)
    assert endpoint.send(body, signature=sign(body, key="the other key")).status_code == 401


def test_strangers_that_name_ever_new_keys_do_not_keep_others_waiting(endpoint: Endpoint) -> None:
    endpoint.send_message()
    endpoint.keys.play = slow
    strangers = [
        threading.Thread(
            target=endpoint.send_message,
            kwargs={"Metadata": {"key_url": endpoint.keys.key_url(key_id=str(n))}},
        )
        for n in range(2, 12)
    ]
    for stranger in strangers:
        stranger.start()
    started = time.monotonic()
    assert endpoint.send_message().status_code == 202
    assert time.monotonic() - started < 1
    for stranger in strangers:
        stranger.join(10)
    assert len(endpoint.keys.fetches) <= 3
