"""Callbacks of the pretend ConnectWise: registered, signed, delivered, repeated, and given up."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from sandbox.connectwise_delivery import sign
from tests.sandbox.clients import COMPANY, WAIT, ConnectWise, Control, Received, Receiver

MakeReceiver = Callable[..., Receiver]


def genuine(one: Received) -> bool:
    """ConnectWise's published check, written for itself here."""
    key_url = json.loads(one.body)["Metadata"]["key_url"]
    signing_key = requests.get(key_url, timeout=WAIT).json()["signing_key"]
    key = hashlib.sha256(signing_key.encode("utf-8")).digest()
    return base64.b64encode(hmac.new(key, one.body, hashlib.sha256).digest()).decode() == one.signature


def approved(control: Control, connectwise: ConnectWise, receiver: Receiver, count: int = 1) -> list[Any]:
    """Deliver the approval of new entries; every try."""
    connectwise.register(receiver.url)
    control.expenses(*[{} for _ in range(count)], silent=True)
    control.approve()
    found: list[Any] = control.delivered()
    return found


def test_the_published_vector_is_signed_alike() -> None:
    body = b'{"Action":"updated","Type":"expense","ID":1}'
    assert sign(body, signing_key="test-signing-key") == "kTSBwdPAACLhS3m2k8XWjI8h/14R3RLjBb98dy6Xezc="


def test_an_approval_calls_back_for_every_entry(
    control: Control, connectwise: ConnectWise, receiver: MakeReceiver
) -> None:
    endpoint = receiver()
    approved(control, connectwise, endpoint, count=3)
    bodies = [json.loads(one.body) for one in endpoint.received]
    assert sorted(body["ID"] for body in bodies) == [4701, 4702, 4703]
    assert {body["Action"] for body in bodies} == {"updated"}
    assert {json.loads(body["Entity"])["status"] for body in bodies} == {"ApprovedByTierTwo"}
    assert len({body["MessageId"] for body in bodies}) == 3


def test_a_message_has_connectwises_envelope_and_a_genuine_signature(
    control: Control, connectwise: ConnectWise, receiver: MakeReceiver
) -> None:
    endpoint = receiver()
    approved(control, connectwise, endpoint)
    one = endpoint.received[0]
    assert genuine(one)
    body = json.loads(one.body)
    assert (body["CompanyId"], body["Type"], body["MemberId"]) == (COMPANY, "expense", "approver")
    assert body["CallbackObjectRecId"] == 26501
    assert parse_qs(urlsplit(one.path).query) == {"recordId": ["4701"], "action": ["updated"]}
    key = urlsplit(body["Metadata"]["key_url"])
    assert key.path == "/v2026_1//system/callbackkey/index.rails"
    assert parse_qs(key.query)["companyName"] == [COMPANY]


def test_the_order_of_keys_differs_from_message_to_message(
    control: Control, connectwise: ConnectWise, receiver: MakeReceiver
) -> None:
    endpoint = receiver()
    approved(control, connectwise, endpoint, count=5)
    assert len({tuple(json.loads(one.body)) for one in endpoint.received}) > 1


def test_keys_change_and_old_ones_stay_readable(
    control: Control, connectwise: ConnectWise, receiver: MakeReceiver
) -> None:
    endpoint = receiver()
    approved(control, connectwise, endpoint, count=60)
    addresses = {json.loads(one.body)["Metadata"]["key_url"] for one in endpoint.received}
    assert len(addresses) == 2
    assert all(genuine(one) for one in endpoint.received[::20])


def test_an_unknown_key_is_not_found(control: Control) -> None:
    path = f"/v2026_1//system/callbackkey/index.rails?companyName={COMPANY}&id=unknown"
    assert requests.get(control.url + path, timeout=WAIT).status_code == 404


def test_adding_and_deleting_call_back_too(
    control: Control, connectwise: ConnectWise, receiver: MakeReceiver
) -> None:
    endpoint = receiver()
    connectwise.register(endpoint.url)
    control.expenses({}, submit=False)
    control.delivered()
    control("POST", f"/connectwise/{COMPANY}/delete", {"entry_id": 4701})
    control.delivered()
    bodies = [json.loads(one.body) for one in endpoint.received]
    assert [(body["Action"], body["Entity"] is None) for body in bodies] == [
        ("added", False),
        ("deleted", True),
    ]


@pytest.mark.parametrize(("status", "tries"), [(429, 3), (409, 3), (500, 1), (401, 1), (202, 1)])
def test_only_some_answers_are_tried_again(
    control: Control, connectwise: ConnectWise, receiver: MakeReceiver, status: int, tries: int
) -> None:
    control.site(delivery={"retry_delays": [0.01, 0.02]})
    endpoint = receiver(lambda _: status)
    attempts = approved(control, connectwise, endpoint)
    assert [attempt["status"] for attempt in attempts] == [status] * tries
    assert len({json.loads(one.body)["MessageId"] for one in endpoint.received}) == 1


def test_a_slow_endpoint_is_given_up_and_not_tried_again(
    control: Control, connectwise: ConnectWise, receiver: MakeReceiver
) -> None:
    import time

    control.site(delivery={"timeout_seconds": 0.05})
    endpoint = receiver(lambda _: time.sleep(0.3) or 202)  # type: ignore[func-returns-value]
    attempts = approved(control, connectwise, endpoint)
    assert [
        (attempt["status"], "imeout" in attempt["error"] or "timed out" in attempt["error"])
        for attempt in attempts
    ] == [(None, True)]


def test_duplicates_are_the_same_message_twice(
    control: Control, connectwise: ConnectWise, receiver: MakeReceiver
) -> None:
    control.site(delivery={"mode": "duplicate"})
    endpoint = receiver()
    approved(control, connectwise, endpoint)
    assert len(endpoint.received) == 2
    assert endpoint.received[0].body == endpoint.received[1].body


def test_held_messages_wait_for_their_release(
    control: Control, connectwise: ConnectWise, receiver: MakeReceiver
) -> None:
    control.site(delivery={"mode": "held"})
    endpoint = receiver()
    assert approved(control, connectwise, endpoint, count=2) == []
    assert control("POST", f"/connectwise/{COMPANY}/release") == {"released": 2}
    assert len(control.delivered()) == 2


def test_messages_can_be_switched_off_and_silent(
    control: Control, connectwise: ConnectWise, receiver: MakeReceiver
) -> None:
    endpoint = receiver()
    connectwise.register(endpoint.url)
    control.expenses({}, silent=True)
    control.approve(silent=True)
    control.site(delivery={"mode": "off"})
    control("POST", f"/connectwise/{COMPANY}/edit", {"entry_id": 4701, "amount": "1"})
    assert control.delivered() == []


def test_shuffled_messages_all_arrive_in_another_order(
    control: Control, connectwise: ConnectWise, receiver: MakeReceiver
) -> None:
    control.site(delivery={"mode": "shuffled", "shuffle_seconds": 0.2})
    endpoint = receiver()
    approved(control, connectwise, endpoint, count=20)
    ids = [json.loads(one.body)["ID"] for one in endpoint.received]
    assert sorted(ids) == list(range(4701, 4721)) and ids != sorted(ids)


def test_a_failing_callback_is_switched_off_when_told_so(
    control: Control, connectwise: ConnectWise, receiver: MakeReceiver
) -> None:
    control.site(delivery={"disable_after": 2})
    endpoint = receiver(lambda _: 500)
    approved(control, connectwise, endpoint, count=2)
    assert connectwise.listed("/system/callbacks")[0]["inactiveFlag"] is True
    control("POST", f"/connectwise/{COMPANY}/edit", {"entry_id": 4701, "amount": "1"})
    assert len(control.delivered()) == 2
    connectwise.patch(
        "/system/callbacks/26501", json=[{"op": "replace", "path": "inactiveFlag", "value": False}]
    )
    control("POST", f"/connectwise/{COMPANY}/edit", {"entry_id": 4701, "amount": "2"})
    assert len(control.delivered()) == 3


def test_ones_own_changes_can_be_suppressed(
    control: Control, connectwise: ConnectWise, receiver: MakeReceiver
) -> None:
    endpoint = receiver()
    connectwise.register(endpoint.url, isSelfSuppressedFlag=True)
    wish = {"type": {"id": 1}, "amount": 5, "date": "2026-08-21", "company": {"id": 1}, "member": {"id": 1}}
    made = connectwise.post("/expense/entries", json=wish).json()
    control.delivered()
    before = len(endpoint.received)
    connectwise.patch(
        f"/expense/entries/{made['id']}", json=[{"op": "replace", "path": "amount", "value": 6}]
    )
    control.delivered()
    assert len(endpoint.received) == before


def test_a_registration_comes_back_as_connectwise_gives_it(connectwise: ConnectWise) -> None:
    made = connectwise.register("https://relay.example/cb?recordId=", objectId=0)
    assert (made["objectId"], made["payloadVersion"], made["inactiveFlag"]) == (1, "3.0.0", False)
    assert connectwise.listed("/system/callbacks/count") == {"count": 1}
    path = f"/system/callbacks/{made['id']}"
    changed = connectwise.put(path, json={**made, "description": "new"})
    assert changed.json()["description"] == "new"
    assert connectwise.delete(path).status_code == 204
    assert connectwise.listed("/system/callbacks") == []


def test_a_second_registration_of_the_same_is_refused(connectwise: ConnectWise) -> None:
    made = connectwise.register("https://relay.example/cb?recordId=")
    reply = connectwise.post("/system/callbacks", json=made)
    assert (reply.status_code, reply.json()["code"]) == (400, "InvalidObject")
    inner = reply.json()["errors"][0]
    assert (inner["code"], inner["field"]) == ("ObjectExists", "objectId")


BAD: list[tuple[dict[str, Any], str]] = [
    ({"url": "relay.example"}, "url"),
    ({"level": "galaxy"}, "level"),
    ({"type": "spaceship"}, "level"),
    ({"description": "x" * 101}, "description"),
    ({"objectId": None}, "objectId"),
]


@pytest.mark.parametrize(("change", "field"), BAD, ids=[field for _, field in BAD])
def test_a_bad_registration_names_the_field(
    connectwise: ConnectWise, change: dict[str, Any], field: str
) -> None:
    wish = {"url": "https://relay.example/cb?recordId=", "objectId": 1, "type": "expense", "level": "owner"}
    reply = connectwise.post("/system/callbacks", json={**wish, **change})
    assert reply.status_code == 400
    assert [error["field"] for error in reply.json()["errors"]] == [field]
