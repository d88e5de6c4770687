"""Intuit's identity server: token sets of one company, for a code or a refresh token.

https://developer.intuit.com/app/developer/qbo/docs/develop/authentication-and-authorization/oauth-2.0 . Both
are one form post through our own exchange. logins.py has the browser's part of the flow.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import requests

from errors import GrantLost, Paused, Retryable
from providers.http import Answer, exchange, read_json, refuse_trouble

PROVIDER = "Intuit identity"
PRODUCTION = "https://oauth.platform.intuit.com"
REVOCATION = "https://developer.api.intuit.com"
REFRESH_SECONDS = 100 * 86_400  # what an unused refresh token lives, when the answer does not tell
_RECONNECT = "Connect the company to QuickBooks again; everything that waits goes on then."


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """A token set. The refresh token's value changes about once a day, and the old one may be dead at once:
    store the newest before the access token is used."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int  # seconds from now
    refresh_expires_in: int | None = None  # seconds from now, unless it is used before
    hard_expires_in: int | None = None  # seconds from now; then the company must be connected again

    @property
    def refresh_ends_in(self) -> int:
        """Seconds from now until the refresh token ends, because it was not used or for good."""
        ends = self.refresh_expires_in or REFRESH_SECONDS
        return ends if self.hard_expires_in is None else min(ends, self.hard_expires_in)

    @property
    def subject(self) -> str:
        """Only the return of a consent names the company; a refresh tells nothing."""
        return ""


def refresh(
    session: requests.Session, *, oauth_url: str, client_id: str, client_secret: str, refresh_token: str
) -> Tokens:
    """A fresh token set for a refresh token.

    Raises `GrantLost` when the consent is gone, `Paused` when the app's own credentials are
    wrong, else `Retryable`.
    """
    answer = exchange(
        session,
        "POST",
        f"{oauth_url.rstrip('/')}/oauth2/v1/tokens/bearer",
        provider=PROVIDER,
        headers=_headers(client_id, client_secret),
        data={"grant_type": "refresh_token", "refresh_token": refresh_token},
    )
    return _token_set(answer)


def redeem(
    session: requests.Session,
    *,
    oauth_url: str,
    client_id: str,
    client_secret: str,
    code: str,
    redirect_uri: str,
) -> Tokens:
    """The token set for the code that a consent brought back; a code works once, within minutes.

    Raises `Paused` when Intuit refuses it, `Retryable` when the answer was lost: connect once more then.
    """
    answer = exchange(
        session,
        "POST",
        f"{oauth_url.rstrip('/')}/oauth2/v1/tokens/bearer",
        provider=PROVIDER,
        headers=_headers(client_id, client_secret),
        data={"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri},
    )
    return _token_set(answer)


def revoke(
    session: requests.Session, *, oauth_url: str, client_id: str, client_secret: str, refresh_token: str
) -> None:
    """Ends the consent behind a refresh token; one that is gone already counts as done."""
    answer = exchange(
        session,
        "POST",
        f"{_revocation_origin(oauth_url)}/v2/oauth2/tokens/revoke",
        provider=PROVIDER,
        headers=_headers(client_id, client_secret),
        data={"token": refresh_token},
    )
    refuse_trouble(answer, provider=PROVIDER)


def _revocation_origin(oauth_url: str) -> str:
    """Intuit revokes at another host than the one that gives tokens; everybody else's double has one."""
    return REVOCATION if oauth_url.rstrip("/") == PRODUCTION else oauth_url.rstrip("/")


def _headers(client_id: str, client_secret: str) -> dict[str, str]:
    basic = base64.b64encode(f"{client_id}:{client_secret}".encode()).decode()
    return {
        "Authorization": f"Basic {basic}",
        "Accept": "application/json",
        "x-include-refresh-token-hard-expires-in": "true",
    }


def _token_set(answer: Answer) -> Tokens:
    refuse_trouble(answer, provider=PROVIDER)
    said = read_json(answer, provider=PROVIDER)
    if not answer.is_good or not isinstance(said, dict) or "error" in said:
        raise _refusal(answer, said if isinstance(said, dict) else {})
    return _tokens(said)


def _tokens(said: Mapping[str, Any]) -> Tokens:
    try:
        return Tokens(
            access_token=str(said["access_token"]),
            refresh_token=str(said["refresh_token"]),
            expires_in=int(said["expires_in"]),
            refresh_expires_in=_seconds(said.get("x_refresh_token_expires_in")),
            hard_expires_in=_seconds(said.get("x_refresh_token_hard_expires_in")),
        )
    except (KeyError, TypeError, ValueError):
        raise Retryable(f"{PROVIDER} gave an incomplete token set; it will be asked again.") from None


def _seconds(value: Any) -> int | None:
    return None if value is None else int(value)


def _refusal(answer: Answer, said: Mapping[str, Any]) -> Paused:
    """https://datatracker.ietf.org/doc/html/rfc6749#section-5.2"""
    code = str(said.get("error", "no reason"))[:60]
    if code == "invalid_grant":
        return GrantLost(
            f"QuickBooks no longer accepts this company's connection ({code}): it was disconnected, or the "
            f"refresh token was not used for 100 days or replaced by a newer one. {_RECONNECT}"
        )
    if code in ("invalid_client", "unauthorized_client"):
        return Paused(
            f"Intuit refused the app itself ({code}). Check QBO_CLIENT_ID and QBO_CLIENT_SECRET, restart, "
            "then test the connection."
        )
    return Paused(f"Intuit refused to refresh the connection ({answer.status}, {code}). {_RECONNECT}")
