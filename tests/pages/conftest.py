"""People in the console: somebody of each role who is logged in, as a plain client or in a real browser."""

from __future__ import annotations

import dataclasses
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page, expect, sync_playwright
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from console.passwords import hash_password
from models.database import Database
from models.users import add_user
from tests.console.conftest import (  # noqa: F401 - the known world of programs is people's too
    MORNING,
    acme,
    add_expense,
    app,
    beta,
    database,
    sealer,
    take_in,
)
from tests.pages.browsing import DESK, launch

PASSWORD = "three words together"
HASH = hash_password(PASSWORD, email="")
PATIENCE = 30_000.0  # milliseconds


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """What a page looks like in a browser is no matter of the database; what it tells and does is."""
    if "page" in metafunc.fixturenames:
        metafunc.definition.add_marker("one_database")


@dataclass
class Somebody:
    """A person at a browser without a screen. `post` sends the proof of our own forms along."""

    email: str
    client: FlaskClient

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.client.get(path, **more)

    def post(self, path: str, data: Any = None, **more: Any) -> TestResponse:
        return self.client.post(path, data=data, headers={"X-CSRFToken": self.proof()}, **more)

    def proof(self) -> str:
        """The token of the forms of this session."""
        for path in ("/", "/login"):
            found = re.search(r'name="csrf[-_]token" (?:content|value)="([^"]+)"', self.get(path).text)
            if found:
                return found.group(1)
        raise AssertionError("no page shows a form")

    def log_in(self, password: str = PASSWORD, **more: Any) -> TestResponse:
        return self.post("/login", {"email": self.email, "password": password, **more})


People = Callable[..., Somebody]


@pytest.fixture
def add_person(database: Database) -> Callable[..., str]:  # noqa: F811
    """Adds a user of this role, in these companies or in all; the address."""

    def add(role: str = "operator", companies: Sequence[str] = (), email: str = "") -> str:
        email = email or f"{role}{''.join(f'-{key}' for key in companies)}@example.com"
        with database.write() as session:
            add_user(
                session, email, role=role, companies=companies, password=HASH, actor="the tests", now=MORNING
            )
        return email

    return add


@pytest.fixture
def person(app: Flask, add_person: Callable[..., str]) -> People:  # noqa: F811
    """Somebody of this role, in these companies or in all, who is logged in."""

    def make(role: str = "operator", companies: Sequence[str] = (), email: str = "") -> Somebody:
        somebody = Somebody(add_person(role, companies, email), app.test_client())
        assert somebody.log_in().status_code == 302
        return somebody

    return make


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, or whatever stands for it on the PATH."""
    expect.set_options(
        timeout=PATIENCE
    )  # a live piece looks every five seconds, and machines are slow at times
    with sync_playwright() as playwright, launch(playwright) as chromium:
        yield chromium


@pytest.fixture
def address(app: Flask) -> Iterator[str]:  # noqa: F811
    """Where the application listens, in a thread of this process; providers send the browser back there."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    found = f"http://127.0.0.1:{server.server_port}"
    app.extensions["console"] = dataclasses.replace(app.extensions["console"], public_url=found)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def page(browser: Browser, address: str, add_person: Callable[..., str]) -> Iterator[Page]:
    """An admin of all companies in a real browser, at the first page. What the scripts complain of fails."""
    context = browser.new_context(base_url=address, viewport=DESK)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    page.goto("/login")
    page.get_by_label("E-mail address").fill(add_person("admin", email="ada@example.com"))
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/")
    yield page
    context.close()
    assert complaints == []
