"""The demo's month in order: enter, approve at once, verify, cure one cause, verify, reconcile, sum up."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from bin.demo_month import verify
from bin.demo_month.month import CURE, CURED_CAUSE, Spent, cured
from bin.demo_month.pretend import Pretend
from bin.demo_month.relay import Relay
from bin.demo_month.summary import print_summary
from bin.demo_month.watch import Seen, watch
from bin.service import Service
from settings import ROOT

COMPANY_FILE = ROOT / "docs" / "examples" / "acme.toml"
MANAGE = str(ROOT / "bin" / "manage")
END_SECONDS = 120.0
MOST_TOLD = 20


class NotAsExpected(Exception):
    """The month did not end as it must; each difference is a sentence."""

    def __init__(self, found: list[str]) -> None:
        super().__init__("\n".join(f"  - {sentence}" for sentence in found[:MOST_TOLD]))
        self.count = len(found)


@dataclass
class Month:
    """One run. Raises NotAsExpected, and ServiceFailed when a process ends by itself."""

    console: Console
    service: Service
    pretend: Pretend
    relay: Relay

    def run(self, month: list[Spent]) -> None:
        entered = self._enter(month)
        self._approve(entered)
        found = self._differences(entered)
        entered = self._cure(entered)
        found += self._differences(entered)
        found += self._reconcile(entered)
        self._sum_up(entered)
        if found:
            raise NotAsExpected(list(dict.fromkeys(found)))

    def _enter(self, month: list[Spent]) -> Mapping[int, Spent]:
        """Members enter and submit; ConnectWise calls back already, and everything is held."""
        entered = self.pretend.enter(month)
        lines = self.pretend.spend(entered)
        self.console.print(
            f"Entered {len(entered)} expenses of 5 members in ConnectWise; the bank feed has {lines} lines."
        )
        self._watch(
            "Held until approved",
            entered,
            lambda seen: len(entered) - sum(row["state"] in ("held", "skipped") for row in seen.values()),
        )
        return entered

    def _approve(self, entered: Mapping[int, Spent]) -> None:
        moved = self.pretend.approve()
        self.console.print(f"Approved {moved} of them at once; ConnectWise calls back for each.")
        began = time.monotonic()
        self._watch("Settled", entered, lambda seen: len(verify.waiting(entered, seen)))
        took = time.monotonic() - began
        tries = self.pretend.deliveries()
        slowest = max((attempt["ms"] for attempt in tries), default=0)
        self.console.print(
            f"Settled {took:.1f} s after the approval;"
            f" {len(tries)} signed callbacks were answered, the slowest after {slowest:.0f} ms."
        )

    def _cure(self, entered: Mapping[int, Spent]) -> Mapping[int, Spent]:
        """A person gives the unmapped expense type its account, once, and retries the cause."""
        file = Path(self.service.folder) / "acme.toml"
        file.write_text(COMPANY_FILE.read_text() + CURE)
        self.service.run(MANAGE, "company", "import", str(file))
        queued = self.relay.retry(cause=CURED_CAUSE)
        self.console.print(f"Gave Entertainment an account, retried {CURED_CAUSE}: {queued} expenses go on.")
        entered = cured(entered)
        self._watch("Settled", entered, lambda seen: len(verify.waiting(entered, seen)))
        return entered

    def _watch(self, title: str, entered: Mapping[int, Spent], left: Callable[[Seen], int]) -> None:
        def look() -> Seen:
            self.service.check()
            return self.relay.expenses()

        watch(self.console, title=title, total=len(entered), look=look, left=left, seconds=END_SECONDS)

    def _differences(self, entered: Mapping[int, Spent]) -> list[str]:
        seen, books, bank = self.relay.expenses(), self.pretend.books(), self.pretend.bank()
        return verify.differences(entered, seen=seen, books=books, bank=bank)

    def _reconcile(self, entered: Mapping[int, Spent]) -> list[str]:
        """The bookkeeper accepts what Xero proposes; whatever differs then."""
        wanted = sum(spent.due.matched for spent in entered.values())
        accepted = self.pretend.reconcile()
        odd = [] if accepted == wanted else [f"{wanted} bank lines should be reconciled, and {accepted} are"]
        return odd + self._differences(entered)

    def _sum_up(self, entered: Mapping[int, Spent]) -> None:
        print_summary(
            self.console,
            entered=entered,
            books=self.pretend.books(),
            bank=self.pretend.bank(),
            causes=self.relay.causes(),
            seen=self.relay.expenses(),
            calls=self.pretend.xero_calls(),
        )
