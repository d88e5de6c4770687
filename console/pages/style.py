"""What every template may use: money, moments, states as people read them; the ways through the house."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask, g, request, url_for
from sqlalchemy import select

from console.pages.blueprint import can
from console.services import services
from mappers.company_file import load_text
from mappers.money import format_money
from models import states
from models.company import Company

UTC = ZoneInfo("UTC")
MOST_COMPANIES = 30  # that the menu offers; with more, the list of companies serves better

# The screens of a company, and those across companies, in the order of the menus. Those that the
# application has, and the person may see, are shown.
SECTIONS = (
    ("overview.show", "Overview"),
    ("queue_page.show", "Queue"),
    ("grid.show", "Expense Connect"),
    ("settings.show", "Expense settings"),
    ("mapping.show", "Mapping"),
    ("connections.show", "Connections"),
    ("setup.show", "Setup"),
    ("inbox.show", "Inbox"),
    ("history.show", "History"),
)
ACROSS = (
    ("front.show", "Companies"),
    ("jobs.show", "Jobs"),
    ("users.show", "Users"),
    ("history.across", "History"),
)

PART_OF = {
    "expense": "queue_page",
    "readiness": "setup",
    "company_file": "setup",
}  # a screen that a section's rows lead to

# How a state looks beside its word: good, moving, waiting for a person, bad, over.
LOOKS = {
    states.DONE: "good",
    states.QUEUED: "moving",
    states.POSTING: "moving",
    states.RETRYING: "moving",
    states.UNCERTAIN: "moving",
    states.HELD: "over",
    states.NEEDS_ATTENTION: "act",
    states.AWAITING_APPROVAL: "act",
    states.CHANGED: "act",
    states.BROKEN: "bad",
    states.SKIPPED: "over",
    states.IGNORED: "over",
    states.UNDONE: "over",
    states.PLANNED: "over",
    states.SENT: "moving",
    states.POSTED: "good",
    states.DRAFTED: "act",
    states.FAILED: "bad",
    states.REVERSED: "over",
}


@dataclass(frozen=True)
class Link:
    """One way in a menu."""

    text: str
    url: str
    is_here: bool


def attach(app: Flask) -> None:
    """Gives templates their filters and functions."""
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(money=money, words=words, look=look, when=when, iso=iso, day=day, age=age)
    app.jinja_env.globals.update(
        can=can,
        sections=sections,
        across=across,
        company_home=company_home,
        companies_to_choose=companies_to_choose,
    )


def money(amount: Decimal | None, currency: str | None) -> str:
    """1,234.50: the currency's decimals, thousands apart; a dash for none."""
    if amount is None:
        return "–"
    whole, dot, rest = format_money(abs(amount), currency).partition(".")
    return f"{'−' if amount < 0 else ''}{int(whole):,}{dot}{rest}"


def words(code: str | None) -> str:
    """A code as words: needs_attention is "Needs attention"."""
    text = (code or "").replace("_", " ")
    return text[:1].upper() + text[1:]


def look(state: str) -> str:
    """Which of the few looks this state has."""
    return LOOKS.get(state, "over")


def when(moment: dt.datetime) -> str:
    """22 Aug 2026, 13:04 by the clock of the company whose page this is; elsewhere UTC, which is said."""
    zone = _zone()
    return f"{moment.astimezone(zone):%-d %b %Y, %H:%M}" + (" UTC" if zone is UTC else "")


def day(date: dt.date | None) -> str:
    """22 Aug 2026; a dash for none."""
    return f"{date:%-d %b %Y}" if date else "–"


def age(moment: dt.datetime, now: dt.datetime) -> str:
    """How long ago, in its largest unit: 5 min, 3 h, 12 d."""
    minutes = max(0, int((now - moment).total_seconds() // 60))
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // (24 * 60)} d"


def iso(moment: dt.datetime) -> str:
    """For `<time datetime>`."""
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def sections() -> list[Link]:
    """The menu of the company whose page this is."""
    company: Company | None = g.get("company")
    return [] if company is None else _links(SECTIONS, key=company.key)


def across() -> list[Link]:
    """The menu of what is not one company's."""
    return _links(ACROSS)


def companies_to_choose() -> list[Link]:
    """The companies that this person may see, by name."""
    statement = select(Company.key, Company.name).order_by(Company.name).limit(MOST_COMPANIES)
    if g.caller.companies is not None:
        statement = statement.where(Company.key.in_(g.caller.companies))
    here = g.company.key if "company" in g else None
    with services().database.read() as session:
        return [Link(name, company_home(key) or "/", key == here) for key, name in session.execute(statement)]


def company_home(key: str) -> str | None:
    """The first page of a company that the person may see; None when there is none."""
    return next((link.url for link in _links(SECTIONS, key=key)), None)


def _links(menu: tuple[tuple[str, str], ...], **values: Any) -> list[Link]:
    here = PART_OF.get(request.blueprint or "", request.blueprint)
    is_same = ("key" in values) == ("key" in (request.view_args or {}))
    return [
        Link(text, url_for(endpoint, **values), is_same and endpoint.partition(".")[0] == here)
        for endpoint, text in menu
        if can(endpoint, **values)
    ]


def _zone() -> ZoneInfo:
    if "zone" not in g:
        company: Company | None = g.get("company")
        g.zone = ZoneInfo(load_text(company.settings)["company"]["timezone"]) if company else UTC
    zone: ZoneInfo = g.zone
    return zone
