"""What must exist for an approved expense, worked out by hand from the decision table in the README's company
files (docs/examples): nothing here asks the program under test.
"""

from __future__ import annotations

from dataclasses import replace

from bin.demo_month import month, quickbooks
from bin.demo_month.month import AMEX, OWN, PERSONAL, REIMBURSABLE, Due
from tests.chaos.entries import Entry

ACCOUNT, APPROVED, DRAFT, OFFSET = "payment_account", "approved_bill", "draft_bill", "offset_account"
VISA_ACTIONS = {"asmith": ACCOUNT, "bchan": APPROVED, "cpatel": DRAFT, "dnguyen": OFFSET, "jdoe": OFFSET}
ACCOUNTS = {
    "xero": {"card": month.CARD_ACCOUNT, "bank": month.BANK_ACCOUNT},
    "qbo": {"card": quickbooks.CARD, "bank": quickbooks.BANK},
}
UNPAID = {
    ("xero", APPROVED, "bill"): month.APPROVED,
    ("xero", DRAFT, "bill"): month.DRAFT,
    ("xero", APPROVED, "credit_note"): month.REFUND_OWED,
    ("xero", DRAFT, "credit_note"): month.REFUND_DRAFT,
    ("qbo", APPROVED, "bill"): quickbooks.APPROVED,
    ("qbo", DRAFT, "bill"): quickbooks.KEPT,
    ("qbo", APPROVED, "credit_note"): quickbooks.REFUND_OWED,
    ("qbo", DRAFT, "credit_note"): quickbooks.REFUND_KEPT,
}


def due(entry: Entry, *, ledger: str) -> Due:
    """The documents and the ending of one approved entry. `ledger`: "xero" or "qbo"."""
    if not entry.amount:
        return month.ZERO
    if entry.payment == OWN:
        return _own(entry)
    if entry.classed == REIMBURSABLE:
        return month.CONTRADICTION
    action = ACCOUNT if entry.payment == AMEX else VISA_ACTIONS[entry.member]
    account = ACCOUNTS[ledger]["card" if entry.payment == AMEX else "bank"]
    if entry.classed == PERSONAL:
        return _personal(entry, ledger, account if action == ACCOUNT else None)
    if action == ACCOUNT:
        return replace(_paid(entry, ledger), account=account)
    if action == OFFSET:
        return _from_offset(entry, ledger)
    return UNPAID[ledger, action, "bill" if entry.amount > 0 else "credit_note"]


def _own(entry: Entry) -> Due:
    if entry.classed != REIMBURSABLE:
        return month.NOTHING_OWED
    return month.OWED if entry.amount > 0 else month.REFUND_OWED


def _paid(entry: Entry, ledger: str) -> Due:
    if entry.amount > 0:
        return month.PAID
    return month.REFUND_AMEX if ledger == "xero" else quickbooks.REFUND_CARD


def _from_offset(entry: Entry, ledger: str) -> Due:
    if ledger == "xero":
        return month.FROM_OFFSET if entry.amount > 0 else month.REFUND_OFFSET
    return quickbooks.FROM_LIABILITY if entry.amount > 0 else quickbooks.REFUND_LIABILITY


def _personal(entry: Entry, ledger: str, account: str | None) -> Due:
    """Turned round: the employee owes it. Money moves only where a rule names the account."""
    if entry.amount > 0:
        owed, receives = month.PERSONAL_AMEX, "spend"
    else:
        owed, receives = month.REFUND_PERSONAL, "receive" if ledger == "xero" else "refund"
    return replace(owed, money=receives if account else None, account=account)
