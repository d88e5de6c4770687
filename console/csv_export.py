"""Expenses as CSV for a spreadsheet, row by row, whatever their number.

A cell that a spreadsheet would take for a formula gets an apostrophe in front, which shows it as text
(https://owasp.org/www-community/attacks/CSV_Injection); numbers stay numbers.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

from console.shapes import instant, money
from models.database import Database
from models.expense import Document, Expense
from models.queries import Filter, Place, list_expenses

COLUMNS = (
    "entry_id", "state", "cause", "to_do", "why", "member", "payment_type", "classification", "expense_type",
    "amount", "currency", "date", "rule", "attempts", "next_attempt_at", "documents", "updated_at",
)  # fmt: skip
_PAGE = 500
Row = tuple[Expense, list[Document]]
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # their full-width forms too
_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def expenses_csv(database: Database, company_id: int, which: Filter) -> Iterator[str]:
    """The lines, newest change first, the names of the columns before them."""
    yield _line(COLUMNS)
    for expense, documents in _each_once(database, company_id, which):
        numbers = " ".join(f"{d.kind} {d.number} {d.state}," for d in documents)
        yield _line([_cell(value) for value in _values(expense, numbers.rstrip(","))])


def _each_once(database: Database, company_id: int, which: Filter) -> Iterator[Row]:
    """Every expense. What changes meanwhile moves to the top of the list, above where we are: so the top is
    looked at again at the end, down to what stood first before."""
    written: set[int] = set()
    top: Place | None = None
    while True:
        known, first = len(written), top
        for expense, documents in _down_to(top, database, company_id, which):
            first = max(first or _place(expense), _place(expense))
            if expense.id not in written:
                written.add(expense.id)
                yield expense, documents
        if len(written) == known:
            return
        top = first


def _down_to(end: Place | None, database: Database, company_id: int, which: Filter) -> Iterator[Row]:
    """The expenses from the newest change down to this place, None for all."""
    place: Place | None = None
    while True:
        with database.read() as session:
            page = list_expenses(session, company_id, which, limit=_PAGE, after=place)
        for expense in page.expenses:
            if end is not None and _place(expense) <= end:
                return
            yield expense, page.documents[expense.id]
        place = page.next_place
        if place is None:
            return


def _place(expense: Expense) -> Place:
    return expense.updated_at, expense.id


def _values(expense: Expense, documents: str) -> tuple[object, ...]:
    return (
        expense.entry_id,
        expense.state,
        expense.cause,
        expense.to_do,
        expense.why or expense.decision,
        expense.member,
        expense.payment_type,
        expense.classification,
        expense.expense_type,
        money(expense.amount, expense.currency),
        expense.currency,
        expense.date,
        expense.rule,
        expense.attempts,
        instant(expense.next_attempt_at),
        documents,
        instant(expense.updated_at),
    )


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    if text.startswith(_FORMULA) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def _line(cells: tuple[str, ...] | list[str]) -> str:
    written = io.StringIO()
    csv.writer(written).writerow(cells)
    return written.getvalue()
