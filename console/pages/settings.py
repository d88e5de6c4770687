"""Expense settings: the tables [company] and [expenses] of the company file, each key in plain words."""

from __future__ import annotations

import re
import zoneinfo
from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from console.pages import pickers
from console.pages.blueprint import COMPANY, PageBlueprint
from console.pages.editing import save, settings_now, typed, version_now
from mappers.company import ANY, OFFSET
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
    return render_template("settings.html", **_context())


@blueprint.acts(f"{HERE}/company")
def save_company(key: str) -> ResponseReturnValue:
    """Name, time zone, first day, member limit."""
    return _saved(key, save(_put_company, what="settings"))


@blueprint.acts(f"{HERE}/expenses")
def save_expenses(key: str) -> ResponseReturnValue:
    """Everything about what is posted, and how."""
    return _saved(key, save(_put_expenses, what="settings"))


def _saved(key: str, problem: str | None) -> ResponseReturnValue:
    if problem is None:
        return redirect(url_for("settings.show", key=key))
    return render_template("settings.html", problem=problem, **_context()), 400


def _put_company(tables: dict[str, Any]) -> None:
    table = tables["company"]
    table |= {"name": typed("name"), "timezone": typed("timezone")}
    _put(table, "start_date", typed("start_date"))
    _put(table, "member_limit", _number(typed("member_limit")))


def _put_expenses(tables: dict[str, Any]) -> None:
    table = tables.setdefault("expenses", {})
    table |= {name: name in request.form for name in FLAGS}
    table |= {name: typed(name) for name in TEXTS}
    table |= {name: ANY if f"{name}_any" in request.form else request.form.getlist(name) for name in WORDS}
    table["due_days"] = _number(typed("due_days"))
    _put(table, "offset_account", typed("offset_account"))
    pairs = zip(request.form.getlist("category"), request.form.getlist("source"), strict=False)
    _put(table, "tracking", {name.strip(): source for name, source in pairs if name.strip()})


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


def _context() -> dict[str, Any]:
    settings, books = settings_now(), pickers.lists_of_company().books
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
