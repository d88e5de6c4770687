"""What people ask of ConnectWise and the ledger themselves, while they wait: by page or by command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mappers.company import CompanySettings
from mappers.readiness import Finding
from workers import callbacks
from workers.handled import handle
from workers.preview import preview
from workers.readiness import check_readiness
from workers.wiring import Wiring


class ByHand:
    """Each method names a company by its key and raises Trouble."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    def preview(self, key: str, entry_id: int, *, settings: CompanySettings | None = None) -> dict[str, Any]:
        """What would be made of an entry now, or with these `settings` (workers/preview.py)."""
        return preview(self._wiring.work(key, settings=settings), entry_id)

    def handle(self, key: str, entry_id: int, bill: str, *, actor: str) -> None:
        """The expense is done by a bill that a person made in the ledger (workers/handled.py)."""
        handle(self._wiring.work(key), entry_id, bill, actor=actor)

    def readiness(self, key: str) -> Sequence[Finding]:
        """Everything that would fail."""
        url = self._wiring.callback_url(key)
        return check_readiness(self._wiring.work(key), callback_url=url, redis=self._wiring.redis)

    def callback_status(self, key: str) -> dict[str, Any]:
        """{"state", "url", "registered": [rows]} as ConnectWise has it."""
        return callbacks.look_at_callback(self._wiring.work(key), self._wiring.callback_url(key))

    def register_callback(self, key: str) -> str:
        """Registers the callback, or switches it on again; its address."""
        return callbacks.register_callback(self._wiring.work(key), self._wiring.callback_url(key))

    def remove_callback(self, key: str) -> int:
        """Removes the callback; how many there were."""
        return callbacks.remove_callback(self._wiring.work(key), self._wiring.callback_url(key))

    def read_site(self, key: str) -> None:
        """Reads ConnectWise's lists anew and keeps them."""
        self._wiring.work(key).site(fresh=True)

    def read_books(self, key: str) -> None:
        """Reads the ledger's lists anew and keeps them."""
        self._wiring.work(key).books(fresh=True)

    def try_keys(self, site: str, company_id: str, keys: Mapping[str, str]) -> None:
        """Reads the lists of a site with keys that are not kept yet; raises Problems for an address that
        can't be a site's, Paused for keys that are refused or lack a right."""
        self._wiring.connectwise_at(site, company_id, keys).tables()
