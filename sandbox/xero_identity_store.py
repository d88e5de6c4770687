"""Who may call the pretend Xero: clients, consents and their tokens."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass, field
from uuid import uuid4

ACCESS_SECONDS = 1_800
REFRESH_SECONDS = 60 * 86_400
GRACE_SECONDS = 30 * 60
CODE_SECONDS = 300
SCOPES = (
    "openid profile email offline_access accounting.invoices accounting.payments accounting.contacts "
    "accounting.settings.read accounting.attachments accounting.banktransactions"
)


@dataclass
class Grant:
    """One consent: a client, a person, and the organisations they chose."""

    client_id: str
    tenants: list[str]
    scope: str = SCOPES
    auth_event_id: str = field(default_factory=lambda: str(uuid4()))
    connections: dict[str, str] = field(default_factory=dict)
    revoked: bool = False
    made_at: float = 0.0

    def __post_init__(self) -> None:
        self.connections = {str(uuid4()): tenant for tenant in self.tenants}

    def may_use(self, tenant: str | None) -> bool:
        """Whether the organisation is still connected."""
        return not self.revoked and tenant in self.connections.values()


@dataclass
class _Refresh:
    grant: Grant
    made_at: float
    rotated_at: float | None = None


@dataclass
class Grants:
    """Clients by id with their secrets, and every token handed out."""

    clients: dict[str, str] = field(default_factory=dict)
    grants: list[Grant] = field(default_factory=list)
    codes: dict[str, tuple[Grant, str, float]] = field(default_factory=dict)
    _access: dict[str, tuple[Grant, float]] = field(default_factory=dict)
    _refresh: dict[str, _Refresh] = field(default_factory=dict)

    def consent(self, grant: Grant, *, redirect_uri: str, now: float) -> str:
        """A single-use code that lives five minutes."""
        self.grants.append(grant)
        code = secrets.token_urlsafe(24)
        self.codes[code] = (grant, redirect_uri, now + CODE_SECONDS)
        return code

    def redeem(self, code: str, *, client_id: str, redirect_uri: str, now: float) -> Grant | None:
        """The consent behind a code, once, for the same client and return address."""
        grant, address, until = self.codes.pop(code, (None, "", 0.0))
        if grant is None or now > until or address != redirect_uri or grant.client_id != client_id:
            return None
        return grant

    def access_token(self, grant: Grant, *, now: float) -> str:
        """A JWT that lives thirty minutes."""
        claims = {
            "nbf": int(now),
            "exp": int(now) + ACCESS_SECONDS,
            "iss": "https://identity.xero.com",
            "aud": "https://identity.xero.com/resources",
            "client_id": grant.client_id,
            "sub": hashlib.md5(grant.client_id.encode(), usedforsecurity=False).hexdigest(),
            "xero_userid": "5f3b0a4e-0000-4000-8000-000000000001",
            "authentication_event_id": grant.auth_event_id,
            "jti": uuid4().hex,
            "scope": grant.scope.split(),
        }
        token = _jwt(claims)
        self._access[token] = (grant, now + ACCESS_SECONDS)
        return token

    def refresh_token(self, grant: Grant, *, now: float, token: str | None = None) -> str:
        """A refresh token that lives sixty days when unused."""
        made = token or secrets.token_urlsafe(32)
        self._refresh[made] = _Refresh(grant, now)
        return made

    def rotate(self, token: str, *, client_id: str, now: float) -> tuple[Grant, str] | None:
        """The grant and the next refresh token, None when spent; a used one works for thirty more minutes."""
        held = self._refresh.get(token)
        if held is None or held.grant.revoked or held.grant.client_id != client_id:
            return None
        if now - held.made_at > REFRESH_SECONDS:
            return None
        if held.rotated_at is not None and now - held.rotated_at > GRACE_SECONDS:
            return None
        held.rotated_at = held.rotated_at if held.rotated_at is not None else now
        return held.grant, self.refresh_token(held.grant, now=now)

    def bearer(self, header: str | None, *, now: float) -> Grant | None:
        """The grant behind an Authorization header, None when missing, unknown, expired or revoked."""
        if not header or not header.startswith("Bearer "):
            return None
        grant, until = self._access.get(header.removeprefix("Bearer ").strip(), (None, 0.0))
        return None if grant is None or grant.revoked or now >= until else grant

    def expire_access(self) -> int:
        """End every access token now; how many there were."""
        ended = len(self._access)
        self._access.clear()
        return ended

    def revoke(self, token: str | None = None, *, client_id: str | None = None) -> int:
        """End the consent behind a refresh token, or all of a client, or all; how many ended."""
        held = self._refresh.get(token) if token else None
        if token and held is None:
            return 0
        chosen = [held.grant] if held else [g for g in self.grants if client_id in (None, g.client_id)]
        for grant in chosen:
            grant.revoked = True
        return len(chosen)


def _jwt(claims: dict[str, object]) -> str:
    head = _b64(json.dumps({"alg": "HS256", "typ": "JWT", "kid": "sandbox"}).encode())
    body = _b64(json.dumps(claims).encode())
    signature = hmac.new(b"expense-relay-sandbox", f"{head}.{body}".encode(), hashlib.sha256).digest()
    return f"{head}.{body}.{_b64(signature)}"


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
