"""What people ask: expenses by page, by cause, with their story; the raw inbox.

The API and the command line share these. Every list is cut into pages by key (newest first), so that a page
costs the same with a thousand rows and with a million, and a change between two pages hides no
other row: what changed is on top.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import reduce
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, literal, or_, select
from sqlalchemy.orm import Session

from errors import NotFound
from models import states
from models.company import Company, Event
from models.expense import Document, Expense, History, Request

SCAN = 10_000  # rows that one page of a text search looks through at most
STORY = 500  # steps of each kind that a timeline shows at most
HIDDEN_KINDS = ("contact",)  # kept in the outbox, never shown

LATER = dt.datetime.max.replace(tzinfo=dt.UTC)

Place = tuple[dt.datetime, int]  # updated_at and id of the last row of a page


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Which expenses. `text` is looked for in what people see of an expense; a number is an entry's."""

    state: str | None = None
    cause: str | None = None
    member: str | None = None
    text: str | None = None


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page of expenses, newest change first. `next_place` is None on the last page.

    A search may give a short page, even an empty one, with a next place: the rest is further on.
    """

    expenses: Sequence[Expense]
    documents: dict[int, list[Document]]
    next_place: Place | None


@dataclass(frozen=True, kw_only=True)
class CauseGroup:
    """The expenses that one cause holds up. `oldest`: when the first of them became known."""

    cause: str
    to_do: str | None
    count: int
    money: dict[str, Decimal]
    oldest: dt.datetime


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of an expense's story."""

    at: dt.datetime
    what: str
    text: str
    actor: str


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One write that an expense took part in. `part`: what was sent for this expense, as indented JSON;
    `shared_with`: how many documents of others the same call carried."""

    request: Request
    documents: list[Document]
    part: str
    shared_with: int


@dataclass
class _Group:
    to_do: str | None = None
    count: int = 0
    money: dict[str, Decimal] = field(default_factory=dict)
    oldest: dt.datetime = LATER


def list_expenses(
    session: Session, company_id: int, which: Filter, *, limit: int, after: Place | None = None
) -> Page:
    """The page of at most `limit` expenses that follows `after`."""
    if after is not None:
        after = (after[0].astimezone(dt.UTC), after[1])
    statement = _ordered(_narrowed(select(Expense), company_id, which, after))
    end: Place | None = None
    if which.text and _entry_id(which.text) is None:
        end = _place_at(session, company_id, which, after)
        if end is not None:
            statement = statement.where(or_(_before(end), _is_at(end)))
        statement = statement.where(_contains(which.text))
    found = list(session.scalars(statement.limit(limit + 1)))
    shown = found[:limit]
    next_place = (shown[-1].updated_at, shown[-1].id) if len(found) > limit else None
    if next_place is None and end is not None:
        next_place = end
    ids = [expense.id for expense in shown]
    return Page(expenses=shown, documents=shown_documents(session, ids), next_place=next_place)


def _narrowed(
    statement: Select[*tuple[Any, ...]], company_id: int, which: Filter, after: Place | None
) -> Select[*tuple[Any, ...]]:
    statement = statement.where(Expense.company_id == company_id)
    if which.state is not None:
        statement = statement.where(Expense.state == which.state)
    if which.cause is not None:
        statement = statement.where(Expense.cause == which.cause)
    if which.member is not None:
        statement = statement.where(Expense.member == which.member)
    entry_id = _entry_id(which.text) if which.text else None
    if entry_id is not None:
        statement = statement.where(Expense.entry_id == entry_id)
    return statement if after is None else statement.where(_after(after))


def _ordered(statement: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    return statement.order_by(Expense.updated_at.desc(), Expense.id.desc())


def _after(place: Place) -> ColumnElement[bool]:
    """Further down the list. The first half says the same once more in a way that an index understands."""
    at, row_id = place
    return and_(Expense.updated_at <= at, or_(Expense.updated_at < at, Expense.id < row_id))


def _before(place: Place) -> ColumnElement[bool]:
    at, row_id = place
    return and_(Expense.updated_at >= at, or_(Expense.updated_at > at, Expense.id > row_id))


def _is_at(place: Place) -> ColumnElement[bool]:
    return and_(Expense.updated_at == place[0], Expense.id == place[1])


def _place_at(session: Session, company_id: int, which: Filter, after: Place | None) -> Place | None:
    """Where a search that began at `after` must stop; None when fewer than SCAN rows are left."""
    places: Select[*tuple[Any, ...]] = select(Expense.updated_at, Expense.id)
    rows = _ordered(_narrowed(places, company_id, which, after))
    row = session.execute(rows.offset(SCAN - 1).limit(1)).one_or_none()
    return None if row is None else (row.updated_at, row.id)


def _contains(text: str) -> ColumnElement[bool]:
    seen = (
        Expense.member,
        Expense.expense_type,
        Expense.payment_type,
        Expense.classification,
        Expense.cause,
        Expense.why,
    )
    parts: list[ColumnElement[str]] = [func.coalesce(column, literal("")) for column in seen]
    whole = reduce(lambda one, other: one + " " + other, parts)
    return whole.icontains(text, autoescape=True)


def _entry_id(text: str) -> int | None:
    """4711 for "4711", "#4711" and the ledger's "CW-4711" or "CW-4711-2"."""
    number = text.strip().upper().removeprefix("#").removeprefix("CW-").partition("-")[0]
    is_number = number.isascii() and number.isdigit() and len(number) <= 18
    return int(number) if is_number else None


def shown_documents(session: Session, expense_ids: Collection[int]) -> dict[int, list[Document]]:
    """Documents by expense id, in the order they are made; contacts are never among them."""
    found: dict[int, list[Document]] = {expense_id: [] for expense_id in expense_ids}
    if not found:
        return found
    statement = (
        select(Document)
        .where(Document.expense_id.in_(expense_ids), Document.kind.not_in(HIDDEN_KINDS))
        .order_by(Document.position, Document.id)
    )
    for document in session.scalars(statement):
        found[document.expense_id or 0].append(document)
    return found


def list_causes(session: Session, company_id: int) -> list[CauseGroup]:
    """What holds money up, the largest group first."""
    statement = (
        select(
            Expense.cause,
            Expense.currency,
            func.max(Expense.to_do).label("to_do"),
            func.count().label("number"),
            func.sum(Expense.amount).label("money"),
            func.min(Expense.created_at).label("oldest"),
        )
        .where(Expense.company_id == company_id, Expense.cause.is_not(None))
        .where(Expense.state.in_(states.STUCK))
        .group_by(Expense.cause, Expense.currency)
    )
    groups: dict[str, _Group] = {}
    for row in session.execute(statement):
        group = groups.setdefault(str(row.cause), _Group())
        group.to_do = group.to_do or row.to_do
        group.count += row.number
        group.oldest = min(group.oldest, row.oldest)
        if row.currency is not None and row.money is not None:
            group.money[row.currency] = row.money
    made = [
        CauseGroup(cause=cause, to_do=g.to_do, count=g.count, money=g.money, oldest=g.oldest)
        for cause, g in groups.items()
    ]
    return sorted(made, key=lambda group: (-group.count, group.cause))


def count_open(session: Session, company_id: int) -> dict[str, int]:
    """How many expenses are in each state that is not an end; the history's millions are not counted."""
    statement = (
        select(Expense.state, func.count().label("number"))
        .where(Expense.company_id == company_id)
        .where(Expense.state.in_([state for state in states.EXPENSE_STATES if state not in states.ENDED]))
        .group_by(Expense.state)
    )
    return {row.state: row.number for row in session.execute(statement)}


def timeline(session: Session, expense: Expense) -> list[Step]:
    """The story of an expense, oldest first: callbacks, what was done and by whom, what was made."""
    steps = [*_callbacks(session, expense), *_history(session, expense), *_made(session, expense)]
    return sorted(steps, key=lambda step: step.at)


def _callbacks(session: Session, expense: Expense) -> list[Step]:
    statement = (
        select(Event)
        .where(Event.company_id == expense.company_id, Event.entry_id == expense.entry_id)
        .order_by(Event.id.desc())
        .limit(STORY)
    )
    return [
        Step(
            at=event.received_at,
            what="callback",
            text=f"ConnectWise says: {event.action or 'something happened'}",
            actor="connectwise",
        )
        for event in session.scalars(statement)
    ]


def _history(session: Session, expense: Expense) -> list[Step]:
    statement = (
        select(History).where(History.expense_id == expense.id).order_by(History.id.desc()).limit(STORY)
    )
    return [
        Step(at=row.at, what=row.what, text=row.text, actor=row.actor) for row in session.scalars(statement)
    ][::-1]


def _made(session: Session, expense: Expense) -> list[Step]:
    steps = []
    for document in shown_documents(session, [expense.id])[expense.id]:
        if document.state in states.MADE:
            text = f"{document.kind} {document.number} is {document.state} at the ledger"
            at = document.seen_at or document.updated_at
            steps.append(Step(at=at, what=document.state, text=text, actor="ledger"))
        elif document.words:
            text = f"{document.kind} {document.number}: {document.words}"
            steps.append(Step(at=document.updated_at, what=document.state, text=text, actor="ledger"))
    return steps


def requests_of(session: Session, expense: Expense) -> list[Sent]:
    """The writes that made this expense's documents, as far as each document's last one, oldest first."""
    statement = (
        select(Document)
        .where(Document.expense_id == expense.id, Document.request_id.is_not(None))
        .order_by(Document.position, Document.id)
    )
    by_request: dict[int, list[Document]] = {}
    for document in session.scalars(statement):
        by_request.setdefault(document.request_id or 0, []).append(document)
    requests = session.scalars(select(Request).where(Request.id.in_(by_request)).order_by(Request.id))
    return [_sent(request, by_request[request.id]) for request in requests]


def _sent(request: Request, documents: list[Document]) -> Sent:
    markers: list[str] = json.loads(request.markers)
    own = {document.marker for document in documents}
    return Sent(
        request=request,
        documents=documents,
        part=_own_part(request.body, markers, own),
        shared_with=sum(marker not in own for marker in markers),
    )


def _own_part(body: bytes, markers: list[str], own: Collection[str]) -> str:
    """The elements of a batch at the places of our own markers; the whole body when it isn't a batch."""
    try:
        sent = json.loads(body)
    except ValueError:
        return f"{len(body):,} bytes that are not JSON"
    for elements in sent.values() if isinstance(sent, dict) else ():
        if isinstance(elements, list) and len(elements) == len(markers):
            sent = [element for element, marker in zip(elements, markers, strict=True) if marker in own]
            break
    return json.dumps(sent, indent=2, ensure_ascii=False)


def list_events(
    session: Session, company_id: int, *, limit: int, after: int | None = None, entry_id: int | None = None
) -> tuple[list[Event], int | None]:
    """Stored callbacks, newest first, and the id after which the next page begins (None: no more)."""
    statement = select(Event).where(Event.company_id == company_id).order_by(Event.id.desc())
    if after is not None:
        statement = statement.where(Event.id < after)
    if entry_id is not None:
        statement = statement.where(Event.entry_id == entry_id)
    found = list(session.scalars(statement.limit(limit + 1)))
    shown = found[:limit]
    return shown, shown[-1].id if len(found) > limit else None


def find_event(session: Session, company: Company, event_id: int) -> Event:
    """This callback of this company; raises NotFound."""
    statement = select(Event).where(Event.company_id == company.id, Event.id == event_id)
    event = session.scalars(statement).one_or_none()
    if event is None:
        raise NotFound(f"{company.key} has no event {event_id}. The list of its events shows those it has.")
    return event
