"""The Overview: figures that are true, health in words, charts with a table behind them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from playwright.sync_api import Page
from sqlalchemy import update

from console.pages.overview import charts, lasting
from models import states
from models.alerts import settle_alerts
from models.company import Company
from models.database import Database
from models.expense import Expense
from models.figures import Day, by_day, list_posted, money_of
from models.troubles import Matter
from tests.console.conftest import add_document
from tests.pages.conftest import People
from tests.pages.looks import look_at
from workers.queues import redis_client

Add = Callable[..., Expense]
OVERVIEW = "/companies/acme"
BRISBANE = ZoneInfo("Australia/Brisbane")


@pytest.fixture
def now(database: Database) -> dt.datetime:
    with database.read() as session:
        return database.now(session)


def post(
    database: Database, add_expense: Add, number: int, at: dt.datetime, seconds: int, **more: object
) -> None:
    """An expense whose bill was made at that moment, so many seconds after its approval came."""
    values = {
        "created_at": at - dt.timedelta(days=3),
        "approved_at": at - dt.timedelta(seconds=seconds),
    } | more
    expense = add_expense(number, state=states.DONE, updated_at=at, **values)
    add_document(database, expense, "bill", seen_at=at)
    add_document(database, expense, "payment", seen_at=at, position=1)


def test_what_was_posted_is_counted_once_by_the_companys_days(
    database: Database, acme: Company, add_expense: Add
) -> None:
    late = dt.datetime(2026, 8, 20, 14, 30, tzinfo=dt.UTC)  # the 21st in Brisbane
    for number, seconds in enumerate((10, 20, 90), start=1):
        post(database, add_expense, number, late, seconds)
    post(database, add_expense, 4, late - dt.timedelta(days=9), 5)
    add_expense(5, state=states.NEEDS_ATTENTION, updated_at=late)
    with database.read() as session:
        posted = list_posted(session, acme.id, since=late - dt.timedelta(days=5))
    assert money_of(posted) == {"AUD": Decimal("361.5")}
    days = by_day(posted, last=dt.date(2026, 8, 22), days=3, zone=BRISBANE)
    assert [(day.date.day, day.count, day.typical_seconds) for day in days] == [
        (20, 0, None),
        (21, 3, 20),
        (22, 0, None),
    ]


def test_what_has_no_known_approval_counts_as_posted_but_not_among_the_times(
    database: Database, acme: Company, add_expense: Add
) -> None:
    at = dt.datetime(2026, 8, 21, 3, 0, tzinfo=dt.UTC)
    post(database, add_expense, 1, at, 30)
    post(database, add_expense, 2, at, 0, approved_at=None)
    post(database, add_expense, 3, at, 0, approved_at=at + dt.timedelta(hours=1))  # noted after it was posted
    with database.read() as session:
        posted = list_posted(session, acme.id, since=at - dt.timedelta(days=5))
    [day] = by_day(posted, last=dt.date(2026, 8, 21), days=1, zone=BRISBANE)
    assert (day.count, day.typical_seconds) == (3, 30)


def test_the_longest_bar_is_the_measure() -> None:
    days = [Day(date=dt.date(2026, 8, n), count=count, typical_seconds=None) for n, count in ((1, 2), (2, 8))]
    assert [(bar.label, bar.said, bar.share) for bar in charts(days)["posted"]] == [
        ("1 Aug", "2", 25),
        ("2 Aug", "8", 100),
    ]
    assert [bar.share for bar in charts(days)["taken"]] == [0, 0]
    said = [lasting(seconds) for seconds in (None, 0.2, 4, 90, 7_200, 200_000)]
    assert said == ["–", "under 1 s", "4 s", "2 min", "2 h", "2 d"]


@pytest.mark.one_database
def test_figures_and_causes_stand_there(
    person: People, database: Database, add_expense: Add, now: dt.datetime
) -> None:
    post(database, add_expense, 1, now, 30)
    add_expense(2, cause="account_unknown", amount=Decimal("1000"))
    add_expense(3, cause="account_unknown", amount=Decimal("7"), currency="USD", state=states.HELD)
    add_expense(4, state=states.QUEUED, amount=None, currency=None)
    page = person("viewer", ["acme"]).get(OVERVIEW).text
    figures = dict(zip(*[iter(_texts(page, "figures"))] * 2, strict=True))
    assert figures["Posted today"].startswith("1") and figures["Waiting"] == "1"
    assert figures["Needs a person"] == "1" and "1,000.00" in figures["Money stuck"]
    assert "Account unknown" in page and "/companies/acme/queue?cause=account_unknown" in page


def _texts(page: str, name: str) -> list[str]:
    """The texts of a list of definitions: a term, what it says, the next term …"""
    inside = page.partition(f'<dl class="{name}">')[2].partition("</dl>")[0]
    cells = re.findall(r"<d[td]>(.*?)</d[td]>", inside, re.DOTALL)
    return [" ".join(re.sub("<[^>]+>", " ", cell).split()) for cell in cells]


@pytest.mark.one_database
def test_what_is_not_well_is_said_with_what_to_do(
    person: People, app: Flask, acme: Company, database: Database
) -> None:
    viewer = person("viewer")
    with database.write() as session:
        session.execute(update(Company).values(
            paused_at=dt.datetime.now(dt.UTC), paused_why="Xero said goodbye. Connect it again.",
            callback_state="inactive", swept_at=dt.datetime.now(dt.UTC) - dt.timedelta(hours=3)))  # fmt: skip
    page = viewer.get(OVERVIEW).text
    for word in (
        "Paused since",
        "Xero said goodbye.",
        "Not connected",
        "Inactive",
        "Silent",
        "start a worker",
    ):
        assert word in page
    away = redis_client("redis://127.0.0.1:1/0", fail_fast=True)
    app.extensions["console"] = replace(app.extensions["console"], redis=away)
    assert "Redis does not answer" in viewer.get(OVERVIEW).text


@pytest.mark.one_database
def test_alerts_stand_there_while_they_last(
    person: People, acme: Company, beta: Company, database: Database, now: dt.datetime
) -> None:
    told = Matter(company_id=acme.id, kind="callback_off", text="Register the callback again.")
    others = Matter(company_id=beta.id, kind="stuck", text="Not for Acme.")
    with database.write() as session:
        settle_alerts(session, [told, others], channels=[], now=now)
    viewer = person("viewer")
    page = viewer.get(OVERVIEW).text
    assert "Register the callback again." in page and "Not for Acme." not in page
    with database.write() as session:
        settle_alerts(session, [], channels=[], now=now)
    assert "Register the callback again." not in viewer.get(OVERVIEW).text


@pytest.mark.one_database
def test_the_piece_is_sent_only_when_it_changed(person: People, add_expense: Add) -> None:
    viewer = person("viewer", ["acme"])
    version = viewer.get(OVERVIEW).text.partition('{"version": "')[2].partition('"')[0]
    assert viewer.get(f"{OVERVIEW}/now?version={version}").status_code == 204
    add_expense(9)
    assert viewer.get(f"{OVERVIEW}/now?version={version}").status_code == 200


@pytest.mark.one_database
def test_the_page_looks_well(
    page: Page, database: Database, acme: Company, add_expense: Add, now: dt.datetime
) -> None:
    page.goto(OVERVIEW)
    look_at(page, "overview-empty")
    for number in range(1, 40):
        post(database, add_expense, number, now - dt.timedelta(days=number * number % 29), 20 + number * 7)
    for number, cause in enumerate(("account_unknown", "expense_type_unmapped", "period_locked"), start=50):
        add_expense(
            number, cause=cause, amount=Decimal(number * number), currency="USD" if number == 51 else "AUD"
        )
    told = Matter(
        company_id=acme.id, kind="new_cause", text="2 expenses wait behind “account unknown”. Name one."
    )
    with database.write() as session:
        settle_alerts(session, [told], channels=[], now=now)
    page.reload()
    look_at(page, "overview")


def test_causes_stand_by_the_money_that_they_hold(person: People, add_expense: Add) -> None:
    for number, (cause, amount) in enumerate([("small", 10), ("small", 20), ("large", 500), ("medium", 90)]):
        add_expense(number + 1, state=states.NEEDS_ATTENTION, cause=cause, amount=Decimal(amount))
    table = person("viewer").get(OVERVIEW).text.partition("In AUD, each bar")[2].partition("</table>")[0]
    assert re.findall(r">(Small|Medium|Large)</a>", table) == ["Large", "Medium", "Small"]


@pytest.mark.parametrize(
    ("ends", "said"), [(None, "people ask for.<"), ("later", "people ask for, until <time")]
)
def test_the_calls_that_are_kept_are_told_without_a_loose_end(
    person: People, app: Flask, acme: Company, now: dt.datetime, ends: str | None, said: str
) -> None:
    left = {"minute_left": 58, "day_left": 4980, "day_reserve": 100, "blocked_until": None}
    left["day_ends_at"] = now + dt.timedelta(hours=3) if ends else None  # type: ignore[assignment]
    app.extensions["console"] = replace(app.extensions["console"], budget=lambda *_: left)
    assert said in person("viewer").get(OVERVIEW).text
