"""An outage is told twice in the log: when it begins and when it is over, however many tries fail between."""

from __future__ import annotations

import threading

import structlog

log = structlog.get_logger(__name__)


class Outage:
    """Whether one of our servers is away, as this process sees it. Threads may share it."""

    def __init__(self, of: str) -> None:
        """`of`: what the log calls it, such as "Redis"."""
        self._of = of
        self._lasts = False
        self._lock = threading.Lock()

    def failed(self, error: Exception, *, meanwhile: str) -> None:
        """A try failed. `meanwhile`: what that means for those who wait."""
        if self._changed(lasts=True):
            log.warning(f"{self._of} is away", error=type(error).__name__, meanwhile=meanwhile)

    def worked(self) -> None:
        """A try succeeded."""
        if self._lasts and self._changed(lasts=False):
            log.warning(f"{self._of} is there again")

    def _changed(self, *, lasts: bool) -> bool:
        with self._lock:
            before, self._lasts = self._lasts, lasts
        return before != lasts
