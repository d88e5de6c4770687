"""QuickBooks' call limits and its metered reads
(https://developer.intuit.com/app/developer/qbo/docs/learn/limits-and-throttles)."""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox.web import Json

NAMES = ("minute", "second", "concurrent", "batches", "reads")
MONTH = 30 * 86_400


@dataclass
class Limits:
    """The limits of one company, None for no limit: calls a minute and a second, calls at once, batches a
    minute, and reads (the metered kind) in thirty days; windows are fixed."""

    minute: int | None = 500
    second: int | None = 10
    concurrent: int | None = None
    batches: int | None = 40
    reads: int | None = None
    _used: dict[str, tuple[int, int]] = field(default_factory=dict)

    def configure(self, wish: Json) -> None:
        """Set limits; raises ValueError for a name or number it cannot use."""
        for name, value in wish.items():
            if name not in NAMES:
                raise ValueError(f"limit {name} is unknown; known: {', '.join(NAMES)}")
            if value is not None and (not isinstance(value, int) or value < 0):
                raise ValueError(f"limit {name} must be a whole number, or null for none")
            setattr(self, name, value)

    def admit(self, *, now: float, in_flight: int, batch: bool, read: bool) -> bool:
        """Count one call at `now` (seconds), or say no; a refused call is not counted."""
        if self.concurrent is not None and in_flight > self.concurrent:
            return False
        windows = {"minute": (self.minute, 60), "second": (self.second, 1)}
        if batch:
            windows["batches"] = (self.batches, 60)
        if read:
            windows["reads"] = (self.reads, MONTH)
        counts = {}
        for name, (limit, length) in windows.items():
            window = int(now) // length
            before, used = self._used.get(name, (window, 0))
            used = used if before == window else 0
            if limit is not None and used >= limit:
                return False
            counts[name] = (window, used + 1)
        self._used.update(counts)
        return True

    def wire(self) -> Json:
        """The limits, and how many metered reads were counted in this month."""
        return {
            **{name: getattr(self, name) for name in NAMES},
            "reads_used": self._used.get("reads", (0, 0))[1],
        }
