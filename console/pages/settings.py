"""Expense settings: the tables [company] and [expenses] of the company file, each key in plain words."""

from __future__ import annotations

import re
import zoneinfo
from dataclasses import replace
from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from console.pages import pickers
from console.pages.blueprint import COMPANY, PageBlueprint
from console.pages.editing import is_as_seen, save, settings_now, typed, version_now
from mappers.company import ANY, OFFSET, CompanySettings
from mappers.company_fields import BILLING_STATUSES, SOURCES, STATUSES
from models.roles import ADMIN

HERE = f"{COMPANY}/settings"
MOST_TRACKING = 2
FLAGS = ("require_report_approval", "second_tier_for_projects", "inclusive_of_tax", "attach_receipts")
TEXTS = ("reimbursable_as", "company_paid_as", "closed_period", "payee")
WORDS = {"approval": STATUSES, "billing_statuses": BILLING_STATUSES}

blueprint = PageBlueprint("settings", __name__, acts=ADMIN)


@blueprint.reads(HERE)
def show(key: str) -> ResponseReturnValue:
    """Every setting as it is."""
    return render_template("settings.html", **_context(settings_now()))


@blueprint.acts(f"{HERE}/company")
def save_company(key: str) -> ResponseReturnValue:
    """Name, time zone, first day, member limit."""
    problem = save(_put_company, what="settings")
    if problem is None:
        return redirect(url_for("settings.show", key=key))
    settings = settings_now()
    shown = replace(settings, **_typed_company()) if is_as_seen() else settings
    return render_template("settings.html", problem=problem, **_context(shown)), 400


@blueprint.acts(f"{HERE}/expenses")
def save_expenses(key: str) -> ResponseReturnValue:
    """Everything about what is posted, and how."""
    problem = save(_put_expenses, what="settings")
    if problem is None:
        return redirect(url_for("settings.show", key=key))
    settings = settings_now()
    typed_in = _typed_expenses() if is_as_seen() else {}
    shown = replace(settings, expenses=replace(settings.expenses, **typed_in))
    return render_template("settings.html", problem=problem, **_context(shown)), 400


def _put_company(tables: dict[str, Any]) -> None:
    for name, value in _typed_company().items():
        _put(tables["company"], name, value)


def _put_expenses(tables: dict[str, Any]) -> None:
    table = tables.setdefault("expenses", {})
    values = _typed_expenses()
    table |= {name: values[name] for name in (*FLAGS, *TEXTS, "due_days")}
    table |= {name: ANY if values[name] is None else values[name] for name in WORDS}
    _put(table, "offset_account", values["offset_account"])
    _put(table, "tracking", dict(values["tracking"]))


def _typed_company() -> dict[str, Any]:
    """The fields of the form about the company."""
    texts = {name: typed(name) for name in ("name", "timezone", "start_date")}
    return texts | {"member_limit": _number(typed("member_limit"))}


def _typed_expenses() -> dict[str, Any]:
    """The fields of the form about expenses; None for the words "any"."""
    form = request.form
    values: dict[str, Any] = {name: name in form for name in FLAGS}
    values |= {name: typed(name) for name in (*TEXTS, "offset_account")}
    values |= {name: None if f"{name}_any" in form else form.getlist(name) for name in WORDS}
    pairs = zip(form.getlist("category"), form.getlist("source"), strict=False)
    tracking = tuple((name.strip(), source) for name, source in pairs if name.strip())
    return values | {"due_days": _number(typed("due_days")), "tracking": tracking}


def _put(table: dict[str, Any], name: str, value: Any) -> None:
    """Writes the value; nothing typed takes the key out."""
    table.pop(name, None)
    if value:
        table[name] = value


def _number(text: str) -> int | str:
    """A whole number; what isn't one is left to the file's own check, which says so."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else text


def _in_words(name: str) -> str:
    """ApprovedByTierOne is "Approved by tier one"."""
    return re.sub(r"(?<!^)([A-Z])", r" \1", name).capitalize()


def _context(settings: CompanySettings) -> dict[str, Any]:
    """`settings` as they are stored, or as somebody typed them when that was refused."""
    books = pickers.lists_of_company().books
    account = settings.expenses.offset_account
    tracking = [*settings.expenses.tracking, *[("", "")] * MOST_TRACKING][:MOST_TRACKING]
    return {
        "version": version_now(),
        "settings": settings,
        "expenses": settings.expenses,
        "words_known": {name: [(word, _in_words(word)) for word in words] for name, words in WORDS.items()},
        "sources": SOURCES,
        "tracking": tracking,
        "categories": [category.name for category in books.tracking] if books else [],
        "timezones": sorted(zoneinfo.available_timezones()),
        "offset_options": pickers.rule_accounts(books, account, action=OFFSET),
    }
