"""Trouble on request: the answers and silences that a real network and a real provider produce.

A fault is matched by system, method and a part of the path. Some happen before the request is acted upon,
some after.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from threading import Lock
from typing import Any

from sandbox.web import Json, Reply, dump

SYSTEMS = ("xero", "qbo", "connectwise", "identity", "key")
KINDS = ("lose_answer", "refuse", "status", "status_after", "slow", "slow_before", "garbage", "rate_limit")
KNOWN = {
    "id", "system", "tenant", "method", "path", "kind", "status", "headers", "body", "seconds", "problem",
    "retry_after", "times", "skip", "probability", "seed", "cached",
}  # fmt: skip


@dataclass
class Fault:
    """One kind of trouble, and how often it still happens."""

    id: str
    system: str
    kind: str
    method: str | None = None
    path: str = ""
    tenant: str | None = None
    status: int = 503
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = ""
    seconds: float = 1.0
    problem: str = "minute"
    retry_after: int | None = None
    times: int | None = None
    skip: int = 0
    probability: float = 1.0
    cached: bool = True
    seen: int = 0
    happened: int = 0
    random: Random = field(default_factory=Random, repr=False)

    def matches(self, *, system: str, tenant: str | None, method: str, path: str) -> bool:
        """Whether this request is meant."""
        return (
            self.system == system
            and self.tenant in (None, tenant)
            and (self.method or method).upper() == method
            and self.path.lower() in path.lower()
        )

    def strikes(self) -> bool:
        """Count one matching request and say whether the fault happens to it."""
        if self.times is not None and self.happened >= self.times:
            return False
        self.seen += 1
        if self.seen <= self.skip or self.random.random() >= self.probability:
            return False
        self.happened += 1
        return True

    def before(self) -> Reply | None:
        """The answer given without acting, or None when the request is to be acted upon."""
        if self.kind == "refuse":
            return Reply(cut=True)
        if self.kind == "status":
            return self._answer()
        if self.kind == "slow_before":
            time.sleep(self.seconds)
        return None

    def after(self, reply: Reply) -> Reply:
        """The answer given after acting, in place of `reply`."""
        if self.kind == "lose_answer":
            return Reply(cut=True)
        if self.kind == "status_after":
            return self._answer()
        if self.kind == "garbage":
            return Reply(200, b'{"Id": "5d1f', {"Content-Type": "application/json; charset=utf-8"})
        if self.kind == "slow":
            time.sleep(self.seconds)
        return reply

    def _answer(self) -> Reply:
        if isinstance(self.body, str):
            return Reply(self.status, self.body.encode(), {"Content-Type": "text/html", **self.headers})
        return Reply(self.status, dump(self.body), {"Content-Type": "application/json", **self.headers})

    def wire(self) -> Json:
        """The fault as the control API shows it."""
        return {name: value for name, value in vars(self).items() if name != "random"}


class Faults:
    """The faults in force; the first one that strikes a request is the one that happens to it."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = Lock()
        self._made = 0

    def add(self, wish: Json) -> Fault:
        """Put one fault in force; raises ValueError naming what is wrong with the wish."""
        unknown = set(wish) - KNOWN
        if unknown:
            raise ValueError(
                f"unknown in a fault: {', '.join(sorted(unknown))}; known: {', '.join(sorted(KNOWN))}"
            )
        if wish.get("system") not in SYSTEMS or wish.get("kind") not in KINDS:
            raise ValueError(f"system must be one of {', '.join(SYSTEMS)} and kind one of {', '.join(KINDS)}")
        with self._lock:
            self._made += 1
            given = {name: value for name, value in wish.items() if name != "seed"}
            for name in ("seconds", "probability"):
                if name in given:
                    given[name] = float(given[name])
            fault = Fault(**{"id": f"fault-{self._made}", **given}, random=Random(wish.get("seed", 1)))
            self._faults.append(fault)
            return fault

    def clear(self) -> None:
        """Take every fault out of force."""
        with self._lock:
            self._faults.clear()

    def wire(self) -> list[Json]:
        """Every fault with how often it was met and happened."""
        with self._lock:
            return [fault.wire() for fault in self._faults]

    def take(self, *, system: str, tenant: str | None, method: str, path: str) -> Fault | None:
        """The fault that happens to this request, if any."""
        with self._lock:
            for fault in self._faults:
                met = fault.matches(system=system, tenant=tenant, method=method, path=path)
                if met and fault.strikes():
                    return fault
        return None


Pipeline = Callable[[], Reply]


def perform(fault: Fault | None, act: Pipeline) -> Reply:
    """Answer of `act` as the fault lets it through; for systems that keep no idempotency keys."""
    if fault is None:
        return act()
    early = fault.before()
    return early if early is not None else fault.after(act())
