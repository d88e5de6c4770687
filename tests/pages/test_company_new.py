"""Adding a company: the form that tries the keys, and the setup that leads to a company that is ready."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import func, select

from models.company import Company
from models.database import Database
from tests.pages.conftest import People
from tests.pages.looks import look_at
from tests.pages.reached import app, sandbox_url

__all__ = ["app", "sandbox_url"]

NEW = "/companies/new"
FORM = {"name": "Gamma MSP", "key": "gamma", "timezone": "Australia/Brisbane", "start_date": "2026-07-01",
        "provider": "xero", "company_id": "acme_f", "public_key": "sandboxPublic",
        "private_key": "sandboxPrivate", "client_id": "00000000-0000-4000-8000-000000000001"}  # fmt: skip


def companies(database: Database) -> list[str]:
    with database.read() as session:
        return list(session.scalars(select(Company.key).order_by(Company.key)))


def test_a_company_is_added_when_its_keys_work(person: People, database: Database, sandbox_url: str) -> None:
    somebody = person("admin")
    form = FORM | {"site": sandbox_url}
    wrong = somebody.post(NEW, form | {"private_key": "wrong-9"})
    assert wrong.status_code == 400 and "wrong-9" not in wrong.text and companies(database) == []
    assert "ConnectWise refused the API keys" in wrong.text and "paused" not in wrong.text
    answer = somebody.post(NEW, form, follow_redirects=True)
    assert "Go on with the next step." in answer.text and "1 of 6 done" in answer.text
    assert companies(database) == ["gamma"]
    again = somebody.post(NEW, form)
    assert again.status_code == 400 and "There is a company &#34;gamma&#34; already" in again.text


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": ""}, "Type the company&#39;s name."),
        ({"key": "No Good"}, "must be 1 to 40 of a-z"),
        ({"key": "new"}, "part of our own addresses"),
        ({"site": "http://example.com"}, "must be like https://na.myconnectwise.net"),
        ({"timezone": "Mars"}, "Not a valid choice"),
        ({"start_date": "soon"}, "Not a valid date value"),
        ({"provider": "sage"}, "Not a valid choice"),
    ],
)
def test_what_can_not_be_is_refused_in_words(
    person: People, database: Database, sandbox_url: str, change: dict[str, Any], said: str
) -> None:
    answer = person("admin").post(NEW, FORM | {"site": sandbox_url} | change)
    assert answer.status_code == 400 and said in answer.text and companies(database) == []


def test_only_admins_of_all_companies_add_one(person: People, acme: Company) -> None:
    for somebody in (person("operator"), person("admin", ["acme"])):
        assert somebody.get(NEW).status_code == somebody.post(NEW, FORM).status_code == 403
        assert NEW not in somebody.get("/").text
    text = person("viewer").get("/companies/acme/setup").text
    assert "1 of 6 done" in text and "connections/register" not in text


def test_from_the_first_form_to_readiness(page: Page, database: Database, sandbox_url: str) -> None:
    page.get_by_role("link", name="Add a company").click()
    look_at(page, "company-new")
    for label, name in (("Name", "name"), ("Key", "key"), ("Company at sign-in", "company_id"),
                        ("Public key", "public_key"), ("Private key", "private_key"),
                        ("Client id", "client_id")):  # fmt: skip
        page.get_by_label(label, exact=True).fill(FORM[name])
    page.get_by_label("Address of the site").fill(sandbox_url)
    page.get_by_label("Time zone").select_option(FORM["timezone"])
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("1 of 6 done")).to_be_visible()
    page.get_by_role("link", name="Connect to Xero").click()
    page.get_by_role("button", name="Allow access").click()
    expect(page.get_by_text("Connected to Acme MSP (AU).")).to_be_visible()
    page.get_by_role("button", name="Register the callback").click()
    page.get_by_role("button", name="Read the lists now").click()
    expect(page.get_by_text("5 of 6 done")).to_be_visible()
    look_at(page, "setup")
    page.get_by_role("link", name="Mapping", exact=True).last.click()
    page.get_by_label("Account of Meals", exact=True).select_option("420")
    page.get_by_role("button", name="Save Meals").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    page.goto("/companies/gamma/setup")
    page.get_by_role("link", name="Check readiness").click()
    expect(page.get_by_text("Gamma MSP is not ready")).to_be_visible()
    with database.read() as session:
        assert session.scalar(select(func.count(Company.connection_id))) == 1
