"""Xero's refusals in its own words, and what a person can do about each.

The wording is no contract, so fragments are matched and unknown text is shown as it is. First match wins.
https://developer.xero.com/documentation/api/accounting/responsecodes
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

UNKNOWN_CAUSE = "refused_by_ledger"


@dataclass(frozen=True)
class _Meaning:
    """All `fragments` in one sentence mean `cause`."""

    fragments: tuple[str, ...]
    cause: str
    to_do: str


_SETTLED = "Look at the bill in Xero: it is paid, part-paid or voided. Correct it there, then retry."
_ACCOUNT = "Choose an account that bills can be coded to in the company file's [[expense_types]], then retry."
_LOCKED = "Open the period in Xero, or set closed_period in the company file, then retry."
_TAX = (
    "Choose a tax code that fits the account ([[expense_types]], [[taxes]] of the company file), then retry."
)
_PAYER = "Enable payments to that account in Xero, or choose another in the company file's rule, then retry."
_CONTACT = "Tie the member to an active contact by a [[members]] row of the company file, then retry."
_OURS = "Report it with the expense's number: what was sent does not fit what Xero takes."

_MEANINGS = (
    _Meaning(("used with a different request",), "idempotency_key_reused", _OURS),
    _Meaning(("period lock date",), "closed_period", _LOCKED),
    _Meaning(("end of year lock date",), "closed_period", _LOCKED),
    _Meaning(("account code", "archived"), "account_archived", _ACCOUNT),
    _Meaning(("not a valid code for this document",), "account_cannot_be_coded", _ACCOUNT),
    _Meaning(("account must be valid",), "account_unknown", _ACCOUNT),
    _Meaning(("account type is invalid for making a payment",), "account_cannot_pay", _PAYER),
    _Meaning(("account could not be found",), "account_unknown", _PAYER),
    _Meaning(("taxtype code", "cannot be used with account"), "tax_cannot_be_used", _TAX),
    _Meaning(("taxtype code", "not valid"), "tax_unknown", _TAX),
    _Meaning(("tax rate must be valid",), "tax_unknown", _TAX),
    _Meaning(("not subscribed to currency",), "currency_missing", "Add the currency in Xero, then retry."),
    _Meaning(("exceeds the amount outstanding",), "already_settled", _SETTLED),
    _Meaning(("only be made against authorised documents",), "already_settled", _SETTLED),
    _Meaning(("voided cannot be applied",), "has_payments", "Take back its payments in Xero, then retry."),
    _Meaning(("cannot be edited as it has a payment",), "has_payments", _SETTLED),
    _Meaning(("not of valid status for modification",), "document_state", _SETTLED),
    _Meaning(
        ("already assigned to another contact",),
        "contact_name_taken",
        "A contact of that name exists in Xero: tie the member to it by a [[members]] row, then retry.",
    ),
    _Meaning(("contact", "archived"), "contact_archived", _CONTACT),
    _Meaning(("a contact must be specified",), "contact_missing", _CONTACT),
    _Meaning(("elements to identify the contact",), "contact_missing", _CONTACT),
    _Meaning(("limit of invoices you can approve",), "plan_limit", "Upgrade the Xero plan, then retry."),
    _Meaning(("only status accepted for updates",), "payment_fixed", _OURS),
    _Meaning(
        ("within a batch cannot be deleted",),
        "payment_in_batch",
        "Undo the whole batch payment in Xero first.",
    ),
    _Meaning(("one or more line items must be specified",), "malformed_document", _OURS),
    _Meaning(("not of valid status for creation",), "malformed_document", _OURS),
    _Meaning(("invoice # must be unique",), "malformed_document", _OURS),
    _Meaning(("no data has been processed for this endpoint",), "malformed_document", _OURS),
)


def refusal(words: Iterable[str]) -> tuple[str, str]:
    """(cause, to_do) for a refusal in these words; cause `refused_by_ledger` when nobody has met them yet."""
    said = [word.casefold() for word in words]
    for meaning in _MEANINGS:
        if any(all(fragment in word for fragment in meaning.fragments) for word in said):
            return meaning.cause, meaning.to_do
    return UNKNOWN_CAUSE, "Read Xero's words, correct what they name, then retry."
