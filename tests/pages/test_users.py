"""People and tokens managed in the console, and what is written down about it."""

from __future__ import annotations

import re

from flask import Flask
from playwright.sync_api import Page, expect

from models.company import Company
from models.database import Database
from models.users import find_user, roles_of
from tests.console.conftest import Api
from tests.pages.conftest import PASSWORD, People, Somebody
from tests.pages.looks import look_at


def number_of(database: Database, email: str) -> int:
    with database.read() as session:
        return find_user(session, email).id


def test_an_admin_lets_somebody_in_by_a_link(app: Flask, person: People, acme: Company) -> None:
    form = {"person-email": "Ana@Example.com", "person-role": "operator", "person-company": "acme"}
    page = person("admin").post("/users", form).text
    link = re.search(r"/password/[\w-]+", page)
    assert link
    ana = Somebody("ana@example.com", app.test_client())
    assert ana.log_in("").status_code == 400
    assert ana.post(link.group(), {"password": PASSWORD, "again": PASSWORD}).status_code == 302
    assert ana.log_in().status_code == 302
    assert "Acme MSP" in ana.get("/").text


def test_roles_are_changed_and_count_at_once(person: People, database: Database, acme: Company) -> None:
    admin, ana = person("admin"), person("viewer", ["acme"])
    number = number_of(database, ana.email)
    assert ana.get("/users").status_code == 403
    assert admin.post(f"/users/{number}/roles", {"*": "admin", "acme": ""}).status_code == 302
    assert ana.get("/users").status_code == 200
    with database.read() as session:
        assert roles_of(find_user(session, ana.email)) == {"*": "admin"}


def test_the_last_admin_keeps_the_role(person: People, database: Database) -> None:
    ada = person("admin")
    number = number_of(database, ada.email)
    for path, form in (("roles", {"*": "viewer"}), ("disable", None)):
        answer = ada.post(f"/users/{number}/{path}", form)
        assert answer.status_code == 409 and "last admin" in answer.text
    assert ada.get("/users").status_code == 200


def test_a_disabled_person_is_let_in_again_as_they_were(person: People, database: Database) -> None:
    ada, ana = person("admin"), person("viewer")
    number = number_of(database, ana.email)
    ada.post(f"/users/{number}/disable")
    assert ana.log_in().status_code == 401
    ada.post(f"/users/{number}/enable")
    assert ana.log_in().status_code == 302


def test_a_token_is_shown_once_works_and_is_revoked(app: Flask, person: People, acme: Company) -> None:
    ada = person("admin")
    page = ada.post(
        "/users/tokens", {"token-name": "robot", "token-role": "viewer", "token-company": "*"}
    ).text
    token = re.search(r"er_[\w-]+", page)
    assert token and token.group() not in ada.get("/users").text
    robot = Api(app, token.group())
    assert robot.get("/companies").status_code == 200
    ada.post("/users/tokens/revoke", {"name": "robot"})
    assert robot.get("/companies").status_code == 401


def test_every_change_is_in_the_history_with_a_name(
    person: People, database: Database, acme: Company
) -> None:
    ada, ana = person("admin"), person("viewer")
    ada.post(f"/users/{number_of(database, ana.email)}/disable")
    page = ada.get("/history").text
    assert "admin@example.com" in page and "viewer@example.com was disabled" in page
    assert "was disabled" not in ada.get("/companies/acme/history").text
    assert person("operator").get("/history").status_code == 403
    assert person("admin", ["acme"]).get("/history").status_code == 403


def test_a_password_is_changed_by_who_knows_it_and_other_sessions_end(app: Flask, person: People) -> None:
    ana, other = person("viewer"), Somebody("viewer@example.com", app.test_client())
    other.log_in()
    form = {"now": "wrong", "password": "some other words", "again": "some other words"}
    assert "not the password" in ana.post("/account/password", form).text
    assert ana.post("/account/password", form | {"now": PASSWORD}).status_code == 302
    assert (ana.get("/").status_code, other.get("/").status_code) == (200, 302)
    assert (other.log_in().status_code, other.log_in("some other words").status_code) == (401, 302)


def test_a_person_ends_their_other_sessions(app: Flask, person: People) -> None:
    ana, other = person("viewer"), Somebody("viewer@example.com", app.test_client())
    other.log_in()
    ana.post("/account/sessions")
    assert (ana.get("/").status_code, other.get("/").status_code) == (200, 302)


def test_the_pages_about_people_read_well(page: Page, acme: Company) -> None:
    page.get_by_role("link", name="Users").click()
    page.get_by_label("Name", exact=True).fill("Month-end report")
    page.get_by_role("button", name="Make it").click()
    page.get_by_role("link", name="Done").click()
    page.locator("#person-email").fill("ana@example.com")
    look_at(page, "users")
    page.get_by_role("button", name="Add and get their link").click()
    expect(page.get_by_role("heading", name="ana@example.com may come in")).to_be_visible()
    look_at(page, "shown-once")
    page.get_by_role("link", name="Done").click()
    page.get_by_role("link", name="ana@example.com").click()
    look_at(page, "person")
    for path in ("account", "history", "companies/acme/history"):
        page.goto(f"/{path}")
        look_at(page, path.replace("/", "-"))
