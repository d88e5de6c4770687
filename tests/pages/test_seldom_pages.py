"""Pages that a person seldom opens: an organisation to choose, a rule's effects, a file's differences."""

from __future__ import annotations

import io

import pytest
import requests
from playwright.sync_api import Page, expect

from models.company import Company
from models.database import Database
from tests.pages.conftest import People
from tests.pages.looks import look_at
from tests.pages.reached import Real, add_real, app, live, sandbox_url

__all__ = ["add_real", "app", "live", "sandbox_url"]
pytestmark = pytest.mark.one_database

OTHER = {
    "tenant_id": "99999999-2222-4333-8444-555555555555",
    "name": "The Other Books of a Very Long Name Pty",
}


def test_choosing_an_organisation_looks_well(page: Page, live: Company, sandbox_url: str) -> None:
    requests.post(f"{sandbox_url}/_sandbox/xero/organisations", json=OTHER, timeout=10).raise_for_status()
    page.goto("/companies/acme/connections/organisations?back=setup")
    expect(page.get_by_role("link", name="Back to the setup")).to_be_visible()
    look_at(page, "organisations")


def test_the_effects_of_a_rule_on_a_page_of_their_own_look_well(
    page: Page, live: Company, add_real: Real
) -> None:
    page.goto("/companies/acme/expense-connect/1/preview")
    look_at(page, "effects-empty")
    add_real("Corporate Amex")
    page.reload()
    look_at(page, "effects")


def test_the_differences_of_a_company_file_look_well(
    page: Page, person: People, live: Company, database: Database
) -> None:
    text = person("admin", email="other@example.com").get("/companies/acme/file.toml").text
    changed = text.replace('"Acme MSP"', '"Acme Managed Services"').replace('"420"', '"429"')
    page.goto("/companies/acme/file")
    look_at(page, "company-file")
    for name, content in (("company-file-differs", changed), ("company-file-same", text)):
        file = {"name": "acme.toml", "mimeType": "application/toml", "buffer": content.encode()}
        page.get_by_label("File of this company").set_input_files(file)  # type: ignore[arg-type]
        page.get_by_role("button", name="Show what it changes").click()
        expect(page.get_by_role("heading", name="What would be different")).to_be_visible()
        look_at(page, name)


def test_a_file_that_is_refused_says_why_and_leads_on(person: People, live: Company) -> None:
    file = (io.BytesIO(b"not = [toml"), "acme.toml")
    answer = person("admin").post("/companies/acme/file", {"file": file})
    assert answer.status_code == 400 and "It is not TOML" in answer.text
    assert "Back to the setup" in answer.text and "Show what it changes" in answer.text
