"""Everything the sandbox remembers, in one place and behind one lock."""

from __future__ import annotations

from threading import RLock

from sandbox.clock import Clock
from sandbox.connectwise_site import Site
from sandbox.faults import Faults
from sandbox.journal import Journal
from sandbox.qbo_company import Company
from sandbox.qbo_identity_store import Grants as QboGrants
from sandbox.xero_identity_store import Grants
from sandbox.xero_organisation import Organisation


class World:
    """The state of all pretend systems. Take `lock` around anything that reads or changes it."""

    def __init__(self, *, origin: str) -> None:
        self.lock = RLock()
        self.origin = origin
        self.clock = Clock()
        self.journal = Journal()
        self.faults = Faults()
        self.sites: dict[str, Site] = {}
        self.organisations: dict[str, Organisation] = {}
        self.grants = Grants()
        self.qbo_companies: dict[str, Company] = {}
        self.qbo_grants = QboGrants()
        self.app_minute: tuple[int, int] = (0, 0)
        self.in_flight: dict[str, int] = {}

    def close(self) -> None:
        """End the threads that deliver callbacks."""
        for site in self.sites.values():
            site.delivery.close()
