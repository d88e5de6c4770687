"""Signing in to the pretend Xero: consent, tokens, their ends, and the organisations they open."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.sandbox.clients import CLIENT, REFRESH, TENANT, WAIT, Control, Xero

RETURN = "https://relay.example/connect/xero/acme/return"


def token(control: Control, *, auth: tuple[str, str] = CLIENT, **form: str) -> requests.Response:
    return requests.post(f"{control.url}/connect/token", data=form, auth=auth, timeout=WAIT)


def refresh(control: Control, text: str) -> requests.Response:
    return token(control, grant_type="refresh_token", refresh_token=text)


def redeem(control: Control, code: str) -> requests.Response:
    return token(control, grant_type="authorization_code", code=code, redirect_uri=RETURN)


def code_of(control: Control, **changes: str) -> str:
    query = {
        "response_type": "code",
        "client_id": CLIENT[0],
        "redirect_uri": RETURN,
        "state": "s1",
        **changes,
    }
    page = requests.get(f"{control.url}/identity/connect/authorize", params=query, timeout=WAIT)
    fields: list[tuple[str, str]] = re.findall(r'name="(\w+)" value="([^"]*)"', page.text)
    form = [field for field in fields if field[1] != "deny"]
    action = f"{control.url}/identity/connect/authorize"
    back = requests.post(action, data=form, allow_redirects=False, timeout=WAIT)
    answer = parse_qs(urlsplit(back.headers["Location"]).query)
    assert answer["state"] == ["s1"]
    return answer["code"][0]


def test_a_consent_ends_in_tokens_that_open_the_organisation(control: Control) -> None:
    code = code_of(control, scope="offline_access accounting.invoices")
    tokens = redeem(control, code).json()
    assert (tokens["expires_in"], tokens["token_type"]) == (1800, "Bearer")
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    rows = requests.get(f"{control.url}/connections", headers=bearer, timeout=WAIT).json()
    assert [row["tenantId"] for row in rows] == [TENANT]
    assert refresh(control, tokens["refresh_token"]).status_code == 200


def test_without_offline_access_there_is_no_refresh_token(control: Control) -> None:
    code = code_of(control, scope="accounting.invoices")
    tokens = redeem(control, code).json()
    assert "refresh_token" not in tokens


def test_a_code_works_once_and_for_five_minutes(control: Control) -> None:
    code, late = code_of(control), code_of(control)
    assert redeem(control, code).status_code == 200
    assert redeem(control, code).json() == {"error": "invalid_grant"}
    control("POST", "/clock", {"advance_seconds": 301})
    assert redeem(control, late).status_code == 400


def test_saying_no_comes_back_as_access_denied(control: Control) -> None:
    form = {"response_type": "code", "client_id": CLIENT[0], "redirect_uri": RETURN, "decision": "deny"}
    action = f"{control.url}/identity/connect/authorize"
    back = requests.post(action, data=form, allow_redirects=False, timeout=WAIT)
    assert "error=access_denied" in back.headers["Location"]


def test_refreshing_rotates_and_the_old_one_has_thirty_minutes(control: Control) -> None:
    first = refresh(control, REFRESH).json()["refresh_token"]
    assert first != REFRESH
    assert refresh(control, REFRESH).status_code == 200
    control("POST", "/clock", {"advance_seconds": 30 * 60 + 1})
    gone = refresh(control, REFRESH)
    assert (gone.status_code, gone.json()) == (400, {"error": "invalid_grant"})
    assert refresh(control, first).status_code == 200


def test_an_unused_refresh_token_dies_after_sixty_days(control: Control) -> None:
    control("POST", "/clock", {"advance_seconds": 60 * 86_400 + 1})
    assert refresh(control, REFRESH).json() == {"error": "invalid_grant"}


@pytest.mark.parametrize("auth", [("sandbox-client", "wrong"), ("nobody", "sandbox-secret"), ("", "")])
def test_a_wrong_client_is_invalid(control: Control, auth: tuple[str, str]) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": REFRESH}
    assert token(control, auth=auth, **form).json() == {"error": "invalid_client"}


def test_the_client_may_name_itself_in_the_form(control: Control) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": REFRESH}
    form |= {"client_id": CLIENT[0], "client_secret": CLIENT[1]}
    assert requests.post(f"{control.url}/connect/token", data=form, timeout=WAIT).status_code == 200


def test_access_ends_after_thirty_minutes(control: Control, xero: Xero) -> None:
    control("POST", "/clock", {"advance_seconds": 1799})
    assert xero.call("GET", "/Organisation").status_code == 200
    control("POST", "/clock", {"advance_seconds": 1})
    ended = xero.call("GET", "/Organisation")
    assert (ended.status_code, ended.json()["Title"]) == (401, "Unauthorized")


def test_access_can_be_ended_at_once(control: Control, xero: Xero) -> None:
    assert control("POST", "/xero/grants/expire")["expired"] >= 1
    assert xero.call("GET", "/Organisation").status_code == 401
    assert refresh(control, xero.tokens["refresh_token"]).status_code == 200


def test_a_revoked_consent_is_over(control: Control, xero: Xero) -> None:
    control("POST", "/xero/grants/revoke", {"client_id": CLIENT[0]})
    assert xero.call("GET", "/Organisation").status_code == 401
    assert refresh(control, xero.tokens["refresh_token"]).json() == {"error": "invalid_grant"}


def test_the_client_can_revoke_its_own_token(control: Control, xero: Xero) -> None:
    form = {"token": xero.tokens["refresh_token"]}
    done = requests.post(f"{control.url}/connect/revocation", data=form, auth=CLIENT, timeout=WAIT)
    assert done.status_code == 200
    assert xero.call("GET", "/Organisation").status_code == 401


def test_a_disconnected_organisation_is_forbidden(control: Control, xero: Xero) -> None:
    rows = xero.session.get(f"{control.url}/connections", timeout=WAIT).json()
    gone = xero.session.delete(f"{control.url}/connections/{rows[0]['id']}", timeout=WAIT)
    assert gone.status_code == 204
    assert xero.call("GET", "/Organisation").status_code == 403


def test_another_organisation_is_forbidden(control: Control, xero: Xero) -> None:
    other = control("POST", "/xero/organisations", {"name": "Other"})["tenant_id"]
    reply = xero.call("GET", "/Organisation", headers={"xero-tenant-id": other})
    assert (reply.status_code, reply.json()["Detail"]) == (403, "AuthenticationUnsuccessful")


def test_a_consent_can_be_made_without_a_browser(control: Control) -> None:
    wish: Any = {"client_id": "mine", "client_secret": "s3", "tenants": [TENANT]}
    made = control("POST", "/xero/grants", wish)
    again = token(
        control, auth=("mine", "s3"), grant_type="refresh_token", refresh_token=made["refresh_token"]
    )
    assert again.status_code == 200
