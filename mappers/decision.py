"""The decision table: who paid, the classification, the sign and the rule say which documents are made.

     who paid  classification      rule or default   documents
  1  employee  reimbursable        -                 bill (draft or approved), due later, not paid
  2  company   non-reimbursable    payment_account   approved bill, paid from the rule's account
  3  company   non-reimbursable    approved_bill     approved bill
  4  company   non-reimbursable    draft_bill        draft bill
  5  company   non-reimbursable    offset_account    approved bill, paid from the offset account
  6  company   non-reimbursable    no rule           as company_paid_as says: 5, 4 or 3
  7  company   personal            any               credit note on the offset account; with payment_account
                                                     also a spend from that account to the offset account
  8  employee  all other           -                 nothing is owed: skipped
  9  company   reimbursable        any               a contradiction, for a person
 10  a refund (amount < 0)         as above          the row turned round: credit note for bill, refund for
                                                     payment; for row 7 bill and money received
 11  amount = 0                    -                 skipped

A decision knows nothing of the ledger; plan.py turns it into documents.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from errors import NeedsAttention, Skipped
from mappers.company import APPROVED, DRAFT, OFFSET, PAYMENT, CompanySettings, Rule
from mappers.documents import BILL, CREDIT_NOTE, REFUND, SPEND
from mappers.documents import PAYMENT as PAID
from mappers.entry import Entry, Site
from mappers.facts import (
    PERSONAL,
    REIMBURSABLE,
    classification_of,
    money_of,
    paid_by_company,
    payment_type_of,
)
from mappers.rules import choose_rule
from mappers.words import folded

EXPENSE_TYPE, OFFSET_LINE = "expense_type", "offset"


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What is to be made for one entry, and why, before the ledger is asked for ids.

    `amount` is the entry's signed money (mileage resolved). `claim` is BILL or CREDIT_NOTE, `money` PAYMENT,
    REFUND or SPEND from (or onto) `account`, named as the rule or the offset setting names it. `cost` says
    where the claim's line goes: to the expense type's account, or to `offset`, which is the offset account
    wherever that takes part.
    """

    row: int
    rule: int | None
    why: str
    amount: Decimal
    claim: str | None
    approved: bool
    cost: str = EXPENSE_TYPE
    money: str | None = None
    account: str | None = None
    offset: str | None = None
    due_days: int = 0
    charged_to_client: bool = False
    location: str | None = None
    department: str | None = None


@dataclass(frozen=True, kw_only=True)
class _Case:
    """What the table's rows look at, gathered once."""

    entry: Entry
    settings: CompanySettings
    who: str  # the member's identifier
    payment_type: str
    rule: Rule | None
    refund: bool

    @property
    def by(self) -> str:
        return f" (rule {self.rule.number})" if self.rule else ""


def decide(entry: Entry, *, settings: CompanySettings, site: Site) -> Decision:
    """The row of the decision table for this entry.

    Raises Skipped where rightly nothing is posted (rows 8 and 11), and NeedsAttention with cause
    `payment_type_unknown`, `classification_unknown`, `expense_type_unknown`, `mileage_amount_unclear`,
    `paid_by_company_but_reimbursable`, `offset_account_missing` or `own_company_unknown`.
    """
    amount = money_of(entry, site=site)
    if amount == 0:
        raise Skipped("Its amount is zero: there is nothing to post.")
    payment_type = payment_type_of(entry, site=site)
    company_paid = paid_by_company(entry, settings=settings, site=site)
    kind = classification_of(entry, site=site)
    case = _Case(
        entry=entry,
        settings=settings,
        who=entry.member,
        payment_type=payment_type,
        rule=_rule_for(entry, payment_type, settings) if company_paid else None,
        refund=amount < 0,
    )
    decision = _company_paid(case, kind) if company_paid else _employee_paid(case, kind)
    return replace(
        decision,
        amount=amount,
        row=10 if amount < 0 else decision.row,
        charged_to_client=_charged_to_client(entry, settings=settings, site=site),
        location=entry.location or site.locations.get(entry.location_id or 0),
        department=entry.department or site.departments.get(entry.department_id or 0),
    )


def _rule_for(entry: Entry, payment_type: str, settings: CompanySettings) -> Rule | None:
    return choose_rule(settings.rules, member=entry.member, payment_type=payment_type, day=entry.date)


def _employee_paid(case: _Case, kind: str) -> Decision:
    if kind != REIMBURSABLE:
        raise Skipped(f"{case.who} paid it and it is not reimbursable: nothing is owed.")
    expenses = case.settings.expenses
    draft = "draft" if expenses.reimbursable_as == "draft" else "approved"
    if case.refund:
        why = f"{case.who} got back money that was reimbursable: {draft} credit note"
        return _decision(case, 1, why, approved=draft == "approved")
    why = (
        f"{case.who} paid ({case.payment_type}) and is owed it: {draft} bill due in {expenses.due_days} days"
    )
    return replace(_decision(case, 1, why, approved=draft == "approved"), due_days=expenses.due_days)


def _company_paid(case: _Case, kind: str) -> Decision:
    if kind == REIMBURSABLE:
        raise NeedsAttention(
            "paid_by_company_but_reimbursable",
            f"{case.payment_type} is paid by the company, yet the expense is classed Reimbursable:"
            f" {case.who} would be paid for what the company has paid already.",
            "Correct the payment type or the classification in ConnectWise, then retry.",
        )
    if kind == PERSONAL:
        return _personal(case)
    if case.rule is None:
        return _by_default(case)
    if case.rule.action == PAYMENT:
        return _paid_from_account(case)
    if case.rule.action == OFFSET:
        return _paid_from_offset(case, 5)
    return _unpaid(case, 3 if case.rule.action == APPROVED else 4, approved=case.rule.action != DRAFT)


def _by_default(case: _Case) -> Decision:
    if case.settings.expenses.company_paid_as == "offset":
        return _paid_from_offset(case, 6)
    return _unpaid(case, 6, approved=case.settings.expenses.company_paid_as == "approved")


def _paid_from_account(case: _Case) -> Decision:
    account = _rule_account(case)
    if case.refund:
        why = f"{case.who}'s {case.payment_type} was refunded onto {account}{case.by}"
        return _decision(case, 2, why, money=REFUND, account=account)
    why = f"{case.who} pays {case.payment_type} from {account}{case.by}"
    return _decision(case, 2, why, money=PAID, account=account)


def _paid_from_offset(case: _Case, row: int) -> Decision:
    account = _offset_account(case)
    how = case.by or "; no rule covers it"
    if case.refund:
        why = f"{case.who}'s {case.payment_type} refund is settled with the offset account {account}{how}"
        return replace(_decision(case, row, why, money=REFUND, account=account), offset=account)
    why = f"{case.who}'s {case.payment_type} is paid from the offset account {account}{how}"
    return replace(_decision(case, row, why, money=PAID, account=account), offset=account)


def _unpaid(case: _Case, row: int, *, approved: bool) -> Decision:
    kind = f"{'an approved' if approved else 'a draft'} {'credit note' if case.refund else 'bill, unpaid'}"
    why = f"{case.who}'s {case.payment_type} becomes {kind}{case.by or '; no rule covers it'}"
    return _decision(case, row, why, approved=approved)


def _personal(case: _Case) -> Decision:
    """The employee owes it: the claim is turned round, its line on the offset account."""
    offset = _offset_account(case)
    account = _rule_account(case) if case.rule and case.rule.action == PAYMENT else None
    if case.refund:
        why = (
            f"A personal purchase on {case.payment_type} was refunded: a bill gives {case.who} the money back"
        )
        onto = f", received onto {account}{case.by}" if account else ""
        made = _decision(case, 7, why + onto, money=REFUND if account else None, account=account)
        return replace(made, claim=BILL, cost=OFFSET_LINE, offset=offset)
    why = f"{case.who} owes the company this personal purchase on {case.payment_type}: credit note"
    spent = f", and money spent from {account}{case.by}" if account else ""
    made = _decision(case, 7, why + spent, money=SPEND if account else None, account=account)
    return replace(made, claim=CREDIT_NOTE, cost=OFFSET_LINE, offset=offset)


def _decision(
    case: _Case,
    row: int,
    why: str,
    *,
    approved: bool = True,
    money: str | None = None,
    account: str | None = None,
) -> Decision:
    return Decision(
        row=row,
        rule=case.rule.number if case.rule else None,
        why=why,
        amount=case.entry.amount,
        claim=CREDIT_NOTE if case.refund else BILL,
        approved=approved,
        money=money,
        account=account,
    )


def _rule_account(case: _Case) -> str:
    if not case.rule or not case.rule.account:
        raise NeedsAttention(
            "payment_account_missing",
            f"The rule for {case.who} and {case.payment_type} pays from an account but names none.",
            "Name the account in that [[rules]] row of the company file, then retry.",
        )
    return case.rule.account


def _offset_account(case: _Case) -> str:
    named = case.rule.account if case.rule and case.rule.action == OFFSET else None
    account = named or case.settings.expenses.offset_account
    if not account:
        raise NeedsAttention(
            "offset_account_missing",
            f"{case.who}'s {case.payment_type} goes through the offset account, and none is set.",
            "Set offset_account in [expenses] of the company file, then retry.",
        )
    return account


def _charged_to_client(entry: Entry, *, settings: CompanySettings, site: Site) -> bool:
    if entry.company_id is None:
        return False
    if site.own_company_id is not None:
        return entry.company_id != site.own_company_id
    row = next(
        (r for r in settings.expense_types if folded(r.name) == folded(entry.expense_type)),
        None,
    )
    if row and row.billable_account:
        raise NeedsAttention(
            "own_company_unknown",
            f'"{entry.expense_type}" has an account of its own for clients, and ConnectWise did not say which'
            " company is ours.",
            "Let the API member read System > My Company > Time and Expense in ConnectWise, then retry.",
        )
    return False
