"""The timetable of a chaos run, drawn from its seed: what people do in ConnectWise, and what breaks when.

Everything that happens is an act at a second, so that one thread can do it all in order and the same seed
gives the same run, as far as processes on a real machine allow.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

from bin.demo_month.month import AMEX, NON_REIMBURSABLE
from tests.chaos.entries import Entry, Spending

COMPANIES = ("acme", "acme-q")
MOST_ENTRIES = 8
SOON_SECONDS, LATER_SECONDS = 1.5, 15.0  # on the average: after the entering, and after the approval
RECEIPTS = 0.03
# What becomes of a report, and how often. All else is approved and stays so.
FATES = {
    "edited, approved": 8,
    "one deleted, approved": 4,
    "approved, taken back, approved": 6,
    "approved, taken back, edited, approved": 3,
    "approved, taken back": 3,
    "approved, edited": 3,
    "approved, one deleted": 3,
}
PLAIN = 100 - sum(FATES.values())
STEPS = {"edited": "edit", "one deleted": "delete", "approved": "approve", "taken back": "unapprove"}

# What breaks: name, most seconds until it is mended (0: the keeper mends it at once).
TROUBLES = {
    "kill worker": 0, "kill worker, leave its job": 0, "kill web": 0, "kill clock": 0, "kill receipts": 0,
    "flush Redis": 0, "kill Redis": 3, "freeze Redis": 4, "cut database": 4,
    "no callbacks": 6, "double callbacks": 5, "shuffle callbacks": 5,
    "storm of 429": 0, "expire tokens": 0, "upgrade ConnectWise": 0,
}  # fmt: skip
MENDED = {"kill Redis": "start Redis", "freeze Redis": "thaw Redis", "cut database": "mend database",
          "no callbacks": "plain callbacks", "double callbacks": "plain callbacks",
          "shuffle callbacks": "plain callbacks"}  # fmt: skip
CALM_SECONDS = 3.0


@dataclass(frozen=True, order=True)
class Act:
    """Something that happens `at` so many seconds into the run."""

    at: float
    name: str
    what: Mapping[str, Any] = field(compare=False, default_factory=dict)

    def __str__(self) -> str:
        return f"{self.at:7.2f} s  {self.name}{''.join(f', {k} {v}' for k, v in self.what.items())}"


def opening(today: dt.date) -> list[Act]:
    """A first expense of each company, before anything breaks: its ending shows that all is at work."""
    acts = []
    for report, company in enumerate(COMPANIES, start=-len(COMPANIES)):
        first = Entry(
            member="jdoe",
            kind="Meals",
            payment=AMEX,
            classed=NON_REIMBURSABLE,
            amount=Decimal(-report),
            date=today - dt.timedelta(days=7),
        )
        entered = {"report": report, "company": company, "entries": [first], "receipts": [0]}
        acts += [Act(0.0, "enter", entered), Act(0.0, "approve", {"report": report})]
    return acts


def people(seed: int, *, seconds: float, rate: float, today: dt.date) -> list[Act]:
    """Reports of both companies, `rate` expenses a second on the average, and what becomes of each."""
    random = Random(f"people {seed}")
    spending = Spending(random, today=today)
    acts: list[Act] = []
    at, pause, report = 0.0, (2 + MOST_ENTRIES) / 2 / rate, 0
    while (at := at + random.uniform(0.5, 1.5) * pause) < seconds:
        entries = spending.report(most=MOST_ENTRIES)
        receipts = [random.randint(1, 3) if random.random() < RECEIPTS else 0 for _ in entries]
        entered = {"company": random.choice(COMPANIES), "entries": entries, "receipts": receipts}
        acts.append(Act(at, "enter", {"report": report, **entered}))
        acts += _fate(random, spending, at, report=report, size=len(entries))
        report += 1
    return sorted(act for act in acts if act.at < seconds)


def _fate(random: Random, spending: Spending, at: float, *, report: int, size: int) -> Iterator[Act]:
    [fate] = random.choices(["approved", *FATES], [PLAIN, *FATES.values()])
    pause = SOON_SECONDS
    for step in fate.split(", "):
        at += random.expovariate(1 / pause)
        what: dict[str, Any] = {"report": report}
        if step in ("edited", "one deleted"):
            what["entry"] = random.randrange(size)
        if step == "edited":
            what["amount"] = spending.amount()
        if step == "approved":
            pause = LATER_SECONDS
        yield Act(at, STEPS[step], what)


def trouble(seed: int, *, seconds: float) -> list[Act]:
    """Every kind of trouble in turn, in an order of the seed's, over and over until the time is up."""
    random = Random(f"trouble {seed}")
    pause = min(CALM_SECONDS, seconds / (len(TROUBLES) + 1))
    acts: list[Act] = []
    at = 0.0
    while True:
        for name in random.sample(list(TROUBLES), len(TROUBLES)):
            at += random.uniform(0.5, 1.4) * pause
            if at >= seconds:
                return sorted(acts)
            acts.append(Act(at, name, _particulars(random, name)))
            if name in MENDED:
                mended = min(seconds, at + random.uniform(0.3, 1.0) * min(TROUBLES[name], seconds / 6))
                acts.append(Act(mended, MENDED[name]))


def _particulars(random: Random, name: str) -> dict[str, Any]:
    if name.startswith("kill w"):
        return {"which": random.randrange(2)}
    if name == "storm of 429":
        problem = random.choice(("minute", "concurrent", "appminute"))
        return {"problem": problem, "times": random.randint(1, 4), "retry_after": random.randint(1, 3)}
    return {}
