"""The queue: what is shown, what pressing does, and how it looks."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select, update

from models import states
from models.company import Company
from models.database import Database
from models.expense import Expense, History
from tests.console.conftest import MORNING
from tests.pages.conftest import People
from tests.pages.looks import look_at

Add = Callable[..., Expense]
QUEUE = "/companies/acme/queue"


@pytest.fixture
def stuck(add_expense: Add) -> None:
    """Three expenses of one cause, one of another, one that is done."""
    for number in (1, 2, 3):
        add_expense(number, cause="expense_type_unmapped", to_do="Map Taxi to an account.")
    add_expense(
        4, cause="account_unknown", to_do="Name another account.", amount=Decimal("7"), currency="USD"
    )
    add_expense(5, state=states.DONE, cause=None, decision="ana pays Corporate Amex from Amex 1001 (rule 1)")


def state_of(database: Database, entry_id: int) -> str:
    with database.read() as session:
        return session.scalars(select(Expense.state).where(Expense.entry_id == entry_id)).one()


def entries(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"/companies/acme/expenses/(\d+)\"", text)]


def test_causes_are_told_with_the_money_they_hold(person: People, stuck: None) -> None:
    page = person("viewer").get(QUEUE).text
    assert "Expense type unmapped" in page and "Map Taxi to an account." in page
    assert "361.50" in page and "USD" in page
    assert sorted(entries(page)) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("state=done", [5]), ("cause=account_unknown", [4]), ("member=ana", [1, 2, 3, 4, 5]),
        ("member=bob", []), ("q=CW-3", [3]), ("q=zebra", []), ("q=unmapped", [1, 2, 3]),
    ],
)  # fmt: skip
def test_the_address_filters(person: People, stuck: None, query: str, found: list[int]) -> None:
    assert sorted(entries(person("viewer").get(f"{QUEUE}?{query}").text)) == found


@pytest.mark.parametrize("query", ["state=nonsense", "cursor=xx", "q=%00", "limit=0"])
def test_an_address_that_asks_for_nonsense_is_told_so(person: People, stuck: None, query: str) -> None:
    answer = person("viewer").get(f"{QUEUE}?{query}")
    assert answer.status_code == 400 and "could not be read" in answer.text


def test_one_press_retries_all_of_a_cause_and_the_history_names_who(
    person: People, stuck: None, database: Database
) -> None:
    somebody = person("operator")
    answer = somebody.post(f"{QUEUE}/retry", {"cause": "expense_type_unmapped"}, follow_redirects=True)
    assert "3 expenses are being tried again." in answer.text
    assert [state_of(database, number) for number in (1, 2, 3, 4)] == ["queued"] * 3 + ["needs_attention"]
    with database.read() as session:
        actors = session.scalars(select(History.actor).where(History.what == "retry")).all()
    assert set(actors) == {somebody.email} and len(actors) == 3


def test_only_what_was_ticked_is_retried(person: People, stuck: None, database: Database) -> None:
    answer = person("operator").post(
        f"{QUEUE}/retry", {"entry": ["1", "5", "x", "9" * 30, "9" * 5000], "shown_q": "taxi"}
    )
    assert answer.headers["Location"].endswith("/companies/acme/queue?q=taxi")
    assert [state_of(database, number) for number in (1, 2, 5)] == ["queued", "needs_attention", "done"]


def test_pressing_without_choosing_does_nothing(person: People, stuck: None, database: Database) -> None:
    for nothing in ({}, {"cause": "a\0b"}, {"entry": "9" * 5000}):
        answer = person("operator", email=f"o{len(str(nothing))}@example.com").post(
            f"{QUEUE}/retry", nothing, follow_redirects=True
        )
        assert "Nothing was chosen" in answer.text
    assert state_of(database, 1) == states.NEEDS_ATTENTION


def test_a_viewer_sees_no_buttons_and_can_press_none(person: People, stuck: None, database: Database) -> None:
    somebody = person("viewer")
    assert "queue/retry" not in somebody.get(QUEUE).text
    assert somebody.post(f"{QUEUE}/retry", {"cause": "account_unknown"}).status_code == 403
    assert state_of(database, 4) == states.NEEDS_ATTENTION


def test_a_person_of_another_company_finds_no_queue(person: People, stuck: None, beta: Company) -> None:
    somebody = person("admin", ["beta"])
    for path in (QUEUE, f"{QUEUE}/rows", f"{QUEUE}.csv"):
        assert somebody.get(path).status_code == 404
    assert somebody.post(f"{QUEUE}/retry", {"cause": "account_unknown"}).status_code == 404


def test_text_from_outside_stays_text(person: People, add_expense: Add) -> None:
    evil = "<script>alert(1)</script>{{7*7}}"
    add_expense(1, member=evil, expense_type=evil, why=evil, cause=None)
    page = person("viewer").get(QUEUE).text
    assert "<script>alert" not in page and "&lt;script&gt;alert" in page and "{{7*7}}" in page


def test_csv_holds_what_the_page_filters(person: People, stuck: None) -> None:
    answer = person("viewer").get(f"{QUEUE}.csv?cause=account_unknown")
    assert answer.mimetype == "text/csv" and "attachment" in answer.headers["Content-Disposition"]
    assert [line.split(",")[0] for line in answer.text.splitlines()] == ["entry_id", "4"]


def test_the_live_part_is_sent_only_when_something_changed(
    person: People, stuck: None, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Database, "now", lambda *_: MORNING)
    somebody = person("viewer")
    page = somebody.get(f"{QUEUE}/rows").text
    [version] = re.findall(r'"version": "(\w+)"', page)
    assert somebody.get(f"{QUEUE}/rows?version={version}").status_code == 204
    with database.write() as session:
        session.execute(update(Expense).where(Expense.entry_id == 1).values(state=states.IGNORED))
    assert somebody.get(f"{QUEUE}/rows?version={version}").status_code == 200


def test_it_reads_well_and_changes_while_one_looks(page: Page, stuck: None, database: Database) -> None:
    page.goto(QUEUE)
    look_at(page, "queue")
    page.get_by_label("Choose 2").check()
    with database.write() as session:
        values: dict[str, Any] = {"state": states.DONE, "cause": None}
        session.execute(update(Expense).where(Expense.entry_id == 4).values(**values))
    expect(page.get_by_role("link", name="Account unknown")).to_have_count(0)
    expect(page.get_by_label("Choose 2")).to_be_checked()
    page.get_by_role("button", name="Retry what is ticked").click()
    expect(page.get_by_text("1 expense is being tried again.")).to_be_visible()
    assert state_of(database, 2) == states.QUEUED


def test_an_empty_queue_says_what_to_expect(page: Page, acme: Company) -> None:
    page.goto(QUEUE)
    expect(page.get_by_role("heading", name="No expenses yet")).to_be_visible()
    look_at(page, "queue-empty")


def test_where_nothing_can_be_ticked_no_button_asks_for_it(person: People, add_expense: Any) -> None:
    add_expense(1, state=states.AWAITING_APPROVAL)
    operator = person("operator")
    assert "Retry what is ticked" not in operator.get("/companies/acme/queue").text
    add_expense(2, state=states.NEEDS_ATTENTION)
    assert "Retry what is ticked" in operator.get("/companies/acme/queue").text
