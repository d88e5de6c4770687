"""What the commands need from outside; bin/manage hands it in. Made only when a command runs, so that
`--help` works on a machine where nothing is set up."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import click
from redis import Redis

from mappers.readiness import Finding
from models.database import Database
from models.sealing import Sealer
from workers.queues import Bell


class Operator(Protocol):
    """One person at one machine, and the parts that they use."""

    @property
    def database(self) -> Database: ...
    @property
    def sealer(self) -> Sealer: ...
    @property
    def redis(self) -> Redis: ...
    @property
    def bell(self) -> Bell: ...

    @property
    def environ(self) -> Mapping[str, str]:
        """Where a company file's "env:" values are read."""

    @property
    def actor(self) -> str:
        """How the history names this person."""

    @property
    def http_allowed(self) -> bool:
        """Whether a ConnectWise site without TLS may be named."""

    def budget(self, provider: str, tenant: str) -> dict[str, Any]:
        """What is left of the provider's calls."""

    def preview(self, company: str, entry_id: int) -> dict[str, Any]:
        """What would be made of an entry now. Raises Trouble."""

    def handle(self, company: str, entry_id: int, bill: str, *, actor: str) -> None:
        """The expense is done by the bill of this id or link, once it was looked up. Raises Trouble."""

    def sweep(self, company: str, *, since: dt.date | None) -> int:
        """Polls ConnectWise now; how many expenses were made due. Raises Trouble."""

    def readiness(self, company: str) -> Sequence[Finding]:
        """Everything that would fail. Raises Trouble."""

    def register_callback(self, company: str) -> str:
        """Registers the company's callback at ConnectWise; its address. Raises Trouble."""

    def callback_status(self, company: str) -> dict[str, Any]:
        """{"state", "url", "registered": [rows]} as ConnectWise has it. Raises Trouble."""

    def remove_callback(self, company: str) -> int:
        """Removes the company's callback; how many there were. Raises Trouble."""


pass_operator = click.pass_obj
