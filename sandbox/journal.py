"""What was called: the sandbox's memory of every request to a pretend system, for tests and for counting."""

from __future__ import annotations

import re
from collections import Counter, deque
from dataclasses import asdict, dataclass
from threading import Lock

from sandbox.web import Json

_ID = re.compile(r"/([0-9a-f]{8}-[0-9a-f-]{27}|\d+)(?=/|$)", re.IGNORECASE)
_FILE = re.compile(r"(/Attachments)/[^/]+$", re.IGNORECASE)
KEPT = 100_000


@dataclass
class Call:
    """One request and what became of it; status 0 means that the connection was cut without an answer."""

    at: str
    system: str
    tenant: str | None
    method: str
    path: str
    query: str
    status: int
    idempotency_key: str | None
    replayed: bool
    in_flight: int
    fault: str | None
    ms: float

    def pattern(self) -> str:
        """Method and path with ids as `{id}`, for counting."""
        path = _FILE.sub(r"\1/{name}", _ID.sub("/{id}", self.path))
        return f"{self.method} {path}"


class Journal:
    """The last hundred thousand calls."""

    def __init__(self) -> None:
        self._calls: deque[Call] = deque(maxlen=KEPT)
        self._lock = Lock()

    def add(self, call: Call) -> None:
        """Remember one call."""
        with self._lock:
            self._calls.append(call)

    def clear(self) -> None:
        """Forget every call."""
        with self._lock:
            self._calls.clear()

    def report(self, *, system: str | None = None, tenant: str | None = None) -> Json:
        """Count, counts by method and path, and the calls themselves, oldest first."""
        with self._lock:
            calls = list(self._calls)
        chosen = [c for c in calls if system in (None, c.system) and tenant in (None, c.tenant)]
        by = Counter(call.pattern() for call in chosen)
        return {"count": len(chosen), "by": dict(by), "calls": [asdict(call) for call in chosen]}
