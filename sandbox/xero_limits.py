"""Xero's call limits: per minute, per day, at once
(https://developer.xero.com/documentation/guides/oauth2/limits)."""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox.web import Json, Reply

APP_MINUTE = 10_000
DAY = 86_400


@dataclass
class Limits:
    """The limits of one organisation, None for no limit. Windows are fixed and start `offset` seconds in."""

    minute: int | None = 60
    concurrent: int | None = 5
    day: int | None = 5_000
    offset: int = 17
    _minute_used: tuple[int, int] = field(default=(0, 0))
    _day_used: tuple[int, int] = field(default=(0, 0))

    def configure(self, wish: Json) -> None:
        """Set limits; raises ValueError for a name or number it cannot use."""
        for name, value in wish.items():
            if name not in ("minute", "concurrent", "day"):
                raise ValueError(f"limit {name} is unknown; known: minute, concurrent, day")
            if value is not None and (not isinstance(value, int) or value < 0):
                raise ValueError(f"limit {name} must be a whole number, or null for none")
            setattr(self, name, value)

    def check(self, *, now: float, in_flight: int, app_used: int) -> Reply | None:
        """Count one call at `now` (seconds), or the 429 that refuses it; a refused call is not counted."""
        minute, minute_used = self._used(self._minute_used, now=now, length=60)
        day, day_used = self._used(self._day_used, now=now, length=DAY)
        if self.concurrent is not None and in_flight > self.concurrent:
            return too_many("concurrent", retry_after=None, headers=self.headers(now=now, app_used=app_used))
        if app_used >= APP_MINUTE:
            return too_many("appminute", retry_after=None, headers=self.headers(now=now, app_used=app_used))
        if self.minute is not None and minute_used >= self.minute:
            wait = 60 - int(now - self.offset) % 60
            return too_many("minute", retry_after=wait, headers=self.headers(now=now, app_used=app_used))
        if self.day is not None and day_used >= self.day:
            wait = DAY - int(now - self.offset) % DAY
            return too_many("day", retry_after=wait, headers=self.headers(now=now, app_used=app_used))
        self._minute_used = (minute, minute_used + 1)
        self._day_used = (day, day_used + 1)
        return None

    def headers(self, *, now: float, app_used: int) -> dict[str, str]:
        """The three headers that say what is left."""
        _, minute_used = self._used(self._minute_used, now=now, length=60)
        _, day_used = self._used(self._day_used, now=now, length=DAY)
        return {
            "X-MinLimit-Remaining": str(max(0, (self.minute or 60) - (minute_used if self.minute else 0))),
            "X-DayLimit-Remaining": str(max(0, (self.day or 5_000) - (day_used if self.day else 0))),
            "X-AppMinLimit-Remaining": str(max(0, APP_MINUTE - app_used)),
        }

    def wire(self) -> Json:
        """The limits as the control API shows them."""
        return {"minute": self.minute, "concurrent": self.concurrent, "day": self.day}

    def _used(self, count: tuple[int, int], *, now: float, length: int) -> tuple[int, int]:
        window = int(now - self.offset) // length
        return (window, count[1] if count[0] == window else 0)


def too_many(problem: str, *, retry_after: int | None, headers: dict[str, str]) -> Reply:
    """429; only the minute and day problems say how long to wait."""
    shown = {"X-Rate-Limit-Problem": problem, **headers}
    if retry_after is not None:
        shown["Retry-After"] = str(retry_after)
    return Reply(429, b"", shown)
