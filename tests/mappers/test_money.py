"""Money: nothing is lost to rounding, and tax is what Xero will reckon."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import NeedsAttention
from mappers.documents import BILL, Document, Line
from mappers.exact import parse, to_bytes
from mappers.money import cents, decimals_of, format_money, ledger_total, line_tax, rounded, totals

amounts = st.decimals(Decimal("0.01"), Decimal("9999999.99"), places=2)
rates = st.decimals(Decimal(0), Decimal(30), places=2)


def line(amount: str | Decimal, *, code: str = "T", tax: str | None = None) -> Line:
    typed = None if tax is None else Decimal(tax)
    return Line(description="", amount=Decimal(amount), account="a", tax_code=code, tax_amount=typed)


def bill(*lines: Line, inclusive: bool = True) -> Document:
    return Document(
        kind=BILL,
        number="CW-1",
        date=dt.date(2026, 8, 21),
        currency="AUD",
        amount=Decimal(0),
        lines=lines,
        inclusive=inclusive,
    )


@pytest.mark.parametrize(
    ("amount", "rate", "inclusive", "tax"),
    [
        ("89.00", "15", True, "11.61"),
        ("95.50", "15", True, "12.46"),
        ("120.50", "10", True, "10.95"),
        ("0.05", "10", False, "0.01"),
        ("0.15", "10", False, "0.02"),
        ("0.04", "10", False, "0.00"),
        ("100", "0", True, "0"),
    ],
)
def test_tax_of_a_line_is_rounded_half_up(amount: str, rate: str, inclusive: bool, tax: str) -> None:
    assert line_tax(line(amount), Decimal(rate), inclusive=inclusive) == Decimal(tax)


def test_a_typed_tax_amount_wins() -> None:
    assert line_tax(line("110", tax="9.99"), Decimal(10), inclusive=True) == Decimal("9.99")


def test_tax_is_rounded_by_line_and_then_summed() -> None:
    foot = totals(bill(line("0.05"), line("0.05"), inclusive=False), rates={"T": Decimal(10)})
    assert (foot.subtotal, foot.tax, foot.total) == (Decimal("0.10"), Decimal("0.02"), Decimal("0.12"))


@given(st.lists(amounts, min_size=1, max_size=5), rates)
def test_an_inclusive_document_totals_its_lines_to_the_cent(gross: list[Decimal], rate: Decimal) -> None:
    document = bill(*(line(amount) for amount in gross))
    foot = totals(document, rates={"T": rate})
    assert ledger_total(document, rates={"T": rate}) == sum(gross)
    assert foot.subtotal + foot.tax == foot.total


@given(st.lists(amounts, min_size=1, max_size=5), rates)
def test_an_exclusive_document_keeps_its_subtotal_to_the_cent(net: list[Decimal], rate: Decimal) -> None:
    foot = totals(bill(*(line(amount) for amount in net), inclusive=False), rates={"T": rate})
    assert foot.subtotal == sum(net)
    assert abs(foot.tax - sum(net) * rate / 100) <= Decimal("0.005") * len(net)


@given(amounts, rates)
def test_tax_taken_out_of_a_gross_amount_puts_it_back(gross: Decimal, rate: Decimal) -> None:
    tax = line_tax(line(gross), rate, inclusive=True)
    net = gross - tax
    assert abs(line_tax(line(net), rate, inclusive=False) - tax) <= Decimal("0.01")


@pytest.mark.parametrize(
    ("currency", "decimals"),
    [("AUD", 2), ("JPY", 0), ("isk", 0), ("KWD", 3), ("RSD", 2), ("", 2), ("XYZ", 2)],
)
def test_currencies_have_their_own_decimals(currency: str, decimals: int) -> None:
    assert decimals_of(currency) == decimals


@pytest.mark.parametrize(("amount", "decimals"), [("1.005", 2), ("0.1", 0), ("2.0001", 3)])
def test_an_amount_with_more_digits_than_the_currency_is_never_rounded(amount: str, decimals: int) -> None:
    with pytest.raises(NeedsAttention, match=amount) as trouble:
        cents(Decimal(amount), decimals)
    assert trouble.value.cause == "amount_not_in_cents"


@given(amounts)
def test_cents_keep_the_amount(amount: Decimal) -> None:
    assert cents(amount.normalize(), 2) == amount
    assert cents(amount.normalize(), 2).as_tuple().exponent == -2


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("120.5", "AUD", "120.50"),
        ("-3", "AUD", "-3.00"),
        ("1200", "JPY", "1200"),
        ("1.2345", "AUD", "1.2345"),
        ("1E+3", "KWD", "1000.000"),
        ("7", None, "7.00"),
    ],
)
def test_money_is_written_with_the_currencys_decimals(amount: str, currency: str | None, text: str) -> None:
    assert format_money(Decimal(amount), currency) == text


def test_halves_are_rounded_away_from_zero() -> None:
    assert [rounded(Decimal(x), 2) for x in ("0.005", "-0.005", "0.0149")] == [
        Decimal("0.01"),
        Decimal("-0.01"),
        Decimal("0.01"),
    ]


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12))
def test_json_keeps_every_digit_of_an_amount(amount: Decimal) -> None:
    back = parse(to_bytes({"amount": amount}))["amount"]
    assert Decimal(back) == amount


@pytest.mark.parametrize(
    "body", [b"[1]", b"{", b'{"a": NaN}', b"\xff", b"[" * 100_000, b"{" + b'"a":{' * 50_000]
)
def test_what_is_not_a_json_object_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError):
        parse(body)


def test_a_float_is_never_written() -> None:
    with pytest.raises(TypeError):
        to_bytes({"amount": 120.5})
