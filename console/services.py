"""What the web side's pages need from outside: app.py hands it in, so that nothing here reaches further."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import current_app
from redis import Redis

from models.database import Database
from workers.queues import Bell


@dataclass(frozen=True)
class Services:
    """`preview`: company key and entry id to the documents that would be made (raises Trouble).
    `budget`: provider and tenant to what is left of the provider's calls. `redis` must fail fast."""

    database: Database
    redis: Redis
    bell: Bell
    preview: Callable[[str, int], dict[str, Any]]
    budget: Callable[[str, str], dict[str, Any]]
    public_url: str


def services() -> Services:
    """The services of the application that answers this request."""
    found: Services = current_app.extensions["console"]
    return found
