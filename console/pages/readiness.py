"""Readiness: everything that would fail, told before it does, as `bin/manage company check` tells it."""

from __future__ import annotations

from flask import g, render_template
from flask.typing import ResponseReturnValue

from console.pages.blueprint import COMPANY, PageBlueprint
from console.pages.editing import in_words
from console.services import services
from errors import Trouble
from mappers.readiness import ERROR, Finding
from models.roles import OPERATOR

# Where a person mends what was found: the beginning of its cause, and the page.
PLACES = (
    ("account_", "grid.show"),
    ("rule_", "grid.show"),
    ("payment_type_", "grid.show"),
    ("expense_t", "mapping.show"),
    ("tax_", "mapping.show"),
    ("contact_", "mapping.show"),
    ("members_", "mapping.show"),
    ("offset_account_", "settings.show"),
    ("tracking_", "settings.show"),
    ("approval_", "settings.show"),
    ("closed_", "settings.show"),
    ("connect", "connections.show"),
    ("ledger_", "connections.show"),
    ("callback_", "connections.show"),
    ("paused", "connections.show"),
)

blueprint = PageBlueprint("readiness", __name__, reads=OPERATOR)


@blueprint.reads(f"{COMPANY}/readiness")
def show(key: str) -> ResponseReturnValue:
    """Looks at both sides now; changes nothing there."""
    try:
        findings = [(finding, _place(finding)) for finding in services().by_hand.readiness(g.company.key)]
    except Trouble as trouble:
        return render_template("readiness.html", findings=[], errors=0, problem=in_words(trouble))
    errors = sum(finding.level == ERROR for finding, _ in findings)
    return render_template("readiness.html", findings=findings, errors=errors)


def _place(finding: Finding) -> str | None:
    return next((page for beginning, page in PLACES if finding.cause.startswith(beginning)), None)
