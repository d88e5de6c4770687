"""ConnectWise: shapes of answers by `responses`, then the same client against the sandbox's real wire."""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import responses

from errors import Paused, Problems, RateLimited, Refused, Retryable, Trouble, Uncertain
from mappers.connectwise import to_entry, to_report, to_site
from providers.connectwise import ConnectWise
from providers.connectwise_site import api_origin, login_origin
from providers.http import make_session
from sandbox.server import Handle

SITE = "https://na.myconnectwise.net"
INFO = f"{SITE}/login/companyinfo/acme_f"
API = "https://api-na.myconnectwise.net/v2026_1/apis/3.0"


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.get(INFO, json={"Codebase": "v2026_1/", "IsCloud": "True"})
        yield mock


def client(**more: Any) -> ConnectWise:
    return ConnectWise(
        make_session(),
        **{
            "site": SITE,
            "company_id": "acme_f",
            "public_key": "public",
            "private_key": "private",
            "client_id": "client-guid",
            **more,
        },
    )


def asked(wire: responses.RequestsMock, path: str) -> list[dict[str, str]]:
    """The parameters of each call to this path."""
    parts = [urlsplit(str(call.request.url)) for call in wire.calls]
    return [
        {name: values[0] for name, values in parse_qs(each.query).items()}
        for each in parts
        if each.path.endswith(path)
    ]


@pytest.mark.parametrize(
    ("site", "login", "api"),
    [
        ("https://na.myconnectwise.net", "https://na.myconnectwise.net", "https://api-na.myconnectwise.net"),
        ("eu.myconnectwise.net/", "https://eu.myconnectwise.net", "https://api-eu.myconnectwise.net"),
        (
            "https://API-AU.myconnectwise.net",
            "https://au.myconnectwise.net",
            "https://api-au.myconnectwise.net",
        ),
        (
            "https://staging.connectwisedev.com",
            "https://staging.connectwisedev.com",
            "https://api-staging.connectwisedev.com",
        ),
        (
            "https://sandbox-na.myconnectwise.net",
            "https://sandbox-na.myconnectwise.net",
            "https://sandbox-na.myconnectwise.net",
        ),
        ("https://cw.acme.example:8443", "https://cw.acme.example:8443", "https://cw.acme.example:8443"),
    ],
)
def test_the_api_host_follows_from_the_site(site: str, login: str, api: str) -> None:
    assert (login_origin(site), api_origin(site)) == (login, api)


@pytest.mark.parametrize(
    "site",
    ["http://cw.example", "ftp://cw.example", "https://u:p@cw.example", "https://cw.example/x", "https://"],
)
def test_a_site_must_be_a_plain_https_address(site: str) -> None:
    with pytest.raises(Problems):
        client(site=site)


def test_http_is_for_development_only() -> None:
    assert api_origin("http://127.0.0.1:9009", allow_http=True) == "http://127.0.0.1:9009"


def test_calls_carry_keys_client_id_and_a_pinned_version(wire: responses.RequestsMock) -> None:
    wire.get(f"{API}/expense/entries", json=[])
    client().entries([1])
    headers = wire.calls[1].request.headers
    assert base64.b64decode(headers["Authorization"].split()[1]) == b"acme_f+public:private"
    assert headers["clientId"] == "client-guid"
    assert headers["Accept"] == "application/vnd.connectwise.com+json; version=2025.1"
    assert "Authorization" not in wire.calls[0].request.headers


def test_the_codebase_is_asked_for_once_and_can_be_handed_in(wire: responses.RequestsMock) -> None:
    wire.get(f"{API}/expense/entries", json=[])
    first = client()
    first.entries([1])
    first.entries([2])
    client(codebase=first.codebase).entries([3])
    assert len([call for call in wire.calls if call.request.url == INFO]) == 1


@pytest.mark.parametrize("info", ["null", "{}", '{"Codebase": null}', '{"Codebase": "/"}', '"v2026_1/"'])
def test_an_unknown_company_pauses_and_names_the_setting(info: str) -> None:
    with responses.RequestsMock() as mock:
        mock.get(INFO, body=info)
        with pytest.raises(Paused, match="company_id"):
            client().entries([1])


@pytest.mark.parametrize("codebase", ["../../evil/", "v1/../x", "v1?x=", "v1@evil"])
def test_a_codebase_cannot_lead_elsewhere(codebase: str) -> None:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.get(INFO, json={"Codebase": codebase})
        with pytest.raises(Paused):
            client().entries([1])
        assert len(mock.calls) == 1


def test_after_an_upgrade_the_codebase_is_read_again_once(wire: responses.RequestsMock) -> None:
    wire.get(f"{API.replace('v2026_1', 'v2025_4')}/expense/entries", status=404)
    wire.get(f"{API}/expense/entries", json=[{"id": 1}])
    site = client(codebase="v2025_4/")
    assert site.entries([1]) == [{"id": 1}]
    assert site.codebase == "v2026_1/"


def test_a_404_that_stays_is_refused(wire: responses.RequestsMock) -> None:
    wire.get(f"{API}/system/documents/9/download", status=404, json={"code": "NotFound", "message": "Gone"})
    with pytest.raises(Refused) as trouble:
        client(codebase="v2026_1/").download(9)
    assert (trouble.value.status, trouble.value.words) == (404, ("Gone",))


def test_a_hundred_entries_are_one_call_and_more_are_more(wire: responses.RequestsMock) -> None:
    wire.get(f"{API}/expense/entries", json=[])
    client().entries([2_147_483_000 + n for n in range(220)])
    calls = asked(wire, "/expense/entries")
    assert [call["conditions"].count(",") + 1 for call in calls] == [100, 100, 20]
    assert max(len(str(call.request.url)) for call in wire.calls) <= 2_000


def test_asking_for_no_entries_calls_nobody(wire: responses.RequestsMock) -> None:
    assert client().entries([]) == []
    assert len(wire.calls) == 0


def test_money_is_read_exactly(wire: responses.RequestsMock) -> None:
    wire.get(f"{API}/expense/entries", body='[{"id": 1, "amount": 120.10}]')
    assert client().entries([1]) == [{"id": 1, "amount": Decimal("120.10")}]


def test_pages_go_forward_by_the_link(wire: responses.RequestsMock) -> None:
    link = f'<{API}/expense/entries?pageId=7&pageSize=1000>; rel="next"'
    wire.get(f"{API}/expense/entries", json=[{"id": 3}, {"id": 7}], headers={"Link": link})
    wire.get(f"{API}/expense/entries", json=[{"id": 8}])
    rows = list(client().approved_entries(statuses={"ApprovedByTierTwo"}, since=dt.date(2026, 7, 1)))
    assert [row["id"] for row in rows] == [3, 7, 8]
    first, second = asked(wire, "/expense/entries")
    assert first["conditions"] == 'status in ("ApprovedByTierTwo") and date >= [2026-07-01T00:00:00Z]'
    assert second == {**first, "pageId": "7"}
    assert wire.calls[1].request.headers["pagination-type"] == "forward-only"


def test_full_pages_without_a_link_go_on_after_the_last_row(wire: responses.RequestsMock) -> None:
    wire.get(f"{API}/expense/entries", json=[{"id": n} for n in range(1, 1_001)])
    wire.get(f"{API}/expense/entries", json=[{"id": 1_001}])
    assert len(list(client().approved_entries(statuses=None))) == 1_001
    assert asked(wire, "/expense/entries")[1]["pageId"] == "1000"


@pytest.mark.parametrize(
    "link",
    [
        '<https://evil.example/x?pageId=7>; rel="next"',
        '<http://api-na.myconnectwise.net/x?pageId=7>; rel="next"',
        '<https://api-na.myconnectwise.net.evil.example/x?pageId=7>; rel="next"',
        '<https://api-na.myconnectwise.net/x?pageId=7>; rel="last"',
        "",
        ";;<>;=",
    ],
)
def test_a_link_elsewhere_is_not_followed(wire: responses.RequestsMock, link: str) -> None:
    wire.get(f"{API}/expense/entries", json=[{"id": 7}], headers={"Link": link})
    assert [row["id"] for row in client().approved_entries(statuses=None)] == [7]
    assert len(asked(wire, "/expense/entries")) == 1


def test_pages_that_do_not_move_on_end_in_an_error_and_not_in_a_loop(wire: responses.RequestsMock) -> None:
    link = f'<{API}/expense/entries?pageId=7>; rel="next"'
    wire.get(f"{API}/expense/entries", json=[{"id": 7}], headers={"Link": link})
    with pytest.raises(Retryable, match="move on"):
        list(client().approved_entries(statuses=None))


@pytest.mark.parametrize("body", ["<html>maintenance</html>", "null", '{"id": 1}', "[1, 2]", ""])
def test_an_answer_that_is_no_list_is_asked_for_again(wire: responses.RequestsMock, body: str) -> None:
    wire.get(f"{API}/expense/entries", body=body)
    with pytest.raises(Retryable):
        client().entries([1])


@pytest.mark.parametrize(
    ("status", "kind", "says"),
    [
        (401, Paused, "API keys of acme_f"),
        (403, Paused, "inquire on all expenses"),
        (400, Refused, "no such field"),
    ],
)
def test_a_refusal_says_what_to_do(
    wire: responses.RequestsMock, status: int, kind: type[Trouble], says: str
) -> None:
    body = {"code": "InvalidObject", "message": "no such field", "errors": None}
    wire.get(f"{API}/expense/entries", status=status, json=body)
    with pytest.raises(kind, match=says) as trouble:
        client().entries([1])
    assert "private" not in str(trouble.value)


def test_every_word_of_a_refusal_is_kept(wire: responses.RequestsMock) -> None:
    inner = [{"code": "ObjectExists", "message": "exists", "field": "objectId"}, {"message": None}, "odd"]
    wire.get(f"{API}/expense/reports", status=409, json={"message": "invalid", "errors": inner})
    with pytest.raises(Refused) as trouble:
        client().reports([1])
    assert trouble.value.words == ("invalid", "exists")


def test_429_waits_as_told(wire: responses.RequestsMock) -> None:
    wire.get(f"{API}/expense/entries", status=429, headers={"Retry-After": "30"}, json={"error": "x"})
    with pytest.raises(RateLimited) as trouble:
        client().entries([1])
    assert trouble.value.after == 30


@pytest.mark.parametrize(
    "body", [requests.ConnectTimeout(), requests.ReadTimeout(), requests.ConnectionError()]
)
def test_no_answer_to_a_read_is_retried(wire: responses.RequestsMock, body: Exception) -> None:
    wire.get(f"{API}/expense/entries", body=body)
    with pytest.raises(Retryable):
        client().entries([1])


def test_a_server_error_is_retried_on_a_read_and_uncertain_on_a_write(wire: responses.RequestsMock) -> None:
    wire.get(f"{API}/expense/entries", status=500, json={"message": "timeout"})
    wire.patch(f"{API}/expense/entries/1", status=500)
    with pytest.raises(Retryable):
        client().entries([1])
    with pytest.raises(Uncertain):
        client().patch("expense/entries/1", [{"op": "replace", "path": "notes", "value": "x"}])


def test_a_missing_callback_is_registered(wire: responses.RequestsMock) -> None:
    url = "https://relay.example/callbacks/connectwise/acme?recordId="
    wire.get(f"{API}/system/callbacks", json=[])
    wire.post(f"{API}/system/callbacks", json={"id": 5, "url": url}, status=201)
    assert client().register_callback(url, "d" * 150)["id"] == 5
    sent = json.loads(wire.calls[-1].request.body or b"")
    assert (sent["type"], sent["level"], sent["objectId"], sent["url"]) == ("expense", "owner", 1, url)
    assert len(sent["description"]) == 100


@pytest.mark.parametrize(
    ("content_type", "disposition", "name"),
    [
        ("image/png", 'attachment; filename="taxi.png"', "taxi.png"),
        ("image/png", 'attachment; filename="..\\\\..\\\\etc/taxi.png"', "taxi.png"),
        ("image/png", "attachment; filename*=UTF-8''caf%C3%A9.png", "café.png"),
        ("IMAGE/PNG; q=1", "", ""),
    ],
)
def test_a_receipt_comes_with_a_bare_name(
    wire: responses.RequestsMock, content_type: str, disposition: str, name: str
) -> None:
    headers = {"Content-Disposition": disposition} if disposition else {}
    wire.get(f"{API}/system/documents/9/download", body=b"PNG", content_type=content_type, headers=headers)
    assert client().download(9) == (b"PNG", name, "image/png")


@pytest.mark.parametrize(
    ("body", "content_type"), [(b"<html>Sign in</html>", "text/html; charset=utf-8"), (b"", "image/png")]
)
def test_a_page_or_nothing_is_not_taken_for_a_receipt(
    wire: responses.RequestsMock, body: bytes, content_type: str
) -> None:
    wire.get(f"{API}/system/documents/9/download", body=body, content_type=content_type)
    with pytest.raises(Refused):
        client().download(9)


def test_too_large_a_receipt_is_refused(wire: responses.RequestsMock) -> None:
    wire.get(f"{API}/system/documents/9/download", body=b"x" * 2_000, content_type="image/png")
    with pytest.raises(Refused, match="1,000 bytes"):
        client().download(9, max_bytes=1_000)


class Site:
    """The sandbox's demo site, and a client of it."""

    def __init__(self, sandbox: Handle) -> None:
        self.url = sandbox.url
        self.client = ConnectWise(
            make_session(),
            site=sandbox.url,
            company_id="acme_f",
            public_key="sandboxPublic",
            private_key="sandboxPrivate",
            client_id="00000000-0000-4000-8000-000000000001",
            allow_http=True,
        )

    def control(self, path: str, body: Any) -> Any:
        answer = requests.post(f"{self.url}/_sandbox/connectwise/acme_f{path}", json=body, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def expenses(self, count: int) -> list[int]:
        entry = {
            "type": "Meals",
            "payment_type": "Corporate Amex",
            "classification": "Non-Reimbursable",
            "amount": "120.50",
            "date": "2026-08-21",
            "currency": "AUD",
        }
        days = {"date_start": "2026-08-17", "date_end": "2026-08-23", "year": 2026}
        wish = {"reports": [{"member": "jdoe", **days, "entries": [entry] * count}], "submit": True}
        ids = self.control("/expenses", wish)["reports"][0]["entry_ids"]
        return [int(each) for each in ids]


@pytest.fixture
def site(sandbox: Handle) -> Site:
    return Site(sandbox)


def test_entries_reports_and_audits_are_read_from_a_site(site: Site) -> None:
    ids = site.expenses(3)
    site.control("/approve", {"all": True, "tier": 1})
    entries = [to_entry(raw) for raw in site.client.entries([*ids, 999_999])]
    assert [entry.id for entry in entries] == ids
    assert {(entry.status, entry.amount) for entry in entries} == {("ApprovedByTierOne", Decimal("120.50"))}
    (report,) = (to_report(raw) for raw in site.client.reports([entries[0].report_id or 0]))
    assert report.status == "ApprovedByTierOne"
    assert site.client.report_audits(report.id)


def test_the_sweep_finds_what_is_approved_since_a_day(site: Site) -> None:
    ids = site.expenses(2)
    statuses = {"ApprovedByTierOne", "ApprovedByTierTwo"}
    assert list(site.client.approved_entries(statuses=statuses)) == []
    site.control("/approve", {"all": True, "tier": 2})
    found = site.client.approved_entries(statuses=statuses, since=dt.date(2026, 8, 21))
    assert [row["id"] for row in found] == ids
    assert list(site.client.approved_entries(statuses=statuses, since=dt.date(2026, 8, 22))) == []


def test_more_than_a_page_of_entries_is_swept_whole(site: Site) -> None:
    ids = site.expenses(1_003)
    assert [row["id"] for row in site.client.approved_entries(statuses=None)] == ids


def test_the_tables_are_what_the_mapper_wants(site: Site) -> None:
    tables = to_site(site.client.tables())
    assert {each.name for each in tables.payment_types.values()} >= {"Corporate Amex", "Paid by employee"}
    assert "jdoe" in tables.members and tables.classifications[2] == "Reimbursable"


def test_a_callback_registered_twice_is_there_once(site: Site) -> None:
    url = "https://relay.example/callbacks/connectwise/acme?recordId="
    first = site.client.register_callback(url, "Expense Relay")
    assert site.client.register_callback(url, "Expense Relay")["id"] == first["id"]
    assert [row["id"] for row in site.client.callbacks("relay.example")] == [first["id"]]


def test_a_callback_switched_off_is_switched_on_again(site: Site) -> None:
    url = "https://relay.example/callbacks/connectwise/acme?recordId="
    first = site.client.register_callback(url, "Expense Relay")
    off = [{"op": "replace", "path": "inactiveFlag", "value": True}]
    site.client.patch(f"system/callbacks/{first['id']}", off)
    again = site.client.register_callback(url, "Expense Relay")
    assert (again["id"], again["inactiveFlag"]) == (first["id"], False)


def test_a_neighbours_callback_is_left_alone(site: Site) -> None:
    address = "https://relay.example/callbacks/connectwise/"
    site.client.register_callback(f"{address}acme-nz?recordId=", "Expense Relay")
    site.client.register_callback(f"{address}acme?recordId=", "Expense Relay")
    site.client.register_callback(f"{address}acme?id=", "Expense Relay")
    left = {row["url"] for row in site.client.callbacks(address)}
    assert left == {f"{address}acme-nz?recordId=", f"{address}acme?id="}
    assert site.client.remove_callbacks(f"{address}acme?") == 1


def test_wrong_keys_pause_the_company(sandbox: Handle) -> None:
    wrong = Site(sandbox)
    wrong.client = client(site=sandbox.url, allow_http=True)
    with pytest.raises(Paused, match="API keys"):
        wrong.client.entries([1])


def test_a_site_that_was_upgraded_is_found_again(site: Site) -> None:
    ids = site.expenses(1)
    site.client.entries(ids)
    site.control("", {"upgrade": "v2026_2/"})
    assert [row["id"] for row in site.client.entries(ids)] == ids
    assert site.client.codebase == "v2026_2/"
