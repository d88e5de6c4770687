"""Setup: what a company still needs before its expenses are posted, one step after another."""

from __future__ import annotations

from dataclasses import dataclass

from flask import g, render_template
from flask.typing import ResponseReturnValue

from console.pages import pickers
from console.pages.blueprint import COMPANY, PageBlueprint
from console.pages.editing import settings_now
from mappers.words import folded

blueprint = PageBlueprint("setup", __name__)


@dataclass(frozen=True)
class Step:
    """One step, in the template's words for its name."""

    name: str
    is_done: bool


@blueprint.reads(f"{COMPANY}/setup")
def show(key: str) -> ResponseReturnValue:
    """The steps, and the way to the first that isn't done."""
    found = steps()
    to_do = next((step.name for step in found if not step.is_done), None)
    done = sum(step.is_done for step in found)
    return render_template("setup.html", steps=found, next_step=to_do, done=done)


def steps() -> list[Step]:
    """Every step in its order, as far as is known here without asking anybody."""
    company, lists = g.company, pickers.lists_of_company()
    mapped = {folded(row.name) for row in settings_now().expense_types}
    types = lists.site.expense_types.values() if lists.site else ()
    return [
        Step("keys", True),  # a company isn't added without keys that work
        Step("connect", company.connection is not None and company.connection.lost_at is None),
        Step("organisation", company.connection is not None and company.tenant_id is not None),
        Step("callback", company.callback_state == "active"),
        Step("lists", lists.site is not None and lists.books is not None),
        Step("mapping", bool(types) and all(folded(t.name) in mapped for t in types if t.active)),
    ]
