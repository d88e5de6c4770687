"""What the web side's pages need from outside: app.py hands it in, so that nothing here reaches further."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from flask import current_app
from redis import Redis

from mappers.company import CompanySettings
from mappers.consent import Consent, Organisation
from mappers.readiness import Finding
from models.database import Database
from models.sealing import Sealer
from workers.queues import Bell


class Login(Protocol):
    """The browser's part of connecting a company to one provider."""

    def address(self, *, redirect_uri: str, state: str) -> str:
        """Where the person consents. Raises Paused when the app's own credentials are not set."""

    def consent(self, *, redirect_uri: str, code: str, query: Mapping[str, str]) -> Consent:
        """The grant for what the return brought. Raises Paused, Retryable, NeedsAttention."""

    def organisations(self, access_token: str) -> tuple[Organisation, ...]:
        """The books that this token opens now; empty where the return itself names them."""

    def disconnect(self, *, tenant_id: str, access_token: str, refresh_token: str) -> None:
        """Gives the consent for these books up at the provider."""


class ByHand(Protocol):
    """What people ask of ConnectWise and the ledger, by a company's key. Each raises Trouble."""

    def preview(self, key: str, entry_id: int, *, settings: CompanySettings | None = None) -> dict[str, Any]:
        """The documents that would be made of an entry now; with `settings`, if the company had these."""

    def handle(self, key: str, entry_id: int, bill: str, *, actor: str) -> None:
        """The expense is done by the bill of this id or link, which is looked up at the ledger first."""

    def readiness(self, key: str) -> Sequence[Finding]:
        """Everything that would fail."""

    def callback_status(self, key: str) -> dict[str, Any]:
        """{"state", "url", "registered": [rows]} as ConnectWise has it, also remembered."""

    def register_callback(self, key: str) -> str:
        """Registers the callback, or switches it on again; its address."""

    def remove_callback(self, key: str) -> int:
        """Removes the callback; how many there were."""

    def read_site(self, key: str) -> None:
        """Reads ConnectWise's lists anew and keeps them."""

    def read_books(self, key: str) -> None:
        """Reads the ledger's lists anew and keeps them."""

    def try_keys(self, site: str, company_id: str, keys: Mapping[str, str]) -> None:
        """Tries public_key, private_key and client_id at a site before they are kept."""


@dataclass(frozen=True)
class Services:
    """`logins`: provider to its login. `access_token`: company key to a fresh token of its grant (raises
    Trouble). `budget`: provider and tenant to what is left of its calls. `redis` must fail fast."""

    database: Database
    redis: Redis
    bell: Bell
    sealer: Sealer
    logins: Mapping[str, Login]
    access_token: Callable[[str], str]
    by_hand: ByHand
    budget: Callable[[str, str], dict[str, Any]]
    public_url: str


def services() -> Services:
    """The services of the application that answers this request."""
    found: Services = current_app.extensions["console"]
    return found
