"""The raw inbox: every callback that was well signed, as it arrived, and taking one in again."""

from __future__ import annotations

import json

from flask import flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from marshmallow import EXCLUDE, ValidationError
from werkzeug.exceptions import BadRequest

from console.access import caller
from console.api.answers import said
from console.api.blueprint import EVENT
from console.api.fields import event_cursor_of
from console.api.schemas import EventQuery
from console.pages.blueprint import COMPANY, PageBlueprint
from console.replaying import replay
from console.services import services
from models import queries

HERE = f"{COMPANY}/inbox"

blueprint = PageBlueprint("inbox", __name__)


@blueprint.reads(HERE)
def show(key: str) -> ResponseReturnValue:
    """Callbacks, newest first; `entry_id`: those about one entry, `cursor`: older ones."""
    given = {name: value for name, value in request.args.items() if value.strip()}
    try:
        asked = EventQuery(unknown=EXCLUDE).load(given)
    except ValidationError as error:
        raise BadRequest(f"The address asks for what there is not. {said(error.messages_dict)}") from None
    entry_id, cursor = asked.get("entry_id"), asked.get("cursor")
    with services().database.read() as session:
        events, next_id = queries.list_events(
            session, g.company.id, limit=asked["limit"], after=cursor, entry_id=entry_id
        )
    older = next_id and url_for("inbox.show", key=key, entry_id=entry_id, cursor=event_cursor_of(next_id))
    newest = url_for("inbox.show", key=key, entry_id=entry_id) if cursor else None
    return render_template("inbox.html", events=events, entry_id=entry_id, older=older, newest=newest)


@blueprint.reads(f"{HERE}/{EVENT}")
def event(key: str, event_id: int) -> ResponseReturnValue:
    """One callback with its body."""
    with services().database.read() as session:
        found = queries.find_event(session, g.company, event_id)
    return render_template("event.html", event=found, body=readable(found.body))


@blueprint.acts(f"{HERE}/{EVENT}/replay")
def replay_event(key: str, event_id: int) -> ResponseReturnValue:
    """Takes it in again, as if ConnectWise had just sent it."""
    with services().database.write() as session:
        now = services().database.now(session)
        is_queued = replay(session, g.company, event_id, actor=caller().actor, now=now)
    if is_queued:
        services().bell.ring(key)
        flash("The callback was taken in again.", "done")
    else:
        flash("Nothing to do: this callback is not about an expense.", "warning")
    return redirect(url_for("inbox.event", key=key, event_id=event_id))


def readable(body: bytes) -> str:
    """The body as indented JSON; what is not JSON as text, with � for bytes that are not."""
    text = body.decode(errors="replace")
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text
