"""A bill that a person made in the ledger themself: may it stand for this expense? Compared, told in words.

What must agree is what somebody would hold against us: it is the kind of document that the decision table
asks for, neither voided nor deleted, over the same money in the same currency. Its day and its contact may
differ, since whoever typed it may have had reasons (a closed month, the supplier in place of the member);
both are told.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from errors import NeedsAttention, Skipped
from mappers.books import Books
from mappers.company import CompanySettings
from mappers.decision import OFFSET_LINE, Decision, decide
from mappers.documents import BILL, CREDIT_NOTE, REFUND, Document, Standing
from mappers.entry import Entry, Site
from mappers.facts import PERSONAL, classification_of, money_of
from mappers.money import format_money
from mappers.plan import number_of
from mappers.traits import LedgerTraits
from mappers.words import one_line

_MOST = 80  # characters of what somebody else wrote in the ledger


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a document must be to stand for an entry. `money`: the entry's signed money; `amount`: what must
    agree, as a positive number, before tax when `before_tax`; `ledger`: its name."""

    kinds: tuple[str, ...]
    money: Decimal
    amount: Decimal
    before_tax: bool
    currency: str
    date: dt.date
    ledger: str


def wanted_bill(
    entry: Entry, *, settings: CompanySettings, site: Site, books: Books, traits: LedgerTraits
) -> Wanted:
    """What a person's bill for this entry must be. Where the decision table has no answer, a person has found
    one: then it is a bill for money spent, and a credit note for money that came back.

    Raises NeedsAttention when it isn't known how much money the entry is (`mileage_amount_unclear`,
    `expense_type_unknown`)."""
    money = money_of(entry, site=site)
    decision = _decision(entry, settings=settings, site=site)
    before_tax = not settings.expenses.inclusive_of_tax
    amount = abs(money)
    if before_tax and (entry.taxes or (traits.taxless_books and not books.tax_codes)):
        amount, before_tax = amount + abs(sum((tax.amount for tax in entry.taxes), Decimal(0))), False
    return Wanted(
        kinds=_kinds(decision, traits) if decision else (_by_sign(entry, money, site=site),),
        money=money,
        amount=amount,
        before_tax=before_tax,
        currency=entry.currency or books.base_currency,
        date=entry.date,
        ledger=traits.name,
    )


def check_standing(wanted: Wanted, standing: Standing, *, books: Books) -> None:
    """Returns when this document may stand for the entry. Raises NeedsAttention `not_a_bill`, `bill_voided`
    or, with both figures, `bill_differs`."""
    if standing.kind not in wanted.kinds:
        raise NeedsAttention(
            "not_a_bill",
            f"What has this id in {wanted.ledger} is {_a(_named(standing))}; this expense"
            f" wants {_a(' or '.join(map(_in_words, wanted.kinds)))}.",
            "Name the id of the right document, or make it and name its id then.",
        )
    if not standing.live:
        raise NeedsAttention(
            "bill_voided",
            f"{_capital(standing)} was voided or deleted in {wanted.ledger}: nothing of the expense stands"
            " there.",
            "Name the id of the one that stands there now.",
        )
    held = standing.total - standing.tax if wanted.before_tax else standing.total
    currency = standing.currency or books.base_currency
    if (held, currency) != (wanted.amount, wanted.currency):
        tax = " before tax" if wanted.before_tax else ""
        raise NeedsAttention(
            "bill_differs",
            f"{_capital(standing)} is over {_money(held, currency)}{tax} in {wanted.ledger}, and the expense"
            f" over {_money(wanted.amount, wanted.currency)}{tax}.",
            f"Correct the one that is wrong, in {wanted.ledger} or in ConnectWise, or name another id. One"
            " bill for several expenses can stand for none of them.",
        )


def tell_standing(wanted: Wanted, standing: Standing) -> str:
    """What stands there, and what somebody should know of it."""
    whose = f" of {one_line(standing.contact_name, most=_MOST)}" if standing.contact_name else ""
    said = [
        f"{_named(standing)}{whose} stands in {wanted.ledger} over {_money(standing.total, wanted.currency)},"
        " which agrees with the expense.",
        _about_money(standing, wanted.currency),
    ]
    if standing.date and standing.date != wanted.date:
        said.append(f"It is dated {standing.date}, the expense {wanted.date}.")
    return " ".join(part for part in said if part)


def to_document(wanted: Wanted, standing: Standing, *, entry_id: int, posting: int) -> Document:
    """It as one of our documents, under the number that no other document of ours can then have."""
    return Document(
        kind=standing.kind,
        number=number_of(entry_id, posting=posting),
        date=standing.date or wanted.date,
        currency=wanted.currency,
        amount=standing.total,
        contact=standing.contact,
        approved=standing.approved,
        account_type=standing.account_type,
    )


def _decision(entry: Entry, *, settings: CompanySettings, site: Site) -> Decision | None:
    try:
        return decide(entry, settings=settings, site=site)
    except (NeedsAttention, Skipped):
        return None


def _kinds(decision: Decision, traits: LedgerTraits) -> tuple[str, ...]:
    """The claim; and money back without a claim, where the ledger can't link the two."""
    claim = decision.claim or BILL
    alone = traits.one_document_refunds and decision.money == REFUND and decision.cost != OFFSET_LINE
    return (REFUND, claim) if alone else (claim,)


def _by_sign(entry: Entry, money: Decimal, *, site: Site) -> str:
    """What the member owes the company is turned round."""
    try:
        is_personal = classification_of(entry, site=site) == PERSONAL
    except NeedsAttention:
        is_personal = False
    return CREDIT_NOTE if (money < 0) != is_personal else BILL


def _about_money(standing: Standing, currency: str) -> str:
    if not standing.approved:
        return "It is a draft there."
    if standing.due is None:
        return ""
    if standing.due == 0:
        return "Nothing is due on it any more."
    return f"{_money(standing.due, currency)} is still due on it; nothing is sent from here."


def _in_words(kind: str) -> str:
    return {BILL: "bill", CREDIT_NOTE: "credit note of a supplier", REFUND: "refund"}[kind]


def _a(noun: str) -> str:
    return f"an {noun}" if noun[:1] in "aeiou" else f"a {noun}"


def _named(standing: Standing) -> str:
    return f"{standing.what} {one_line(standing.number, most=_MOST)}".rstrip()


def _capital(standing: Standing) -> str:
    named = _named(standing)
    return named[:1].upper() + named[1:]


def _money(amount: Decimal, currency: str) -> str:
    return f"{format_money(amount, currency)} {currency}"
