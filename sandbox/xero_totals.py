"""How Xero works out a document's money: tax per line, rounded half up to the cent, then summed."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from sandbox.xero_wire import CENT, round_half_up

HUNDRED = Decimal(100)
FOUR_PLACES = Decimal("0.0001")


@dataclass(frozen=True)
class Totals:
    """A document's sums."""

    sub_total: Decimal
    total_tax: Decimal
    total: Decimal


def unit_amount(value: Decimal, *, places: int) -> Decimal:
    """A unit amount as Xero keeps it: two decimals, or four with `unitdp=4`."""
    return round_half_up(value, step=FOUR_PLACES if places == 4 else CENT)


def line_amount(*, quantity: Decimal, unit: Decimal) -> Decimal:
    """Quantity times unit amount, to the cent."""
    return round_half_up(quantity * unit)


def line_tax(amount: Decimal, *, rate: Decimal, line_amount_types: str) -> Decimal:
    """The tax of one line; `rate` in per cent."""
    if line_amount_types == "NoTax":
        return Decimal("0.00")
    if line_amount_types == "Inclusive":
        return round_half_up(amount * rate / (HUNDRED + rate))
    return round_half_up(amount * rate / HUNDRED)


def totals(lines: list[tuple[Decimal, Decimal]], *, line_amount_types: str) -> Totals:
    """Sums of (line amount, tax amount) pairs."""
    amounts = sum((amount for amount, _ in lines), Decimal("0.00"))
    tax = sum((tax for _, tax in lines), Decimal("0.00"))
    if line_amount_types == "Inclusive":
        return Totals(amounts - tax, tax, amounts)
    return Totals(amounts, tax, amounts + tax)
