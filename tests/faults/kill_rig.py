"""The side of a kill test that stays alive: it spends, sees who was killed, lets time pass, and rings."""

from __future__ import annotations

import datetime as dt
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import psutil
from sqlalchemy import select, update

from models import states
from models.company import Company, Connection
from models.expense import Document, Expense, Request
from models.receipts import RECEIPT
from tests.faults.conftest import Rig, wait_until
from tests.faults.killing import MOMENTS, point
from tests.journey.conftest import Journey
from tests.shape.writes import outgoing_writes
from workers.clock import Clock
from workers.queues import CARE_FOR_COMPANY

SECONDS = 300  # for forty kills and more, on a machine that is busy
ROUNDS = range(1, 6)
FOR_A_PERSON = (states.NEEDS_ATTENTION, states.CHANGED, states.BROKEN)


@dataclass(frozen=True, kw_only=True)
class Spending:
    """Expenses entered together, and the documents that they need: the ledger's list and the amount.

    `{n}` in the member's name is the number of the round: somebody new to the ledger each time."""

    member: str = "jdoe"
    entries: tuple[dict[str, Any], ...]
    documents: tuple[tuple[str, str], ...]
    receipts: int = 0


class KillRig:
    """Workers that are killed at each moment of each write, and started again.

    It stands in for the clock, and for the clock on the wall: what a dead process held is free at once, and
    nothing waits for its next try."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.documents: Counter[tuple[str, str]] = Counter()  # that the ledger must hold in the end
        self.receipts = 0
        self._folder = rig.logs.parent / "strikes"
        self._folder.mkdir()
        self._buried: set[str] = set()
        self._clock = Clock(self.journey.database, self.journey.wiring.bell, sweep_seconds=3600)

    @property
    def journey(self) -> Journey:
        return self.rig.journey

    def struck(self) -> set[str]:
        return {link.name for link in self._folder.iterdir()}

    def run(self, words: str) -> Callable[[], bool]:
        """Starts programs as killing.py takes them; gives whether they have ended well."""
        program = (sys.executable, "-m", "tests.faults.killing", str(self._folder))
        process = self.rig.start(*program, *words.split())

        def has_ended() -> bool:
            status = process.poll()
            assert not status, f"{words} ended with {status}\n{self.rig.log_text()}"
            return status == 0

        return has_ended

    def connect(self, words: str) -> None:
        """A person connects the company, as connecting.py takes it, however often that is killed; then the
        first access token ends, so that the workers must refresh it."""
        self.wait(self.run(f"tests.faults.connecting {words}"))
        with self.journey.database.write() as session:
            session.execute(update(Connection).values(access_token=None))

    def connect_and_disconnect(self, words: str) -> None:
        """A person connects and disconnects again, until each moment of giving the consent up was struck."""
        self.wait(self.run(f"tests.faults.connecting {words} and-disconnect"))
        with self.journey.database.read() as session:
            assert session.scalars(select(Company.connection_id)).all() == [None]

    def spend_until_struck(self, spendings: Sequence[Spending], points: set[str]) -> None:
        """Spends, one after the other, until each of these points was struck and all is settled."""
        for number in ROUNDS:
            for spending in spendings:
                if self.struck() >= points:
                    return
                self._spend(spending, number)
        assert self.struck() >= points, f"never struck: {sorted(points - self.struck())}"

    def wait(self, what: Callable[[], bool], *, care: bool = False) -> None:
        """Waits until `what()`; `care`: the company is looked after meanwhile."""

        def is_so() -> bool:
            if self._bury() and care:
                self._ring_for_care()
            self._hurry()
            self._clock.ring_bells()
            self._assert_nobody_is_needed()
            return what()

        if care:
            self._ring_for_care()
        try:
            wait_until(is_so, seconds=SECONDS, every=0.25)
        except AssertionError as error:
            left = "\n".join(self._left_open())
            raise AssertionError(f"{error}\n{left}\n{self.rig.log_text()}") from None

    def _spend(self, spending: Spending, number: int) -> None:
        entry_ids = self.journey.add(*spending.entries, member=spending.member.format(n=number))
        for count in range(spending.receipts):
            receipt = {"entry_id": entry_ids[0], "file_name": f"receipt {count}.pdf", "size": 1000 + count}
            self.journey.control("POST", f"/connectwise/{self.journey.site}/documents", receipt)
        self.documents.update(spending.documents)
        self.receipts += spending.receipts
        self.wait(lambda: not self._left_open())

    def _left_open(self) -> list[str]:
        """What is not done or not filed yet, in words."""
        with self.journey.database.read() as session:
            expenses = session.scalars(select(Expense).where(Expense.state != states.DONE)).all()
            receipts = session.scalars(
                select(Document).where(Document.kind == RECEIPT, Document.state != states.POSTED)
            ).all()
            unseen = session.scalars(select(Expense).where(Expense.receipt_checks == 0)).all()
        return [
            *(f"{e.entry_id} {e.state} {e.cause} {e.why}" for e in expenses),
            *(f"receipt {d.number} {d.state}" for d in receipts),
            *(f"{e.entry_id}: its receipts were not looked for" for e in unseen),
        ]

    def _assert_nobody_is_needed(self) -> None:
        with self.journey.database.read() as session:
            needy = session.scalars(select(Expense).where(Expense.state.in_(FOR_A_PERSON))).all()
        assert not needy, [(e.entry_id, e.state, e.why) for e in needy]

    def _ring_for_care(self) -> None:
        self.journey.wiring.bell.ring("acme", job=CARE_FOR_COMPANY)

    def _bury(self) -> bool:
        """What those who were killed since held runs out now. Whether there were any."""
        killed = [link for link in self._folder.iterdir() if link.name not in self._buried]
        for link in killed:
            wait_until(partial(_is_dead, int(link.readlink().name)))
            self._buried.add(link.name)
        if killed:
            self._release()
            self.rig.free_slots()
        return bool(killed)

    def _release(self) -> None:
        with self.journey.database.write() as session:
            now = self.journey.database.now(session)
            session.execute(update(Expense).where(Expense.lease.is_not(None)).values(due_at=now))
            session.execute(update(Request).where(Request.lease.is_not(None)).values(due_at=now))
            soon = Expense.receipts_due_at.between(now, now + dt.timedelta(minutes=1))  # not the late looks
            session.execute(update(Expense).where(soon).values(receipts_due_at=now))
            session.execute(update(Connection).values(refreshing_until=now))

    def _hurry(self) -> None:
        with self.journey.database.write() as session:
            now = self.journey.database.now(session)
            for kind in (Expense, Request):
                waits = update(kind).where(kind.lease.is_(None), kind.due_at > now)
                session.execute(waits.values(due_at=now))


def points_of(*clients: str, without: Sequence[str] = ()) -> set[str]:
    """Every moment of every write of these clients, but for those writes."""
    writes = outgoing_writes() - set(without)
    return {
        point(write, moment) for write in writes if write.partition(".")[0] in clients for moment in MOMENTS
    }


def _is_dead(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
