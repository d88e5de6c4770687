"""The raw inbox: every callback that was well signed, and taking one in again."""

from __future__ import annotations

from typing import Any

from console.access import caller, company_of
from console.api import schemas
from console.api.blueprint import COMPANY, EVENT, ApiBlueprint
from console.api.fields import event_cursor_of
from console.replaying import replay
from console.services import services
from console.shapes import Shape, event_shape
from models import queries

blueprint = ApiBlueprint("events", __name__, description="Callbacks as they arrived")


@blueprint.reads(f"{COMPANY}/events")
@blueprint.takes_query(schemas.EventQuery)
@blueprint.gives(200, schemas.EventPage, "One page of callbacks")
def list_events(query: dict[str, Any], key: str) -> Shape:
    """Callbacks, newest first"""
    with services().database.read() as session:
        company = company_of(session, key)
        events, next_id = queries.list_events(
            session,
            company.id,
            limit=query["limit"],
            after=query.get("cursor"),
            entry_id=query.get("entry_id"),
        )
    return {"events": [event_shape(event) for event in events], "next_cursor": event_cursor_of(next_id)}


@blueprint.acts(f"{COMPANY}/events/{EVENT}/replay")
@blueprint.gives(202, schemas.Replayed, "Taken in again")
def replay_event(key: str, event_id: int) -> Shape:
    """Take this callback in again, as if ConnectWise had just sent it"""
    with services().database.write() as session:
        company = company_of(session, key)
        now = services().database.now(session)
        is_queued = replay(session, company, event_id, actor=caller().actor, now=now)
    if is_queued:
        services().bell.ring(company.key)
    return {"status": "queued" if is_queued else "ignored"}
