"""Xero's identity server: token sets for a code or a refresh token, and what a consent covers.

https://developer.xero.com/documentation/guides/oauth2/auth-flow . Both are one form post, so they go through
our own exchange: same time-outs, no retries. logins.py has the browser's part of the flow.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import requests

from errors import GrantLost, Paused, Retryable, Unauthorised
from providers.http import Answer, exchange, read_json, refuse_trouble

PROVIDER = "Xero identity"
REFRESH_SECONDS = 60 * 86_400  # what an unused refresh token lives; no answer tells it
_RECONNECT = "Connect the company to Xero again; everything that waits goes on then."


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """A token set. Every refresh rotates both: store them before the access token is used."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int  # seconds from now

    @property
    def refresh_ends_in(self) -> int:
        """Seconds from now until the refresh token ends, if it is not used."""
        return REFRESH_SECONDS

    @property
    def subject(self) -> str:
        """Who consented; empty when the access token doesn't say."""
        return str(claims_of(self.access_token).get("xero_userid", ""))


def refresh(
    session: requests.Session, *, identity_url: str, client_id: str, client_secret: str, refresh_token: str
) -> Tokens:
    """A fresh token set for a refresh token.

    Raises `Paused` when the consent is gone or the app's own credentials are wrong, else `Retryable`. A lost
    answer is `Retryable` too: Xero takes the old refresh token for another 30 minutes.
    """
    answer = exchange(
        session,
        "POST",
        f"{identity_url.rstrip('/')}/connect/token",
        provider=PROVIDER,
        headers={"Authorization": _basic(client_id, client_secret), "Accept": "application/json"},
        data={"grant_type": "refresh_token", "refresh_token": refresh_token},
    )
    return _token_set(answer)


def redeem(
    session: requests.Session,
    *,
    identity_url: str,
    client_id: str,
    client_secret: str,
    code: str,
    redirect_uri: str,
) -> Tokens:
    """The token set for the code that a consent brought back; a code works once, within five minutes.

    Raises `Paused` when Xero refuses it, `Retryable` when the answer was lost: connect once more then.
    """
    answer = exchange(
        session,
        "POST",
        f"{identity_url.rstrip('/')}/connect/token",
        provider=PROVIDER,
        headers={"Authorization": _basic(client_id, client_secret), "Accept": "application/json"},
        data={"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri},
    )
    return _token_set(answer)


def give_up(session: requests.Session, *, api_url: str, access_token: str, connection_id: str) -> None:
    """Disconnects one organisation (`id` of `connections`); one that is gone already counts as done."""
    answer = exchange(
        session,
        "DELETE",
        f"{api_url.rstrip('/')}/connections/{quote(connection_id, safe='')}",
        provider=PROVIDER,
        headers={"Authorization": f"Bearer {access_token}", "Accept": "application/json"},
    )
    refuse_trouble(answer, provider=PROVIDER)


def claims_of(access_token: str) -> dict[str, Any]:
    """The claims in an access token that came straight from Xero, so its signature needs no check."""
    try:
        body = access_token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (IndexError, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}


def connections(session: requests.Session, *, api_url: str, access_token: str) -> list[dict[str, Any]]:
    """The organisations this consent covers: id, tenantId, tenantType, tenantName, authEventId and dates.

    Raises `Unauthorised` for a stale access token, `Paused` for a consent that is gone, `Retryable`.
    """
    answer = exchange(
        session,
        "GET",
        f"{api_url.rstrip('/')}/connections",
        provider=PROVIDER,
        headers={"Authorization": f"Bearer {access_token}", "Accept": "application/json"},
    )
    refuse_trouble(answer, provider=PROVIDER)
    if answer.status == 401:
        raise Unauthorised("Xero wants a fresh access token to list the connections.")
    if not answer.is_good:
        raise Paused(f"Xero doesn't list the connections ({answer.status}). {_RECONNECT}")
    rows = read_json(answer, provider=PROVIDER)
    if not isinstance(rows, list):
        raise Retryable(f"{PROVIDER} answered with something that is no list; it will be asked again.")
    return [row for row in rows if isinstance(row, dict)]


def _basic(client_id: str, client_secret: str) -> str:
    pair = f"{quote(client_id, safe='')}:{quote(client_secret, safe='')}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _token_set(answer: Answer) -> Tokens:
    refuse_trouble(answer, provider=PROVIDER)
    said = read_json(answer, provider=PROVIDER)
    if not answer.is_good or not isinstance(said, dict) or "error" in said:
        raise _refusal(answer, said if isinstance(said, dict) else {})
    return _tokens(said)


def _tokens(said: Mapping[str, Any]) -> Tokens:
    try:
        tokens = Tokens(
            access_token=str(said["access_token"]),
            refresh_token=str(said["refresh_token"]),
            expires_in=int(said["expires_in"]),
        )
    except (KeyError, TypeError, ValueError):
        raise Retryable(f"{PROVIDER} gave an incomplete token set; it will be asked again.") from None
    return tokens


def _refusal(answer: Answer, said: Mapping[str, Any]) -> Paused:
    """https://datatracker.ietf.org/doc/html/rfc6749#section-5.2"""
    code = str(said.get("error", "no reason"))[:60]
    if code == "invalid_grant":
        return GrantLost(
            f"Xero no longer accepts this company's connection ({code}): the consent was withdrawn, or the "
            f"refresh token was not used for 60 days. {_RECONNECT}"
        )
    if code in ("invalid_client", "unauthorized_client"):
        return Paused(
            f"Xero refused the app itself ({code}). Check XERO_CLIENT_ID and XERO_CLIENT_SECRET, restart, "
            "then test the connection."
        )
    return Paused(f"Xero refused to refresh the connection ({answer.status}, {code}). {_RECONNECT}")
