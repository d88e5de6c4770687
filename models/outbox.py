"""The outbox: every write is frozen and committed here before its first byte leaves (docs/idempotency.md)."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any, cast

from sqlalchemy import Table, and_, bindparam, func, or_, select, update
from sqlalchemy.orm import Session

from errors import Wait
from models import states
from models.database import utcnow
from models.expense import Document, Expense, Request
from models.many_rows import INSERTS, execute_many, one_of
from models.receipts import RECEIPT

DOCUMENTS = cast(Table, Document.__table__)
PLANNED_ANEW = ("position", "plan", "amount", "currency", "account", "state", "updated_at")


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A document to remember; `plan` is its JSON."""

    kind: str
    number: str
    position: int
    plan: str
    amount: Decimal
    currency: str
    account: str | None


@dataclass(frozen=True, kw_only=True)
class Landing:
    """Where one document of a request landed: a document state, and what the ledger said."""

    marker: str
    state: str
    remote_id: str | None = None
    url: str | None = None
    due: Decimal | None = None
    words: str | None = None


def save_plans(
    session: Session,
    *,
    company_id: int,
    plans: Mapping[int | None, Sequence[Planned]],
    now: dt.datetime,
) -> None:
    """Commits the plans of expenses, by their ids (None: of no expense, as contacts are): the planned and
    failed documents of each become exactly these.

    Documents that may exist at the ledger are never touched.
    """
    loose = states.sources(states.PLAN, states.PLANNED)
    kept = {(expense_id, p.kind, p.number) for expense_id, planned in plans.items() for p in planned}
    of_these = Document.expense_id.in_([expense_id for expense_id in plans if expense_id is not None])
    for document in session.scalars(
        select(Document).where(of_these, Document.state.in_(loose), Document.kind != RECEIPT)
    ):
        if (document.expense_id, document.kind, document.number) not in kept:
            session.delete(document)
    session.flush()
    rows = [
        {
            "company_id": company_id,
            "expense_id": expense_id,
            "kind": plan.kind,
            "number": plan.number,
            "position": plan.position,
            "plan": plan.plan,
            "amount": plan.amount,
            "currency": plan.currency,
            "account": plan.account,
            "state": states.PLANNED,
            "generation": 1,
            "reconciled": False,
            "created_at": now,
            "updated_at": now,
        }
        for expense_id, planned in plans.items()
        for plan in planned
    ]
    execute_many(session, _plan_anew(session.get_bind().dialect.name), rows)


@cache
def _plan_anew(dialect: str) -> Any:
    insert: Any = INSERTS[dialect](DOCUMENTS)
    new = insert.excluded
    loose = one_of(DOCUMENTS.c.state, states.sources(states.PLAN, states.PLANNED))
    return insert.on_conflict_do_update(
        index_elements=["company_id", "kind", "number"],
        set_={name: new[name] for name in PLANNED_ANEW},
        where=loose & Document.expense_id.is_not_distinct_from(new.expense_id),
    )


def freeze_request(
    session: Session,
    *,
    company_id: int,
    operation: str,
    body: bytes,
    key: str,
    documents: Sequence[Document],
    lease: str,
    seconds: int,
) -> Request:
    """Commits the frozen call and marks its documents `sent`, if they and their expenses are still ours.

    Raises Wait when another worker took any of them: then nothing may be sent.
    """
    _keep_leases(session, documents, lease=lease, seconds=seconds)
    now = _now(session)
    request = Request(
        company_id=company_id,
        operation=operation,
        body=body,
        markers=json.dumps([d.marker for d in documents]),
        key=key,
        state=states.SENT,
        first_sent_at=now,
        due_at=now + dt.timedelta(seconds=seconds),
        lease=lease,
        replays=0,
        empty_lookups=0,
    )
    session.add(request)
    session.flush()
    taken = session.execute(
        update(Document)
        .where(Document.id.in_([d.id for d in documents]))
        .where(Document.state.in_(states.sources(states.FREEZE, states.SENT)))
        .values(state=states.SENT, request_id=request.id, words=None, updated_at=now)
        .returning(Document.id)
        .execution_options(synchronize_session=False)
    ).all()
    if len(taken) != len(documents):
        raise Wait("Another worker is sending the same document.", after=5)
    execute_many(
        session,
        update(DOCUMENTS).where(DOCUMENTS.c.id == bindparam("its_id")),
        [{"its_id": d.id, "plan": d.plan, "account": d.account} for d in documents],
    )
    return request


def _keep_leases(session: Session, documents: Sequence[Document], *, lease: str, seconds: int) -> None:
    expenses = {d.expense_id for d in documents if d.expense_id is not None}
    ours = session.scalars(
        update(Expense)
        .where(Expense.lease == lease)
        .values(due_at=_now(session) + dt.timedelta(seconds=seconds))
        .returning(Expense.id)
        .execution_options(synchronize_session=False)
    )
    if not expenses <= set(ours):
        raise Wait("The lease ran out while the batch was being prepared.", after=1)


def _now(session: Session) -> dt.datetime:
    if session.get_bind().dialect.name == "sqlite":
        return dt.datetime.now(dt.UTC)
    moment: dt.datetime = session.execute(select(func.clock_timestamp())).scalar_one()
    return moment


def land_documents(
    session: Session, request: Request, landings: Sequence[Landing], *, now: dt.datetime
) -> None:
    """Records where the documents of a request landed; only those still open under this very request."""
    for state in sorted({landing.state for landing in landings}):
        statement = (
            update(DOCUMENTS)
            .where(Document.company_id == request.company_id, Document.kind == bindparam("its_kind"))
            .where(Document.number == bindparam("its_number"), Document.request_id == request.id)
            .where(one_of(DOCUMENTS.c.state, states.sources(states.LAND, state)))
        )
        if state == states.FAILED:
            statement = statement.values(generation=Document.generation + 1)
        rows = [_landed(landing, now=now) for landing in landings if landing.state == state]
        execute_many(session, statement, rows)


def _landed(landing: Landing, *, now: dt.datetime) -> dict[str, object]:
    kind, _, number = landing.marker.partition(":")
    values: dict[str, object] = {"its_kind": kind, "its_number": number, "updated_at": now}
    values |= {"state": landing.state, "words": landing.words}
    if landing.state in states.MADE:
        values |= {"remote_id": landing.remote_id, "url": landing.url, "due": landing.due, "seen_at": now}
    if landing.state in (states.FAILED, states.PLANNED):
        values["request_id"] = None
    return values


def close_request(session: Session, request: Request, *, outcome: str) -> None:
    """The request is settled: nobody needs to take it up again."""
    session.execute(
        update(Request)
        .where(Request.id == request.id)
        .where(Request.state.in_(states.sources(states.CLOSE, states.SETTLED)))
        .values(state=states.SETTLED, due_at=None, lease=None, outcome=outcome[:500])
        .execution_options(synchronize_session=False)
    )


def unsend_request(session: Session, request: Request, *, outcome: str, now: dt.datetime) -> None:
    """The call was certainly not processed: its documents are planned again, same generation."""
    markers = json.loads(request.markers)
    landings = [Landing(marker=m, state=states.PLANNED) for m in markers]
    land_documents(session, request, landings, now=now)
    close_request(session, request, outcome=outcome)


def doubt_request(
    session: Session,
    request: Request,
    *,
    outcome: str,
    due_at: dt.datetime | None,
    replays: int | None = None,
    empty_lookups: int | None = None,
    lease: str | None = None,
    now: dt.datetime,
) -> None:
    """The outcome is unknown: documents become `uncertain`, taken up at `due_at` (None: by a person).

    `lease`: the worker that goes on with it until then.
    """
    values: dict[str, object] = {
        "state": states.UNCERTAIN,
        "due_at": due_at,
        "lease": lease,
        "outcome": outcome[:500],
    }
    if replays is not None:
        values["replays"] = replays
    if empty_lookups is not None:
        values["empty_lookups"] = empty_lookups
    session.execute(
        update(Request)
        .where(Request.id == request.id)
        .where(Request.state.in_(states.sources(states.REOPEN, states.UNCERTAIN)))
        .values(values)
        .execution_options(synchronize_session=False)
    )
    session.execute(
        update(Document)
        .where(Document.request_id == request.id)
        .where(Document.state.in_(states.sources(states.DOUBT, states.UNCERTAIN)))
        .values(state=states.UNCERTAIN, updated_at=now)
        .execution_options(synchronize_session=False)
    )


def renew_generation(
    session: Session, request: Request, markers: Collection[str], *, now: dt.datetime
) -> None:
    """Looked up twice and not there: these documents are planned anew under a new generation (a new key)."""
    for marker in markers:
        kind, _, number = marker.partition(":")
        session.execute(
            update(Document)
            .where(Document.company_id == request.company_id, Document.kind == kind)
            .where(Document.number == number, Document.request_id == request.id)
            .where(Document.state.in_(states.sources(states.LAND, states.PLANNED)))
            .values(state=states.PLANNED, generation=Document.generation + 1, request_id=None, updated_at=now)
            .execution_options(synchronize_session=False)
        )


def holds_request(session: Session, request: Request, *, lease: str) -> dt.datetime | None:
    """Until when this worker holds the request; None when another took it up or settled it. The row is
    locked, so that the answer stays true for this transaction."""
    statement = select(Request.due_at).where(Request.id == request.id, Request.lease == lease)
    return session.scalars(statement.with_for_update()).one_or_none()


def claim_requests(
    session: Session, company_id: int, *, now: dt.datetime, lease: str, seconds: int, limit: int
) -> list[Request]:
    """Open requests whose time has come (their worker died, or it is time to look again), now ours."""
    due = (
        select(Request.id)
        .where(Request.company_id == company_id, Request.due_at <= now)
        .order_by(Request.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due_requests")  # once: as a subquery PostgreSQL may run it anew for each row
    )
    statement = (
        update(Request)
        .where(Request.id.in_(select(due.c.id)))
        .values(lease=lease, due_at=now + dt.timedelta(seconds=seconds))
        .returning(Request)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    return list(session.scalars(statement))


def open_documents(session: Session, request: Request) -> list[Document]:
    """The request's documents whose outcome is still unknown."""
    statement = select(Document).where(Document.request_id == request.id, Document.state.in_(states.OPEN))
    return list(session.scalars(statement.order_by(Document.id)))


def documents_of(session: Session, expense_ids: Collection[int]) -> dict[int, list[Document]]:
    """Documents by expense id, in the order they are made; receipts have a life of their own."""
    found: dict[int, list[Document]] = {expense_id: [] for expense_id in expense_ids}
    statement = (
        select(Document)
        .where(Document.expense_id.in_(expense_ids), Document.kind != RECEIPT)
        .order_by(Document.position, Document.id)
        .execution_options(populate_existing=True)
    )
    for document in session.scalars(statement):
        found[document.expense_id or 0].append(document)
    return found


def wake_owners(session: Session, request: Request) -> None:
    """Expenses that waited for this request's outcome are due now."""
    owners = select(Document.expense_id).where(Document.request_id == request.id)
    markers = [m.partition(":") for m in json.loads(request.markers)]
    numbers = {number for _, _, number in markers}
    loose = select(Document.expense_id).where(
        Document.company_id == request.company_id, Document.number.in_(numbers)
    )
    session.execute(
        update(Expense)
        .where(or_(Expense.id.in_(owners), Expense.id.in_(loose)))
        .where(Expense.state.in_((states.UNCERTAIN, states.POSTING, states.RETRYING)))
        .where(or_(Expense.lease.is_(None), Expense.due_at <= utcnow()))
        .values(due_at=utcnow(), lease=None)
        .execution_options(synchronize_session=False)
    )


def look_again(session: Session, expense_ids: Collection[int], *, now: dt.datetime) -> None:
    """A person asked: requests that waited for one are taken up again at once."""
    companies = select(Expense.company_id).where(Expense.id.in_(expense_ids))
    is_contact = and_(Document.expense_id.is_(None), Document.company_id.in_(companies))
    owned = select(Document.request_id).where(
        or_(Document.expense_id.in_(expense_ids), is_contact), Document.state.in_(states.OPEN)
    )
    session.execute(
        update(Request)
        .where(and_(Request.id.in_(owned), Request.due_at.is_(None), Request.state != states.SETTLED))
        .values(due_at=now, empty_lookups=0)
        .execution_options(synchronize_session=False)
    )


def requests_due(session: Session, documents: Sequence[Document]) -> Mapping[int, dt.datetime | None]:
    """When the requests of these documents are taken up, by request id."""
    ids = {d.request_id for d in documents if d.request_id is not None}
    rows = session.execute(select(Request.id, Request.due_at).where(Request.id.in_(ids)))
    return {row.id: row.due_at for row in rows}
