"""What was posted lately: the numbers behind the Overview. Each look is bounded to some weeks by an index, so
that it costs the same beside a million rows."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import median
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import states
from models.expense import Document, Expense


@dataclass(frozen=True, kw_only=True)
class Posted:
    """One expense that has a document at the ledger. `approved_at`: when its approval reached us, None where
    that was not noted; `at`: when its first document was made."""

    approved_at: dt.datetime | None
    at: dt.datetime
    amount: Decimal | None
    currency: str | None


@dataclass(frozen=True, kw_only=True)
class Day:
    """What was posted on a day. `typical_seconds`: the median time from approval to the first document, None
    where none is known."""

    date: dt.date
    count: int
    typical_seconds: float | None


def list_posted(session: Session, company_id: int, *, since: dt.datetime) -> list[Posted]:
    """The expenses of a company that were posted since then. An expense changes when it is posted, so those
    that changed since are all that need to be looked at."""
    made = func.min(Document.seen_at).label("at")
    statement = (
        select(Expense.approved_at, made, Expense.amount, Expense.currency)
        .join(Document, Document.expense_id == Expense.id)
        .where(Expense.company_id == company_id, Expense.updated_at >= since)
        .where(Document.state.in_(states.MADE), Document.position == 0)
        .group_by(Expense.id, Expense.approved_at, Expense.amount, Expense.currency)
        .having(made >= since)
    )
    return [
        Posted(approved_at=row.approved_at, at=row.at, amount=row.amount, currency=row.currency)
        for row in session.execute(statement)
    ]


def by_day(posted: Sequence[Posted], *, last: dt.date, days: int, zone: ZoneInfo) -> list[Day]:
    """The `days` days up to `last` by the company's clock, those without anything too."""
    counts: Counter[dt.date] = Counter()
    taken: dict[dt.date, list[float]] = defaultdict(list)
    for one in posted:
        day = one.at.astimezone(zone).date()
        counts[day] += 1
        if (
            one.approved_at is not None and one.approved_at <= one.at
        ):  # what was older than the note is left out
            taken[day].append((one.at - one.approved_at).total_seconds())
    dates = [last - dt.timedelta(days=back) for back in range(days - 1, -1, -1)]
    return [
        Day(date=date, count=counts[date], typical_seconds=median(taken[date]) if taken[date] else None)
        for date in dates
    ]


def money_of(posted: Sequence[Posted]) -> dict[str, Decimal]:
    """The sum by currency."""
    sums: Counter[str] = Counter()
    for one in posted:
        if one.amount is not None and one.currency is not None:
            sums[one.currency] += one.amount  # type: ignore[assignment]
    return {currency: Decimal(amount) for currency, amount in sums.items()}
