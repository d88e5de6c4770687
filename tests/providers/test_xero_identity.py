from __future__ import annotations

from typing import Any

import pytest
import requests
import responses

from errors import GrantLost, Paused, RateLimited, Retryable, Trouble, Unauthorised
from providers.http import make_session
from providers.xero_identity import Tokens, connections, refresh
from sandbox.server import Handle
from tests.providers.benches import TENANT

IDENTITY = "https://identity.xero.test"
GOOD = {"access_token": "a-1", "refresh_token": "r-1", "expires_in": 1800, "token_type": "Bearer"}


def renewed(
    url: str = IDENTITY, *, token: str = "sandbox-refresh-token", secret: str = "sandbox-secret"
) -> Tokens:
    return refresh(
        make_session(),
        identity_url=url,
        client_id="sandbox-client",
        client_secret=secret,
        refresh_token="sandbox-refresh-token",
    )


def test_a_refresh_gives_a_token_that_opens_the_books(sandbox: Handle) -> None:
    tokens = renewed(sandbox.url)
    found = connections(make_session(), api_url=sandbox.url, access_token=tokens.access_token)
    assert [each["tenantId"] for each in found] == [TENANT]
    assert tokens.expires_in == 1800


def test_a_refresh_rotates_and_the_lost_answers_old_token_still_works(sandbox: Handle) -> None:
    first = renewed(sandbox.url)
    again = renewed(sandbox.url)
    assert len({"sandbox-refresh-token", first.refresh_token, again.refresh_token}) == 3


def test_a_withdrawn_consent_pauses_with_plain_words(sandbox: Handle) -> None:
    requests.post(f"{sandbox.url}/_sandbox/xero/grants/revoke", json={}, timeout=10).raise_for_status()
    with pytest.raises(Paused, match=r"consent was withdrawn.*Connect the company to Xero again"):
        renewed(sandbox.url)


def test_wrong_app_credentials_name_the_settings(sandbox: Handle) -> None:
    with pytest.raises(Paused, match="XERO_CLIENT_SECRET"):
        renewed(sandbox.url, secret="wrong")


def test_a_stale_access_token_cannot_list_connections(sandbox: Handle) -> None:
    with pytest.raises(Unauthorised):
        connections(make_session(), api_url=sandbox.url, access_token="stale")


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ({"status": 500}, Retryable),
        ({"status": 503, "body": "down"}, Retryable),
        ({"status": 429, "headers": {"Retry-After": "9"}}, RateLimited),
        ({"body": requests.ReadTimeout()}, Retryable),
        ({"body": requests.ConnectTimeout()}, Retryable),
        ({"body": "<html>"}, Retryable),
        ({"json": {"access_token": "a"}}, Retryable),
        ({"json": {**GOOD, "expires_in": "soon"}}, Retryable),
        ({"json": []}, Paused),
        ({"status": 400, "json": {"error": "invalid_request"}}, Paused),
        ({"status": 200, "json": {"error": "invalid_grant"}}, GrantLost),
    ],
)
@responses.activate
def test_every_other_answer_has_its_meaning(reply: dict[str, Any], kind: type[Trouble]) -> None:
    responses.post(f"{IDENTITY}/connect/token", **reply)
    with pytest.raises(Trouble) as trouble:
        renewed()
    assert type(trouble.value) is kind
    assert "sandbox-secret" not in str(trouble.value) and "sandbox-refresh-token" not in str(trouble.value)


@responses.activate
def test_a_token_set_does_not_show_its_secrets() -> None:
    responses.post(f"{IDENTITY}/connect/token", json=GOOD)
    assert repr(renewed()) == "Tokens(expires_in=1800)"
