"""What an entry says once the site's tables are asked: its money, its class, who paid.

Ids win over the names that an entry carries, because a row of a table can be renamed after that.
"""

from __future__ import annotations

from decimal import Decimal

from errors import NeedsAttention
from mappers.company import CompanySettings
from mappers.entry import Entry, Site
from mappers.money import decimals_of, format_money, rounded
from mappers.words import folded, stock_word

REIMBURSABLE, NON_REIMBURSABLE, PERSONAL = "reimbursable", "nonreimbursable", "personal"


def money_of(entry: Entry, *, site: Site) -> Decimal:
    """The entry's signed money. For mileage types `amount` is a distance: `invoice_amount` is taken, and only
    when it equals distance times rate to the cent (it can carry a mark-up for the client)."""
    expense_type = site.expense_types.get(entry.expense_type_id)
    if expense_type is None:
        raise NeedsAttention(
            "expense_type_unknown",
            f'The expense type "{entry.expense_type}" is not in the table of types read from ConnectWise, so'
            " it is not known whether its amount is money or a distance.",
            "Wait until the tables are read again (every few minutes), then retry.",
        )
    if not expense_type.mileage:
        return entry.amount
    if entry.amount == 0:
        return Decimal(0)
    decimals = decimals_of(entry.currency or "")
    worth = rounded(entry.amount * expense_type.rate, decimals) if expense_type.rate is not None else None
    if worth is None or entry.invoice_amount != worth:
        raise _unclear(entry, rate=expense_type.rate, worth=worth)
    return worth


def _unclear(entry: Entry, *, rate: Decimal | None, worth: Decimal | None) -> NeedsAttention:
    by_rate = "has no rate" if rate is None or worth is None else f"at {rate:f} is worth {_say(entry, worth)}"
    shown = "no amount" if entry.invoice_amount is None else _say(entry, entry.invoice_amount)
    return NeedsAttention(
        "mileage_amount_unclear",
        f'"{entry.expense_type}" is paid by distance: {entry.amount:f} {by_rate}, but ConnectWise shows'
        f" {shown}.",
        f'Check the distance, and the rate of "{entry.expense_type}" in ConnectWise, then retry.',
    )


def _say(entry: Entry, amount: Decimal) -> str:
    return f"{format_money(amount, entry.currency)} {entry.currency or ''}".strip()


def classification_of(entry: Entry, *, site: Site) -> str:
    """REIMBURSABLE, NON_REIMBURSABLE or PERSONAL, by the site's table; raises `classification_unknown`."""
    name = site.classifications.get(entry.classification_id or 0) or entry.classification
    word = stock_word(name)
    if word not in (REIMBURSABLE, NON_REIMBURSABLE, PERSONAL):
        raise NeedsAttention(
            "classification_unknown",
            f'Its classification is "{name}".' if name else "It has no classification.",
            "Give it one of Reimbursable, Non-Reimbursable and Personal in ConnectWise, then retry.",
        )
    return word


def payment_type_of(entry: Entry, *, site: Site) -> str:
    """The name of the entry's payment type as the site's table has it now; "" when it has none."""
    row = site.payment_types.get(entry.payment_type_id or 0)
    return row.name if row else entry.payment_type


def paid_by_company(entry: Entry, *, settings: CompanySettings, site: Site) -> bool:
    """By the [[payment_types]] row of that name, else by ConnectWise's companyFlag.

    Raises NeedsAttention `payment_type_unknown` when neither knows it."""
    name = payment_type_of(entry, site=site)
    for row in settings.payment_types:
        if name and folded(row.name) == folded(name):
            return row.company_paid
    known = site.payment_types.get(entry.payment_type_id or 0)
    if known is None:
        raise NeedsAttention(
            "payment_type_unknown",
            f'Its payment type "{name}" is not in the table of payment types read from ConnectWise.'
            if name
            else "It has no payment type, so it is not known who paid.",
            "Choose a payment type in ConnectWise, or add a [[payment_types]] row to the company file.",
        )
    return known.company_paid
