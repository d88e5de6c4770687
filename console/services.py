"""What the web side's pages need from outside: app.py hands it in, so that nothing here reaches further."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from flask import current_app
from redis import Redis

from mappers.consent import Consent, Organisation
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


@dataclass(frozen=True)
class Services:
    """`preview`: company key and entry id to the documents that would be made (raises Trouble).
    `logins`: provider to its login. `access_token`: company key to a fresh token of its grant (raises
    Trouble).
    `budget`: provider and tenant to what is left of the provider's calls. `redis` must fail fast."""

    database: Database
    redis: Redis
    bell: Bell
    sealer: Sealer
    logins: Mapping[str, Login]
    access_token: Callable[[str], str]
    preview: Callable[[str, int], dict[str, Any]]
    budget: Callable[[str, str], dict[str, Any]]
    public_url: str


def services() -> Services:
    """The services of the application that answers this request."""
    found: Services = current_app.extensions["console"]
    return found
