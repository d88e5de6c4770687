"""The demo's month in order, for both companies at a time.

Enter, approve at once, verify, let a person cure one cause and approve one draft, verify, reconcile, sum up.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from rich.console import Console

from bin.demo_month import verify
from bin.demo_month.month import CURE, CURED_CAUSE, Spent, cured
from bin.demo_month.pretend import Pretend
from bin.demo_month.quickbooks import approved_by_hand, balances_due, first_kept
from bin.demo_month.relay import Relay
from bin.demo_month.summary import print_balances, print_calls, print_summary
from bin.demo_month.watch import Seen, Track, watch
from bin.service import Service
from settings import ROOT

COMPANY_FILES = {key: ROOT / "docs" / "examples" / f"{key}.toml" for key in ("acme", "acme-qbo")}
MANAGE = str(ROOT / "bin" / "manage")
BEFORE = ("held", "skipped")
END_SECONDS = 120.0
MOST_TOLD = 20


class NotAsExpected(Exception):
    """The month did not end as it must; each difference is a sentence."""

    def __init__(self, found: list[str]) -> None:
        super().__init__("\n".join(f"  - {sentence}" for sentence in found[:MOST_TOLD]))
        self.count = len(found)


@dataclass
class Side:
    """One company: what was entered there, and both ways to look at it."""

    pretend: Pretend
    relay: Relay
    month: list[Spent]
    entered: Mapping[int, Spent] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return "QuickBooks" if self.pretend.ledger == "qbo" else "Xero"


@dataclass
class Month:
    """One run of two companies. Raises NotAsExpected, and ServiceFailed when a process ends by itself."""

    console: Console
    service: Service
    xero: Side
    qbo: Side

    @property
    def sides(self) -> tuple[Side, Side]:
        return self.xero, self.qbo

    def run(self) -> None:
        found = self.post()
        self._cure()
        self._approve_draft()
        self._settle()
        found += self._differences()
        found += self._reconcile()
        self._sum_up()
        if found:
            raise NotAsExpected(list(dict.fromkeys(found)))

    def post(self) -> list[str]:
        """Until only people can help what waits; what is not as it must be, in sentences."""
        self._enter()
        self._approve()
        return self._differences()

    def _enter(self) -> None:
        """Members enter and submit; ConnectWise calls back already, and everything is held."""
        for side in self.sides:
            side.entered = side.pretend.enter(side.month)
            lines = side.pretend.spend(side.entered)
            self.console.print(
                f"Entered {len(side.entered)} expenses of 5 members in ConnectWise for the company on"
                f" {side.name}; its bank feed has {lines} lines."
            )
        self._watch(
            "Held until approved",
            lambda side, seen: len(side.entered) - sum(r["state"] in BEFORE for r in seen.values()),
        )

    def _approve(self) -> None:
        moved = [side.pretend.approve() for side in self.sides]
        self.console.print(
            f"Approved {moved[0]} and {moved[1]} of them at once; ConnectWise calls back for each."
        )
        began = time.monotonic()
        self._settle()
        took = time.monotonic() - began
        tries = [attempt for side in self.sides for attempt in side.pretend.deliveries()]
        slowest = max((attempt["ms"] for attempt in tries), default=0)
        self.console.print(
            f"Settled {took:.1f} s after the approval;"
            f" {len(tries)} signed callbacks were answered, the slowest after {slowest:.0f} ms."
        )

    def _settle(self) -> None:
        self._watch("Settled", lambda side, seen: len(verify.waiting(side.entered, seen)))

    def _cure(self) -> None:
        """A person gives the unmapped expense type its account, once, and retries the cause."""
        file = Path(self.service.folder) / "acme.toml"
        file.write_text(COMPANY_FILES["acme"].read_text() + CURE)
        self.service.run(MANAGE, "company", "import", str(file))
        queued = self.xero.relay.retry(cause=CURED_CAUSE)
        self.console.print(f"Gave Entertainment an account, retried {CURED_CAUSE}: {queued} expenses go on.")
        self.xero.entered = cured(self.xero.entered)

    def _approve_draft(self) -> None:
        """A person looks at a draft that QuickBooks can't keep, and lets it go."""
        side, entry_id = self.qbo, first_kept(self.qbo.entered)
        said = self.service.run(MANAGE, "expense", "approve", side.relay.company, str(entry_id)).strip()
        self.console.print(f"Approved a draft that is kept here for QuickBooks: {said}", markup=False)
        side.entered = approved_by_hand(side.entered, entry_id)

    def _watch(self, title: str, left: Callable[[Side, Seen], int]) -> None:
        tracks = [
            Track(
                name=side.name,
                total=len(side.entered),
                look=partial(self._look, side),
                left=partial(left, side),
            )
            for side in self.sides
        ]
        watch(self.console, title=title, tracks=tracks, seconds=END_SECONDS)

    def _look(self, side: Side) -> Seen:
        self.service.check()
        return side.relay.expenses()

    def _differences(self) -> list[str]:
        found = [
            f"{side.name}: {sentence}"
            for side in self.sides
            for sentence in verify.differences(
                side.entered,
                seen=side.relay.expenses(),
                books=side.pretend.books(),
                bank=side.pretend.bank(),
            )
        ]
        wanted = balances_due(self.qbo.entered)
        return found + [f"QuickBooks: {s}" for s in verify.unbalanced(self.qbo.pretend.balances(), wanted)]

    def _reconcile(self) -> list[str]:
        """The bookkeeper accepts what each ledger proposes; whatever differs then."""
        odd = []
        for side in self.sides:
            wanted = sum(spent.due.matched for spent in side.entered.values())
            accepted = side.pretend.reconcile()
            if accepted != wanted:
                odd.append(f"{side.name}: {wanted} bank lines should be reconciled, and {accepted} are")
        return odd + self._differences()

    def _sum_up(self) -> None:
        calls = {}
        for side in self.sides:
            seen = side.relay.expenses()
            print_summary(
                self.console,
                entered=side.entered,
                books=side.pretend.books(),
                bank=side.pretend.bank(),
                causes=side.relay.causes(),
                seen=seen,
            )
            calls[side.name] = seen, side.pretend.calls()
        print_balances(self.console, self.qbo.pretend.balances(), self.qbo.name)
        print_calls(self.console, calls)
