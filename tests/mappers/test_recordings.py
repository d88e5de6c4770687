"""Replies of Xero's demo company, recorded by others: our arithmetic and our reading must agree with them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mappers.documents import BILL, Document, Line
from mappers.exact import parse, to_decimal
from mappers.money import line_tax, totals
from mappers.xero import to_books, to_found
from tests.mappers.world import DAY

RECORDINGS = Path(__file__).parents[3] / "shared" / "data" / "xero" / "recordings"
pytestmark = pytest.mark.skipif(not RECORDINGS.exists(), reason="the recordings are not here")
RATE = Decimal(15)  # New Zealand's, where that company is


def recorded() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = parse((RECORDINGS / "invoices.json").read_bytes())["Invoices"]
    return [row for row in rows if row.get("LineItems")]


def number(row: dict[str, Any], name: str) -> Decimal:
    value = to_decimal(row[name])
    assert value is not None
    return value


def document(row: dict[str, Any]) -> Document:
    lines = tuple(
        Line(
            description="",
            amount=number(line, "LineAmount"),
            account="a",
            tax_code="GST" if number(line, "TaxAmount") else "NONE",
        )
        for line in row["LineItems"]
    )
    inclusive = row["LineAmountTypes"] == "Inclusive"
    return Document(
        kind=BILL,
        number=row["InvoiceNumber"],
        date=DAY,
        currency=row["CurrencyCode"],
        amount=Decimal(0),
        lines=lines,
        inclusive=inclusive,
    )


def test_our_totals_are_those_that_xero_printed() -> None:
    rows = recorded()
    assert len(rows) > 70
    for row in rows:
        foot = totals(document(row), rates={"GST": RATE, "NONE": Decimal(0)})
        assert (foot.subtotal, foot.tax, foot.total) == (
            number(row, "SubTotal"),
            number(row, "TotalTax"),
            number(row, "Total"),
        )


def test_our_tax_of_every_line_is_xeros() -> None:
    for row in recorded():
        made = document(row)
        for ours, theirs in zip(made.lines, row["LineItems"], strict=True):
            rate = RATE if ours.tax_code == "GST" else Decimal(0)
            assert line_tax(ours, rate, inclusive=made.inclusive) == number(theirs, "TaxAmount")


def test_recorded_bills_are_found_by_number_and_voided_ones_are_not() -> None:
    answer = {"Invoices": recorded()}
    for row in recorded():
        wanted = document(row)
        ids = {found.remote_id for found in to_found(BILL, answer, [wanted]).get(wanted.marker, [])}
        live = row["Type"] == "ACCPAY" and row["Status"] not in ("VOIDED", "DELETED")
        assert (row["InvoiceID"] in ids) is live


def test_the_recorded_organisation_is_read() -> None:
    organisation = parse((RECORDINGS / "organisation.json").read_bytes())
    books = to_books(organisation, {}, {}, {}, {})
    assert (books.name, books.base_currency, books.short_code) == ("Demo Company (NZ)", "NZD", "!1lqVQ")
    assert str(books.locked_until) == "2009-09-30"
