"""From a decision to documents: numbers, days, lines and totals, checked before anything is sent.

All that a ledger could refuse and that can be known from its lists is found here, so that the outbox only
ever holds what ought to be accepted.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from errors import NeedsAttention
from mappers.accounts import (
    check_account_currency,
    check_can_code,
    check_can_pay,
    cost_account,
    describe,
    find_account,
    no_tax,
    tax_of,
    tracking_of,
)
from mappers.books import Account, Books
from mappers.closed_period import open_day
from mappers.company import CompanySettings
from mappers.decision import OFFSET_LINE, Decision
from mappers.documents import BILL, PAYMENT, Document, Line
from mappers.entry import Entry
from mappers.money import Totals, cents, decimals_of, format_money, line_tax, totals
from mappers.traits import XERO, LedgerTraits
from mappers.words import one_line

_LONGEST_NOTE = 300


@dataclass(frozen=True, kw_only=True)
class _Sheet:
    """All that the small steps below look at."""

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
    draft: bool  # the closed-period policy made it a draft

    @property
    def inclusive(self) -> bool:
        return self.settings.expenses.inclusive_of_tax or self.decision.cost == OFFSET_LINE

    @property
    def moved(self) -> str:
        """Says the original day when the closed-period policy moved the documents."""
        return "" if self.day == self.entry.date else f"dated {self.entry.date}, then closed"


def plan(
    entry: Entry,
    decision: Decision,
    *,
    contact: str,
    settings: CompanySettings,
    books: Books,
    posting: int = 1,
    traits: LedgerTraits = XERO,
) -> tuple[Document, ...]:
    """The documents of this entry, the claim first. `contact` is the contact's id at the ledger, `posting`
    counts postings of the same entry (2 after an undo).

    Raises Held `closed_period`, and NeedsAttention for whatever is missing in the books or the company file
    (`currency_missing`, `amount_not_in_cents`, `tax_amount_unclear`, `total_differs`, those of accounts.py).
    """
    currency = _currency(entry, books)
    day, draft = open_day(entry.date, settings=settings, books=books)
    decimals = min(decimals_of(currency), traits.decimals)
    sheet = _Sheet(
        entry=entry,
        decision=decision,
        contact=contact,
        settings=settings,
        books=books,
        traits=traits,
        number=number_of(entry.id, posting=posting),
        currency=currency,
        amount=cents(abs(decision.amount), decimals, currency=currency),
        day=day,
        draft=draft,
    )
    claim = _claim(sheet)
    if decision.money is None or draft:
        return (claim,)
    return (claim, _money_document(sheet, claim))


def explain(entry: Entry, decision: Decision, documents: Sequence[Document]) -> str:
    """Why these documents: the decision's sentence, and what the closed-period policy made of it."""
    claim = documents[0]
    if claim.date != entry.date:
        return f"{decision.why}; dated {claim.date}, because the books were closed on {entry.date}"
    if decision.approved and not claim.approved:
        return f"{decision.why}; a draft for now, because the books are closed on {entry.date}"
    return decision.why


def number_of(entry_id: int, *, posting: int = 1) -> str:
    """`CW-4711`, and `CW-4711-2` for a second posting. It never changes: lost answers are found by it."""
    return f"CW-{entry_id}" if posting == 1 else f"CW-{entry_id}-{posting}"


def _currency(entry: Entry, books: Books) -> str:
    currency = entry.currency or books.base_currency
    if currency not in (books.base_currency, *books.currencies):
        raise NeedsAttention(
            "currency_missing",
            f"The expense is in {currency}, which the books of {books.name} do not have.",
            f"Add the currency {currency} to the books, then retry.",
        )
    return currency


def _claim(sheet: _Sheet) -> Document:
    decision = sheet.decision
    is_bill = decision.claim == BILL
    line = _offset_line(sheet) if decision.cost == OFFSET_LINE else _cost_line(sheet)
    claim = Document(
        kind=decision.claim or BILL,
        number=sheet.number,
        date=sheet.day,
        due_date=sheet.day + dt.timedelta(days=decision.due_days) if is_bill else None,
        currency=sheet.currency,
        amount=line.amount,
        contact=sheet.contact,
        inclusive=sheet.inclusive,
        approved=decision.approved and not sheet.draft,
        lines=(line,),
        memo=_memo(sheet),
    )
    return replace(claim, amount=_checked(sheet, claim).total)


def _cost_line(sheet: _Sheet) -> Line:
    entry, settings, books = sheet.entry, sheet.settings, sheet.books
    account = _cost_account(sheet)
    tax, typed = tax_of(entry, account, settings=settings, books=books)
    return Line(
        description=_description(sheet),
        amount=sheet.amount,
        account=account.id,
        account_code=account.code,
        tax_code=tax.code,
        tax_amount=None if typed is None else _typed_tax(sheet, typed),
        tracking=tracking_of(
            entry,
            settings=settings,
            books=books,
            location=sheet.decision.location,
            department=sheet.decision.department,
        ),
    )


def _offset_line(sheet: _Sheet) -> Line:
    """What a personal purchase took from the company, tax included: none of it can be reclaimed."""
    account = check_can_code(find_account(sheet.books, sheet.decision.offset or ""))
    return Line(
        description=_description(sheet),
        amount=_gross(sheet),
        account=account.id,
        account_code=account.code,
        tax_code=no_tax(sheet.books, account, traits=sheet.traits).code,
    )


def _gross(sheet: _Sheet) -> Decimal:
    if sheet.settings.expenses.inclusive_of_tax:
        return sheet.amount
    account = _cost_account(sheet)
    tax, typed = tax_of(sheet.entry, account, settings=sheet.settings, books=sheet.books)
    if typed is not None:
        return sheet.amount + _typed_tax(sheet, typed)
    line = Line(description="", amount=sheet.amount, account=account.id, tax_code=tax.code)
    return sheet.amount + line_tax(line, tax.rate, inclusive=False, decimals=sheet.traits.decimals)


def _cost_account(sheet: _Sheet) -> Account:
    return cost_account(
        sheet.entry,
        settings=sheet.settings,
        books=sheet.books,
        charged_to_client=sheet.decision.charged_to_client,
    )


def _typed_tax(sheet: _Sheet, typed: Decimal) -> Decimal:
    """The tax as typed, turned positive together with the amount of a refund."""
    decimals = min(decimals_of(sheet.currency), sheet.traits.decimals)
    amount = cents(typed if sheet.decision.amount > 0 else -typed, decimals, currency=sheet.currency)
    if amount < 0 or amount > sheet.amount:
        raise NeedsAttention(
            "tax_amount_unclear",
            f"The tax {format_money(typed, sheet.currency)} does not fit the amount"
            f" {format_money(sheet.decision.amount, sheet.currency)} {sheet.currency}.",
            "Correct the tax amounts of the expense in ConnectWise, then retry.",
        )
    return abs(amount)


def _money_document(sheet: _Sheet, claim: Document) -> Document:
    """The payment, refund or spend: dated like the claim, so that it lies next to the bank line."""
    decision = sheet.decision
    alone = decision.cost == OFFSET_LINE  # it settles no claim, its line goes to the offset account
    account = check_can_pay(find_account(sheet.books, decision.account or ""))
    if alone and sheet.traits.spend_needs_bank and not account.is_bank:
        raise _not_a_bank(account)
    check_account_currency(account, books=sheet.books, currency=sheet.currency, converts=not alone)
    return Document(
        kind=decision.money or PAYMENT,
        number=sheet.number,
        date=sheet.day,
        currency=sheet.currency,
        amount=claim.amount,
        contact=sheet.contact,
        inclusive=claim.inclusive,
        lines=claim.lines if alone else (),
        account=account.id,
        account_name=account.name,
        settles=None if alone else claim.kind,
        memo=claim.memo,
    )


def _not_a_bank(account: Account) -> NeedsAttention:
    return NeedsAttention(
        "account_not_a_bank",
        f"A personal purchase needs a bank account or card, and account {describe(account)} is neither.",
        f'Name a bank account or card instead of "{account.name}" in the rule, then retry.',
    )


def _checked(sheet: _Sheet, claim: Document) -> Totals:
    """The ledger's totals, when they are what the entry says; raises `total_differs` with both figures."""
    rates = {tax.code: tax.rate for tax in sheet.books.tax_codes}
    foot = totals(claim, rates=rates, decimals=sheet.traits.decimals)
    computed = foot.total if sheet.inclusive else foot.subtotal
    expected = _gross(sheet) if sheet.decision.cost == OFFSET_LINE else sheet.amount
    if computed != expected:
        raise NeedsAttention(
            "total_differs",
            f"{sheet.traits.name} would make {format_money(computed, sheet.currency)} of the"
            f" {format_money(expected, sheet.currency)} {sheet.currency} of the expense.",
            "Correct the amounts in ConnectWise, or post it by hand.",
        )
    return foot


def _description(sheet: _Sheet) -> str:
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


def _memo(sheet: _Sheet) -> str:
    parts = [sheet.entry.member, sheet.entry.expense_type, sheet.moved]
    return one_line(" ".join(part for part in parts if part), most=80)
