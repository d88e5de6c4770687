"""The day's calls of a ledger that counts them, and the reserve of them that routine work leaves alone.

Xero says with every answer how many of the day's calls are left, but only with a refusal when the day ends:
its days are 24 hours long and begin at another time for every organisation
(https://developer.xero.com/documentation/guides/oauth2/limits/). So the end is learnt, from a refusal or from
the count that jumps up when a new day has begun. All instants here are seconds since 1970.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, replace

# 2 % of the 5,000 calls that Xero gives a day, 10 % of the 1,000 of its smallest tier: a person's retry costs
# about ten, so that some can be helped every hour until the day ends.
RESERVE = 100
BELIEVED_SECONDS = 4 * 3600.0  # when the day's end isn't known, a low count is tried again after so long
DAY_SECONDS = 86_400.0
_DISORDER = 20  # answers of calls in flight overtake each other: a rise no larger than that means nothing


@dataclass(frozen=True, kw_only=True)
class Day:
    """How many calls were left when it was told last, and when that day ends, if that is known."""

    left: int
    told_at: float
    ends_at: float | None = None

    def left_at(self, now: float) -> int | None:
        """What is left now; None when that is no longer known."""
        is_over = self.ends_at is not None and self.told_at < self.ends_at <= now
        return None if is_over or now - self.told_at >= BELIEVED_SECONDS else self.left

    def end_after(self, now: float) -> float | None:
        """The first end of a day after `now`; None when it was not learnt yet."""
        if self.ends_at is None or self.ends_at > now:
            return self.ends_at
        return self.ends_at + math.ceil((now - self.ends_at) / DAY_SECONDS) * DAY_SECONDS

    def spare_until(self, now: float) -> float | None:
        """Until when routine work must wait, so that the reserve stays; None when it may go on."""
        left = self.left_at(now)
        if left is None or left > RESERVE:
            return None
        return self.end_after(now) or self.told_at + BELIEVED_SECONDS

    def to_text(self) -> str:
        return json.dumps(asdict(self))


def from_text(text: str | bytes) -> Day:
    """What `to_text` made."""
    return Day(**json.loads(text))


def after_answer(before: Day | None, *, left: int, now: float) -> Day:
    """What is known once an answer said how many calls are left."""
    if before is None:
        return Day(left=left, told_at=now)
    told = Day(left=left, told_at=now, ends_at=before.end_after(now))
    is_expected = before.ends_at is not None and before.ends_at <= now
    is_recent = now - before.told_at < BELIEVED_SECONDS
    if left > before.left + _DISORDER and is_recent and not is_expected:
        return replace(told, ends_at=now + DAY_SECONDS)  # a new day began since: it ends by then
    return told


def after_refusal(*, seconds: float, now: float) -> Day:
    """What is known once a call was refused because the day's are used up, for so many seconds more."""
    return Day(left=0, told_at=now, ends_at=now + seconds)
