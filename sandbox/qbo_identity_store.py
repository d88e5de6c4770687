"""Who may call the pretend QuickBooks: clients, consents and their tokens.

The value of a refresh token changes once it is a day old, and then the old one is worth nothing: whether the
real service grants any grace is disputed, so a client must do without. Both are settable.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

ACCESS_SECONDS = 3_600
REFRESH_SECONDS = 101 * 86_400
HARD_SECONDS = 5 * 365 * 86_400
CODE_SECONDS = 600
SCOPE = "com.intuit.quickbooks.accounting"


@dataclass
class Grant:
    """One consent: a client and the one company that was chosen."""

    client_id: str
    realm: str
    made_at: float = 0.0
    revoked: bool = False


@dataclass
class _Refresh:
    grant: Grant
    made_at: float
    until: float


@dataclass
class Grants:
    """Clients by id with their secrets, and every token handed out."""

    clients: dict[str, str] = field(default_factory=dict)
    grants: list[Grant] = field(default_factory=list)
    codes: dict[str, tuple[Grant, str, float]] = field(default_factory=dict)
    rotate_after_seconds: float = 86_400.0
    grace_seconds: float = 0.0
    _access: dict[str, tuple[Grant, float]] = field(default_factory=dict)
    _refresh: dict[str, _Refresh] = field(default_factory=dict)

    def consent(self, grant: Grant, *, redirect_uri: str, now: float) -> str:
        """A single-use code."""
        self.grants.append(grant)
        code = "XAB" + secrets.token_urlsafe(24)
        self.codes[code] = (grant, redirect_uri, now + CODE_SECONDS)
        return code

    def redeem(self, code: str, *, client_id: str, redirect_uri: str, now: float) -> Grant | None:
        """The consent behind a code, once, for the same client and return address."""
        grant, address, until = self.codes.pop(code, (None, "", 0.0))
        if grant is None or now > until or address != redirect_uri or grant.client_id != client_id:
            return None
        return grant

    def access_token(self, grant: Grant, *, now: float) -> str:
        """An opaque token that lives an hour."""
        token = "eyJlbmMi" + secrets.token_urlsafe(40)
        self._access[token] = (grant, now + ACCESS_SECONDS)
        return token

    def refresh_token(self, grant: Grant, *, now: float, token: str | None = None) -> str:
        """A refresh token that lives some hundred days when unused."""
        made = token or "RT1-" + secrets.token_urlsafe(32)
        self._refresh[made] = _Refresh(grant, now, now + REFRESH_SECONDS)
        return made

    def renew(self, token: str, *, client_id: str, now: float) -> tuple[Grant, str] | None:
        """The grant and the refresh token to keep from now on, None when the one given is worth nothing."""
        held = self._refresh.get(token)
        if held is None or held.grant.revoked or held.grant.client_id != client_id or now > held.until:
            return None
        if now > held.grant.made_at + HARD_SECONDS:
            return None
        if now - held.made_at < self.rotate_after_seconds:
            held.until = now + REFRESH_SECONDS
            return held.grant, token
        held.until = min(held.until, now + self.grace_seconds)
        if self.grace_seconds == 0:
            del self._refresh[token]
        return held.grant, self.refresh_token(held.grant, now=now)

    def bearer(self, header: str | None, *, now: float) -> Grant | str:
        """The grant behind an Authorization header, else why not: `unknown` or `expired`."""
        token = (header or "").removeprefix("Bearer ").strip()
        grant, until = self._access.get(token, (None, 0.0))
        if grant is None or grant.revoked:
            return "unknown"
        return grant if now < until else "expired"

    def expire_access(self) -> int:
        """End every access token now; how many there were."""
        self._access = {token: (grant, 0.0) for token, (grant, _) in self._access.items()}
        return len(self._access)

    def revoke(
        self, token: str | None = None, *, client_id: str | None = None, realm: str | None = None
    ) -> int:
        """End the consent behind a token, or those of a client or company, or all; how many ended."""
        if token:
            held = self._refresh.get(token)
            found = held.grant if held else self._access.get(token, (None, 0.0))[0]
            chosen = [found] if found else []
        else:
            chosen = [g for g in self.grants if client_id in (None, g.client_id) and realm in (None, g.realm)]
        for grant in chosen:
            grant.revoked = True
        return len(chosen)
