"""What a person grants when they connect a company: tokens, and the organisations that these open."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Organisation:
    """One set of books at the provider: a Xero tenant or a QuickBooks company (realm)."""

    id: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Consent:
    """A fresh grant. `subject` is whoever holds it there: one subject has one live token set per app.

    Xero's is the person (`xero_userid`), QuickBooks' the company (`realmId`).
    """

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int  # seconds from now
    subject: str
    organisations: tuple[Organisation, ...]
