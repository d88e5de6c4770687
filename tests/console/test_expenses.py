"""Expenses through the API: their shape, pages, filters and stories."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import update

from app import create_app
from models.company import Company, Event
from models.database import Database
from models.expense import Expense
from models.history import note
from settings import read_settings
from tests.console.conftest import MORNING, Api, add_document

Add = Callable[..., Expense]
LIST = "/companies/acme/expenses"


def ids(api: Api, **query: object) -> list[int]:
    answer = api.get(LIST, **query)
    assert answer.status_code == 200, answer.text
    return [row["entry_id"] for row in answer.json["expenses"]]


def test_an_expense_has_the_documented_shape(api: Api, add_expense: Add, database: Database) -> None:
    expense = add_expense(state="done", why="jdoe pays", rule=3, attempts=1)
    add_document(database, expense, "bill", remote_id="b-1", url="https://go.xero.com/b-1")
    add_document(database, expense, "payment", position=1, account="Amex 1001")
    add_document(database, expense, "contact", number="ana")
    [shape] = api.get(LIST).json["expenses"]
    assert shape == {
        "entry_id": 4711, "state": "done", "cause": None, "to_do": None, "why": "jdoe pays", "member": "ana",
        "payment_type": "Corporate Amex", "classification": "NonReimbursable", "expense_type": "Taxi",
        "amount": "120.50", "currency": "AUD", "date": "2026-08-21", "rule": 3, "attempts": 1,
        "next_attempt_at": None, "updated_at": "2026-08-22T03:00:00Z",
        "documents": [
            {"kind": "bill", "state": "posted", "number": "CW-4711", "remote_id": "b-1",
             "url": "https://go.xero.com/b-1", "amount": "120.50", "account": None},
            {"kind": "payment", "state": "posted", "number": "CW-4711", "remote_id": None, "url": None,
             "amount": "120.50", "account": "Amex 1001", "reconciled": False},
        ],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("currency", "amount", "shown"),
    [("JPY", "1200", "1200"), ("KWD", "1.5", "1.500"), ("AUD", "-5", "-5.00")],
)
def test_money_has_its_currencys_decimals(
    api: Api, add_expense: Add, currency: str, amount: str, shown: str
) -> None:
    add_expense(currency=currency, amount=Decimal(amount))
    assert api.get(f"{LIST}/4711").json["amount"] == shown


def test_an_expense_not_read_yet_is_shown_all_the_same(api: Api, add_expense: Add) -> None:
    unread = dict.fromkeys(("member", "payment_type", "classification", "expense_type", "amount", "date"))
    add_expense(state="queued", currency=None, **unread)
    shape = api.get(f"{LIST}/4711").json
    assert (shape["state"], shape["amount"], shape["date"]) == ("queued", None, None)


def test_the_newest_change_comes_first_and_pages_join_without_gap(api: Api, add_expense: Add) -> None:
    for number in range(7):  # some in the same instant
        add_expense(number + 1, updated_at=MORNING + dt.timedelta(seconds=number // 2))
    seen, cursor = [], None
    while True:
        page = api.get(LIST, limit=2, **({"cursor": cursor} if cursor else {})).json
        seen += [row["entry_id"] for row in page["expenses"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [7, 6, 5, 4, 3, 2, 1]


def test_a_change_between_two_pages_hides_no_other_and_is_on_top(
    api: Api, add_expense: Add, database: Database
) -> None:
    for number in range(1, 6):
        add_expense(number, updated_at=MORNING + dt.timedelta(seconds=number))
    first = api.get(LIST, limit=2).json
    with database.write() as session:  # one already seen and one not yet seen change meanwhile
        later = MORNING + dt.timedelta(hours=1)
        session.execute(update(Expense).where(Expense.entry_id.in_((5, 2))).values(updated_at=later))
    second = api.get(LIST, limit=10, cursor=first["next_cursor"]).json
    assert [row["entry_id"] for row in first["expenses"]] == [5, 4]
    assert [row["entry_id"] for row in second["expenses"]] == [3, 1]
    assert ids(api, limit=2) == [5, 2]  # the changed ones are on top now


def test_the_last_full_page_leads_nowhere(api: Api, add_expense: Add) -> None:
    add_expense(1)
    add_expense(2)
    assert api.get(LIST, limit=2).json["next_cursor"] is None


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"state": "held"}, [2]),
        ({"cause": "closed_period"}, [2]),
        ({"member": "bob"}, [3]),
        ({"member": "bob", "state": "held"}, []),
        ({"q": "3"}, [3]),
        ({"q": "CW-3"}, [3]),
        ({"q": "CW-3-2"}, [3]),
        ({"q": "taxi"}, [2, 1]),
        ({"q": "100%"}, [3]),
        ({"q": "_"}, [2]),
        ({"state": "", "q": ""}, [3, 2, 1]),
    ],
)
def test_filters_and_search(api: Api, add_expense: Add, query: dict[str, str], found: list[int]) -> None:
    add_expense(1)
    add_expense(2, state="held", cause="closed_period")
    add_expense(3, member="bob", expense_type="100% meals")
    assert ids(api, **query) == found


def test_a_search_goes_on_where_its_page_ended(
    api: Api, add_expense: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.queries.SCAN", 3)
    for number in range(1, 9):
        add_expense(number, member="zoe" if number in (1, 7) else "ana", updated_at=MORNING)
    first = api.get(LIST, q="zoe").json
    assert [row["entry_id"] for row in first["expenses"]] == [7]
    seen, cursor = [], first["next_cursor"]
    while cursor:
        page = api.get(LIST, q="zoe", cursor=cursor).json
        seen += [row["entry_id"] for row in page["expenses"]]
        cursor = page["next_cursor"]
    assert seen == [1]


def test_only_the_companys_own_expenses_are_listed(
    api: Api, add_expense: Add, beta: Company, database: Database
) -> None:
    add_expense(1)
    add_expense(2, company_id=beta.id)
    assert ids(api) == [1]
    assert ids(api, q="2") == []
    assert api.get(f"{LIST}/2").status_code == 404


def test_the_timeline_merges_callbacks_steps_and_documents(
    api: Api, add_expense: Add, database: Database
) -> None:
    def after(seconds: int) -> dt.datetime:
        return MORNING + dt.timedelta(seconds=seconds)

    expense = add_expense(state="done")
    add_document(database, expense, "bill", seen_at=after(2))
    add_document(
        database, expense, "payment", state="failed", words="Account is archived", updated_at=after(3)
    )
    with database.write() as session:
        note(session, company_id=expense.company_id, expense_id=expense.id, at=after(4), actor="worker",
             what="done", text="ana pays")  # fmt: skip
        session.add(Event(company_id=expense.company_id, message_id="m", action="updated", entry_id=4711,
                          status="queued", body=b"{}", received_at=after(1)))  # fmt: skip
    steps = api.get(f"{LIST}/4711").json["timeline"]
    assert [(step["what"], step["actor"]) for step in steps] == [
        ("callback", "connectwise"), ("posted", "ledger"), ("failed", "ledger"), ("done", "worker"),
    ]  # fmt: skip
    assert "Account is archived" in steps[2]["text"]
    assert steps[0]["at"] == "2026-08-22T03:00:01Z"


def test_an_unknown_expense_is_404_in_words(api: Api) -> None:
    answer = api.get(f"{LIST}/1")
    assert answer.status_code == 404
    assert answer.json["code"] == 404
    assert "acme has no expense 1" in answer.json["message"]


def test_undo_is_not_there_yet(api: Api, add_expense: Add) -> None:
    add_expense()
    assert api.post(f"{LIST}/4711/undo").status_code == 404


def test_a_draft_kept_here_is_due_once_it_is_approved(api: Api, add_expense: Add) -> None:
    add_expense(state="awaiting_approval", due_at=None)
    assert api.post(f"{LIST}/4711/approve").status_code == 202
    assert api.get(f"{LIST}/4711").json["state"] == "queued"


def test_what_waits_for_no_approval_says_so(api: Api, add_expense: Add) -> None:
    add_expense()
    answer = api.post(f"{LIST}/4711/approve")
    assert (answer.status_code, "waiting for an approval" in answer.json["message"]) == (409, True)


@pytest.mark.parametrize(
    "url", ["sqlite:////proc/nowhere.db", "postgresql+psycopg://postgres@/relay?host=/nowhere"]
)
def test_a_database_that_is_away_is_503_in_words(url: str, redis_url: str, tmp_path: Path) -> None:
    environ = {"EXPENSE_RELAY_ENV": "development", "DATABASE_URL": url, "REDIS_URL": redis_url}
    app = create_app(read_settings(environ, root=tmp_path))
    answer = Api(app, "er_some").get("/companies")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert "database does not answer" in answer.json["message"]
