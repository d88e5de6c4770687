"""One expense: its story, what was sent for it, and the buttons."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from models import states
from models.company import Company, Event
from models.database import Database
from models.expense import Document, Expense, History, Request
from tests.console.conftest import MORNING, add_document
from tests.pages.conftest import People
from tests.pages.looks import look_at

Add = Callable[..., Expense]
HERE = "/companies/acme/expenses/4711"


def expense_of(database: Database, entry_id: int = 4711) -> Expense:
    with database.read() as session:
        return session.scalars(select(Expense).where(Expense.entry_id == entry_id)).one()


@pytest.fixture
def posted(database: Database, add_expense: Add) -> Expense:
    """An expense that is done: bill and payment, sent together with another's."""
    expense = add_expense(
        state=states.DONE, decision="ana pays Corporate Amex from Amex 1001 (rule 1)", entry='{"id": 4711}'
    )
    body = {"Invoices": [{"InvoiceNumber": "CW-4711"}, {"InvoiceNumber": "CW-9"}]}
    with database.write() as session:
        request = Request(
            company_id=expense.company_id, operation="invoices", body=json.dumps(body).encode(),
            markers='["bill:CW-4711", "bill:CW-9"]', key="er-1", state=states.DONE, first_sent_at=MORNING,
            outcome="answered",
        )  # fmt: skip
        session.add(request)
        session.flush()
        session.add(
            History(company_id=expense.company_id, expense_id=expense.id, at=MORNING, actor="worker",
                    what="plan", text="a bill and a payment")
        )  # fmt: skip
        session.add(
            Event(company_id=expense.company_id, message_id="m-1", type="expense", action="updated",
                  entry_id=4711, status="queued", body=b"{}", received_at=MORNING)
        )  # fmt: skip
    add_document(
        database, expense, "bill", request_id=request.id, remote_id="r-1", url="https://go.xero.com/x"
    )
    add_document(database, expense, "payment", account="Amex 1001", reconciled=True)
    return expense


def test_the_whole_story_is_told(person: People, posted: Expense) -> None:
    page = person("viewer").get(HERE).text
    for text in ("Done", "ana pays Corporate Amex", "https://go.xero.com/x", "Amex 1001", "Reconciled",
                 "a bill and a payment", "ConnectWise says: updated", "er-1", "answered", "r-1"):  # fmt: skip
        assert text in page, text


def test_only_this_expenses_part_of_a_batch_is_shown(person: People, posted: Expense) -> None:
    page = person("viewer").get(HERE).text
    assert "CW-9" not in page and "1 documents of other expenses" not in page
    assert "1 document of another expense" in page


@pytest.mark.parametrize("state", states.EXPENSE_STATES)
def test_each_state_offers_what_can_be_done(person: People, add_expense: Add, state: str) -> None:
    add_expense(state=state)
    page = person("operator").get(HERE).text
    assert ("/retry" in page) == (state in states.RETRIABLE)
    assert ("/approve" in page) == (state == states.AWAITING_APPROVAL)
    assert ("/ignore" in page) == (state not in (states.DONE, states.IGNORED, states.UNDONE))
    assert ("/handled" in page) == (state not in (states.DONE, states.CHANGED, states.UNDONE))


def test_a_retry_makes_it_due_and_is_in_the_story(
    person: People, add_expense: Add, database: Database
) -> None:
    add_expense()
    answer = person("operator").post(f"{HERE}/retry", follow_redirects=True)
    assert "It is being tried again." in answer.text and "operator@example.com" in answer.text
    assert expense_of(database).state == states.QUEUED


def test_what_cannot_be_retried_says_why(person: People, posted: Expense) -> None:
    answer = person("operator").post(f"{HERE}/retry", follow_redirects=True)
    assert "there is nothing to retry" in answer.text


def test_ignoring_takes_a_reason(person: People, add_expense: Add, database: Database) -> None:
    add_expense()
    somebody = person("operator")
    for reason in ("", "  ", "two\nlines", "x" * 3000):
        answer = somebody.post(f"{HERE}/ignore", {"reason": reason}, follow_redirects=True)
        assert "Say in one line why" in answer.text
    assert expense_of(database).state == states.NEEDS_ATTENTION
    somebody.post(f"{HERE}/ignore", {"reason": "entered twice"})
    assert expense_of(database).state == states.IGNORED
    assert "entered twice" in somebody.get(HERE).text


def test_a_draft_is_posted_when_somebody_approves(
    person: People, add_expense: Add, database: Database
) -> None:
    add_expense(state=states.AWAITING_APPROVAL, fingerprint="f-1")
    person("operator").post(f"{HERE}/approve")
    found = expense_of(database)
    assert (found.state, found.approved) == (states.QUEUED, "f-1")


def test_a_callback_is_taken_in_again(person: People, posted: Expense, database: Database) -> None:
    with database.read() as session:
        event_id = session.scalars(select(Event.id)).one()
    somebody = person("operator")
    for number in ("99", "x", "9" * 5000):
        answer = somebody.post(f"{HERE}/replay", {"event": number}, follow_redirects=True)
        assert "not one of this" in answer.text
    somebody.post(f"{HERE}/replay", {"event": str(event_id)})
    with database.read() as session:
        assert session.scalars(select(Event.replayed_at)).one() is not None


def test_a_preview_that_cannot_be_made_says_why(person: People, add_expense: Add) -> None:
    add_expense()
    page = person("viewer").get(f"{HERE}/preview").text
    assert "ConnectWise" in page and "Traceback" not in page


def test_a_viewer_presses_nothing(person: People, add_expense: Add, database: Database) -> None:
    add_expense()
    somebody = person("viewer")
    assert "<form" not in somebody.get(HERE).text.partition("<main")[2]
    for action in ("retry", "ignore", "approve", "handled", "replay"):
        assert somebody.post(f"{HERE}/{action}", {"reason": "x", "event": "1"}).status_code == 403
    assert expense_of(database).state == states.NEEDS_ATTENTION


def test_nobody_reads_another_companys_expense(person: People, posted: Expense, beta: Company) -> None:
    somebody = person("admin", ["beta"])
    for path in (HERE, f"{HERE}/story", f"{HERE}/preview", "/companies/beta/expenses/4711"):
        assert somebody.get(path).status_code == 404
    for action in ("retry", "ignore", "approve", "handled", "replay"):
        assert somebody.post(f"{HERE}/{action}", {"reason": "x"}).status_code == 404


def test_it_reads_well(page: Page, posted: Expense) -> None:
    page.goto(HERE)
    page.get_by_text("Invoices").click()
    look_at(page, "expense-done")


def test_a_stuck_one_reads_well_and_its_buttons_work(
    page: Page, add_expense: Add, database: Database
) -> None:
    values: dict[str, Any] = {"cause": "expense_type_unmapped", "to_do": "Map Taxi to an account.",
                              "why": "No account is mapped to the expense type Taxi."}  # fmt: skip
    add_expense(**values)
    page.goto(HERE)
    page.get_by_role("link", name="Preview").click()
    expect(page.get_by_role("heading", name="What would be made now")).to_be_visible()
    page.get_by_text("Ignore …").click()
    look_at(page, "expense-stuck")
    page.get_by_label("Why is it ignored?").fill("entered twice")
    page.get_by_role("button", name="Ignore this expense").click()
    expect(page.get_by_text("It is ignored from now on.")).to_be_visible()
    assert expense_of(database).state == states.IGNORED


def test_documents_are_told_in_words_when_refused(
    person: People, add_expense: Add, database: Database
) -> None:
    expense = add_expense()
    add_document(database, expense, "bill", state=states.FAILED, words="Account code '999' is not valid")
    with database.read() as session:
        assert session.scalars(select(Document)).one().words
    assert "Account code &#39;999&#39; is not valid" in person("viewer").get(HERE).text
