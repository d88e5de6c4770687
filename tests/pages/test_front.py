"""The first page, seen in a browser: companies with their health, at a desk and on a phone."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from models.company import Company
from models.database import Database
from tests.pages.conftest import People
from tests.pages.looks import look_at


def test_companies_are_shown_with_what_ails_them(person: People, acme: Company, database: Database) -> None:
    with database.write() as session:
        session.get_one(Company, acme.id).callback_state = "inactive"
    page = person("viewer").get("/").text
    assert "Acme MSP" in page and "Not connected to its books" in page and "Callback inactive" in page


def test_a_person_of_one_company_sees_only_that_one(person: People, acme: Company, beta: Company) -> None:
    page = person("viewer", ["beta"]).get("/").text
    assert ">beta<" in page and ">acme<" not in page


def test_without_a_company_the_page_says_what_to_do(page: Page) -> None:
    expect(page.get_by_role("heading", name="No companies yet")).to_be_visible()


def test_the_first_page_reads_well(page: Page, acme: Company) -> None:
    page.reload()
    look_at(page, "companies")
