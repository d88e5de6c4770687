"""Callbacks that nobody has thought of: any bytes, any JSON, any headers, well signed or not."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.webhooks.conftest import Endpoint, sign

pytestmark = pytest.mark.one_database
quick = settings(
    max_examples=60,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)

ANSWERS = {"queued": 202, "duplicate": 200, "ignored": 200}
NAMES = ("MessageId", "FromUrl", "CompanyId", "MemberId", "Action", "Type", "ID", "Entity", "Metadata")
HEADERS = ("Accept", "Content-Encoding", "Content-Type", "Cookie", "Forwarded", "Range", "X-Forwarded-For")

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
likely = st.sampled_from(("expense", "EXPENSE", "time", "acme_f", "ACME_F", 4711, "4711", 1, 2**31, -1))
changes = st.dictionaries(st.sampled_from(NAMES), likely | values, max_size=4)
header = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=60)
headers = st.dictionaries(st.sampled_from(HEADERS), header.map(str.strip), max_size=4)
cuts = st.tuples(st.integers(0, 400), st.binary(max_size=4))


def body_of(endpoint: Endpoint, changed: dict[str, Any], cut: tuple[int, bytes] | None) -> bytes:
    """ConnectWise's message with these fields changed, and some bytes in the middle overwritten."""
    body = json.dumps(json.loads(endpoint.message()) | changed).encode()
    if cut is None:
        return body
    at, other = cut
    return body[:at] + other + body[at + len(other) :]


def post(endpoint: Endpoint, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """The status and the JSON of the answer; the request goes out as it is, however odd."""
    connection = http.client.HTTPConnection(urlsplit(endpoint.url).netloc, timeout=20)
    connection.request("POST", "/callbacks/connectwise/acme?recordId=", body, headers)
    answer = connection.getresponse()
    said: dict[str, Any] = json.loads(answer.read())
    connection.close()
    assert answer.headers.get_content_type() == "application/json"
    return answer.status, said


def assert_sound(status: int, said: dict[str, Any]) -> None:
    if status in (400, 401):
        assert (said["status"], bool(said["reason"])) == ("refused", True)
    else:
        assert ANSWERS[said["status"]] == status


def signed(endpoint: Endpoint, body: bytes, headers: dict[str, str]) -> None:
    before = len(endpoint.events())
    status, said = post(endpoint, body, headers | {"x-content-signature": sign(body)})
    assert_sound(status, said)
    new = len(endpoint.events()) - before
    assert new == int(status == 202) or (new == 1 and (status == 400 or said["status"] == "ignored"))


def test_any_fields_and_headers_well_signed_get_an_answer(endpoint: Endpoint) -> None:
    endpoint.send_message()  # so that the key is known even where the message names none

    @given(changed=changes, cut=st.none() | cuts, headers=headers)
    @quick
    def run(changed: dict[str, Any], cut: tuple[int, bytes] | None, headers: dict[str, str]) -> None:
        signed(endpoint, body_of(endpoint, changed, cut), headers)

    run()


def test_any_bytes_well_signed_get_an_answer(endpoint: Endpoint) -> None:
    endpoint.send_message()

    @given(body=st.binary(max_size=300) | values.map(lambda value: json.dumps(value).encode()))
    @quick
    def run(body: bytes) -> None:
        signed(endpoint, body, {})

    run()
    assert endpoint.count_expenses() == 1


def test_nothing_unsigned_leaves_a_trace(endpoint: Endpoint) -> None:
    @given(changed=changes, cut=st.none() | cuts, headers=headers, signature=st.none() | header)
    @quick
    def run(changed: Any, cut: Any, headers: dict[str, str], signature: str | None) -> None:
        forged = {} if signature is None else {"x-content-signature": signature}
        status, said = post(endpoint, body_of(endpoint, changed, cut), headers | forged)
        assert (status, said["status"]) == (401, "refused")

    run()
    assert endpoint.kept_nothing()
