"""The queue: every expense of a company, what holds money up, and putting right by hand."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from typing import Any

from flask import Response, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from marshmallow import EXCLUDE, ValidationError
from sqlalchemy import ColumnElement
from werkzeug.exceptions import BadRequest

from console.access import caller
from console.api.answers import said
from console.api.fields import cursor_of, is_number
from console.api.schemas import ExpenseQuery
from console.condition import is_redis_there
from console.csv_export import expenses_csv
from console.pages.blueprint import COMPANY, PageBlueprint
from console.pages.live import live_answer
from console.services import services
from models import queries, states
from models.actions import retry_expenses
from models.expense import Expense

MOST_CHOSEN = 1_000  # rows that one press of a button may name

blueprint = PageBlueprint("queue_page", __name__)


@dataclass(frozen=True, kw_only=True)
class Listing:
    """One look at the queue. `version` changes whenever it would look different."""

    which: queries.Filter
    page: queries.Page
    counts: dict[str, int]
    causes: list[queries.CauseGroup]
    now: dt.datetime
    is_posting: bool  # False: Redis is away

    @property
    def version(self) -> str:
        rows = [(e.id, e.updated_at, e.lease is not None) for e in self.page.expenses]
        minute = self.now.replace(second=0, microsecond=0)
        seen = (rows, sorted(self.counts.items()), self.causes, minute, self.is_posting)
        return hashlib.sha256(repr(seen).encode()).hexdigest()[:16]


@blueprint.reads(f"{COMPANY}/queue")
def show(key: str) -> ResponseReturnValue:
    """The queue as the address filters it: `state`, `cause`, `member`, `q`, and `cursor` for older rows."""
    return render_template("queue.html", **_context(_look()))


@blueprint.reads(f"{COMPANY}/queue/rows")
def rows(key: str) -> ResponseReturnValue:
    """What changes on the page while somebody looks at it."""
    return live_answer("_queue.html", **_context(_look()))


@blueprint.reads(f"{COMPANY}/queue.csv")
def export(key: str) -> ResponseReturnValue:
    """Every row of this filter as CSV, whatever the number of pages."""
    name = f"expenses-{key}-{dt.datetime.now(dt.UTC):%Y-%m-%d}.csv"
    lines = expenses_csv(services().database, g.company.id, _filter(_asked()))
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(lines, mimetype="text/csv", headers=headers)


@blueprint.acts(f"{COMPANY}/queue/retry")
def retry(key: str) -> ResponseReturnValue:
    """Makes due now: the rows that were ticked, or all of a cause."""
    wanted = _chosen()
    if wanted is None:
        flash("Nothing was chosen: tick the expenses to retry, then press the button again.", "warning")
        return _back()
    with services().database.write() as session:
        now = services().database.now(session)
        count = retry_expenses(session, g.company, wanted, actor=caller().actor, now=now)
    services().bell.ring(g.company.key)
    if count:
        flash(f"{count} {'expense is' if count == 1 else 'expenses are'} being tried again.", "done")
    else:
        flash("Nothing to retry there: what was chosen is done, or a worker is at it already.", "warning")
    return _back()


def _chosen() -> ColumnElement[bool] | None:
    entries = [int(text) for text in request.form.getlist("entry")[:MOST_CHOSEN] if is_number(text)]
    if entries:
        return Expense.entry_id.in_(entries)
    cause = request.form.get("cause", "")
    return Expense.cause == cause if cause.isprintable() and cause else None


def _back() -> ResponseReturnValue:
    """To the list as it was filtered; the address comes from our own form, and only its query is used."""
    kept: dict[str, Any] = {name: request.form[f"shown_{name}"] for name in ("state", "cause", "member", "q")
            if request.form.get(f"shown_{name}")}  # fmt: skip
    return redirect(url_for("queue_page.show", key=g.company.key, **kept))


def _asked() -> dict[str, Any]:
    """The address's arguments, by the same rules as the API's."""
    try:
        asked: dict[str, Any] = ExpenseQuery(unknown=EXCLUDE).load(request.args)
    except ValidationError as error:
        raise BadRequest(f"The address asks for what there is not. {said(error.messages_dict)}") from None
    return asked


def _filter(asked: dict[str, Any]) -> queries.Filter:
    return queries.Filter(
        state=asked.get("state"), cause=asked.get("cause"), member=asked.get("member"), text=asked.get("q")
    )


def _look() -> Listing:
    asked = _asked()
    which = _filter(asked)
    with services().database.read() as session:
        return Listing(
            which=which,
            page=queries.list_expenses(
                session, g.company.id, which, limit=asked["limit"], after=asked.get("cursor")
            ),
            counts=queries.count_open(session, g.company.id),
            causes=queries.list_causes(session, g.company.id),
            now=services().database.now(session),
            is_posting=is_redis_there(services().redis),
        )


def _context(listing: Listing) -> dict[str, Any]:
    which = listing.which
    shown = {"state": which.state, "cause": which.cause, "member": which.member, "q": which.text}
    return {
        "listing": listing,
        "version": listing.version,
        "shown": {name: value for name, value in shown.items() if value},
        "cursor": request.args.get("cursor"),
        "next_cursor": cursor_of(listing.page.next_place),
        "every_state": states.EXPENSE_STATES,
        "ended": states.ENDED,
        "retriable": states.RETRIABLE,
    }
