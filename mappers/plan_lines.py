"""The lines of a plan: where the cost goes, its tax, and what the bookkeeper reads on them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from errors import NeedsAttention
from mappers.accounts import check_can_code, cost_account, find_account, no_tax, tax_of, tracking_of
from mappers.books import Account, Books, TaxCode
from mappers.company import CompanySettings
from mappers.decision import OFFSET_LINE, Decision
from mappers.documents import Line, TaxShare, TrackingChoice
from mappers.entry import Entry
from mappers.money import cents, decimals_of, format_money, line_tax, rounded
from mappers.traits import LedgerTraits
from mappers.words import one_line

_LONGEST_NOTE = 300


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """All that the small steps of one plan look at."""

    entry: Entry
    decision: Decision
    contact: str
    settings: CompanySettings
    books: Books
    traits: LedgerTraits
    number: str
    currency: str
    amount: Decimal
    day: dt.date
    draft: bool  # it must stay one for now, whatever the decision says
    approved: bool  # a person approved what the decision made a draft

    @property
    def inclusive(self) -> bool:
        typed_gross = self.settings.expenses.inclusive_of_tax
        return typed_gross or self.taxless or self.decision.cost == OFFSET_LINE

    @property
    def taxless(self) -> bool:
        """The books keep no tax on purchases: amounts go there with their tax in them."""
        return self.traits.taxless_books and not self.books.tax_codes

    @property
    def decimals(self) -> int:
        return min(decimals_of(self.currency), self.traits.decimals)

    @property
    def moved(self) -> str:
        """Says the original day when the closed-period policy moved the documents."""
        return "" if self.day == self.entry.date else f"dated {self.entry.date}, then closed"


def cost_line(sheet: Sheet) -> Line:
    """The line on the account of the expense type. Raises what accounts.py raises, `tax_amount_unclear`."""
    account = _cost_account(sheet)
    if sheet.taxless:
        return _line(sheet, account, gross(sheet), tax=None, tracking=_tracking(sheet))
    tax, typed = _tax_of(sheet, account)
    amount = None if typed is None else _typed_tax(sheet, typed)
    return _line(sheet, account, sheet.amount, tax=tax, tax_amount=amount, tracking=_tracking(sheet))


def offset_line(sheet: Sheet) -> Line:
    """What a personal purchase took from the company, tax included: none of it can be reclaimed."""
    account = find_account(sheet.books, sheet.decision.offset or "")
    if not (sheet.traits.offset_may_be_bank and account.is_bank):
        check_can_code(account)
    tax = None if sheet.taxless else no_tax(sheet.books, account, traits=sheet.traits)
    return _line(sheet, account, gross(sheet), tax=tax)


def gross(sheet: Sheet) -> Decimal:
    """What was paid, tax included."""
    if sheet.settings.expenses.inclusive_of_tax:
        return sheet.amount
    if sheet.taxless:
        typed = sum((tax.amount for tax in sheet.entry.taxes), Decimal(0))
        return sheet.amount + _typed_tax(sheet, typed)
    account = _cost_account(sheet)
    tax, stated = _tax_of(sheet, account)
    if stated is not None:
        return sheet.amount + _typed_tax(sheet, stated)
    line = Line(description="", amount=sheet.amount, account=account.id, tax_code=tax.code)
    return sheet.amount + line_tax(line, tax.rate, inclusive=False, decimals=sheet.traits.decimals)


def memo(sheet: Sheet) -> str:
    """A few words for a reference or note."""
    parts = [sheet.entry.member, sheet.entry.expense_type, sheet.moved]
    return one_line(" ".join(part for part in parts if part), most=80)


def _line(
    sheet: Sheet,
    account: Account,
    amount: Decimal,
    *,
    tax: TaxCode | None,
    tax_amount: Decimal | None = None,
    tracking: tuple[TrackingChoice, ...] = (),
) -> Line:
    line = Line(
        description=_description(sheet),
        amount=amount,
        account=account.id,
        account_code=account.code,
        tax_code=tax.code if tax else None,
        tax_amount=tax_amount,
        tracking=tracking,
    )
    return replace(line, tax_shares=tuple(_shares(sheet, line, tax))) if tax and tax.rates else line


def _shares(sheet: Sheet, line: Line, tax: TaxCode) -> Iterator[TaxShare]:
    """The line's tax, spread over its code's rates; what rounding leaves goes to the last."""
    left = line_tax(line, tax.rate, inclusive=sheet.inclusive, decimals=sheet.decimals)
    whole = left
    for position, (rate, percent) in enumerate(tax.rates, start=1):
        is_last = position == len(tax.rates)
        part = left if is_last or not tax.rate else rounded(whole * percent / tax.rate, sheet.decimals)
        yield TaxShare(rate=rate, percent=percent, amount=part)
        left -= part


def _tax_of(sheet: Sheet, account: Account) -> tuple[TaxCode, Decimal | None]:
    return tax_of(sheet.entry, account, settings=sheet.settings, books=sheet.books)


def _tracking(sheet: Sheet) -> tuple[TrackingChoice, ...]:
    return tracking_of(
        sheet.entry,
        settings=sheet.settings,
        books=sheet.books,
        location=sheet.decision.location,
        department=sheet.decision.department,
    )


def _cost_account(sheet: Sheet) -> Account:
    return cost_account(
        sheet.entry,
        settings=sheet.settings,
        books=sheet.books,
        charged_to_client=sheet.decision.charged_to_client,
    )


def _typed_tax(sheet: Sheet, typed: Decimal) -> Decimal:
    """The tax as typed, turned positive together with the amount of a refund."""
    signed = typed if sheet.decision.amount > 0 else -typed
    amount = cents(signed, sheet.decimals, currency=sheet.currency)
    if amount < 0 or amount > sheet.amount:
        raise NeedsAttention(
            "tax_amount_unclear",
            f"The tax {format_money(typed, sheet.currency)} does not fit the amount"
            f" {format_money(sheet.decision.amount, sheet.currency)} {sheet.currency}.",
            "Correct the tax amounts of the expense in ConnectWise, then retry.",
        )
    return abs(amount)


def _description(sheet: Sheet) -> str:
    """One line for the bookkeeper: type, member, note, and where to find it in ConnectWise."""
    entry = sheet.entry
    parts = [
        entry.expense_type,
        f"{entry.member_name} ({entry.member})",
        one_line(entry.notes, most=_LONGEST_NOTE),
        sheet.moved,
        f"ConnectWise expense {entry.id}",
    ]
    return " - ".join(one_line(part, most=_LONGEST_NOTE) for part in parts if part)
