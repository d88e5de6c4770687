"""bin/manage event: the raw inbox."""

from __future__ import annotations

import click

from console.commands.operator import Operator, pass_operator
from console.commands.printing import as_json_option, say, say_rows
from console.replaying import replay
from console.shapes import event_shape
from models.companies import find_company
from models.queries import list_events

BIGGEST = click.IntRange(1, 2**63 - 1)


@click.group()
def event() -> None:
    """Callbacks as they arrived."""


@event.command("list")
@click.argument("key")
@click.option("--entry", "entry_id", type=BIGGEST, help="Only callbacks about this entry.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@as_json_option
@pass_operator
def list_some(operator: Operator, key: str, entry_id: int | None, limit: int, *, as_json: bool) -> None:
    """The latest callbacks, newest first."""
    with operator.database.read() as session:
        company = find_company(session, key)
        events, _ = list_events(session, company.id, limit=limit, entry_id=entry_id)
        rows = [event_shape(row) for row in events]
    columns = ("id", "received_at", "type", "action", "entry_id", "status", "replayed_at")
    say_rows(rows, columns, as_json=as_json, nothing="No callback has arrived yet.")


@event.command("replay")
@click.argument("key")
@click.argument("event_id", type=BIGGEST)
@pass_operator
def replay_one(operator: Operator, key: str, event_id: int) -> None:
    """Take a callback in again."""
    with operator.database.write() as session:
        company = find_company(session, key)
        now = operator.database.now(session)
        is_queued = replay(session, company, event_id, actor=operator.actor, now=now)
    if not is_queued:
        raise click.ClickException(f"Event {event_id} is not about an expense; there is nothing to do.")
    operator.bell.ring(key)
    say(f"Event {event_id} is taken in again.")
