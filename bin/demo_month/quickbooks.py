"""The month of the company on QuickBooks Online: every row of the decision table once or twice, smaller.

The company is docs/examples/acme-qbo.toml: the same members and rules on another chart. What differs: drafts
are kept by Expense Relay, a refund onto a card or bank account is one document, and the liability that
collects what nobody has claimed can't pay, so that a journal takes the bill over to it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from functools import partial

from bin.demo_month.month import (
    AMEX,
    CLOSED,
    CONTRADICTION,
    DUE_DAYS,
    NON_REIMBURSABLE,
    NOTHING_OWED,
    OWN,
    PERSONAL,
    REIMBURSABLE,
    TOO_OLD,
    UNAPPROVED,
    VISA,
    ZERO,
    Due,
    Spent,
    make_spent,
)

CARD, BANK, LIABILITY = "Visa 2002", "Business Cheque", "Unclaimed expenses"
PAYABLE, TAX = "Accounts Payable (A/P)", "GST Liabilities Payable"
FEEDS = {AMEX: CARD, VISA: BANK}
COSTS = {
    "Meals": "Meals and Entertainment", "Travel": "Travel", "Parts and Supplies": "Parts and supplies",
    "Mileage": "Motor vehicle", "Software": "Software", "Accommodation": "Accommodation",
}  # fmt: skip
CLIENT_MEALS = "Client entertainment"

PAID = Due(row="2", claim="bill", status="PAID", money="payment", account=CARD, matched=True)
PAID_BANK = replace(PAID, account=BANK)
OWED = Due(row="1", claim="bill", status="AUTHORISED", due_days=DUE_DAYS)
APPROVED = Due(row="3", claim="bill", status="AUTHORISED")
KEPT = Due(row="4", state="awaiting_approval", claim="bill", status="KEPT")
FROM_LIABILITY = Due(row="5", claim="bill", status="PAID", money="payment", journal=LIABILITY)
BY_DEFAULT = replace(FROM_LIABILITY, row="6")
PERSONAL_CARD = Due(row="7", claim="credit_note", status="AUTHORISED", cost=LIABILITY, money="spend",
                    account=CARD, matched=True)  # fmt: skip
PERSONAL_BANK = Due(row="7", claim="credit_note", status="AUTHORISED", cost=LIABILITY)
REFUND_CARD = Due(row="10", money="refund", account=CARD, matched=True)
REFUND_BANK = replace(REFUND_CARD, account=BANK)
REFUND_OWED = Due(row="10", claim="credit_note", status="AUTHORISED")
REFUND_KEPT = replace(KEPT, row="10", claim="credit_note")
REFUND_LIABILITY = Due(row="10", claim="credit_note", status="PAID", money="refund", journal=LIABILITY)
REFUND_PERSONAL = Due(row="10", claim="bill", status="AUTHORISED", cost=LIABILITY, money="refund",
                      account=CARD, matched=True)  # fmt: skip


def quickbooks_expenses() -> list[Spent]:
    """All of them; amounts on one account differ, so that each bank line has one match."""
    return [*_approved(), *_personal_and_nothing(), *_refunds(), *_waiting()]


def _make(
    payment: str,
    member: str,
    kind: str,
    amount: str,
    *,
    day: int,
    due: Due,
    classed: str = NON_REIMBURSABLE,
    **more: object,
) -> Spent:
    if not due.cost and (due.claim or due.money):
        due = replace(due, cost=COSTS[kind])
    made = make_spent(payment, member, kind, amount, day=day, due=due, classed=classed, **more)
    return replace(made, feeds=FEEDS)


_card, _debit = partial(_make, AMEX), partial(_make, VISA)
_own = partial(_make, OWN, classed=REIMBURSABLE)


def _approved() -> Iterator[Spent]:
    """Rows 1 to 6."""
    typed = [{"type": "GST", "amount": "9.99"}]
    yield _own("asmith", "Travel", "44.00", day=11, due=OWED)
    miles = _own("dnguyen", "Mileage", "42", day=6, due=OWED)
    yield replace(miles, money=Decimal("36.96"))  # at 0.88
    yield _card("jdoe", "Meals", "110.00", day=3, due=replace(PAID, tax=Decimal("9.99")), taxes=typed)
    yield _card("bchan", "Meals", "86.40", day=12, due=replace(PAID, cost=CLIENT_MEALS), company="Contoso")
    yield _card("asmith", "Software", "12.50", day=5, due=PAID)
    yield _card("asmith", "Software", "12.50", day=21, due=PAID)  # the same price on another day
    yield _debit("asmith", "Accommodation", "1189.90", day=14, due=PAID_BANK)
    yield _debit("bchan", "Meals", "31.10", day=5, due=APPROVED)
    yield _debit("cpatel", "Meals", "32.10", day=5, due=KEPT)
    yield _debit("cpatel", "Travel", "73.30", day=13, due=KEPT)
    yield _debit("dnguyen", "Travel", "74.30", day=13, due=FROM_LIABILITY)
    yield _debit("jdoe", "Meals", "34.10", day=5, due=BY_DEFAULT)


def _personal_and_nothing() -> Iterator[Spent]:
    """Rows 7, 8, 9 and 11."""
    yield _card("dnguyen", "Software", "64.20", day=17, classed=PERSONAL, due=PERSONAL_CARD)
    yield _debit("jdoe", "Meals", "27.35", day=24, classed=PERSONAL, due=PERSONAL_BANK)
    yield _own("cpatel", "Travel", "14.75", day=6, classed=PERSONAL, due=NOTHING_OWED)
    yield _card("asmith", "Meals", "52.15", day=13, classed=REIMBURSABLE, due=CONTRADICTION)
    yield _card("dnguyen", "Meals", "0.00", day=12, due=ZERO)


def _refunds() -> Iterator[Spent]:
    """Row 10, once per action."""
    yield _card("jdoe", "Software", "-49.00", day=20, due=REFUND_CARD)
    yield _debit("asmith", "Travel", "-20.35", day=21, due=REFUND_BANK)
    yield _debit("bchan", "Parts and Supplies", "-33.15", day=19, due=REFUND_OWED)
    yield _debit("cpatel", "Parts and Supplies", "-15.85", day=20, due=REFUND_KEPT)
    yield _debit("dnguyen", "Parts and Supplies", "-21.65", day=21, due=REFUND_LIABILITY)
    yield _card("bchan", "Meals", "-18.30", day=25, classed=PERSONAL, due=REFUND_PERSONAL)


def _waiting() -> Iterator[Spent]:
    """What stays before the gate."""
    yield _card("cpatel", "Meals", "40.45", day=26, due=UNAPPROVED)
    yield replace(_card("jdoe", "Travel", "58.70", day=29, due=TOO_OLD), month=6)
    yield replace(_card("jdoe", "Travel", "66.60", day=14, due=CLOSED), month=7)


def first_kept(entered: Mapping[int, Spent]) -> int:
    """The entry whose draft a person will approve: the first bill that is kept here."""
    return next(entry_id for entry_id, spent in entered.items() if spent.due.row == KEPT.row)


def approved_by_hand(entered: Mapping[int, Spent], entry_id: int) -> dict[int, Spent]:
    """The same expenses once a person has approved that draft: an open bill."""
    spent = entered[entry_id]
    due = replace(spent.due, state="done", status="AUTHORISED")
    return {**entered, entry_id: replace(spent, due=due)}


def balances_due(entered: Mapping[int, Spent]) -> dict[str, Decimal]:
    """What each account must hold when everything stands in the books, debits positive, zeros left out."""
    held: defaultdict[str, Decimal] = defaultdict(Decimal)
    for spent in entered.values():
        for account, amount in _postings(spent):
            held[account] += amount
    return {account: amount for account, amount in held.items() if amount}


def _postings(spent: Spent) -> Iterator[tuple[str, Decimal]]:
    """Double entry by hand: the claim, and the money that settles it or moves beside it."""
    due, worth = spent.due, spent.worth
    if due.status == "KEPT":
        return
    if due.claim:
        owed = abs(worth) if due.claim == "bill" else -abs(worth)
        yield from _cost(spent, owed)
        yield PAYABLE, -owed
        settled_from = due.journal or (due.account if due.status == "PAID" else None)
        if settled_from:
            yield settled_from, -owed
            yield PAYABLE, owed
            return
    if due.account:
        yield from _cost(spent, worth)
        yield due.account, -worth


def _cost(spent: Spent, amount: Decimal) -> Iterator[tuple[str, Decimal]]:
    """A line with 10 % of tax in it, or as typed; none on mileage and on the liability."""
    assert spent.due.cost is not None
    free = spent.kind == "Mileage" or spent.due.cost == LIABILITY
    tax = Decimal(0) if free else (amount / 11).quantize(Decimal("0.01"), ROUND_HALF_UP)
    tax = tax if spent.due.tax is None else spent.due.tax
    yield spent.due.cost, amount - tax
    yield TAX, tax
