"""QuickBooks' `requestid`: the first answer, good or refused, comes back and nothing is done a second time
(https://developer.intuit.com/app/developer/qbo/docs/learn/learn-basic-field-definitions).

For a batch the identity is the pair of `requestid` and `bId`. A repeat with another body gets the first
answer, whatever it asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from sandbox.qbo_wire import Fault

LONGEST = 50
LONGEST_OF_BATCH = 36
LONGEST_ITEM = 10

T = TypeVar("T")


@dataclass
class Replays:
    """The answers one company keeps. Nobody has published for how long; `kept_seconds` decides here."""

    kept_seconds: float = 86_400.0
    _answers: dict[tuple[str, str | None], tuple[float, object]] = field(default_factory=dict)

    def through(
        self, request_id: str | None, item: str | None, *, now: float, act: Callable[[], T]
    ) -> tuple[T, bool]:
        """The answer, and whether it is a kept one."""
        if request_id is None:
            return act(), False
        key = (request_id, item)
        at, kept = self._answers.get(key, (0.0, None))
        if kept is not None and now - at < self.kept_seconds:
            return kept, True  # type: ignore[return-value]
        answer = act()
        self._answers[key] = (now, answer)
        return answer, False


def checked(request_id: str | None, *, batch: bool) -> str | None:
    """The id as sent; raises Fault 2130 when it is empty or too long."""
    longest = LONGEST_OF_BATCH if batch else LONGEST
    if request_id is not None and not (1 <= len(request_id) <= longest and request_id.isprintable()):
        detail = f"requestid must have between 1 and {longest} characters"
        raise Fault("2130", "Invalid request id", detail, element="requestid")
    return request_id
