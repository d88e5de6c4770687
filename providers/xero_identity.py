"""Xero's identity server: fresh access tokens, and which organisations a consent covers.

https://developer.xero.com/documentation/guides/oauth2/auth-flow . The browser's part of the flow belongs to
the console; a refresh is one form post, so it goes through our own exchange: same time-outs, no retries.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import requests

from errors import GrantLost, Paused, Retryable, Unauthorised
from providers.http import Answer, exchange, read_json, refuse_trouble

PROVIDER = "Xero identity"
_RECONNECT = "Connect the company to Xero again; everything that waits goes on then."


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """A token set. Every refresh rotates both: store them before the access token is used."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int  # seconds from now


def refresh(
    session: requests.Session, *, identity_url: str, client_id: str, client_secret: str, refresh_token: str
) -> Tokens:
    """A fresh token set for a refresh token.

    Raises `Paused` when the consent is gone or the app's own credentials are wrong, else `Retryable`. A lost
    answer is `Retryable` too: Xero takes the old refresh token for another 30 minutes.
    """
    basic = base64.b64encode(f"{quote(client_id, safe='')}:{quote(client_secret, safe='')}".encode()).decode()
    answer = exchange(
        session,
        "POST",
        f"{identity_url.rstrip('/')}/connect/token",
        provider=PROVIDER,
        headers={"Authorization": f"Basic {basic}", "Accept": "application/json"},
        data={"grant_type": "refresh_token", "refresh_token": refresh_token},
    )
    refuse_trouble(answer, provider=PROVIDER)
    said = read_json(answer, provider=PROVIDER)
    if not answer.is_good or not isinstance(said, dict) or "error" in said:
        raise _refusal(answer, said if isinstance(said, dict) else {})
    return _tokens(said)


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
