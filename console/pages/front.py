"""The first page: the companies that this person may see, each with its health."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from flask import render_template
from flask.typing import ResponseReturnValue

from console.access import caller
from console.pages.blueprint import PageBlueprint
from console.services import services
from models import states
from models.backlog import Standing, list_standings

LATE = dt.timedelta(minutes=15)  # what is due so long ago should have been done
FOR_A_PERSON = (states.NEEDS_ATTENTION, states.AWAITING_APPROVAL, states.CHANGED, states.BROKEN)

blueprint = PageBlueprint("front", __name__, anywhere=True)


@dataclass(frozen=True, kw_only=True)
class Ailment:
    """Something that is not well with a company, how it looks, and why."""

    text: str
    look: str = "act"
    why: str | None = None


@blueprint.reads("/")
def show() -> ResponseReturnValue:
    """Companies by key, with what is due, what waits for a person, and whether the connections are well."""
    with services().database.read() as session:
        now = services().database.now(session)
        standings = list_standings(session, now=now, keys=caller().companies)
    rows = [(standing, ailments(standing, now=now), for_a_person(standing)) for standing in standings]
    return render_template("front.html", rows=rows)


def ailments(standing: Standing, *, now: dt.datetime) -> list[Ailment]:
    """What is not well with a company; nothing when all is."""
    company, found = standing.company, []
    if company.paused_at is not None:
        found.append(Ailment(text="Paused", look="bad", why=company.paused_why))
    if company.connection is None:
        found.append(Ailment(text="Not connected to its books"))
    elif company.connection.lost_at is not None and company.paused_at is None:
        found.append(Ailment(text="Connection lost", look="bad", why=company.connection.lost_why))
    if company.callback_state not in (None, "active"):
        found.append(
            Ailment(text=f"Callback {company.callback_state}", why="Expenses come by the sweep only.")
        )
    if standing.oldest is not None and standing.oldest < now - LATE and company.paused_at is None:
        found.append(Ailment(text="Behind", why="Expenses are due and nobody works on them: is a worker up?"))
    return found


def for_a_person(standing: Standing) -> int:
    """How many expenses wait for somebody to act."""
    return sum(standing.states.get(state, 0) for state in FOR_A_PERSON)
