"""Money: exact cents, tax as the ledger will reckon it, and how an amount is written for people.

Tax is per line, rounded half-up, and then summed, as Xero does
(https://central.xero.com/s/article/Rounding-in-Xero; checked against recorded invoices of its demo company).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from errors import NeedsAttention
from mappers.documents import Document, Line

# ISO 4217 minor units that are not 2. (CLDR's figures are for display: it gives RSD none, ISO gives it two.)
_NO_DECIMALS = re.compile("BIF|CLP|DJF|GNF|ISK|JPY|KMF|KRW|PYG|RWF|UGX|UYI|VND|VUV|XAF|XOF|XPF")
_THREE_DECIMALS = re.compile("BHD|IQD|JOD|KWD|LYD|OMR|TND")

HUNDRED = Decimal(100)


@dataclass(frozen=True, kw_only=True)
class Totals:
    """What the ledger will print at the foot of a document."""

    subtotal: Decimal
    tax: Decimal

    @property
    def total(self) -> Decimal:
        return self.subtotal + self.tax


def decimals_of(currency: str) -> int:
    """How many decimals this currency has (ISO 4217; two when we have not heard of it)."""
    code = currency.upper()
    if _NO_DECIMALS.fullmatch(code):
        return 0
    return 3 if _THREE_DECIMALS.fullmatch(code) else 2


def cents(amount: Decimal, decimals: int, *, currency: str = "") -> Decimal:
    """The same amount with exactly `decimals` decimals. Raises NeedsAttention when digits would be lost."""
    exact = rounded(amount, decimals)
    if exact != amount:
        raise NeedsAttention(
            "amount_not_in_cents",
            f"The amount {_plain(amount)} {currency}".rstrip()
            + f" has more than {decimals} decimals; the ledger would round it to {_plain(exact)}.",
            "Correct the amount in ConnectWise, then retry.",
        )
    return exact


def rounded(amount: Decimal, decimals: int) -> Decimal:
    """Half-up, away from zero on a tie, to `decimals` decimals."""
    return amount.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)


def line_tax(line: Line, rate: Decimal, *, inclusive: bool, decimals: int = 2) -> Decimal:
    """The tax in (inclusive) or on (exclusive) one line; `rate` in percent; a typed tax amount wins."""
    if line.tax_amount is not None:
        return line.tax_amount
    if inclusive:
        return rounded(line.amount * rate / (HUNDRED + rate), decimals)
    return rounded(line.amount * rate / HUNDRED, decimals)


def totals(document: Document, *, rates: Mapping[str, Decimal], decimals: int = 2) -> Totals:
    """Subtotal and tax as the ledger will compute them; `rates` is tax code to percent."""
    tax = sum(
        (
            line_tax(line, _rate(line, rates), inclusive=document.inclusive, decimals=decimals)
            for line in document.lines
        ),
        Decimal(0),
    )
    amounts = sum((line.amount for line in document.lines), Decimal(0))
    return Totals(subtotal=amounts - tax if document.inclusive else amounts, tax=tax)


def ledger_total(document: Document, *, rates: Mapping[str, Decimal], decimals: int = 2) -> Decimal:
    """The total, tax included, that the ledger will compute from the lines."""
    return totals(document, rates=rates, decimals=decimals).total


def format_money(amount: Decimal, currency: str | None) -> str:
    """For people and the API: the currency's decimals, no separators, e.g. "120.50"; never drops digits."""
    decimals = decimals_of(currency or "")
    shown = rounded(amount, decimals)
    return f"{shown:f}" if shown == amount else _plain(amount)


def _rate(line: Line, rates: Mapping[str, Decimal]) -> Decimal:
    return rates[line.tax_code] if line.tax_code else Decimal(0)


def _plain(amount: Decimal) -> str:
    return format(amount, "f")
