"""The sandbox's own time: real time plus what the control API added, so that six minutes pass in a call."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta


class Clock:
    """Real time, moved forward on request."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        """The sandbox's instant, UTC."""
        return datetime.now(UTC) + self._ahead

    def seconds(self) -> float:
        """Seconds since 1970 on the sandbox's clock."""
        return self.now().timestamp()

    def today(self) -> date:
        """The sandbox's day, UTC."""
        return self.now().date()

    def advance(self, seconds: float) -> None:
        """Move forward; raises ValueError for a negative number, as time does not go back."""
        if seconds < 0:
            raise ValueError("advance_seconds must not be negative")
        self._ahead += timedelta(seconds=seconds)
