"""Expense Connect: what happens with a company-paid expense, by who spent it and how they paid."""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from console.pages import pickers
from console.pages.blueprint import COMPANY, PageBlueprint
from console.pages.editing import (
    in_words,
    is_as_seen,
    not_saved,
    row_number,
    save,
    settings_now,
    typed,
    version_now,
)
from console.pages.rule_effects import Typed, effects_of, effects_of_typed
from errors import Trouble
from mappers.company import APPROVED, DRAFT, OFFSET, PAYMENT, Rule
from mappers.rules import linked_members
from models.roles import ADMIN

HERE = f"{COMPANY}/expense-connect"
ROW = "<int(min=1, max=100000):row>"
ACTIONS = {
    PAYMENT: "Payment Account: a bill, paid in full from the account",
    OFFSET: "Offset Account: a bill, paid from the offset account",
    APPROVED: "Approved Bill: a bill, unpaid",
    DRAFT: "Draft Bill: a bill that waits for approval",
}
FIELDS = ("member", "payment_type", "action", "account", "from", "to")

blueprint = PageBlueprint("grid", __name__, acts=ADMIN)


@blueprint.reads(HERE)
def show(key: str) -> ResponseReturnValue:
    """The rules, and a form to add one or to change the one that the address names by `row`."""
    rules = settings_now().rules
    row = request.args.get("row", type=int)
    rule = rules[row - 1] if row is not None and 1 <= row <= len(rules) else None
    return render_template("grid.html", **_context(_values(rule), row=row if rule else None))


@blueprint.reads(f"{HERE}/account")
def account(key: str) -> ResponseReturnValue:
    """The account picker as the action wants it."""
    return render_template("_rule_account.html", **_account(dict(request.args)))


@blueprint.acts(HERE)
def save_rule(key: str) -> ResponseReturnValue:
    """Adds the rule, or changes the one in `row`."""
    values, place = _form()
    problem = save(lambda tables: _put(tables, place, _rule(values)), what="rules")
    if problem is None:
        return redirect(url_for("grid.show", key=key))
    return _form_again(values, place, problem=problem), 400


@blueprint.acts(f"{HERE}/remove")
def remove(key: str) -> ResponseReturnValue:
    """Takes a rule out."""
    place = row_number(len(settings_now().rules))
    problem = save(lambda tables: tables["rules"].pop(place), what="rules")
    if problem is None:
        return redirect(url_for("grid.show", key=key))
    return render_template("grid.html", problem=problem, **_context(_values(None), row=None)), 400


@blueprint.reads(f"{HERE}/{ROW}/preview")
def preview(key: str, row: int) -> ResponseReturnValue:
    """What a saved rule makes of the latest real entries that it decides."""
    settings = settings_now()
    rule = settings.rules[row - 1] if row <= len(settings.rules) else None
    template = "_effects.html" if "HX-Request" in request.headers else "effects.html"
    return render_template(template, rule=rule, effects=effects_of(settings, rule) if rule else [])


@blueprint.acts(f"{HERE}/preview")
def preview_typed(key: str) -> ResponseReturnValue:
    """What the rule in the form would make of them if it were saved. It is not."""
    values, place = _form()
    try:
        after = not_saved(lambda tables: _put(tables, place, _rule(values)))
        typed_rule = effects_of_typed(settings_now(), after, place + 1)
    except Trouble as trouble:
        typed_rule = Typed(problem=in_words(trouble))
    if "HX-Request" in request.headers:
        return render_template("_effects.html", typed=typed_rule, effects=typed_rule.effects)
    return _form_again(
        values, place, typed=typed_rule, effects=typed_rule.effects
    ), 400 if typed_rule.problem else 200


def _form() -> tuple[dict[str, str], int]:
    """The rule that was typed, and its 0-based place among the others; a new one comes last."""
    rows = len(settings_now().rules)
    return {name: typed(name) for name in FIELDS}, row_number(rows) if typed("row") else rows


def _form_again(values: dict[str, str], place: int, **more: Any) -> str:
    """The page with what was typed, unless somebody else changed the rules meanwhile."""
    rows = len(settings_now().rules)
    if not is_as_seen():
        values, place = _values(None), rows
    return render_template("grid.html", **_context(values, row=place + 1 if place < rows else None), **more)


def _put(tables: dict[str, Any], place: int, rule: dict[str, str]) -> None:
    rules = tables.setdefault("rules", [])
    rules[place : place + 1] = [rule]


def _rule(values: dict[str, str]) -> dict[str, str]:
    """The row as the file writes it. An account that the action has no use for is left out."""
    wanted = {name: text for name, text in values.items() if text}
    if values["action"] not in (OFFSET, PAYMENT):
        wanted.pop("account", None)
    return wanted


def _values(rule: Rule | None) -> dict[str, str]:
    if rule is None:
        return {"member": "*", "payment_type": "*", "action": PAYMENT, "account": "", "from": "", "to": ""}
    days = {"from": rule.first_day, "to": rule.last_day}
    return {
        "member": rule.member,
        "payment_type": rule.payment_type,
        "action": rule.action,
        "account": rule.account or "",
    } | {name: day.isoformat() if day else "" for name, day in days.items()}


def _account(values: dict[str, str]) -> dict[str, Any]:
    action, chosen = values.get("action", ""), values.get("account", "")
    books = pickers.lists_of_company().books
    return {
        "action": action,
        "account": chosen,
        "account_options": pickers.rule_accounts(books, chosen, action=action),
    }


def _context(values: dict[str, str], *, row: int | None) -> dict[str, Any]:
    settings, lists = settings_now(), pickers.lists_of_company()
    names = {m.identifier: m.name for m in lists.site.members.values()} if lists.site else {}
    return {
        "settings": settings,
        "version": version_now(),
        "row": row,
        "values": values,
        "lists": lists,
        "names": names,
        "actions": ACTIONS,
        "linked": linked_members(settings.rules),
        "troubles": {
            rule.number: pickers.trouble_with(lists.books, rule.account, action=rule.action)
            for rule in settings.rules
        },
        "member_options": pickers.members(lists.site, values["member"]),
        "payment_options": pickers.payment_types(lists.site, values["payment_type"]),
        **_account(values),
    }
