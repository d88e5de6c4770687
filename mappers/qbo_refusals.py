"""QuickBooks' refusals, and what a person can do about each.

The code says most; where one code stands for many things, fragments of its text tell them apart. First match
wins. https://developer.intuit.com/app/developer/qbo/docs/develop/troubleshooting/error-codes
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

UNKNOWN_CAUSE = "refused_by_ledger"
DUPLICATE_NUMBER, NAME_TAKEN = "6140", "6240"
# What QuickBooks says when it does not know itself whether the thing was made, or was asked before.
UNCLEAR_CODES = frozenset(("10000", "600", "140", "150", "3001", "3100", "3200"))


@dataclass(frozen=True)
class Fault:
    """One fault of an answer: its codes, its own words, and whether it leaves the outcome open."""

    codes: tuple[str, ...]
    words: tuple[str, ...]
    type: str

    @property
    def is_unclear(self) -> bool:
        open_ended = self.type == "SystemFault" or not self.codes
        return open_ended or any(code in UNCLEAR_CODES for code in self.codes)


@dataclass(frozen=True)
class _Meaning:
    """A fault with one of `codes`, whose words hold all `fragments`, means `cause`."""

    cause: str
    to_do: str
    codes: tuple[str, ...] = ()
    fragments: tuple[str, ...] = ()


_LOCKED = "Open the period in QuickBooks, or set closed_period in the company file, then retry."
_NUMBER = "Look at what has this number in QuickBooks; give it another number or delete it, then retry."
_TAX = (
    "Choose a tax code that fits the account ([[expense_types]], [[taxes]] of the company file), then retry."
)
_TRACKING = "Correct the class or location in QuickBooks, or tracking in the company file, then retry."
_ACCOUNT = "Choose another account in the company file, then retry."
_CONTACT = "Tie the member to an active vendor by a [[members]] row of the company file, then retry."
_NAME = "That name exists in QuickBooks: tie the member to its vendor by a [[members]] row, then retry."
_LINK = "Compare vendor, currency and accounts payable of the bill with those of the payment, then retry."
_INACTIVE = "Make the account, vendor, class or tax code that it names active again, then retry."
_CURRENCY = "Turn the currency on in QuickBooks and give the member a vendor in it, then retry."
_OURS = "Report it with the expense's number: what was sent does not fit what QuickBooks takes."

_MEANINGS = (
    _Meaning("number_taken", _NUMBER, codes=("6140",)),
    _Meaning("number_taken", _NUMBER, codes=("6210",), fragments=("duplicate", "number")),
    _Meaning("closed_period", _LOCKED, codes=("6200", "6210")),
    _Meaning("closed_period", _LOCKED, fragments=("account period", "closed")),
    _Meaning("contact_name_taken", _NAME, codes=("6240",)),
    _Meaning("account_type_wrong", _ACCOUNT, codes=("6430",)),
    _Meaning("account_unknown", _ACCOUNT, codes=("2500",), fragments=("accounts",)),
    _Meaning("contact_missing", _CONTACT, codes=("2500",), fragments=("names",)),
    _Meaning("tracking_unmapped", _TRACKING, codes=("2500",), fragments=("klasses",)),
    _Meaning("tracking_unmapped", _TRACKING, codes=("2500",), fragments=("depts",)),
    _Meaning("tax_unknown", _TAX, codes=("2500",), fragments=("tax",)),
    _Meaning("tax_cannot_be_used", _TAX, codes=("6100",)),
    _Meaning("tax_unmapped", _TAX, codes=("6000",), fragments=("gst rate",)),
    _Meaning("tax_unmapped", _TAX, codes=("6000",), fragments=("vat rate",)),
    _Meaning("tax_unmapped", _TAX, codes=("6000",), fragments=("tax rate",)),
    _Meaning("currency_missing", _CURRENCY, codes=("6000",), fragments=("currency",)),
    _Meaning("something_inactive", _INACTIVE, codes=("610",)),
    _Meaning("cannot_be_linked", _LINK, codes=("620",)),
    _Meaning("malformed_document", _OURS, codes=("500", "2010", "2020", "2030", "2050", "2130", "2170")),
    _Meaning("malformed_document", _OURS, codes=("2290", "4000", "4001", "6070", "6170", "6310")),
)


def to_fault(said: object) -> Fault | None:
    """The fault in an answer or in an item of a batch, None when there is none. Some envelopes are written in
    lower case."""
    if not isinstance(said, dict):
        return None
    fault = said.get("Fault") or said.get("fault")
    if not isinstance(fault, dict):
        return None
    errors = fault.get("Error") or fault.get("error") or []
    some = [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []
    return Fault(
        codes=tuple(str(error.get("code") or "") for error in some if error.get("code")),
        words=tuple(dict.fromkeys(_words(error) for error in some)),
        type=str(fault.get("type") or ""),
    )


def refusal(fault: Fault) -> tuple[str, str]:
    """(cause, to_do) for this fault; cause `refused_by_ledger` when nobody has met it yet."""
    said = " ".join(fault.words).casefold()
    for meaning in _MEANINGS:
        fits = not meaning.codes or any(code in meaning.codes for code in fault.codes)
        if fits and all(fragment in said for fragment in meaning.fragments):
            return meaning.cause, meaning.to_do
    return UNKNOWN_CAUSE, "Read QuickBooks' words, correct what they name, then retry."


def _words(error: dict[str, Any]) -> str:
    """Message, detail and code: only the detail tells what a business rule (6000) is about."""
    parts: Sequence[str] = [str(error.get(name) or "").strip() for name in ("Message", "Detail")]
    parts = parts if any(parts) else [str(error.get(name) or "").strip() for name in ("message", "detail")]
    message, detail = parts
    text = message if not detail or detail == message else f"{message.rstrip('.')}: {detail}"
    code = str(error.get("code") or "")
    return f"{text or 'QuickBooks gave no reason.'}{f' ({code})' if code else ''}"[:500]
