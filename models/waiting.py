"""Until when an expense that is due must wait all the same, because its whole company does; and why."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from models.company import Company
from models.expense import Expense
from models.states import QUEUED, RETRYING


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """`until` None: until a person has done something."""

    until: dt.datetime | None
    why: str


def waiting(expense: Expense, company: Company, *, now: dt.datetime) -> Waiting | None:
    """What of its company this expense waits for, longer than for its own turn; None when for nothing."""
    if expense.state not in (QUEUED, RETRYING):
        return None
    if company.paused_at is not None:
        return Waiting(until=None, why=f"The company is paused: {company.paused_why}")
    own = expense.next_attempt_at or now
    if company.wait_until and company.wait_until > own:
        return Waiting(until=company.wait_until, why=company.wait_why or "")
    if company.spare_until and company.spare_until > own and expense.asked_at is None:
        return Waiting(until=company.spare_until, why=company.spare_why or "")
    return None
