"""The whole story in a real browser, with every process running: from the first link to the books."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from bin.demo_month.pretend import QBO_REALM, SECRETS, XERO_TENANT
from tests.pages.conftest import PASSWORD
from tests.pages.looks import look_at
from tests.pages.running import Stage, sandbox_url, stage

__all__ = ["sandbox_url", "stage"]

HERE = "/companies/acme"
OTHER_TENANT = "99999999-2222-4333-8444-555555555555"


@dataclass(frozen=True, kw_only=True)
class Books:
    """One ledger as its people know it: names and what they pick there."""

    name: str
    site: str
    meals: str
    travel: str
    card: str
    tax: str | None = None
    """What expense types need there besides their account."""
    consent: Callable[[Page], None]
    paid_in_full: Callable[[Stage, int], bool]
    """Whether the books hold exactly one bill of this expense, paid by exactly one payment."""


def allow_two_organisations(page: Page) -> None:
    page.get_by_role("button", name="Allow access").click()
    page.get_by_role("link", name="Choose", exact=True).click()
    look_at(page, "story-organisation")
    page.get_by_label("Acme MSP (AU)").check()
    page.get_by_role("button", name="Choose").click()


def choose_one_company(page: Page) -> None:
    page.get_by_label("Acme MSP").check()
    page.get_by_role("button", name="Connect").click()


def is_paid_in_xero(stage: Stage, entry_id: int) -> bool:
    state, number = stage.control(f"/xero/{XERO_TENANT}/state"), f"CW-{entry_id}"
    bills = [bill["Status"] for bill in state["invoices"] if bill["InvoiceNumber"] == number]
    payments = [p["Account"]["Name"] for p in state["payments"] if p["Reference"].split()[0] == number]
    return (bills, payments) == (["PAID"], ["Amex 1001"])


def is_paid_in_quickbooks(stage: Stage, entry_id: int) -> bool:
    state, number = stage.control(f"/qbo/{QBO_REALM}/state"), f"CW-{entry_id}"
    bills = [bill["Balance"] for bill in state["bills"] if bill["DocNumber"] == number]
    payments = [paid for paid in state["bill_payments"] if paid["DocNumber"] == number]
    return len(bills) == len(payments) == 1 and float(bills[0]) == 0


XERO = Books(name="Xero", site="acme_f", meals="420 Entertainment", travel="493 Travel", card="Amex 1001",
             consent=allow_two_organisations, paid_in_full=is_paid_in_xero)  # fmt: skip
QUICKBOOKS = Books(name="QuickBooks", site="acme_q", meals="Meals and Entertainment", travel="Travel",
                   card="Visa 2002", tax="GST, 10 %", consent=choose_one_company,
                   paid_in_full=is_paid_in_quickbooks)  # fmt: skip


def test_from_the_first_link_to_paid_bills_in_xero(stage: Stage) -> None:
    stage.control("/xero/organisations", {"tenant_id": OTHER_TENANT, "name": "Other books"})
    tell(stage, XERO)


@pytest.mark.one_database
def test_from_the_first_link_to_paid_bills_in_quickbooks(stage: Stage) -> None:
    tell(stage, QUICKBOOKS)


def tell(stage: Stage, books: Books) -> None:
    """A morning of the first admin."""
    page = stage.page
    become_the_first_admin(stage)
    add_the_company(stage, books)
    connect_and_read(page, books)
    map_type(page, books, "Meals", books.meals)
    pay_every_amex_from(page, books.card)
    [lunch] = see_a_lunch_posted(stage, books)
    trips = see_what_is_stuck(stage, books)
    map_type(page, books, "Travel", books.travel)
    retry_all_and_see_it_done(page, trips)
    assert [entry for entry in (lunch, *trips) if not books.paid_in_full(stage, entry)] == []


def become_the_first_admin(stage: Stage) -> None:
    page = stage.page
    page.goto(stage.first_admins_link())
    page.get_by_label("E-mail address").fill("ada@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("again").fill(PASSWORD)
    page.get_by_role("button", name="Make me the admin").click()
    expect(page.get_by_text("Welcome.")).to_be_visible()


def add_the_company(stage: Stage, books: Books) -> None:
    page = stage.page
    page.get_by_role("link", name="Add a company").click()
    typed = {"Name": "Acme MSP", "Key": "acme", "Address of the site": stage.sandbox,
             "First day": "2026-07-01", "Company at sign-in": books.site,
             "Public key": SECRETS["ACME_CW_PUBLIC"], "Client id": SECRETS["ACME_CW_CLIENT_ID"]}  # fmt: skip
    for label, text in typed.items():
        page.get_by_label(label, exact=True).fill(text)
    page.get_by_label("Time zone").select_option("Australia/Brisbane")
    page.get_by_label(books.name).check()
    page.get_by_label("Private key").fill("not this one")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_be_visible()
    look_at(page, "story-refused")
    page.get_by_label("Private key").fill(SECRETS["ACME_CW_PRIVATE"])
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("1 of 6 done")).to_be_visible()


def connect_and_read(page: Page, books: Books) -> None:
    page.get_by_role("link", name=f"Connect to {books.name}").click()
    books.consent(page)
    expect(page.get_by_text("3 of 6 done")).to_be_visible()
    page.get_by_role("button", name="Register the callback").click()
    page.get_by_role("button", name="Read the lists now").click()
    expect(page.get_by_text("5 of 6 done")).to_be_visible()
    page.get_by_role("link", name="Check readiness").click()
    expect(page.get_by_text('The expense type "Travel" has no account.')).to_be_visible()
    look_at(page, "story-readiness")
    page.get_by_role("row", name="Travel").get_by_role("link", name="Mapping").click()


def map_type(page: Page, books: Books, name: str, account: str) -> None:
    pick(page.get_by_label(f"Account of {name}", exact=True), account)
    if books.tax:
        expect(page.get_by_label(f"Tax code of {name}")).not_to_contain_text("The account's own")
        pick(page.get_by_label(f"Tax code of {name}"), books.tax)
    page.get_by_role("button", name=f"Save {name}").click()
    expect(page.get_by_text("Saved.")).to_be_visible()


def pay_every_amex_from(page: Page, card: str) -> None:
    page.get_by_role("link", name="Expense Connect").click()
    pick(page.get_by_label("Company payment type"), "Corporate Amex")
    pick(page.get_by_label("Action"), "Payment Account")
    pick(page.get_by_label("Account that paid"), card)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()


def pick(box: Locator, text: str) -> None:
    """Chooses what reads so."""
    box.select_option(box.locator("option", has_text=text).get_attribute("value"))


def see_a_lunch_posted(stage: Stage, books: Books) -> list[int]:
    page = stage.page
    page.get_by_role("link", name="Queue").click()
    expect(page.get_by_text("No expenses yet")).to_be_visible()
    with staying_on(page):
        entries = approve(stage, books, {"type": "Meals", "amount": "120.50"})
        see_done(page, entries)
    return entries


def see_what_is_stuck(stage: Stage, books: Books) -> list[int]:
    page = stage.page
    with staying_on(page):
        trips = ({"type": "Travel", "amount": amount} for amount in ("33.10", "41.20"))
        entries = approve(stage, books, *trips)
        groups = page.get_by_role("region", name="What holds money up")
        stuck = groups.get_by_role("row", name="Expense type unmapped")
        expect(stuck.get_by_role("cell", name="2", exact=True)).to_be_visible()
    expect(stuck).to_contain_text("74.30 AUD")
    look_at(page, "story-stuck")
    stuck.get_by_role("link", name="Mend it under Mapping").click()
    return entries


def retry_all_and_see_it_done(page: Page, entries: list[int]) -> None:
    page.get_by_role("link", name="Queue").click()
    page.get_by_role("button", name="Retry all 2").click()
    expect(page.get_by_text("2 expenses are being tried again.")).to_be_visible()
    with staying_on(page):
        see_done(page, entries)
    expect(page.get_by_text("What holds money up")).to_have_count(0)
    look_at(page, "story-done")


@contextmanager
def staying_on(page: Page) -> Iterator[None]:
    """What is seen meanwhile came live: the document is the same before and after."""
    page.evaluate("window.isTheSame = true")
    yield
    assert page.evaluate("window.isTheSame"), "the page was loaded anew"


def approve(stage: Stage, books: Books, *entries: dict[str, Any]) -> list[int]:
    """Enters expenses of Jo's on the company's Amex and approves their report; ConnectWise calls back."""
    spent = {"payment_type": "Corporate Amex", "classification": "Non-Reimbursable", "date": "2026-08-21"}
    wish = {"member": "jdoe", "date_start": "2026-08-17", "date_end": "2026-08-23",
            "entries": [spent | entry for entry in entries]}  # fmt: skip
    base = f"/connectwise/{books.site}"
    [report] = stage.control(f"{base}/expenses", {"reports": [wish]})["reports"]
    stage.control(f"{base}/approve", {"report_ids": [report["id"]], "tier": 2})
    return [int(entry_id) for entry_id in report["entry_ids"]]


def see_done(page: Page, entries: list[int]) -> None:
    for entry_id in entries:
        row = page.get_by_role("row").filter(has=page.get_by_role("link", name=str(entry_id), exact=True))
        expect(row.get_by_text("Done", exact=True)).to_be_visible()
