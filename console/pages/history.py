"""Who changed what: in one company, and for admins everywhere."""

from __future__ import annotations

from flask import g, render_template, request, url_for
from flask.typing import ResponseReturnValue

from console.pages.blueprint import COMPANY, PageBlueprint
from console.services import services
from models.history import list_changes
from models.roles import ADMIN

ROWS = 50

blueprint = PageBlueprint("history", __name__)


@blueprint.reads(f"{COMPANY}/history")
def show(key: str) -> ResponseReturnValue:
    """What people changed in this company, newest first."""
    return _page(g.company.id, url_for("history.show", key=key))


@blueprint.reads("/history", role=ADMIN)
def across() -> ResponseReturnValue:
    """What people changed anywhere: users and tokens too."""
    return _page(None, url_for("history.across"))


def _page(company_id: int | None, url: str) -> str:
    before = request.args.get("before", type=int)
    with services().database.read() as session:
        changes = list_changes(session, company_id=company_id, before=before, limit=ROWS + 1)
    shown = changes[:ROWS]
    older = f"{url}?before={shown[-1].id}" if len(changes) > ROWS else None
    return render_template("history.html", changes=shown, older=older, newest=url if before else None)
