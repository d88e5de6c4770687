from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable
from decimal import Decimal

import pytest
from sqlalchemy import update

from console.csv_export import COLUMNS, expenses_csv
from models import states
from models.company import Company
from models.database import Database
from models.expense import Expense
from models.queries import Filter
from tests.console.conftest import MORNING, add_document


def rows(database: Database, company: Company, which: Filter | None = None) -> list[dict[str, str]]:
    text = "".join(expenses_csv(database, company.id, which or Filter()))
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_every_expense_is_a_row_with_its_documents(
    database: Database, acme: Company, add_expense: Callable[..., Expense]
) -> None:
    expense = add_expense(state=states.DONE, amount=Decimal("-12.5"), rule=3, why="jdoe, Amex\n1001")
    add_document(database, expense, "bill")
    [row] = rows(database, acme)
    assert tuple(row) == COLUMNS
    assert (row["entry_id"], row["amount"], row["currency"], row["rule"]) == ("4711", "-12.50", "AUD", "3")
    assert row["documents"] == "bill CW-4711 posted"
    assert row["why"] == "jdoe, Amex\n1001"
    assert row["updated_at"] == "2026-08-22T03:00:00Z"


@pytest.mark.one_database
@pytest.mark.parametrize(
    "evil", ["=1+1", "+1", "-1+2", "@SUM(A1)", "\t=1", "\r=1", "＝1+1", '=HYPERLINK("x")']
)
def test_no_cell_is_taken_for_a_formula(
    database: Database, acme: Company, add_expense: Callable[..., Expense], evil: str
) -> None:
    add_expense(member=evil, payment_type=evil, expense_type=evil, why=evil, classification=evil, to_do=evil)
    [row] = rows(database, acme)
    for column in ("member", "payment_type", "expense_type", "why", "classification", "to_do"):
        assert row[column] == f"'{evil}"


@pytest.mark.one_database
def test_all_pages_follow_each_other_and_the_filter_holds(
    database: Database, acme: Company, add_expense: Callable[..., Expense], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.csv_export._PAGE", 3)
    for number in range(1, 9):
        add_expense(number, updated_at=MORNING + dt.timedelta(minutes=number))
    add_expense(99, state=states.DONE)
    found = rows(database, acme, Filter(state=states.NEEDS_ATTENTION))
    assert [row["entry_id"] for row in found] == ["8", "7", "6", "5", "4", "3", "2", "1"]


def test_what_changes_during_the_export_is_there_all_the_same_and_once(
    database: Database, acme: Company, add_expense: Callable[..., Expense], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.csv_export._PAGE", 2)
    for number in range(1, 7):
        add_expense(number, updated_at=MORNING + dt.timedelta(minutes=number))
    lines = expenses_csv(database, acme.id, Filter())
    begun = "".join(next(lines) for _ in range(2))  # the first page is read
    with database.write() as session:  # one of it, and two that are still to come
        later = MORNING + dt.timedelta(hours=1)
        session.execute(update(Expense).where(Expense.entry_id.in_((6, 2, 1))).values(updated_at=later))
    found = csv.DictReader(io.StringIO(begun + "".join(lines), newline=""))
    assert sorted(row["entry_id"] for row in found) == ["1", "2", "3", "4", "5", "6"]
