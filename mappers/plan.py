"""From a decision to documents: numbers, days, lines and totals, checked before anything is sent.

All that a ledger could refuse and that can be known from its lists is found here, so that the outbox only
ever holds what ought to be accepted.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from errors import Held, NeedsAttention
from mappers.accounts import (
    check_account_currency,
    check_can_code,
    check_can_pay,
    describe,
    find_account,
    find_payable,
)
from mappers.books import Account, Books
from mappers.closed_period import open_day
from mappers.company import CompanySettings
from mappers.decision import OFFSET_LINE, Decision
from mappers.documents import BILL, JOURNAL, PAYMENT, REFUND, Document
from mappers.entry import Entry
from mappers.money import Totals, cents, decimals_of, format_money, totals
from mappers.plan_lines import Sheet, cost_line, gross, memo, offset_line
from mappers.traits import XERO, LedgerTraits


def plan(
    entry: Entry,
    decision: Decision,
    *,
    contact: str,
    settings: CompanySettings,
    books: Books,
    posting: int = 1,
    traits: LedgerTraits = XERO,
    force_approved: bool = False,
) -> tuple[Document, ...]:
    """The documents of this entry, in the order in which they are sent. `contact` is the contact's id at the
    ledger, `posting` counts postings of the same entry (2 after an undo). Drafts come without documents of
    money; `force_approved`: a person has approved what would be a draft, so that it is whole.

    Raises Held `closed_period`, and NeedsAttention for whatever is missing in the books or the company file
    (`currency_missing`, `amount_not_in_cents`, `tax_amount_unclear`, `total_differs`,
    `payable_account_missing`, those of accounts.py).
    """
    currency = _currency(entry, books)
    day, draft = open_day(entry.date, settings=settings, books=books)
    if draft and force_approved:
        raise _still_closed(entry, books)
    decimals = min(decimals_of(currency), traits.decimals)
    sheet = Sheet(
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
        approved=force_approved,
    )
    claim = _claim(sheet)
    if decision.money is None:
        return (claim,)
    return _with_money(sheet, claim)


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


def _still_closed(entry: Entry, books: Books) -> Held:
    return Held(
        f"It is approved, but dated {entry.date}, and the books of {books.name} are closed up to"
        f" {books.locked_until}.",
        cause="closed_period",
        to_do=f"Open the books for {entry.date}, or set closed_period in the company file to"
        ' "next_open_day".',
    )


def _claim(sheet: Sheet) -> Document:
    decision = sheet.decision
    is_bill = decision.claim == BILL
    line = offset_line(sheet) if decision.cost == OFFSET_LINE else cost_line(sheet)
    claim = Document(
        kind=decision.claim or BILL,
        number=sheet.number,
        date=sheet.day,
        due_date=sheet.day + dt.timedelta(days=decision.due_days) if is_bill else None,
        currency=sheet.currency,
        amount=line.amount,
        contact=sheet.contact,
        inclusive=sheet.inclusive,
        approved=(decision.approved or sheet.approved) and not sheet.draft,
        lines=(line,),
        memo=memo(sheet),
    )
    return replace(claim, amount=_checked(sheet, claim).total)


def _with_money(sheet: Sheet, claim: Document) -> tuple[Document, ...]:
    """The claim and what pays it, is paid back for it, or was spent beside it."""
    decision, traits = sheet.decision, sheet.traits
    alone = decision.cost == OFFSET_LINE  # it settles no claim, its line goes to the offset account
    account = find_account(sheet.books, decision.account or "")
    through_offset = decision.offset is not None and not alone
    if traits.offset_by_journal and through_offset and not account.can_pay:
        made = _by_journal(sheet, claim, account)
    elif traits.one_document_refunds and decision.money == REFUND and not alone:
        made = (_money_document(sheet, claim, account, alone=True),)
    else:
        made = (claim, _money_document(sheet, claim, account, alone=alone))
    if not sheet.draft:
        return made
    # Money can't be a draft: the claim waits alone, or what stands for it.
    return (claim,) if claim in made else (replace(made[0], approved=False),)


def _by_journal(sheet: Sheet, claim: Document, account: Account) -> tuple[Document, ...]:
    """The claim, a journal that takes it over to this account, and a payment of nothing that links both.
    Claim and journal must share their account of what is owed."""
    check_can_code(account)
    check_account_currency(account, books=sheet.books, currency=sheet.currency, converts=True)
    payable = find_payable(sheet.books, currency=sheet.currency, traits=sheet.traits)
    claim = replace(claim, payable=payable.id)
    journal = Document(
        kind=JOURNAL,
        number=sheet.number,
        date=sheet.day,
        currency=sheet.currency,
        amount=claim.amount,
        contact=sheet.contact,
        account=account.id,
        account_name=account.name,
        account_type=account.type,
        payable=payable.id,
        settles=claim.kind,
        memo=claim.memo,
    )
    link = replace(
        journal,
        kind=sheet.decision.money or PAYMENT,
        amount=Decimal(0),
        account=None,
        account_name=None,
        account_type="",
        also_settles=JOURNAL,
        settles_amount=claim.amount,
    )
    return claim, journal, link


def _money_document(sheet: Sheet, claim: Document, account: Account, *, alone: bool) -> Document:
    """The payment, refund or spend: dated like the claim, so that it lies next to the bank line."""
    check_can_pay(account, traits=sheet.traits)
    if alone and sheet.traits.spend_needs_bank and not account.is_bank:
        raise _not_a_bank(account)
    check_account_currency(account, books=sheet.books, currency=sheet.currency, converts=not alone)
    return Document(
        kind=sheet.decision.money or PAYMENT,
        number=sheet.number,
        date=sheet.day,
        currency=sheet.currency,
        amount=claim.amount,
        contact=sheet.contact,
        inclusive=claim.inclusive,
        lines=claim.lines if alone else (),
        account=account.id,
        account_name=account.name,
        account_type=account.type,
        settles=None if alone else claim.kind,
        memo=claim.memo,
    )


def _not_a_bank(account: Account) -> NeedsAttention:
    return NeedsAttention(
        "account_not_a_bank",
        f"A personal purchase needs a bank account or card, and account {describe(account)} is neither.",
        f'Name a bank account or card instead of "{account.name}" in the rule, then retry.',
    )


def _checked(sheet: Sheet, claim: Document) -> Totals:
    """The ledger's totals, when they are what the entry says; raises `total_differs` with both figures."""
    rates = {tax.code: tax.rate for tax in sheet.books.tax_codes}
    foot = totals(claim, rates=rates, decimals=sheet.traits.decimals)
    computed = foot.total if sheet.inclusive else foot.subtotal
    expected = gross(sheet) if sheet.taxless or sheet.decision.cost == OFFSET_LINE else sheet.amount
    if computed != expected:
        raise NeedsAttention(
            "total_differs",
            f"{sheet.traits.name} would make {format_money(computed, sheet.currency)} of the"
            f" {format_money(expected, sheet.currency)} {sheet.currency} of the expense.",
            "Correct the amounts in ConnectWise, or post it by hand.",
        )
    return foot
