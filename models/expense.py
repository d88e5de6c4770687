"""An expense (one ConnectWise entry), the documents made for it, and the requests that made them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal

from sqlalchemy import Date, ForeignKey, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, validates

from models import states
from models.database import Base, BigId, Instant, Money


def _partial(name: str, *columns: str, where: str) -> Index:
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


def _checked(acts: Mapping[str, states.Moves], present: str | None, state: str) -> str:
    """The state, when it may follow the present one (None: the row is new)."""
    if present is not None:
        states.check_move(acts, present, state)
    return state


class Expense(Base):
    """One entry of one company. `due_at` says when a worker must look at it (null: nothing to do).

    A worker that claims the row writes its `lease` and moves `due_at` to the lease's end: a row stranded by a
    dead worker becomes due by itself. `signals` counts callbacks, so that one that arrives during the work
    is not lost.
    """

    __tablename__ = "expense"
    __table_args__ = (
        UniqueConstraint("company_id", "entry_id"),
        _partial("expense_due", "company_id", "due_at", where="due_at IS NOT NULL"),
        _partial("expense_receipts", "company_id", "receipts_due_at", where="receipts_due_at IS NOT NULL"),
        Index("expense_changes", "company_id", "updated_at", "id"),
        _partial("expense_causes", "company_id", "cause", "updated_at", "id", where="cause IS NOT NULL"),
        _partial("expense_members", "company_id", "member", "updated_at", "id", where="member IS NOT NULL"),
        _partial("expense_days", "company_id", "date", where="state = 'done'"),
        Index("expense_states", "company_id", "state", "updated_at", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    entry_id: Mapped[int] = mapped_column(BigId)
    state: Mapped[str] = mapped_column(Text, default="queued")
    cause: Mapped[str | None] = mapped_column(Text)
    to_do: Mapped[str | None] = mapped_column(Text)
    why: Mapped[str | None] = mapped_column(Text)
    due_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    lease: Mapped[str | None] = mapped_column(Text)
    signals: Mapped[int] = mapped_column(default=1)
    deleted: Mapped[bool] = mapped_column(default=False)  # a signed `deleted` callback came
    attempts: Mapped[int] = mapped_column(default=0)  # of the present trouble; a hand retry starts afresh
    next_attempt_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    asked_at: Mapped[dt.datetime | None] = mapped_column(Instant)  # a person waits for it; null: routine
    posting: Mapped[int] = mapped_column(default=1)  # 2 after an undo: the number becomes CW-<id>-2
    entry: Mapped[str | None] = mapped_column(Text)  # the entry as last read, JSON
    fingerprint: Mapped[str | None] = mapped_column(Text)  # of the entry that was posted
    member: Mapped[str | None] = mapped_column(Text)
    payment_type: Mapped[str | None] = mapped_column(Text)
    classification: Mapped[str | None] = mapped_column(Text)
    expense_type: Mapped[str | None] = mapped_column(Text)
    amount: Mapped[Decimal | None] = mapped_column(Money)
    currency: Mapped[str | None] = mapped_column(Text)
    date: Mapped[dt.date | None] = mapped_column(Date)
    rule: Mapped[int | None]
    decision: Mapped[str | None] = mapped_column(Text)  # the rule that fired, in a sentence
    approved: Mapped[str | None] = mapped_column(Text)  # the fingerprint that a person approved for posting
    approved_at: Mapped[dt.datetime | None] = mapped_column(Instant)  # see models/claims.py; null: not known
    receipts_due_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    receipt_checks: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[dt.datetime] = mapped_column(Instant)
    updated_at: Mapped[dt.datetime] = mapped_column(Instant)

    @validates("state")
    def _check_state(self, _name: str, state: str) -> str:
        return _checked(states.EXPENSE_MOVES, self.state, state)


class Request(Base):
    """The outbox: one write that leaves the house, frozen and committed before its first byte.

    `state`: "sent" (on its way, or its worker died), "uncertain" (outcome unknown), "done". `due_at` is when
    another worker may take it up: replay the same bytes under the same key, or look up by number.
    """

    __tablename__ = "request"
    __table_args__ = (
        _partial("request_due", "company_id", "due_at", where="due_at IS NOT NULL"),
        Index("request_company", "company_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    operation: Mapped[str] = mapped_column(Text)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    markers: Mapped[str] = mapped_column(Text)  # JSON list, in body order
    key: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    first_sent_at: Mapped[dt.datetime] = mapped_column(Instant)
    due_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    lease: Mapped[str | None] = mapped_column(Text)
    replays: Mapped[int] = mapped_column(default=0)
    empty_lookups: Mapped[int] = mapped_column(default=0)
    outcome: Mapped[str | None] = mapped_column(Text)

    @validates("state")
    def _check_state(self, _name: str, state: str) -> str:
        return _checked(states.REQUEST_MOVES, self.state, state)


class Document(Base):
    """One document of an expense (or, without an expense, a contact to be made).

    Unique by kind and number: the last line of defence against making a thing twice.
    """

    __tablename__ = "document"
    __table_args__ = (
        UniqueConstraint("company_id", "kind", "number"),
        Index("document_expense", "expense_id"),
        Index("document_request", "request_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    expense_id: Mapped[int | None] = mapped_column(ForeignKey("expense.id"))
    kind: Mapped[str] = mapped_column(Text)
    number: Mapped[str] = mapped_column(Text)
    position: Mapped[int] = mapped_column(default=0)
    state: Mapped[str] = mapped_column(Text)
    generation: Mapped[int] = mapped_column(default=1)
    plan: Mapped[str] = mapped_column(Text)  # mappers.documents.Document as JSON
    amount: Mapped[Decimal] = mapped_column(Money)
    currency: Mapped[str] = mapped_column(Text)
    account: Mapped[str | None] = mapped_column(Text)
    remote_id: Mapped[str | None] = mapped_column(Text)
    url: Mapped[str | None] = mapped_column(Text)
    due: Mapped[Decimal | None] = mapped_column(Money)  # what the ledger said is due, at `seen_at`
    seen_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    words: Mapped[str | None] = mapped_column(Text)  # the provider's own, when refused
    request_id: Mapped[int | None] = mapped_column(ForeignKey("request.id"))
    reconciled: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[dt.datetime] = mapped_column(Instant)
    updated_at: Mapped[dt.datetime] = mapped_column(Instant)

    @validates("state")
    def _check_state(self, _name: str, state: str) -> str:
        acts = states.DOCUMENT_MOVES
        if self.kind != "contact":
            acts = {act: moves for act, moves in acts.items() if act != states.KNOW_A_CONTACT}
        return _checked(acts, self.state, state)

    @property
    def marker(self) -> str:
        return f"{self.kind}:{self.number}"


class History(Base):
    """What happened, in order: steps of an expense, and every change a person made.

    `company_id` null: it concerns no one company, such as a change to users.
    """

    __tablename__ = "history"
    __table_args__ = (
        Index("history_expense", "expense_id"),
        Index("history_company", "company_id", "id"),
        Index(
            "history_people",
            "id",
            sqlite_where=text("actor <> 'worker'"),
            postgresql_where=text("actor <> 'worker'"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    company_id: Mapped[int | None] = mapped_column(ForeignKey("company.id"))
    expense_id: Mapped[int | None] = mapped_column(ForeignKey("expense.id"))
    at: Mapped[dt.datetime] = mapped_column(Instant)
    actor: Mapped[str] = mapped_column(Text)
    what: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)


class ApiToken(Base):
    """A bearer token of the JSON API, hashed at rest. `companies`: JSON list of keys, null for all."""

    __tablename__ = "api_token"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(Text, unique=True)
    hash: Mapped[str] = mapped_column(Text, unique=True)
    role: Mapped[str] = mapped_column(Text)
    companies: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[dt.datetime] = mapped_column(Instant)
    revoked_at: Mapped[dt.datetime | None] = mapped_column(Instant)


class Tick(Base):
    """A lease of the clock: whoever holds it until then may run this tick."""

    __tablename__ = "tick"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    until: Mapped[dt.datetime] = mapped_column(Instant)
    holder: Mapped[str] = mapped_column(Text)
