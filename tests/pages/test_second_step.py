"""The second step of a login: turned on with a phone, asked for each time, each code used once."""

from __future__ import annotations

import datetime as dt
import re

import pyotp
from flask import Flask
from playwright.sync_api import Page
from sqlalchemy import update

from console.second_step import matching_step
from models.database import Database
from models.people import RecoveryCode, User
from tests.pages.conftest import PASSWORD, People, Somebody
from tests.pages.looks import look_at

HOUR = 120  # half minutes


def turn_on(somebody: Somebody) -> tuple[pyotp.TOTP, list[str]]:
    """The person's app, and their recovery codes."""
    found = re.search(r"<code>([A-Z2-7]{32})</code>", somebody.get("/account/second-step").text)
    assert found
    app = pyotp.TOTP(found.group(1))
    page = somebody.post("/account/second-step", {"code": app.now()}).text
    codes = re.findall(r"[0-9a-f]{4}(?:-[0-9a-f]{4}){3}", page)
    assert len(codes) == 10
    return app, codes


def forget_used_codes(database: Database) -> None:
    """An hour passes."""
    with database.write() as session:
        session.execute(update(User).values(totp_step=User.totp_step - HOUR))


def test_a_password_alone_lets_nobody_in_any_more(app: Flask, person: People, database: Database) -> None:
    ana = person("viewer")
    phone, _ = turn_on(ana)
    again = Somebody(ana.email, app.test_client())
    assert again.log_in().headers["Location"] == "/login/code"
    assert again.get("/").status_code == 302
    forget_used_codes(database)
    assert again.post("/login/code", {"code": phone.now()}).headers["Location"] == "/"
    assert again.get("/").status_code == 200


def test_a_code_works_once(app: Flask, person: People) -> None:
    ana = person("viewer")
    phone, _ = turn_on(ana)
    spy = Somebody(ana.email, app.test_client())
    spy.log_in()
    with_used = spy.post("/login/code", {"code": phone.at(dt.datetime.now(dt.UTC), counter_offset=-1)})
    assert with_used.status_code == 401 and spy.get("/").status_code == 302


def test_a_recovery_code_lets_in_once_and_is_kept_as_a_hash(
    app: Flask, person: People, database: Database
) -> None:
    ana = person("viewer")
    _, codes = turn_on(ana)
    for status in (302, 401):
        visitor = Somebody(ana.email, app.test_client())
        visitor.log_in()
        assert visitor.post("/login/code", {"code": codes[3].upper()}).status_code == status
    with database.read() as session:
        assert {len(row.hash) for row in session.query(RecoveryCode)} == {64}


def test_codes_can_not_be_guessed_for_long(app: Flask, person: People) -> None:
    ana = person("viewer")
    _, codes = turn_on(ana)
    guesser = Somebody(ana.email, app.test_client())
    guesser.log_in()
    answers = [guesser.post("/login/code", {"code": "guess"}).status_code for _ in range(25)]
    assert answers[:10] == [401] * 10 and answers[-1] == 429
    assert guesser.post("/login/code", {"code": codes[0]}).status_code == 429


def test_nobody_comes_to_the_second_step_without_the_first(app: Flask) -> None:
    stranger = Somebody("eve@example.com", app.test_client())
    assert stranger.get("/login/code").headers["Location"] == "/login"
    assert stranger.post("/login/code", {"code": "123456"}).headers["Location"] == "/login"


def test_it_is_turned_off_by_the_password_or_by_an_admin(person: People, database: Database) -> None:
    admin, ana = person("admin"), person("viewer")
    turn_on(ana)
    assert ana.post("/account/second-step/off", {"password": "wrong"}).status_code == 400
    assert ana.post("/account/second-step/off", {"password": PASSWORD}).status_code == 302
    turn_on(ana)
    with database.read() as session:
        number = session.query(User).filter_by(email=ana.email).one().id
    admin.post(f"/users/{number}/second-step")
    assert ana.log_in().headers["Location"] == "/"


def test_a_clock_may_be_half_a_minute_off() -> None:
    secret, now = pyotp.random_base32(), dt.datetime(2026, 8, 22, 3, 0, tzinfo=dt.UTC)
    codes = [pyotp.TOTP(secret).at(now, counter_offset=drift) for drift in (-1, 0, 1)]
    assert all(matching_step(secret, code, now=now) is not None for code in codes)
    assert matching_step(secret, "ümläut", now=now) is None


def test_the_pages_of_the_second_step_read_well(page: Page) -> None:
    page.goto("/account/second-step")
    look_at(page, "second-step")
