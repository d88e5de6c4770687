"""What a well-signed message may contain: anything. And what a thousand bad ones leave behind: nothing."""

from __future__ import annotations

import json
import random
from collections import Counter

import pytest

from models.company import Event
from tests.webhooks.conftest import Endpoint, sign


def kept(endpoint: Endpoint) -> Event:
    [event] = endpoint.events()
    return event


def test_bytes_that_are_not_utf8_are_decoded_leniently(endpoint: Endpoint) -> None:
    body = endpoint.message(MemberId="j?e").replace(b"j?e", b"j\xe9\xffe")
    assert endpoint.send(body).status_code == 202
    assert kept(endpoint).body == body


def test_escapes_and_spaces_do_not_change_what_was_signed(endpoint: Endpoint) -> None:
    body = b" \n" + endpoint.message(MemberId="SLASH").replace(b"SLASH", b"\\/\\u00e9 1.0") + b"\r\n"
    assert endpoint.send(body).status_code == 202
    assert kept(endpoint).body == body


def test_what_the_entity_says_is_not_believed(endpoint: Endpoint) -> None:
    lie = '{"id": 9999, "amount": 1000000, "status": "ApprovedByTierTwo"}'
    assert endpoint.send_message(Entity=lie).status_code == 202
    assert kept(endpoint).entry_id == 4711


@pytest.mark.parametrize("entry_id", [4711, "4711"])
def test_an_id_may_be_a_number_or_its_text(endpoint: Endpoint, entry_id: object) -> None:
    assert endpoint.send_message(ID=entry_id).status_code == 202
    assert kept(endpoint).entry_id == 4711


@pytest.mark.one_database
@pytest.mark.parametrize(
    "entry_id",
    [
        *("0", "-1", "2147483648", "9" * 400, "9" * 5000, "4711.5", "1e3", "1e400", "NaN", "true", "null"),
        *("[4711]", "{}", '"4_711"', '"４７１１"', '"0x10"', '""', '" 4711"'),
    ],
)
def test_an_id_that_no_entry_has_is_unreadable(endpoint: Endpoint, entry_id: str) -> None:
    endpoint.send_message()  # so that the key is known even where the message can't be parsed
    body = endpoint.message(ID="HERE").replace(b'"HERE"', entry_id.encode())
    assert endpoint.send(body).status_code == 400
    assert endpoint.count_expenses() == 1
    assert endpoint.events()[1].status == "unreadable"


@pytest.mark.one_database
def test_deep_json_is_unreadable_not_a_crash(endpoint: Endpoint) -> None:
    endpoint.send_message()
    for depth in (b"[" * 100_000, b'{"a":' * 40_000):
        body = endpoint.message(Entity="HERE").replace(b'"HERE"', depth)
        assert endpoint.send(body).status_code == 400
    assert endpoint.count_expenses() == 1


@pytest.mark.parametrize("text", ["\x00", "a\x00b", "\ud800", "'; DROP TABLE event; --", "{{7*7}}", "=1+1"])
def test_odd_text_in_every_field_is_kept_and_harms_nothing(endpoint: Endpoint, text: str) -> None:
    assert endpoint.send_message(MessageId=text).status_code in (200, 202)
    assert endpoint.send_message(Action=text, MemberId=text, Entity=text).status_code == 202
    assert endpoint.send_message(Type=text).status_code == 200
    assert endpoint.send_message(CompanyId=text).status_code == 401
    assert len(endpoint.events()) == 3


@pytest.mark.one_database
@pytest.mark.parametrize("body", [b"", b"null", b"[]", b'"text"', b"\x00", b"\xff\xfe{\x00}\x00", b"{"])
def test_a_body_that_names_no_key_is_refused(endpoint: Endpoint, body: bytes) -> None:
    assert endpoint.send(body).status_code == 401
    assert endpoint.kept_nothing()


@pytest.mark.one_database
def test_a_genuine_message_that_names_no_key_any_more_is_kept(endpoint: Endpoint) -> None:
    endpoint.send_message()
    assert endpoint.send(b"cut off").status_code == 400
    assert endpoint.events()[1].body == b"cut off"


def bad(endpoint: Endpoint, number: int) -> tuple[bytes, str]:
    """One of the callbacks that must be refused, and its signature."""
    body = endpoint.message(ID=number + 1)
    chance = random.Random(number)
    flipped = bytearray(body)
    flipped[chance.randrange(len(body))] ^= 1 << chance.randrange(7)
    elsewhere = {"key_url": endpoint.keys.key_url(company="other")}
    return (
        (body, ""),
        (body, sign(body, key="guessed")),
        (bytes(flipped), sign(body)),
        (endpoint.message(Metadata=elsewhere), sign(endpoint.message(Metadata=elsewhere))),
        (endpoint.message(Metadata={"key_url": "https://evil.example/?companyName=acme_f"}), sign(body)),
        (body + b" " * 262_144, sign(body + b" " * 262_144)),
        (body[: chance.randrange(len(body))], sign(body)),
        (json.dumps({"CompanyId": "acme_f", "Metadata": None}).encode(), sign(body, key="x")),
    )[number % 8]


@pytest.mark.one_database
def test_a_thousand_bad_callbacks_are_refused_and_leave_nothing(endpoint: Endpoint) -> None:
    answers: Counter[int] = Counter()
    for number in range(1000):
        body, signature = bad(endpoint, number)
        answers[endpoint.send(body, signature=signature).status_code] += 1
    assert answers == {401: 875, 413: 125}
    assert endpoint.kept_nothing()
