"""In and out: what lets a person in, what ends it, and what an attacker may try."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from werkzeug.test import TestResponse

from app import create_app
from console.pages.login import own_page
from models.database import Database
from models.links import make_first_admin_link, make_password_link
from models.users import disable_user, find_user, has_admin
from settings import Settings
from tests.console.conftest import MORNING
from tests.pages.conftest import PASSWORD, People, Somebody
from tests.pages.looks import look_at

AddPerson = Callable[..., str]


@pytest.fixture
def stranger(app: Flask, add_person: AddPerson) -> Somebody:
    """Somebody with an account who is not logged in."""
    return Somebody(add_person("admin", email="ada@example.com"), app.test_client())


def test_a_page_leads_to_the_login_and_from_there_back(stranger: Somebody) -> None:
    answer = stranger.get("/?from=mail")
    assert answer.headers["Location"] == "/login?next=/?from%3Dmail"
    page = stranger.get(answer.headers["Location"]).text
    wanted = re.search(r'name="next"[^>]*value="([^"]*)"', page)
    assert wanted and stranger.log_in(next=wanted.group(1)).headers["Location"] == "/?from=mail"


@pytest.mark.one_database
@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/\n/evil.example",
        "/\t/evil.example",
    ],
)
def test_the_login_never_leads_to_another_site(stranger: Somebody, address: str) -> None:
    assert own_page(address) is None
    assert stranger.log_in(next=address).headers["Location"] == "/"


def test_a_wrong_password_and_an_unknown_person_are_answered_alike(stranger: Somebody) -> None:
    wrong = stranger.log_in("not my password at all")
    stranger.email = "eve@example.com"
    unknown = stranger.log_in("not my password at all")
    assert wrong.status_code == unknown.status_code == 401
    assert without_proof(wrong.text).replace("ada@", "eve@") == without_proof(unknown.text)


def without_proof(page: str) -> str:
    return re.sub(r'name="csrf_token" value="[^"]*"', "", page)


def test_a_session_is_new_at_login_and_its_cookie_is_out_of_reach(stranger: Somebody) -> None:
    stranger.get("/login")
    before = stranger.client.get_cookie("relay")
    stranger.log_in()
    after = stranger.client.get_cookie("relay")
    assert before and after and before.value != after.value
    assert after.http_only and after.same_site == "Lax"
    with stranger.client.session_transaction() as session:
        assert "csrf_token" not in session  # nothing of what was there before


def test_over_https_the_cookie_is_secure_and_bound_to_the_host(settings: Settings) -> None:
    app = create_app(dataclasses.replace(settings, public_url="https://relay.example"))
    cookie = app.test_client().get("/login", base_url="https://relay.example").headers["Set-Cookie"]
    assert cookie.startswith("__Host-relay=") and "Secure" in cookie and "Path=/" in cookie


def test_log_out_ends_the_session(person: People) -> None:
    ada = person("admin")
    assert ada.post("/logout").status_code == 302
    assert ada.get("/").status_code == 302


def test_a_disabled_person_is_out_at_once(person: People, database: Database) -> None:
    ana = person("operator")
    assert ana.get("/").status_code == 200
    with database.write() as session:
        disable_user(session, ana.email, actor="the tests", now=MORNING)
    assert ana.get("/").status_code == 302
    assert ana.log_in().status_code == 401


def test_guessing_is_slowed_down_by_account_whatever_the_address(app: Flask, add_person: AddPerson) -> None:
    email = add_person("admin", email="ada@example.com")
    answers: list[TestResponse] = []
    for number in range(25):  # ten, or twice ten should Redis be slow just then
        guesser = Somebody(email, app.test_client())
        where = {"REMOTE_ADDR": f"10.0.0.{number}"}
        data = {"email": email, "password": f"wrong guess {number}", "csrf_token": guesser.proof()}
        answers.append(guesser.client.post("/login", data=data, environ_base=where))
        if answers[-1].status_code == 429:
            break
    assert {answer.status_code for answer in answers[:10]} == {401}
    assert answers[-1].status_code == 429
    assert "Wait 15 minutes" in answers[-1].text


def test_the_first_link_makes_the_first_admin_once(app: Flask, database: Database) -> None:
    with database.write() as session:
        now = database.now(session)
        one, other = (make_first_admin_link(session, now=now) for _ in range(2))
    ada = Somebody("ada@example.com", app.test_client())
    assert ada.get(f"/first-admin/{one}").status_code == 200
    form = {"email": ada.email, "password": "short", "again": "short"}
    assert "5 characters" in ada.post(f"/first-admin/{one}", form).text
    form |= {"password": PASSWORD, "again": PASSWORD}
    assert ada.post(f"/first-admin/{one}", form).status_code == 302
    assert ada.get("/").status_code == 200
    for link in (one, other, "made-up"):
        assert ada.get(f"/first-admin/{link}").status_code == 404
    with database.write() as session:
        assert has_admin(session) and make_first_admin_link(session, now=MORNING) is None


def test_a_password_link_works_once_and_ends_old_sessions(
    app: Flask, person: People, database: Database
) -> None:
    ana = person("viewer")
    with database.write() as session:
        token = make_password_link(session, find_user(session, ana.email), now=database.now(session))
    visitor = Somebody(ana.email, app.test_client())
    form = {"password": "some other words", "again": "some other words"}
    assert visitor.post(f"/password/{token}", form).status_code == 302
    assert ana.get("/").status_code == 302
    assert visitor.post(f"/password/{token}", form).status_code == 404
    assert (visitor.log_in().status_code, visitor.log_in("some other words").status_code) == (401, 302)


def test_an_old_link_has_ended(app: Flask, database: Database) -> None:
    with database.write() as session:
        token = make_first_admin_link(session, now=MORNING.replace(year=2020))
    answer = app.test_client().get(f"/first-admin/{token}")
    assert answer.status_code == 404 and "This link has ended" in answer.text


def test_the_pages_before_the_login_read_well(page: Page, database: Database) -> None:
    with database.write() as session:
        link = make_password_link(session, find_user(session, "ada@example.com"), now=database.now(session))
    page.goto("/account")
    look_at(page, "account")
    page.context.clear_cookies()
    page.goto(f"/password/{link}")
    look_at(page, "password")
    page.goto("/login")
    look_at(page, "login")


@pytest.mark.one_database
def test_the_first_admins_page_reads_well(browser: Browser, address: str, database: Database) -> None:
    with database.write() as session:
        link = make_first_admin_link(session, now=database.now(session))
    with browser.new_context(base_url=address) as context:
        page = context.new_page()
        page.goto(f"/first-admin/{link}")
        look_at(page, "first-admin")
        page.get_by_label("E-mail address").fill("first@example.com")
        for field in page.locator("input[type=password]").all():
            field.fill(PASSWORD)
        page.locator("main button").click()
        expect(page.get_by_text("Welcome. You are the first admin")).to_be_visible()
