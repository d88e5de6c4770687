"""The month that the demo enters: every row of the decision table, with what must become of each expense.

The company is docs/examples/acme.toml, on Xero; quickbooks.py has the month of the other one. Amounts on
one account differ, so that each bank line has one match.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from itertools import cycle

AMEX, VISA, OWN = "Corporate Amex", "Company Visa Debit", "Paid by employee"
NON_REIMBURSABLE, REIMBURSABLE, PERSONAL = "Non-Reimbursable", "Reimbursable", "Personal"
CARD_ACCOUNT, BANK_ACCOUNT, OFFSET = "Amex 1001", "Visa Debit 2002", "Unclaimed expenses"
FEED = {AMEX: CARD_ACCOUNT, VISA: BANK_ACCOUNT}  # the account whose bank feed shows the spending
COST_ACCOUNT = {
    "Meals": "420", "Travel": "493", "Parts and Supplies": "463", "Mileage": "449", "Software": "485",
    "Accommodation": "495", "Entertainment": None,
}  # fmt: skip
CLIENT_MEALS, OFFSET_CODE = "421", "850"
NAMES = {
    "jdoe": "Jo Doe",
    "asmith": "Ana Smith",
    "bchan": "Ben Chan",
    "cpatel": "Chitra Patel",
    "dnguyen": "Duc Nguyen",
}
CURED_CAUSE, CURED_ACCOUNT = "expense_type_unmapped", "429"
CURE = f"""
[[expense_types]]
name = "Entertainment"
account = "{CURED_ACCOUNT}"
tax = "INPUT"
"""
MONTH = dt.date(2026, 8, 1)
LOCK_DATE = dt.date(2026, 7, 15)
DUE_DAYS = 14


@dataclass(frozen=True, kw_only=True)
class Due:
    """What must become of an expense.

    `claim` "bill" or "credit_note" with its status at Xero and the account code of its line; `money`
    "payment", "refund", "spend" or "receive", from or onto `account`; `matched`: its bank line finds it.
    A claim of status "KEPT" is a draft that waits with us, and stands nowhere else.
    `cost` is the account of the line: its code at Xero, its name at QuickBooks.
    """

    row: str
    state: str = "done"
    cause: str | None = None
    claim: str | None = None
    status: str | None = None
    cost: str | None = None
    money: str | None = None
    account: str | None = None
    matched: bool = False
    due_days: int = 0
    tax: Decimal | None = None  # as the member typed it
    journal: str | None = None  # QuickBooks: the account that a journal takes the claim over to


@dataclass(frozen=True, kw_only=True)
class Spent:
    """One expense as a member enters it; `money` is what it comes to when `amount` is a distance, `feeds` the
    account behind each company payment type."""

    member: str
    kind: str
    payment: str
    classed: str
    amount: Decimal
    day: int
    due: Due
    money: Decimal | None = None
    month: int = MONTH.month
    more: Mapping[str, object] = field(default_factory=dict)
    feeds: Mapping[str, str] = field(default_factory=FEED.copy)

    @property
    def approve(self) -> bool:
        """Whether its report will be approved."""
        return self.due != UNAPPROVED

    @property
    def date(self) -> dt.date:
        return dt.date(MONTH.year, self.month, self.day)

    @property
    def worth(self) -> Decimal:
        """Signed money."""
        return self.amount if self.money is None else self.money

    @property
    def feed(self) -> str | None:
        """The account whose bank feed shows this, if the company's money moved."""
        return self.feeds.get(self.payment) if self.amount else None

    def entry(self) -> dict[str, object]:
        """The words in which the sandbox takes an expense."""
        return {
            "type": self.kind,
            "payment_type": self.payment,
            "classification": self.classed,
            "amount": str(self.amount),
            "date": self.date.isoformat(),
            "currency": "AUD",
            **self.more,
        }


def expenses(count: int) -> list[Spent]:
    """The special cases, then everyday card spending up to `count`. Raises ValueError if that is too few."""
    made = list(_special())
    if count < len(made):
        raise ValueError(f"The decision table alone takes {len(made)} expenses: ask for at least that many.")
    made += [_everyday(number) for number in range(count - len(made))]
    return made


def _everyday(number: int) -> Spent:
    """A payment-rule expense: all of them on the Amex, but every third, which is Ana's debit card."""
    kinds = ("Meals", "Travel", "Software", "Accommodation", "Parts and Supplies")
    debit = number % 3 == 2
    member = "asmith" if debit else list(NAMES)[number % len(NAMES)]
    cents = 1_500 + number * 137  # each amount once
    return make_spent(
        VISA if debit else AMEX,
        member,
        kinds[number % len(kinds)],
        str(Decimal(cents) / 100),
        day=1 + number * 7 % 28,
        due=PAID_VISA if debit else PAID,
    )


PAID = Due(row="2", claim="bill", status="PAID", money="payment", account=CARD_ACCOUNT, matched=True)
PAID_VISA = replace(PAID, account=BANK_ACCOUNT)
OWED = Due(row="1", claim="bill", status="AUTHORISED", due_days=DUE_DAYS)
APPROVED = Due(row="3", claim="bill", status="AUTHORISED")
DRAFT = Due(row="4", claim="bill", status="DRAFT")
FROM_OFFSET = Due(row="5", claim="bill", status="PAID", money="payment", account=OFFSET)
BY_DEFAULT = replace(FROM_OFFSET, row="6")
PERSONAL_AMEX = Due(row="7", claim="credit_note", status="AUTHORISED", cost=OFFSET_CODE, money="spend",
                    account=CARD_ACCOUNT, matched=True)  # fmt: skip
PERSONAL_VISA = Due(row="7", claim="credit_note", status="AUTHORISED", cost=OFFSET_CODE)
NOTHING_OWED, ZERO = Due(row="8", state="skipped"), Due(row="11", state="skipped")
CONTRADICTION = Due(row="9", state="needs_attention", cause="paid_by_company_but_reimbursable")
REFUND_AMEX = Due(
    row="10", claim="credit_note", status="PAID", money="refund", account=CARD_ACCOUNT, matched=True
)
REFUND_OWED = Due(row="10", claim="credit_note", status="AUTHORISED")
REFUND_DRAFT = Due(row="10", claim="credit_note", status="DRAFT")
REFUND_OFFSET = Due(row="10", claim="credit_note", status="PAID", money="refund", account=OFFSET)
REFUND_PERSONAL = Due(row="10", claim="bill", status="AUTHORISED", cost=OFFSET_CODE, money="receive",
                      account=CARD_ACCOUNT, matched=True)  # fmt: skip
UNAPPROVED = Due(row="gate", state="held")
TOO_OLD = Due(row="gate", state="skipped")
CLOSED = Due(row="gate", state="held", cause="closed_period")


def _special() -> Iterator[Spent]:
    yield from _paid_specially()
    yield from _owed()
    yield from _by_rule()
    yield from _personal_and_nothing()
    yield from _refunds()
    yield from _waiting()


def _paid_specially() -> Iterator[Spent]:
    """Row 2, with what makes single expenses particular."""
    typed = [{"type": "GST", "amount": "9.99"}]
    odd = "Card check by “Müller & Söhne” <licence>\nsecond line"
    yield _amex("jdoe", "Meals", "110.00", day=3, due=replace(PAID, tax=Decimal("9.99")), taxes=typed)
    yield _amex("bchan", "Meals", "86.40", day=12, due=replace(PAID, cost=CLIENT_MEALS), company="Contoso")
    yield _amex("dnguyen", "Travel", "61.05", day=19, due=PAID, status="ReadyToBill")
    yield _amex("asmith", "Travel", "12.50", day=5, due=PAID)  # the same fare
    yield _amex("asmith", "Travel", "12.50", day=21, due=PAID)  # on another day
    yield _amex("cpatel", "Software", "0.01", day=7, due=PAID, notes=odd)
    yield _visa("asmith", "Accommodation", "1189.90", day=14, due=PAID_VISA)


def _owed() -> Iterator[Spent]:
    """Row 1: members' own money."""
    yield _own("jdoe", "Meals", "23.80", day=4, due=OWED)
    yield _own("asmith", "Travel", "44.00", day=11, due=OWED)
    yield _own("bchan", "Parts and Supplies", "129.95", day=18, due=OWED)
    yield _own("cpatel", "Accommodation", "310.00", day=20, due=OWED)
    yield _miles("dnguyen", "42", day=6, worth="36.96", due=OWED)  # at 0.88


def _by_rule() -> Iterator[Spent]:
    """Rows 3 to 6: the other actions of the grid, and no rule at all."""
    yield _visa("bchan", "Meals", "31.10", day=5, due=APPROVED)
    yield _visa("bchan", "Travel", "72.30", day=13, due=APPROVED)
    yield _visa("cpatel", "Meals", "32.10", day=5, due=DRAFT)
    yield _visa("cpatel", "Travel", "73.30", day=13, due=DRAFT)
    yield _visa("dnguyen", "Meals", "33.10", day=5, due=FROM_OFFSET)
    yield _visa("dnguyen", "Travel", "74.30", day=13, due=FROM_OFFSET)
    yield _visa("jdoe", "Meals", "34.10", day=5, due=BY_DEFAULT)
    yield _visa("jdoe", "Travel", "75.30", day=13, due=BY_DEFAULT)


def _personal_and_nothing() -> Iterator[Spent]:
    """Rows 7, 8, 9 and 11."""
    yield _amex("bchan", "Meals", "18.25", day=10, classed=PERSONAL, due=PERSONAL_AMEX)
    yield _amex("dnguyen", "Software", "64.20", day=17, classed=PERSONAL, due=PERSONAL_AMEX)
    yield _visa("jdoe", "Meals", "27.35", day=24, classed=PERSONAL, due=PERSONAL_VISA)
    yield _own("jdoe", "Meals", "9.60", day=5, classed=NON_REIMBURSABLE, due=NOTHING_OWED)
    yield _own("cpatel", "Travel", "14.75", day=6, classed=PERSONAL, due=NOTHING_OWED)
    yield _amex("asmith", "Meals", "52.15", day=13, classed=REIMBURSABLE, due=CONTRADICTION)
    yield _amex("cpatel", "Travel", "97.45", day=18, classed=REIMBURSABLE, due=CONTRADICTION)
    yield _amex("dnguyen", "Meals", "0.00", day=12, due=ZERO)


def _refunds() -> Iterator[Spent]:
    """Row 10, once per action."""
    yield _amex("jdoe", "Software", "-49.00", day=20, due=REFUND_AMEX)
    yield _own("asmith", "Travel", "-20.35", day=21, due=REFUND_OWED)
    yield _visa("bchan", "Parts and Supplies", "-33.15", day=19, due=REFUND_OWED)
    yield _visa("cpatel", "Parts and Supplies", "-15.85", day=20, due=REFUND_DRAFT)
    yield _visa("dnguyen", "Parts and Supplies", "-21.65", day=21, due=REFUND_OFFSET)
    yield _amex("bchan", "Meals", "-18.30", day=25, classed=PERSONAL, due=REFUND_PERSONAL)


def _waiting() -> Iterator[Spent]:
    """What stays before the gate, and what only a person can put right."""
    yield _amex("cpatel", "Meals", "40.45", day=26, due=UNAPPROVED)
    yield _amex("cpatel", "Meals", "81.95", day=27, due=UNAPPROVED)
    yield _amex("cpatel", "Travel", "22.05", day=28, due=UNAPPROVED)
    yield replace(_amex("jdoe", "Travel", "58.70", day=29, due=TOO_OLD), month=6)
    yield replace(_amex("jdoe", "Travel", "66.60", day=14, due=CLOSED), month=7)
    yield _amex("bchan", "Entertainment", "210.00", day=6, due=_needs("expense_type_unmapped"))
    yield _amex("asmith", "Entertainment", "145.50", day=27, due=_needs("expense_type_unmapped"))
    yield _amex("dnguyen", "Travel", "75.00", day=26, due=_needs("currency_missing"), currency="USD")
    unclear = _needs("mileage_amount_unclear")
    yield _miles("bchan", "100", day=28, worth="88.00", due=unclear, invoice_amount="96.80")


def _needs(cause: str) -> Due:
    return Due(row="mapping", state="needs_attention", cause=cause)


def make_spent(
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
    """An expense; a claim without a cost account gets the one of its type at Xero."""
    return Spent(
        member=member,
        kind=kind,
        payment=payment,
        classed=classed,
        amount=Decimal(amount),
        day=day,
        due=due if due.cost or not due.claim else replace(due, cost=COST_ACCOUNT[kind]),
        more=more,
    )


_amex, _visa = partial(make_spent, AMEX), partial(make_spent, VISA)
_own = partial(make_spent, OWN, classed=REIMBURSABLE)


def _miles(member: str, miles: str, *, day: int, worth: str, due: Due, **more: object) -> Spent:
    driven = _own(member, "Mileage", miles, day=day, due=due)
    return replace(driven, money=Decimal(worth), more=more)


def cured(entered: Mapping[int, Spent]) -> dict[int, Spent]:
    """The same expenses once CURE is part of the company file and the cause was retried."""
    return {
        entry_id: replace(spent, due=replace(PAID, cost=CURED_ACCOUNT))
        if spent.due.cause == CURED_CAUSE
        else spent
        for entry_id, spent in entered.items()
    }


_MERCHANTS = ("Harbour Cafe", "Blue Cabs", "Cloudware Pty Ltd", "Hotel Mercure", "Jaycar", "Metro Parking")


def merchants() -> Iterator[str]:
    """Payees as a card statement prints them."""
    return cycle(_MERCHANTS)
