"""A fresh token set from Intuit: rotation, and what each other answer means."""

from __future__ import annotations

from typing import Any

import pytest
import requests
import responses

from errors import GrantLost, Paused, RateLimited, Retryable, Trouble
from providers.http import make_session
from providers.qbo_identity import REFRESH_SECONDS, Tokens, refresh
from sandbox.server import Handle

OAUTH = "https://oauth.test"
GOOD = {
    "access_token": "a-2",
    "refresh_token": "r-2",
    "expires_in": 3600,
    "x_refresh_token_expires_in": 8726400,
    "x_refresh_token_hard_expires_in": 157680000,
}


def renewed(token: str = "r-1", *, url: str = OAUTH, client: str = "app", secret: str = "s") -> Tokens:
    return refresh(make_session(), oauth_url=url, client_id=client, client_secret=secret, refresh_token=token)


@responses.activate
def test_a_refresh_sends_the_app_and_the_token_and_asks_for_the_hard_end() -> None:
    responses.post(f"{OAUTH}/oauth2/v1/tokens/bearer", json=GOOD)
    tokens = renewed()
    request = responses.calls[0].request
    assert request.headers["Authorization"] == "Basic YXBwOnM="
    assert request.headers["x-include-refresh-token-hard-expires-in"] == "true"
    assert request.body == "grant_type=refresh_token&refresh_token=r-1"
    assert (tokens.refresh_token, tokens.expires_in, tokens.hard_expires_in) == ("r-2", 3600, 157680000)


@pytest.mark.parametrize(
    ("unused", "hard", "ends"),
    [(None, None, REFRESH_SECONDS), (8_726_400, None, 8_726_400), (8_726_400, 86_400, 86_400)],
)
def test_the_end_is_whichever_comes_first(unused: int | None, hard: int | None, ends: int) -> None:
    tokens = Tokens(
        access_token="a",
        refresh_token="r",
        expires_in=1,
        refresh_expires_in=unused,
        hard_expires_in=hard,
    )
    assert tokens.refresh_ends_in == ends


def test_tokens_are_not_shown() -> None:
    assert "secret" not in repr(Tokens(access_token="secret", refresh_token="secret", expires_in=1))


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ({"status": 400, "json": {"error": "invalid_grant"}}, GrantLost),
        ({"status": 401, "json": {"error": "invalid_client"}}, Paused),
        ({"status": 400, "json": {"error": "invalid_request"}}, Paused),
        ({"status": 500}, Retryable),
        ({"status": 429, "headers": {"Retry-After": "9"}}, RateLimited),
        ({"body": requests.ReadTimeout()}, Retryable),
        ({"body": "<html>"}, Retryable),
        ({"json": {"access_token": "a"}}, Retryable),
        ({"json": {**GOOD, "expires_in": "soon"}}, Retryable),
    ],
)
@responses.activate
def test_every_other_answer_has_its_meaning(reply: dict[str, Any], kind: type[Trouble]) -> None:
    responses.post(f"{OAUTH}/oauth2/v1/tokens/bearer", **reply)
    with pytest.raises(Trouble) as trouble:
        renewed()
    assert type(trouble.value) is kind


def test_the_pretend_intuit_gives_tokens_and_says_when_the_grant_is_gone(sandbox: Handle) -> None:
    app = {"url": sandbox.url, "client": "sandbox-qbo-client", "secret": "sandbox-qbo-secret"}
    assert renewed("sandbox-qbo-refresh-token", **app).hard_expires_in
    requests.post(f"{sandbox.url}/_sandbox/qbo/grants/revoke", json={}, timeout=10).raise_for_status()
    with pytest.raises(GrantLost):
        renewed("sandbox-qbo-refresh-token", **app)
