"""Every answer of the callback endpoint, and what is kept after it."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import requests
from sqlalchemy import select

from models import states
from models.expense import Expense
from tests.webhooks.conftest import Endpoint, sign


def answer_of(response: requests.Response) -> tuple[int, str]:
    assert response.headers["Content-Type"] == "application/json"
    return response.status_code, response.json()["status"]


def test_a_new_message_is_kept_raw_and_its_expense_queued(endpoint: Endpoint) -> None:
    body = endpoint.message()
    assert answer_of(endpoint.send(body)) == (202, "queued")
    [event] = endpoint.events()
    assert (event.body, event.status, event.action, event.entry_id) == (body, "queued", "updated", 4711)
    with endpoint.database.read() as session:
        expense = session.scalars(select(Expense)).one()
    assert (expense.entry_id, expense.state, expense.due_at is not None) == (4711, states.QUEUED, True)


def test_the_same_message_again_is_a_duplicate(endpoint: Endpoint) -> None:
    body = endpoint.message()
    endpoint.send(body)
    assert answer_of(endpoint.send(body)) == (200, "duplicate")
    assert len(endpoint.events()) == 1


def test_a_message_without_an_id_is_known_again_by_its_bytes(endpoint: Endpoint) -> None:
    body = endpoint.message(MessageId=None)
    assert [endpoint.send(body).status_code for _ in range(2)] == [202, 200]
    assert endpoint.send_message(MessageId=None, Action="added").status_code == 202


def test_an_old_message_sent_again_by_somebody_does_nothing(endpoint: Endpoint) -> None:
    body = endpoint.message()
    signature = sign(body)
    endpoint.send(body, signature=signature)
    assert [endpoint.send(body, signature=signature).status_code for _ in range(5)] == [200] * 5
    with endpoint.database.read() as session:
        assert session.scalars(select(Expense.signals)).one() == 1


def test_what_is_not_an_expense_is_kept_and_ignored(endpoint: Endpoint) -> None:
    response = endpoint.send_message(Type="ticket", ID="any")
    assert answer_of(response) == (200, "ignored")
    assert "ticket" in response.json()["reason"]
    [event] = endpoint.events()
    assert (event.status, event.entry_id, endpoint.count_expenses()) == ("ignored", None, 0)


def test_a_deleted_entry_is_marked(endpoint: Endpoint) -> None:
    assert answer_of(endpoint.send_message(Action="deleted", Entity=None)) == (202, "queued")
    with endpoint.database.read() as session:
        assert session.scalars(select(Expense.deleted)).one() is True


def test_a_missing_signature_is_refused(endpoint: Endpoint) -> None:
    assert answer_of(endpoint.send(endpoint.message(), signature="")) == (401, "refused")
    assert endpoint.kept_nothing()
    assert endpoint.keys.fetches == []


def test_a_wrong_signature_is_refused(endpoint: Endpoint) -> None:
    body = endpoint.message()
    for signature in (sign(body, key="another key"), sign(body + b" "), "AAAA", "not base64 \x7f", "é"):
        assert endpoint.send(body, signature=signature).status_code == 401
    assert endpoint.kept_nothing()


def test_a_key_address_that_is_not_the_companys_is_never_visited(endpoint: Endpoint) -> None:
    foreign = f"http://localhost:{urlsplit(endpoint.keys.url).port}/system/callbackkey/index.rails"
    addresses: list[object] = [foreign + "?companyName=acme_f", endpoint.keys.key_url(company="other"), 7, {}]
    for key_url in addresses:
        assert endpoint.send_message(Metadata={"key_url": key_url}).status_code == 401
    assert endpoint.keys.fetches == []
    assert endpoint.kept_nothing()


def test_another_companys_message_is_refused(endpoint: Endpoint) -> None:
    assert answer_of(endpoint.send_message(CompanyId="other")) == (401, "refused")
    assert endpoint.kept_nothing()


def test_an_unknown_company_is_not_found(endpoint: Endpoint) -> None:
    for key in ("nobody", "ACME", "a" * 200, "%00", "acme'--"):
        assert answer_of(endpoint.send(endpoint.message(), to=key)) == (404, "refused")
    assert endpoint.kept_nothing()


def test_well_signed_and_unreadable_is_refused_and_kept(endpoint: Endpoint) -> None:
    endpoint.send_message()
    broken = [endpoint.message(ID="abc"), endpoint.message(Type=None), endpoint.message()[:-1] + b",]"]
    for body in broken:
        assert answer_of(endpoint.send(body)) == (400, "refused")
    assert [(e.status, e.body) for e in endpoint.events()[1:]] == [("unreadable", body) for body in broken]
    assert endpoint.count_expenses() == 1


def test_a_body_that_is_too_large_is_refused(endpoint: Endpoint) -> None:
    assert answer_of(endpoint.send(b" " * 262_145)) == (413, "refused")
    assert endpoint.kept_nothing()
    assert endpoint.send_message(Entity="x" * 200_000).status_code == 202


def test_a_body_that_hides_its_length_is_refused_when_it_is_too_large(endpoint: Endpoint) -> None:
    def chunks(number: int) -> requests.Response:
        address = f"{endpoint.url}/callbacks/connectwise/acme"
        return requests.post(address, data=(b" " * 1024 for _ in range(number)), timeout=20)

    assert chunks(10).status_code == 401
    assert answer_of(chunks(1000)) == (413, "refused")


def test_a_length_that_lies_is_refused_without_reading_on(endpoint: Endpoint) -> None:
    address = urlsplit(endpoint.url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(b"POST /callbacks/connectwise/acme HTTP/1.1\r\nHost: x\r\n")
        connection.sendall(b"Content-Length: 999999999999\r\n\r\n{}")
        assert b" 413 " in connection.recv(1000).splitlines()[0]


def test_what_is_appended_to_the_address_is_ignored(endpoint: Endpoint) -> None:
    body = endpoint.message()
    for number, query in enumerate(("?recordId=1&action=deleted", "?recordId=4711?x=;&&%00=%ff", "")):
        address = f"{endpoint.url}/callbacks/connectwise/acme{query}"
        response = requests.post(address, body, headers={"x-content-signature": sign(body)}, timeout=20)
        assert response.status_code == (200 if number else 202)
    [event] = endpoint.events()
    assert (event.entry_id, event.action) == (4711, "updated")


def test_only_a_post_is_taken(endpoint: Endpoint) -> None:
    response = requests.get(f"{endpoint.url}/callbacks/connectwise/acme", timeout=20)
    assert answer_of(response) == (405, "refused")
