"""What bin/manage runs: settings and parts put together for the commands of console/commands."""

from __future__ import annotations

import datetime as dt
import getpass
import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import structlog
from redis import Redis

from bin.processes import with_env_file
from console.commands import manage
from mappers.readiness import Finding
from models.database import Database
from models.sealing import Sealer
from settings import ROOT, read_settings
from workers.by_hand import ByHand
from workers.queues import Bell
from workers.sweep import sweep
from workers.wiring import Wiring


class LocalOperator:
    """Whoever typed the command. Settings are read on first use, so that --help needs none."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ

    @cached_property
    def _wiring(self) -> Wiring:
        return Wiring(read_settings(self.environ))

    @property
    def database(self) -> Database:
        return self._wiring.database

    @property
    def sealer(self) -> Sealer:
        return self._wiring.sealer

    @property
    def redis(self) -> Redis:
        return self._wiring.redis

    @property
    def bell(self) -> Bell:
        return self._wiring.bell

    @property
    def http_allowed(self) -> bool:
        return self._wiring.settings.development

    @cached_property
    def actor(self) -> str:
        try:
            return f"{getpass.getuser()} at the command line"
        except (KeyError, OSError):  # a user without a name, as in some containers
            return f"user {os.getuid()} at the command line"

    def budget(self, provider: str, tenant: str) -> dict[str, Any]:
        return dict(self._wiring.limiter(provider).budget(tenant))

    @cached_property
    def _by_hand(self) -> ByHand:
        return ByHand(self._wiring)

    def preview(self, company: str, entry_id: int) -> dict[str, Any]:
        return self._by_hand.preview(company, entry_id)

    def handle(self, company: str, entry_id: int, bill: str, *, actor: str) -> None:
        self._by_hand.handle(company, entry_id, bill, actor=actor)

    def sweep(self, company: str, *, since: dt.date | None) -> int:
        return sweep(self._wiring.work(company), since=since)

    def readiness(self, company: str) -> Sequence[Finding]:
        return self._by_hand.readiness(company)

    def register_callback(self, company: str) -> str:
        return self._by_hand.register_callback(company)

    def callback_status(self, company: str) -> dict[str, Any]:
        return self._by_hand.callback_status(company)

    def remove_callback(self, company: str) -> int:
        return self._by_hand.remove_callback(company)


def main() -> None:
    """Runs the command that was typed and exits with its status."""
    # What a command has to say it says itself; the parts' own log would only repeat it.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    manage(prog_name="bin/manage", obj=LocalOperator(with_env_file(os.environ, ROOT / ".env")))


if __name__ == "__main__":
    main()
