"""Sign-in of the pretend QuickBooks: consent, tokens, rotation, revocation."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.sandbox.clients import WAIT, Control
from tests.sandbox.qbo_client import CLIENT, REALM, REFRESH, set_up, tokens

RETURN = "http://127.0.0.1:9/connect/qbo/acme/return"
ASKED = {
    "client_id": CLIENT[0],
    "response_type": "code",
    "scope": "com.intuit.quickbooks.accounting",
    "redirect_uri": RETURN,
    "state": "xyz",
}
DAY = 86_400


def consent(control: Control, **more: str) -> dict[str, list[str]]:
    form = {**ASKED, "realm": REALM, "decision": "allow", **more}
    address = f"{control.url}/connect/oauth2"
    reply = requests.post(address, data=form, allow_redirects=False, timeout=WAIT)
    assert reply.status_code == 302, reply.text
    return parse_qs(urlsplit(reply.headers["Location"]).query)


def token_call(control: Control, auth: Any = CLIENT, **form: str) -> requests.Response:
    return requests.post(f"{control.url}/oauth2/v1/tokens/bearer", data=form, auth=auth, timeout=WAIT)


def read(control: Control, token: str) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    return requests.get(f"{control.url}/v3/company/{REALM}/preferences", headers=headers, timeout=WAIT)


def pass_time(control: Control, seconds: int) -> None:
    control("POST", "/clock", {"advance_seconds": seconds})


def test_the_consent_page_names_the_company(control: Control) -> None:
    reply = requests.get(f"{control.url}/connect/oauth2", params=ASKED, timeout=WAIT)
    assert "Acme MSP (QuickBooks, AU)" in reply.text


def test_a_consent_gives_a_code_for_one_realm(control: Control) -> None:
    back = consent(control)
    assert (back["state"], back["realmId"]) == (["xyz"], [REALM])
    form = {"grant_type": "authorization_code", "code": back["code"][0], "redirect_uri": RETURN}
    found = token_call(control, **form).json()
    assert (found["expires_in"], found["token_type"]) == (3600, "bearer")
    assert read(control, found["access_token"]).status_code == 200
    assert token_call(control, **form).json() == {"error": "invalid_grant"}


def test_a_denied_consent_says_so(control: Control) -> None:
    assert consent(control, decision="deny") == {"state": ["xyz"], "error": ["access_denied"]}


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": "who"},
        {"response_type": "token"},
        {"redirect_uri": "http://evil.example"},
        {"scope": "x"},
    ],
    ids=str,
)
def test_a_bad_consent_request_is_refused(control: Control, change: dict[str, str]) -> None:
    address = f"{control.url}/connect/oauth2"
    assert requests.get(address, params={**ASKED, **change}, timeout=WAIT).status_code == 400


def test_the_client_must_authenticate_with_basic(control: Control) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": REFRESH}
    assert token_call(control, auth=(CLIENT[0], "wrong"), **form).status_code == 401
    in_body = {**form, "client_id": CLIENT[0], "client_secret": CLIENT[1]}
    assert token_call(control, auth=None, **in_body).json() == {"error": "invalid_client"}


def test_the_refresh_token_changes_after_a_day_and_the_old_one_is_dead(control: Control) -> None:
    assert tokens(control.url).json()["refresh_token"] == REFRESH
    pass_time(control, DAY + 1)
    fresh = tokens(control.url).json()["refresh_token"]
    assert fresh != REFRESH
    refused = tokens(control.url)
    assert (refused.status_code, refused.json()) == (400, {"error": "invalid_grant"})
    assert tokens(control.url, fresh).status_code == 200


def test_with_grace_the_old_token_lives_on_for_a_while(control: Control) -> None:
    control("POST", "/qbo/grants", {"rotate_after_seconds": 0, "grace_seconds": 600})
    assert tokens(control.url).json()["refresh_token"] != REFRESH
    assert tokens(control.url).status_code == 200
    pass_time(control, 601)
    assert tokens(control.url).status_code == 400


def test_the_hard_end_is_told_only_on_request(control: Control) -> None:
    name = "x_refresh_token_hard_expires_in"
    assert name not in tokens(control.url).json()
    asked = tokens(control.url, **{"x-include-refresh-token-hard-expires-in": "true"}).json()
    assert asked[name] > asked["x_refresh_token_expires_in"]


def test_an_unused_refresh_token_dies_after_a_hundred_days(control: Control) -> None:
    pass_time(control, 102 * DAY)
    assert tokens(control.url).json() == {"error": "invalid_grant"}


@pytest.mark.parametrize("as_json", [True, False])
def test_revoking_ends_the_consent(control: Control, as_json: bool) -> None:
    access = tokens(control.url).json()["access_token"]
    body: Any = {"json" if as_json else "data": {"token": REFRESH}}
    address = f"{control.url}/v2/oauth2/tokens/revoke"
    assert requests.post(address, auth=CLIENT, timeout=WAIT, **body).status_code == 200
    assert read(control, access).status_code == 401
    assert tokens(control.url).json() == {"error": "invalid_grant"}


def test_a_person_may_disconnect_silently(control: Control) -> None:
    access = tokens(control.url).json()["access_token"]
    assert control("POST", "/qbo/grants/revoke", {"realm_id": REALM})["revoked"] == 1
    assert read(control, access).status_code == 401


def test_an_unknown_token_meets_the_lower_case_envelope(control: Control) -> None:
    body = read(control, "nonsense").json()
    assert (body["fault"]["error"][0]["code"], "Fault" in body) == ("3200", False)


def test_an_expired_token_meets_the_other_envelope(control: Control) -> None:
    access = tokens(control.url).json()["access_token"]
    pass_time(control, 3601)
    reply = read(control, access)
    assert (reply.status_code, reply.json()["Fault"]["Error"][0]["code"]) == (401, "3200")
    access = tokens(control.url).json()["access_token"]
    assert control("POST", "/qbo/grants/expire")["expired"] == 2
    assert read(control, access).status_code == 401


def test_a_token_opens_one_company_only(control: Control) -> None:
    set_up(control, realm_id="77")
    token = control("POST", "/qbo/grants", {"realm_id": "77"})["access_token"]
    reply = read(control, token)
    assert (reply.status_code, reply.json()["Fault"]["Error"][0]["code"]) == (403, "3100")


def test_xeros_sign_in_is_still_its_own(control: Control) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": REFRESH}
    reply = requests.post(f"{control.url}/connect/token", data=form, auth=CLIENT, timeout=WAIT)
    assert reply.json() == {"error": "invalid_client"}
