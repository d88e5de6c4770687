"""Connecting a company: to the pretend Xero's consent and back, by whoever set out and nobody else."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from playwright.sync_api import Page, expect
from sqlalchemy import select

from models.company import Company, Connection
from models.database import Database
from models.expense import History
from models.people import UserRole
from tests.console.conftest import MORNING
from tests.console.test_connecting import agree
from tests.journey.conftest import TENANT
from tests.journey.test_qbo import REALM
from tests.pages.conftest import People, Somebody
from tests.pages.looks import look_at
from tests.pages.reached import app, sandbox_url

__all__ = ["app", "sandbox_url"]

HERE = "/companies/acme/connections"
START = "/connect/xero/acme"
RETURN = f"{START}/return"
KEYS = {"company_id": "acme_f", "public_key": "sandboxPublic", "private_key": "sandboxPrivate",
        "client_id": "00000000-0000-4000-8000-000000000001"}  # fmt: skip


@pytest.fixture
def loose(acme: Company, database: Database) -> Company:
    """Acme before anybody connected it: no organisation is chosen."""
    with database.write() as session:
        company = session.get_one(Company, acme.id)
        company.settings = company.settings.replace('tenant_id = "tenant-1"\n', "")
        company.tenant_id = None
    return acme


def company_of(database: Database) -> Company:
    with database.read() as session:
        return session.scalars(select(Company).where(Company.key == "acme")).one()


def consent(somebody: Somebody, **choice: str) -> dict[str, str]:
    """Sets out and allows access; what the browser is sent back with."""
    answer = somebody.get(START)
    assert answer.status_code == 302
    return agree(answer.headers["Location"], **{"tenant": TENANT} | choice)


def come_back(somebody: Somebody, query: dict[str, str], path: str = RETURN) -> str:
    answer = somebody.get(path, query_string=query, follow_redirects=True)
    assert answer.status_code == 200
    return str(answer.text)


def test_a_consent_at_quickbooks_moves_an_unused_company_there(
    person: People, loose: Company, database: Database
) -> None:
    somebody = person("admin")
    address = somebody.get("/connect/qbo/acme").headers["Location"]
    text = come_back(somebody, agree(address, realm=REALM), "/connect/qbo/acme/return")
    assert f"Connected to QuickBooks company {REALM}." in text
    found = company_of(database)
    assert (found.provider, found.tenant_id) == ("qbo", REALM)


def test_a_consent_connects_the_company(person: People, loose: Company, database: Database) -> None:
    somebody = person("admin", ["acme"])
    asked = parse_qs(urlsplit(somebody.get(START).headers["Location"]).query)
    assert asked["redirect_uri"] == ["http://localhost:8000/connect/xero/acme/return"]
    text = come_back(somebody, consent(somebody))
    assert "Connected to Acme MSP (AU)." in text
    found = company_of(database)
    assert found.tenant_id == TENANT and found.connection is not None and found.connection.refreshed_at
    with database.read() as session:
        assert somebody.email in session.scalars(select(History.actor)).all()


@pytest.mark.parametrize("change", [{"state": "made-up"}, {"state": ""}, {"state": None}, {"state": "é"}])
def test_a_state_that_we_did_not_send_changes_nothing(
    person: People, loose: Company, database: Database, change: dict[str, Any]
) -> None:
    somebody = person("admin")
    query = consent(somebody) | change
    text = come_back(somebody, {name: value for name, value in query.items() if value is not None})
    assert "belongs to no connection that you began" in text
    assert company_of(database).connection is None


def test_a_return_counts_once(person: People, loose: Company, database: Database) -> None:
    somebody = person("admin")
    query = consent(somebody)
    come_back(somebody, query)
    assert "belongs to no connection that you began" in come_back(somebody, query)
    with database.read() as session:
        assert len(session.scalars(select(Connection)).all()) == 1


def test_another_persons_return_changes_nothing(person: People, loose: Company, database: Database) -> None:
    query = consent(person("admin"))
    other = person("admin", email="other@example.com")
    assert "belongs to no connection" in come_back(other, query)
    other.get(START)  # has set out as well, with a state of their own
    assert "belongs to no connection" in come_back(other, query)
    assert company_of(database).connection is None


def test_a_return_for_another_company_or_provider_changes_nothing(
    person: People, loose: Company, beta: Company, database: Database
) -> None:
    somebody = person("admin")
    assert "belongs to no connection" in come_back(somebody, consent(somebody), "/connect/qbo/acme/return")
    query = consent(somebody)
    somebody.get("/connect/xero/beta")  # sets out anew, for the other company
    assert "belongs to no connection" in come_back(somebody, query)
    with database.read() as session:
        assert session.scalars(select(Connection)).all() == []


def test_who_is_no_admin_any_more_on_the_way_back_connects_nothing(
    person: People, loose: Company, beta: Company, database: Database
) -> None:
    somebody = person("admin", ["acme", "beta"])
    query = consent(somebody)
    with database.write() as session:
        session.scalars(select(UserRole).where(UserRole.company_id == loose.id)).one().role = "viewer"
    assert somebody.get(RETURN, query_string=query).status_code == 403
    assert company_of(database).connection is None


def test_who_may_not_connect_cannot(person: People, loose: Company, beta: Company) -> None:
    for role in ("viewer", "operator"):
        somebody = person(role)
        assert somebody.get(START).status_code == somebody.get(RETURN).status_code == 403
        assert START not in somebody.get(HERE).text
        for press in ("keys", "test", "register", "remove", "read", "disconnect", "choose"):
            assert somebody.post(f"{HERE}/{press}").status_code == 403
    stranger = person("admin", ["beta"])
    assert stranger.get(START).status_code == stranger.get(HERE).status_code == 404
    assert stranger.get("/connect/sage/beta").status_code == 404


def test_refusals_of_the_provider_are_told(person: People, loose: Company, database: Database) -> None:
    somebody = person("admin")
    text = come_back(somebody, consent(somebody, decision="deny"))
    assert "You did not allow access at Xero." in text
    query = consent(somebody) | {"code": "made-up"}
    assert "invalid_grant" in come_back(somebody, query)
    assert company_of(database).connection is None


def test_one_of_several_organisations_is_chosen(
    person: People, loose: Company, database: Database, sandbox_url: str
) -> None:
    url = f"{sandbox_url}/_sandbox/xero/organisations"
    body = {"tenant_id": "99999999-2222-4333-8444-555555555555", "name": "Other Books"}
    requests.post(url, json=body, timeout=10).raise_for_status()
    somebody = person("admin")
    address = somebody.get(START).headers["Location"]
    query = agree(address, tenant=[TENANT, body["tenant_id"]])  # type: ignore[arg-type]
    assert "Choose the company&#39;s organisation now." in come_back(somebody, query)
    assert company_of(database).tenant_id is None
    assert "Other Books" in somebody.get(f"{HERE}/organisations").text
    wrong = somebody.post(f"{HERE}/choose", {"organisation": "nobody's"}, follow_redirects=True)
    assert "is not shared with us" in wrong.text
    somebody.post(f"{HERE}/choose", {"organisation": body["tenant_id"]})
    assert company_of(database).tenant_id == body["tenant_id"]


def test_disconnecting_gives_the_consent_up_first(
    person: People, loose: Company, database: Database, sandbox_url: str
) -> None:
    somebody = person("admin")
    come_back(somebody, consent(somebody))
    answer = somebody.post(f"{HERE}/disconnect", follow_redirects=True)
    assert "Disconnected." in answer.text and "Not connected" in answer.text
    found = company_of(database)
    assert found.connection is None and found.paused_at is not None


def test_keys_are_kept_only_when_they_work(
    person: People, acme: Company, database: Database, sandbox_url: str
) -> None:
    somebody, before = person("admin"), company_of(database).cw_secrets
    wrong = somebody.post(f"{HERE}/keys", KEYS | {"site": sandbox_url, "private_key": "wrong-9"})
    assert wrong.status_code == 400 and "refuse" in wrong.text and "wrong-9" not in wrong.text
    odd = somebody.post(f"{HERE}/keys", KEYS | {"site": "ftp://nowhere"})
    assert odd.status_code == 400 and "Nothing was saved" in odd.text
    empty = somebody.post(f"{HERE}/keys", {})
    assert "Type the private key." in empty.text and company_of(database).cw_secrets == before
    assert somebody.post(f"{HERE}/keys", KEYS | {"site": sandbox_url}).status_code == 302
    assert company_of(database).cw_site == sandbox_url
    with database.read() as session:
        told = session.scalars(select(History.text).where(History.what == "connection")).one()
    assert "ConnectWise has new keys" in told and "sandboxPrivate" not in told


def test_the_callback_and_the_lists_by_hand(
    person: People, loose: Company, database: Database, sandbox_url: str
) -> None:
    somebody = person("admin")

    def press(name: str) -> str:
        return str(somebody.post(f"{HERE}/{name}", follow_redirects=True).text)

    assert "notice problem" in press("test")  # nobody listens at that address
    somebody.post(f"{HERE}/keys", KEYS | {"site": sandbox_url})
    assert "The callback is missing." in press("test")
    assert "ConnectWise calls http://localhost:8000/callbacks/connectwise/acme" in press("register")
    assert company_of(database).callback_state == "active"
    assert "The callback is removed." in press("remove")
    assert "connected to its ledger yet" in press("read")
    come_back(somebody, consent(somebody))
    assert "The lists of ConnectWise and of the books were read." in press("read")


def test_the_pages_read_well(page: Page, loose: Company, database: Database, sandbox_url: str) -> None:
    page.goto(HERE)
    look_at(page, "connections-new")
    with database.write() as session:
        company = session.get_one(Company, loose.id)
        company.connection = Connection(
            provider="xero",
            refresh_token="x",
            refresh_ends_at=database.now(session) + dt.timedelta(days=9.5),
            lost_at=MORNING,
            lost_why="Xero ended the consent.",
        )
    page.reload()
    expect(page.get_by_text("Connection lost")).to_be_visible()
    expect(page.get_by_text("9 days from now")).to_be_visible()
    look_at(page, "connections-lost")
