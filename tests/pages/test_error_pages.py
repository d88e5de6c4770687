"""When something is refused: a page that says what happened and leads on, or a piece of one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import update
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import TooManyRequests

from models.company import Company
from models.database import Database
from models.people import UserRole
from tests.pages.conftest import People
from tests.pages.looks import look_at

pytestmark = pytest.mark.one_database
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def test_an_unknown_address_is_a_page_for_a_browser_and_json_for_a_program(app: Flask, acme: Company) -> None:
    page = app.test_client().get("/nothing/here", headers=BROWSER)
    assert page.status_code == 404 and "There is no such page" in page.text and 'href="/"' in page.text
    for path, accept in (("/nothing/here", "*/*"), ("/api/v1/nothing", BROWSER["Accept"])):
        answer = app.test_client().get(path, headers={"Accept": accept})
        assert answer.status_code == 404 and answer.is_json


def test_an_error_in_a_company_leads_back_to_it(person: People, acme: Company, beta: Company) -> None:
    viewer = person("viewer", ["acme"])
    assert "Back to Acme MSP" in viewer.get("/companies/acme/expenses/1").text
    stranger = viewer.get("/companies/beta/expenses/1").text
    assert "Back to the companies" in stranger and "Back to Acme MSP" not in stranger


def test_a_wrong_argument_is_told_in_a_sentence(person: People, acme: Company) -> None:
    for address in ("queue?cursor=x", "inbox?cursor=x"):
        text = person("viewer", email=f"{address[:5]}@example.com").get(f"/companies/acme/{address}").text
        assert "The address asks for what there is not. cursor: " in text


def test_what_htmx_asked_for_is_refused_in_a_piece(person: People, acme: Company) -> None:
    answer = person("viewer").get("/companies/acme/expenses/1", headers={"HX-Request": "true"})
    assert answer.status_code == 404 and "<html" not in answer.text and 'role="alert"' in answer.text


def test_a_refused_press_says_so_where_its_answer_would_stand(
    page: Page, acme: Company, database: Database
) -> None:
    other = page.context.new_page()  # one that may be refused
    other.goto("/companies/acme/expense-connect")
    with database.write() as session:  # an admin until a moment ago
        session.execute(update(UserRole).values(role="viewer"))
    other.get_by_role("button", name="Preview").click()
    expect(other.locator("#effects").get_by_role("alert")).to_contain_text("This needs the role admin")
    other.context.set_offline(True)
    other.get_by_role("button", name="Preview").click()
    expect(other.locator("#effects")).to_have_text(
        "No answer came. Look at your connection, then press again."
    )
    other.context.set_offline(False)


def test_every_error_page_looks_well(page: Page, app: Flask, acme: Company, beta: Company) -> None:
    other = page.context.new_page()  # one that may be refused
    for name, address in (
        ("error-404", "/companies/acme/expenses/4711"),
        ("error-unknown", "/nothing"),
        ("error-400", "/companies/acme/queue?cursor=x"),
    ):
        other.goto(address)
        look_at(other, name)
    services, troubles = (
        app.extensions["console"],
        {
            "error-503": OperationalError("select", None, Exception("away")),
            "error-500": KeyError("a bug"),
            "error-429": TooManyRequests("Too many wrong passwords. Try again in 15 minutes."),
        },
    )
    for name, trouble in troubles.items():

        def raises(*_: object, trouble: Exception = trouble, **__: object) -> object:
            raise trouble

        app.extensions["console"] = replace(services, by_hand=type("Away", (), {"readiness": raises})())
        other.goto("/companies/acme/readiness")
        look_at(other, name)
