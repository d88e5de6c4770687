"""The form by which somebody names the bill that they made, against the pretend Xero."""

from __future__ import annotations

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from models import states
from models.company import Company
from tests.journey import test_handled as journeys
from tests.journey.conftest import Journey
from tests.journey.test_handled import typed
from tests.pages.conftest import People
from tests.pages.looks import look_at
from tests.pages.reached import app, live, sandbox_url
from workers.by_hand import ByHand

__all__ = ["app", "live", "sandbox_url"]

pytestmark = pytest.mark.one_database


@pytest.fixture
def world(app: Flask, live: Company, sandbox_url: str) -> Journey:
    by_hand = app.extensions["console"].by_hand
    assert isinstance(by_hand, ByHand)
    return Journey(sandbox_url, by_hand._wiring, live.id)


@pytest.fixture
def stuck(world: Journey) -> int:
    """An expense that waits for a person: its type has no account."""
    return journeys.stuck(world)


def here(entry_id: int) -> str:
    return f"/companies/acme/expenses/{entry_id}"


def test_a_bill_that_agrees_ends_the_expense(person: People, world: Journey, stuck: int) -> None:
    somebody = person("operator")
    assert "Handled by hand: bill id in Xero" in somebody.get(here(stuck)).text
    bill = {"bill_id": typed(world)["InvoiceID"]}
    answer = somebody.post(f"{here(stuck)}/handled", bill, follow_redirects=True)
    assert "The bill was found and agrees; the expense is done." in answer.text
    for text in ("Made by hand", "as operator@example.com said", "INV-77", bill["bill_id"], "Another bill"):
        assert text in answer.text, text
    assert world.expense(stuck).state == states.DONE


def test_a_bill_that_does_not_agree_is_refused_with_both_figures(
    person: People, world: Journey, stuck: int
) -> None:
    bill = {"bill_id": typed(world, "99.00")["InvoiceID"]}
    answer = person("operator").post(f"{here(stuck)}/handled", bill, follow_redirects=True)
    assert "notice problem" in answer.text
    assert "99.00 AUD" in answer.text and "120.50 AUD" in answer.text
    assert world.expense(stuck).state == states.NEEDS_ATTENTION


def test_an_id_must_be_given_in_one_line(person: People, world: Journey, stuck: int) -> None:
    somebody = person("operator")
    for text in ("", "  ", "two\nlines", "x" * 501, "a\0b"):
        answer = somebody.post(f"{here(stuck)}/handled", {"bill_id": text}, follow_redirects=True)
        assert "Paste the bill&#39;s id" in answer.text
    answer = somebody.post(f"{here(stuck)}/handled", {"bill_id": "<script>"}, follow_redirects=True)
    assert "neither the id of a bill" in answer.text and "<script>alert" not in answer.text
    assert world.expense(stuck).state == states.NEEDS_ATTENTION


def test_a_viewer_has_no_form_and_another_company_no_expense(
    person: People, world: Journey, stuck: int, beta: Company
) -> None:
    bill = {"bill_id": typed(world)["InvoiceID"]}
    viewer = person("viewer")
    assert "bill_id" not in viewer.get(here(stuck)).text
    assert viewer.post(f"{here(stuck)}/handled", bill).status_code == 403
    foreign = person("admin", ["beta"])
    assert foreign.post(f"{here(stuck)}/handled", bill).status_code == 404
    assert (
        foreign.post(f"/companies/beta/expenses/{stuck}/handled", bill, follow_redirects=True).status_code
        == 404
    )
    assert world.expense(stuck).state == states.NEEDS_ATTENTION


def test_what_we_posted_has_no_form(person: People, world: Journey) -> None:
    [entry_id] = world.add({})
    world.post()
    assert world.expense(entry_id).state == states.DONE
    assert "bill_id" not in person("operator").get(here(entry_id)).text


def test_the_form_reads_well_and_works(page: Page, world: Journey, stuck: int) -> None:
    bill = typed(world)
    page.goto(here(stuck))
    page.get_by_text("Handled by hand …").click()
    look_at(page, "expense-handled-form")
    page.get_by_label("Handled by hand: bill id in Xero").fill(typed(world, "99.00")["InvoiceID"])
    page.get_by_role("button", name="Look it up, then done").click()
    expect(page.get_by_text("is over 99.00 AUD in Xero")).to_be_visible()
    look_at(page, "expense-handled-refused")
    page.get_by_text("Handled by hand …").click()
    address = f"https://go.xero.com/AccountsPayable/Edit.aspx?InvoiceID={bill['InvoiceID']}"
    page.get_by_label("Handled by hand: bill id in Xero").fill(address)
    page.get_by_role("button", name="Look it up, then done").click()
    expect(page.get_by_text("The bill was found and agrees")).to_be_visible()
    expect(page.get_by_text("Made by hand", exact=True)).to_be_visible()
    look_at(page, "expense-handled")
