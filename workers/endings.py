"""How an expense ends for now: the verdict on its case, and the columns that are recorded with it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from errors import NeedsAttention
from mappers.changes import describe_changes
from mappers.connectwise import fingerprint, to_entry
from mappers.exact import parse, to_bytes
from models import states
from models.claims import Ending
from workers.case import Case
from workers.policy import Verdict, judge
from workers.work import Work


class Changed(NeedsAttention):
    """Edited or un-approved in ConnectWise after it was posted."""


def changed(why: str) -> Changed:
    """The trouble of an expense that is no longer what was posted."""
    return Changed("changed_after_posting", why, "Undo what was posted or change it back in ConnectWise.")


def what_changed(case: Case) -> str:
    """What was edited since the posting, in a sentence."""
    assert case.entry is not None
    before = to_entry(parse(case.expense.entry.encode())) if case.expense.entry else None
    return f"It was edited in ConnectWise after it was posted: {describe_changes(before, case.entry)}."


def verdict_on(work: Work, case: Case, *, now: dt.datetime) -> Verdict:
    """What becomes of the expense after all its steps."""
    if case.verdict is not None:
        return case.verdict
    if case.trouble is None:
        return done(case)
    if isinstance(case.trouble, Changed):
        return Verdict(
            state=states.CHANGED, cause=case.trouble.cause, why=case.trouble.why, to_do=case.trouble.to_do
        )
    return judge(
        case.trouble,
        now=now,
        attempts=case.expense.attempts,
        schedule=work.retry_schedule,
        subject=f"{work.key}/{case.expense.entry_id}",
    )


def done(case: Case) -> Verdict:
    """Every planned document exists."""
    why = case.decision.why if case.decision else case.expense.decision
    return Verdict(state=states.DONE, why=why)


def awaiting(case: Case) -> Verdict:
    """A draft at a ledger that has none: kept here, in full, until a person approves it."""
    return Verdict(
        state=states.AWAITING_APPROVAL,
        why=case.decision.why if case.decision else None,
        to_do="Look at the documents; approve the expense, and they are posted.",
    )


def parked(case: Case, due: Mapping[int, dt.datetime | None], *, now: dt.datetime) -> Verdict:
    """A document's outcome is open. `due`: when its request is taken up, by its id (None: by a person)."""
    times = [due.get(d.request_id or 0) for d in case.documents if d.state in states.OPEN]
    if any(time is None for time in times):
        return Verdict(
            state=states.NEEDS_ATTENTION,
            cause="unclear_at_ledger",
            why="What the ledger holds under this number is not equal to what was sent.",
            to_do="Compare the documents of this number in the ledger, remove the wrong one, then retry.",
        )
    soon = max([time for time in times if time is not None], default=now)
    return Verdict(
        state=states.UNCERTAIN,
        why="A document may or may not exist at the ledger; it is being looked up.",
        due_at=max(soon, now) + dt.timedelta(seconds=1),
        attempts=case.expense.attempts,
    )


def ending_of(case: Case, verdict: Verdict) -> Ending:
    """The verdict as it is recorded."""
    return Ending(
        expense_id=case.expense.id,
        signals=case.expense.signals,
        state=verdict.state,
        cause=verdict.cause,
        to_do=verdict.to_do,
        why=verdict.why,
        due_at=verdict.due_at,
        attempts=verdict.attempts,
        seen={} if case.is_recorded else columns_of(case),
    )


def is_as_recorded(case: Case) -> bool:
    """Whether nothing at all was edited since the entry was last read; then nothing need be written."""
    return case.expense.entry is not None and parse(case.expense.entry.encode()) == case.raw


def columns_of(case: Case) -> dict[str, Any]:
    """The columns that show the entry as last read; what was posted stays what it was."""
    entry = case.entry
    if entry is None or isinstance(case.trouble, Changed):
        return {}
    columns: dict[str, Any] = {
        "entry": to_bytes(case.raw).decode(),
        "member": entry.member,
        "payment_type": entry.payment_type or None,
        "classification": entry.classification or None,
        "expense_type": entry.expense_type,
        "amount": _amount(case),
        "currency": entry.currency,
        "date": entry.date,
    }
    if case.decision is not None:
        columns |= {
            "rule": case.decision.rule,
            "decision": case.decision.why,
            "fingerprint": fingerprint(entry),
        }
    return columns


def _amount(case: Case) -> Decimal | None:
    """The money: what was posted or decided. An entry's own amount may be a distance."""
    if case.decision is not None:
        return case.decision.amount
    if case.has_begun or case.entry is None:
        return case.expense.amount
    return case.entry.amount
