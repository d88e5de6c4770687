"""The expenses of a chaos run: as they are entered, and as ConnectWise shows them at the end."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any

from bin.demo_month.month import AMEX, NAMES, NON_REIMBURSABLE, OWN, PERSONAL, REIMBURSABLE, VISA

KINDS = ("Meals", "Travel", "Software", "Accommodation", "Parts and Supplies")
# How often each case of the decision table comes; with the member's rule every row of it is there.
CASES = {
    (AMEX, NON_REIMBURSABLE): 50,
    (VISA, NON_REIMBURSABLE): 20,
    (OWN, REIMBURSABLE): 16,
    (AMEX, PERSONAL): 5,
    (VISA, PERSONAL): 3,
    (AMEX, REIMBURSABLE): 3,
    (OWN, NON_REIMBURSABLE): 3,
}
REFUNDS, ZEROS = 0.1, 0.01


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What counts of an expense entry; `amount` is signed money."""

    member: str
    kind: str
    payment: str
    classed: str
    amount: Decimal
    date: dt.date

    def wish(self) -> dict[str, str]:
        """The words in which the sandbox takes it."""
        return {
            "type": self.kind,
            "payment_type": self.payment,
            "classification": self.classed,
            "amount": str(self.amount),
            "date": self.date.isoformat(),
        }


def shown(row: Mapping[str, Any]) -> Entry:
    """The entry of ConnectWise's own record."""
    return Entry(
        member=row["member"]["identifier"],
        kind=row["type"]["name"],
        payment=row["paymentMethod"]["name"],
        classed=row["classification"]["name"],
        amount=Decimal(str(row["amount"])),
        date=dt.date.fromisoformat(row["date"][:10]),
    )


class Spending:
    """Draws expenses. No two amounts of a run are alike, so that nothing can pass for another's."""

    def __init__(self, random: Random, *, today: dt.date) -> None:
        self._random = random
        self._monday = today - dt.timedelta(days=today.weekday())
        self._cents = 499

    def report(self, *, most: int) -> list[Entry]:
        """Up to `most` expenses of one member in one of the last four weeks."""
        member = self._random.choice(list(NAMES))
        monday = self._monday - dt.timedelta(weeks=self._random.randint(1, 4))
        return [self._entry(member, monday) for _ in range(self._random.randint(2, most))]

    def amount(self) -> Decimal:
        """An amount that no other expense has."""
        self._cents += 1
        return Decimal(self._cents) / 100

    def _entry(self, member: str, monday: dt.date) -> Entry:
        [(payment, classed)] = self._random.choices(list(CASES), list(CASES.values()))
        amount = self.amount()
        if self._random.random() < REFUNDS:
            amount = -amount
        elif self._random.random() < ZEROS:
            amount = Decimal("0.00")
        return Entry(
            member=member,
            kind=self._random.choice(KINDS),
            payment=payment,
            classed=classed,
            amount=amount,
            date=monday + dt.timedelta(days=self._random.randint(0, 6)),
        )
