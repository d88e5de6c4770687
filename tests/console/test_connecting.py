"""A consent at the pretend Xero and QuickBooks, from the button's address to the company that goes on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from sqlalchemy import func, select, update

from console.company_change import change_settings
from console.company_import import import_company
from console.connecting import choose_organisation, connect, disconnect
from errors import NeedsAttention, Paused
from mappers.company_file import load, load_text
from mappers.consent import Consent, Organisation
from models import states
from models.companies import find_company
from models.company import Company, Connection
from providers.logins import QBOLogin, XeroLogin
from tests.journey.conftest import COMPANY_FILE, TENANT, Journey, journey, sandbox_url
from tests.journey.test_qbo import qbo
from workers.wiring import LEDGERS

__all__ = ["journey", "qbo", "sandbox_url"]

BACK = "http://localhost:8000/connect/xero/acme/return"
OTHER = Organisation(id="99999999-2222-4333-8444-555555555555", name="Other Books")


def login(journey: Journey, provider: str) -> XeroLogin | QBOLogin:
    return LEDGERS[provider].login(journey.wiring)


def agree(address: str, **choice: str) -> dict[str, str]:
    """Presses the allowing button on the provider's page; what the browser brings back."""
    parts = urlsplit(address)
    asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
    page = requests.get(address, timeout=10)
    assert page.ok, page.text
    answer = requests.post(
        f"{parts.scheme}://{parts.netloc}{parts.path}",
        data=asked | {"decision": "allow"} | choice,
        allow_redirects=False,
        timeout=10,
    )
    assert answer.status_code == 302, answer.text
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def consent(journey: Journey, provider: str, **choice: str) -> Consent:
    found = login(journey, provider)
    query = agree(found.address(redirect_uri=BACK, state="s-1"), **choice)
    assert query["state"] == "s-1"
    return found.consent(redirect_uri=BACK, code=query["code"], query=query)


def company(journey: Journey, key: str = "acme") -> Company:
    with journey.database.read() as session:
        return find_company(session, key)


def test_a_consent_at_xero_is_the_companys_new_connection(journey: Journey) -> None:
    found = consent(journey, "xero", tenant=TENANT)
    done = connect(
        journey.database, journey.wiring.sealer, "acme", provider="xero", consent=found, actor="jo"
    )
    assert done.chosen is not None and done.chosen.id == TENANT
    assert journey.wiring.access_token("acme") == found.access_token
    connection = company(journey).connection
    assert (
        connection is not None and journey.wiring.sealer.open(connection.refresh_token) == found.refresh_token
    )
    assert found.refresh_token not in connection.refresh_token
    [entry_id] = journey.add({})
    journey.post()
    assert journey.expense(entry_id).state == states.DONE


def test_a_consent_at_quickbooks_names_the_company(qbo: Journey) -> None:
    key = "acme"
    realm = str(company(qbo, key).tenant_id)
    found = consent(qbo, "qbo", realm=realm)
    assert [each.id for each in found.organisations] == [realm] and found.subject == realm
    done = connect(qbo.database, qbo.wiring.sealer, key, provider="qbo", consent=found, actor="jo")
    assert done.chosen is not None and done.chosen.id == realm
    with pytest.raises(NeedsAttention, match="without saying which company"):
        login(qbo, "qbo").consent(redirect_uri=BACK, code="c", query={"realmId": "../x"})


def test_a_code_works_once_and_only_for_its_return_address(journey: Journey) -> None:
    found = login(journey, "xero")
    code = agree(found.address(redirect_uri=BACK, state="s"), tenant=TENANT)["code"]
    with pytest.raises(Paused, match="invalid_grant"):
        found.consent(redirect_uri=BACK + "x", code=code, query={})
    with pytest.raises(Paused, match="invalid_grant"):
        found.consent(redirect_uri=BACK, code=code, query={})


def test_a_lost_connection_comes_back_for_every_company_of_the_grant(journey: Journey) -> None:
    database, sealer = journey.database, journey.wiring.sealer
    found = consent(journey, "xero", tenant=TENANT)
    connect(database, sealer, "acme", provider="xero", consent=found, actor="jo")
    [entry_id] = journey.add({})
    journey.control("POST", "/xero/grants/revoke", {})
    with database.write() as session:
        session.execute(update(Connection).values(expires_at=None, access_token=None))
    journey.post()
    assert company(journey).paused_at is not None and journey.expense(entry_id).state == states.QUEUED
    connect(
        database, sealer, "acme", provider="xero", consent=consent(journey, "xero", tenant=TENANT), actor="jo"
    )
    with database.read() as session:
        held = select(func.count()).select_from(Connection).where(Connection.subject == found.subject)
        assert session.scalar(held) == 1
    assert company(journey).paused_at is None
    journey.post()
    assert journey.expense(entry_id).state == states.DONE
    journey.assert_posted_once(entry_id)


def grant(*organisations: Organisation) -> Consent:
    return Consent(
        access_token="a-1",
        refresh_token="r-1",
        expires_in=1800,
        subject="person",
        organisations=organisations,
    )


def without_books(journey: Journey) -> None:
    with journey.database.write() as session:
        row = find_company(session, "acme")
        settings, _ = load(load_text(row.settings))
        ledger = replace(settings.ledger, tenant_id=None)
        change_settings(session, row, replace(settings, ledger=ledger), now=journey.database.now(session))


def test_with_several_organisations_a_person_chooses(journey: Journey) -> None:
    without_books(journey)
    both = grant(Organisation(id=TENANT, name="Acme"), OTHER)
    done = connect(journey.database, journey.wiring.sealer, "acme", provider="xero", consent=both, actor="jo")
    assert done.chosen is None and company(journey).tenant_id is None
    choose_organisation(journey.database, "acme", OTHER, actor="jo")
    assert company(journey).tenant_id == OTHER.id
    assert f'tenant_id = "{OTHER.id}"' in company(journey).settings


def test_books_with_documents_of_this_company_are_never_left(journey: Journey) -> None:
    journey.add({})
    journey.post()
    before = company(journey)
    with pytest.raises(NeedsAttention, match="has documents in xero tenant"):
        connect(
            journey.database, journey.wiring.sealer, "acme", provider="xero", consent=grant(OTHER), actor="jo"
        )
    after = company(journey)
    assert (after.tenant_id, after.connection_id) == (before.tenant_id, before.connection_id)


def test_a_consent_that_shares_nothing_changes_nothing(journey: Journey) -> None:
    before = company(journey).connection_id
    with pytest.raises(NeedsAttention, match="no organisation to share"):
        connect(journey.database, journey.wiring.sealer, "acme", provider="xero", consent=grant(), actor="jo")
    assert company(journey).connection_id == before


def test_a_disconnected_company_waits_and_the_consent_is_given_up(journey: Journey) -> None:
    found = consent(journey, "xero", tenant=TENANT)
    connect(journey.database, journey.wiring.sealer, "acme", provider="xero", consent=found, actor="jo")
    xero = login(journey, "xero")
    for _ in range(2):  # giving up twice is giving up once
        xero.disconnect(tenant_id=TENANT, access_token=found.access_token, refresh_token=found.refresh_token)
    assert xero.organisations(found.access_token) == ()
    disconnect(journey.database, "acme", actor="jo")
    [entry_id] = journey.add({})
    journey.post()
    assert journey.expense(entry_id).state == states.QUEUED and company(journey).paused_at is not None


def test_quickbooks_ends_a_consent(qbo: Journey) -> None:
    realm = str(company(qbo).tenant_id)
    found = consent(qbo, "qbo", realm=realm)
    login(qbo, "qbo").disconnect(
        tenant_id=realm, access_token=found.access_token, refresh_token=found.refresh_token
    )
    with pytest.raises(Paused):
        LEDGERS["qbo"].exchange(qbo.wiring)(found.refresh_token)


def test_an_app_without_credentials_says_which_settings(journey: Journey) -> None:
    nobody: Any = {"session": requests.Session(), "client_id": "", "client_secret": ""}
    xero = XeroLogin(
        **nobody, login_url="https://x.test", identity_url="https://x.test", api_url="https://x.test"
    )
    with pytest.raises(Paused, match="XERO_CLIENT_ID and XERO_CLIENT_SECRET are not set"):
        xero.address(redirect_uri=BACK, state="s")


def test_a_grant_from_a_company_file_is_shared_with_the_same_persons_next_company(journey: Journey) -> None:
    """What it was imported with doesn't say whose it is; its first refresh does."""
    sealer = journey.wiring.sealer
    journey.wiring.access_token("acme")
    imported = company(journey).connection
    assert imported is not None
    text = COMPANY_FILE.replace("{url}", journey.url).replace('"acme"', '"beta"').replace(TENANT, OTHER.id)
    import_company(journey.database, sealer, text, environ={}, actor="jo", http_allowed=True)
    found = replace(consent(journey, "xero", tenant=TENANT), organisations=(OTHER,))
    assert imported.subject == found.subject != ""
    connect(journey.database, sealer, "beta", provider="xero", consent=found, actor="jo")
    with journey.database.read() as session:
        [only] = session.scalars(select(Connection))
    assert only.id == imported.id and sealer.open(only.refresh_token) == found.refresh_token


def test_a_person_who_has_a_grant_here_already_gets_no_second_one_by_a_refresh(journey: Journey) -> None:
    found = consent(journey, "xero", tenant=TENANT)
    with journey.database.write() as session:
        session.add(Connection(provider="xero", subject=found.subject, refresh_token="sealed elsewhere"))
    journey.wiring.access_token("acme")
    imported = company(journey).connection
    assert imported is not None and imported.subject is None
