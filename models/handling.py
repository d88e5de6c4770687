"""Bills that people made in the ledger themselves: which expenses may be given one, and how it is remembered.

Such a document is a row like those that we made, so that the expense is `done` by the same rule as all others
and nothing is planned or sent for it again; a mark in its plan says whose it is.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from errors import NeedsAttention
from models import outbox, states
from models.actions import find_expense
from models.company import Company
from models.expense import Document, Expense
from models.history import note

_STANDS = (states.DONE, states.CHANGED, states.UNDONE)  # something stands, or stood, at the ledger
_MARK = "by_hand"  # the key in a document's plan


@dataclass(frozen=True, kw_only=True)
class Bill:
    """A bill as it was verified. `plan` is a document's JSON, `number` ours, `its_number` the one that it has
    at the ledger; `told`: what was seen of it there; `gate`: why the entry could not be posted then, if it
    couldn't; `seen`: the columns that show the entry as it was compared; `signals`: as seen before it was
    read."""

    kind: str
    number: str
    its_number: str
    remote_id: str
    url: str | None
    plan: Mapping[str, Any]
    amount: Decimal
    currency: str
    approved: bool
    told: str
    gate: str | None
    seen: Mapping[str, Any]
    signals: int


def is_by_hand(document: Document) -> bool:
    """Whether a person made it, and not we."""
    return _MARK in json.loads(document.plan)


def gate_then(documents: Iterable[Document]) -> str | None:
    """Why the entry could not have been posted when a person told us of its bill; None when it could."""
    marks = [json.loads(document.plan).get(_MARK) for document in documents]
    return next((mark["gate"] for mark in marks if mark), None)


def why_not(expense: Expense, documents: Sequence[Document]) -> NeedsAttention | None:
    """Why this expense with these documents can't be given a person's bill; None when it can."""
    made = [document for document in documents if document.state in states.MADE]
    if expense.lease is not None:
        return NeedsAttention(
            "in_progress",
            f"Expense {expense.entry_id} is being worked on right now.",
            "Wait until that has ended, look at what became of it, then say it again if it is still needed.",
        )
    if any(document.state in states.OPEN for document in documents):
        return NeedsAttention(
            "may_be_posted",
            f"A document that we sent for expense {expense.entry_id} may stand in the ledger: its answer was"
            " lost.",
            "Retry the expense, so that it is looked up; say it again when that has ended.",
        )
    ours = any(not is_by_hand(document) for document in made)
    if ours or (not made and expense.state in _STANDS):
        return NeedsAttention(
            "already_posted",
            f"Expense {expense.entry_id} is posted; with another bill it would be in the books twice.",
            "Void the bill that was made by hand in the ledger.",
        )
    return None


def look_at(session: Session, company: Company, entry_id: int, *, to_change: bool = False) -> Expense:
    """The expense, which may be given a person's bill. Raises NotFound, or NeedsAttention when it may not."""
    expense = find_expense(session, company, entry_id, to_change=to_change)
    refusal = why_not(expense, outbox.documents_of(session, [expense.id])[expense.id])
    if refusal is not None:
        raise refusal
    return expense


def keep_bill(
    session: Session, company: Company, entry_id: int, bill: Bill, *, actor: str, now: dt.datetime
) -> None:
    """The expense is done by this bill of a person's. Raises like `look_at`, and `bill_taken` when the bill
    belongs to another expense. Nothing is posted for it any more, and nothing waits."""
    # One at a time in a company, so that two expenses can't be given one bill. Callbacks don't wait for that.
    session.execute(select(Company.id).where(Company.id == company.id).with_for_update(key_share=True))
    expense = look_at(session, company, entry_id, to_change=True)
    _check_free(session, expense, bill)
    for document in outbox.documents_of(session, [expense.id])[expense.id]:
        session.delete(document)
    session.flush()
    session.add(_row(expense, bill, now=now))
    for name, value in bill.seen.items():
        setattr(expense, name, value)
    expense.state, expense.cause, expense.to_do = states.DONE, None, None
    expense.why = expense.decision = f"Handled by hand, as {actor} said: {bill.told}"
    expense.rule, expense.deleted, expense.attempts = None, False, 0
    expense.asked_at = expense.next_attempt_at = expense.receipts_due_at = None
    expense.due_at = now if expense.signals > bill.signals else None
    expense.updated_at = now
    note(
        session,
        company_id=company.id,
        expense_id=expense.id,
        at=now,
        actor=actor,
        what="handled by hand",
        text=f"verified by its id {bill.remote_id}: {bill.told}",
    )


def _check_free(session: Session, expense: Expense, bill: Bill) -> None:
    """By its id, and by the number under which one of ours may be on its way."""
    same = or_(Document.remote_id == bill.remote_id, Document.number == bill.its_number)
    statement = (
        select(Expense.entry_id)
        .join(Document, and_(Document.expense_id == Expense.id, Document.kind == bill.kind))
        .where(Document.company_id == expense.company_id, Expense.id != expense.id, same)
        .limit(1)
    )
    other = session.scalars(statement).one_or_none()
    if other is not None:
        raise NeedsAttention(
            "bill_taken",
            f"This bill belongs to expense {other} already; one bill can't stand for two expenses.",
            "Name the id of this expense's own bill, or ignore the expense when it was entered twice.",
        )


def _row(expense: Expense, bill: Bill, *, now: dt.datetime) -> Document:
    """Without what is due: nothing is paid by us, so nothing is reckoned from it."""
    return Document(
        company_id=expense.company_id,
        expense_id=expense.id,
        kind=bill.kind,
        number=bill.number,
        state=states.POSTED if bill.approved else states.DRAFTED,
        plan=json.dumps({**bill.plan, _MARK: {"gate": bill.gate}}, sort_keys=True),
        amount=bill.amount,
        currency=bill.currency,
        remote_id=bill.remote_id,
        url=bill.url,
        seen_at=now,
        created_at=now,
        updated_at=now,
    )
