"""One expense: its story from callback to reconciled, what was made, and what people may do with it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from marshmallow import ValidationError

from console.access import caller
from console.api.answers import refusal_of
from console.api.fields import is_number
from console.api.schemas import HandledBody, IgnoreBody
from console.pages.blueprint import COMPANY, ENTRY, PageBlueprint
from console.pages.live import live_answer
from console.replaying import replay
from console.services import services
from errors import NeedsAttention, Trouble
from mappers.traits import TRAITS
from models import queries, states
from models.actions import approve_expense, find_expense, ignore_expense, retry_expense
from models.company import Event
from models.expense import Document, Expense
from models.handling import is_by_hand, why_not
from models.receipts import RECEIPT

HERE = f"{COMPANY}/expenses/{ENTRY}"
CALLBACKS = 20  # that the page offers to take in again

blueprint = PageBlueprint("expense", __name__)


@dataclass(frozen=True, kw_only=True)
class Story:
    """All that the page tells of one expense. `version` changes with any of it."""

    expense: Expense
    documents: list[Document]
    steps: list[queries.Step]
    requests: list[queries.Sent]
    events: list[Event]

    @property
    def version(self) -> str:
        documents = [(d.id, d.state, d.updated_at, d.reconciled) for d in self.documents]
        seen = (self.expense.updated_at, self.expense.state, self.expense.lease, documents, len(self.steps))
        return hashlib.sha256(repr(seen).encode()).hexdigest()[:16]

    @property
    def may_ignore(self) -> bool:
        return self.expense.state not in (states.DONE, states.IGNORED, states.UNDONE)

    @property
    def by_hand(self) -> bool:
        """Whether its bill is a person's."""
        return any(is_by_hand(document) for document in self.documents)

    @property
    def may_be_handled(self) -> bool:
        made = [document for document in self.documents if document.kind != RECEIPT]
        return why_not(self.expense, made) is None


@blueprint.reads(HERE)
def show(key: str, entry_id: int) -> ResponseReturnValue:
    """The whole story."""
    return render_template("expense.html", **_context(_look(entry_id)))


@blueprint.reads(f"{HERE}/story")
def story(key: str, entry_id: int) -> ResponseReturnValue:
    """What changes while somebody looks."""
    return live_answer("_expense.html", **_context(_look(entry_id)))


@blueprint.reads(f"{HERE}/preview")
def preview(key: str, entry_id: int) -> ResponseReturnValue:
    """What a retry would make now: reads both sides, posts nothing."""
    shown, problem = None, None
    try:
        shown = services().by_hand.preview(g.company.key, entry_id)
    except Trouble as trouble:
        problem = refusal_of(trouble).message
    template = "_preview.html" if "HX-Request" in request.headers else "preview.html"
    return render_template(template, shown=shown, problem=problem, entry_id=entry_id)


@blueprint.acts(f"{HERE}/retry")
def retry(key: str, entry_id: int) -> ResponseReturnValue:
    """Makes it due now."""
    with services().database.write() as session:
        now = services().database.now(session)
        try:
            is_due = retry_expense(session, g.company, entry_id, actor=caller().actor, now=now)
        except NeedsAttention as trouble:
            return _back(entry_id, f"{trouble.why} {trouble.to_do}", "problem")
    services().bell.ring(g.company.key)
    return _back(entry_id, "It is being tried again." if is_due else "A worker is at it already.", "done")


@blueprint.acts(f"{HERE}/approve")
def approve(key: str, entry_id: int) -> ResponseReturnValue:
    """Posts a draft that is kept here."""
    with services().database.write() as session:
        now = services().database.now(session)
        try:
            approve_expense(session, g.company, entry_id, actor=caller().actor, now=now)
        except NeedsAttention as trouble:
            return _back(entry_id, f"{trouble.why} {trouble.to_do}", "problem")
    services().bell.ring(g.company.key)
    return _back(entry_id, "Approved; it is being posted.", "done")


@blueprint.acts(f"{HERE}/ignore")
def ignore(key: str, entry_id: int) -> ResponseReturnValue:
    """Takes it out of the queue for good."""
    try:
        reason = IgnoreBody().load({"reason": request.form.get("reason", "").strip()})["reason"]
    except ValidationError:
        return _back(entry_id, "Say in one line why it is ignored, so that others understand it.", "problem")
    with services().database.write() as session:
        now = services().database.now(session)
        try:
            ignore_expense(session, g.company, entry_id, reason=reason, actor=caller().actor, now=now)
        except NeedsAttention as trouble:
            return _back(entry_id, f"{trouble.why} {trouble.to_do}", "problem")
    return _back(entry_id, "It is ignored from now on. Retry brings it back.", "done")


@blueprint.acts(f"{HERE}/handled")
def handled(key: str, entry_id: int) -> ResponseReturnValue:
    """A person made its bill in the ledger: looked up there first."""
    try:
        bill = HandledBody().load({"bill_id": request.form.get("bill_id", "").strip()})["bill_id"]
    except ValidationError:
        return _back(entry_id, "Paste the bill's id, or the address of its page, in one line.", "problem")
    try:
        services().by_hand.handle(g.company.key, entry_id, bill, actor=caller().actor)
    except Trouble as trouble:
        return _back(entry_id, refusal_of(trouble).message, "problem")
    return _back(entry_id, "The bill was found and agrees; the expense is done.", "done")


@blueprint.acts(f"{HERE}/replay")
def replay_event(key: str, entry_id: int) -> ResponseReturnValue:
    """Takes a stored callback of this expense in again."""
    number = request.form.get("event", "")
    with services().database.write() as session:
        now = services().database.now(session)
        known = {event.id for event in _events(session, entry_id)}
        if not is_number(number) or int(number) not in known:
            return _back(entry_id, "That callback is not one of this expense's latest.", "problem")
        replay(session, g.company, int(number), actor=caller().actor, now=now)
    services().bell.ring(g.company.key)
    return _back(entry_id, "The callback was taken in again.", "done")


def _look(entry_id: int) -> Story:
    with services().database.read() as session:
        expense = find_expense(session, g.company, entry_id)
        return Story(
            expense=expense,
            documents=queries.shown_documents(session, [expense.id])[expense.id],
            steps=queries.timeline(session, expense)[::-1],
            requests=queries.requests_of(session, expense),
            events=_events(session, entry_id),
        )


def _events(session: Any, entry_id: int) -> list[Event]:
    return queries.list_events(session, g.company.id, limit=CALLBACKS, entry_id=entry_id)[0]


def _context(story: Story) -> dict[str, Any]:
    entry = json.loads(story.expense.entry) if story.expense.entry else None
    return {
        "story": story,
        "expense": story.expense,
        "version": story.version,
        "entry_text": json.dumps(entry, indent=2, ensure_ascii=False) if entry else None,
        "retriable": states.RETRIABLE,
        "awaiting": states.AWAITING_APPROVAL,
        "is_by_hand": is_by_hand,
        "ledger": TRAITS[g.company.provider].name,
    }


def _back(entry_id: int, message: str, category: str) -> ResponseReturnValue:
    flash(message, category)
    return redirect(url_for("expense.show", key=g.company.key, entry_id=entry_id))
