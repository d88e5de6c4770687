"""The browser's part of connecting a company: where a person is sent to consent, and what comes back.

OAuth 2.0's authorization code, by a client that keeps its secret (RFC 6749, section 4.1). Authlib makes the
address; the code is traded by our own exchange, with its time-outs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import requests
from authlib.integrations.requests_client import OAuth2Session

from errors import NeedsAttention, Paused
from mappers.consent import Consent, Organisation
from providers import qbo_identity, xero_identity

XERO_SCOPES = (
    "offline_access openid profile email accounting.invoices accounting.payments accounting.contacts "
    "accounting.settings.read accounting.attachments accounting.banktransactions"
)
QBO_SCOPES = "com.intuit.quickbooks.accounting"


@dataclass(frozen=True, kw_only=True)
class XeroLogin:
    """https://developer.xero.com/documentation/guides/oauth2/auth-flow"""

    session: requests.Session = field(repr=False)
    login_url: str
    identity_url: str
    api_url: str
    client_id: str
    client_secret: str = field(repr=False)

    def address(self, *, redirect_uri: str, state: str) -> str:
        _check_app(self.client_id, self.client_secret, name="XERO")
        return _address(
            f"{self.login_url}/identity/connect/authorize", self.client_id, redirect_uri, XERO_SCOPES, state
        )

    def consent(self, *, redirect_uri: str, code: str, query: Mapping[str, str]) -> Consent:
        tokens = xero_identity.redeem(
            self.session,
            identity_url=self.identity_url,
            client_id=self.client_id,
            client_secret=self.client_secret,
            code=code,
            redirect_uri=redirect_uri,
        )
        return Consent(
            access_token=tokens.access_token,
            refresh_token=tokens.refresh_token,
            expires_in=tokens.expires_in,
            subject=tokens.subject,
            organisations=self.organisations(tokens.access_token),
        )

    def organisations(self, access_token: str) -> tuple[Organisation, ...]:
        rows = self._connections(access_token)
        found = [Organisation(id=str(row["tenantId"]), name=str(row.get("tenantName") or "")) for row in rows]
        return tuple(sorted(found, key=lambda organisation: organisation.name.casefold()))

    def disconnect(self, *, tenant_id: str, access_token: str, refresh_token: str) -> None:
        for row in self._connections(access_token):
            if row["tenantId"] == tenant_id:
                xero_identity.give_up(
                    self.session,
                    api_url=self.api_url,
                    access_token=access_token,
                    connection_id=str(row.get("id")),
                )

    def _connections(self, access_token: str) -> list[dict[str, object]]:
        rows = xero_identity.connections(self.session, api_url=self.api_url, access_token=access_token)
        return [row for row in rows if row.get("tenantId") and row.get("tenantType") == "ORGANISATION"]


@dataclass(frozen=True, kw_only=True)
class QBOLogin:
    """https://developer.intuit.com/app/developer/qbo/docs/develop/authentication-and-authorization/oauth-2.0"""

    session: requests.Session = field(repr=False)
    login_url: str
    oauth_url: str
    client_id: str
    client_secret: str = field(repr=False)

    def address(self, *, redirect_uri: str, state: str) -> str:
        _check_app(self.client_id, self.client_secret, name="QBO")
        return _address(f"{self.login_url}/connect/oauth2", self.client_id, redirect_uri, QBO_SCOPES, state)

    def consent(self, *, redirect_uri: str, code: str, query: Mapping[str, str]) -> Consent:
        realm = query.get("realmId", "").strip()
        if not realm.isdigit():
            raise NeedsAttention(
                "consent_incomplete",
                "QuickBooks sent you back without saying which company you chose.",
                "Press Connect to QuickBooks again and choose the company there.",
            )
        tokens = qbo_identity.redeem(
            self.session,
            oauth_url=self.oauth_url,
            client_id=self.client_id,
            client_secret=self.client_secret,
            code=code,
            redirect_uri=redirect_uri,
        )
        return Consent(
            access_token=tokens.access_token,
            refresh_token=tokens.refresh_token,
            expires_in=tokens.expires_in,
            subject=realm,
            organisations=(Organisation(id=realm, name=f"QuickBooks company {realm}"),),
        )

    def organisations(self, access_token: str) -> tuple[Organisation, ...]:
        return ()

    def disconnect(self, *, tenant_id: str, access_token: str, refresh_token: str) -> None:
        qbo_identity.revoke(
            self.session,
            oauth_url=self.oauth_url,
            client_id=self.client_id,
            client_secret=self.client_secret,
            refresh_token=refresh_token,
        )


def _address(url: str, client_id: str, redirect_uri: str, scope: str, state: str) -> str:
    client = OAuth2Session(client_id, redirect_uri=redirect_uri, scope=scope)
    address, _ = client.create_authorization_url(url, state=state)
    return str(address)


def _check_app(client_id: str, client_secret: str, *, name: str) -> None:
    if not client_id or not client_secret:
        raise Paused(f"{name}_CLIENT_ID and {name}_CLIENT_SECRET are not set; set them and start again.")
