"""What happens to a day in closed books, by the company's policy: held, moved to an open day, or a draft.

Asked for the claim and for the payment alone: the books can be closed between the two.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from errors import Held
from mappers.books import Books
from mappers.company import CompanySettings
from mappers.documents import Document


def open_day(day: dt.date, *, settings: CompanySettings, books: Books) -> tuple[dt.date, bool]:
    """The day for the documents, and whether they must stay drafts. Raises Held `closed_period`."""
    locked, policy = books.locked_until, settings.expenses.closed_period
    if locked is None or day > locked:
        return day, False
    if policy == "next_open_day":
        return locked + dt.timedelta(days=1), False
    if policy == "draft":
        return day, True
    raise Held(
        f"It is dated {day}, and the books of {books.name} are closed up to {locked}.",
        cause="closed_period",
        to_do=f"Open the books for {day}, or set closed_period in the company file to"
        ' "next_open_day" or "draft".',
    )


def on_open_day(money: Document, *, settings: CompanySettings, books: Books) -> Document:
    """The same payment, refund or spend, on a day that is open. No ledger has drafts of them, so the policy
    "draft" holds them as "hold" does: raises Held `closed_period`."""
    day, draft = open_day(money.date, settings=settings, books=books)
    if not draft:
        return money if day == money.date else replace(money, date=day)
    raise Held(
        f"Its bill stands, but the books of {books.name} were closed up to {books.locked_until} before it was"
        f" paid, and a {money.kind} can't be a draft.",
        cause="closed_period",
        to_do=f"Open the books for {money.date}, or set closed_period in the company file to"
        ' "next_open_day".',
    )
