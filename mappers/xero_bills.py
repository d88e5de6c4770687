"""A bill that somebody made in Xero themself: its id in what people paste, and how it stands there now.

https://developer.xero.com/documentation/api/accounting/invoices#get-invoices
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

from mappers.documents import BILL, CREDIT_NOTE, Standing
from mappers.exact import to_decimal
from mappers.xero_answers import GONE, is_id, rows, to_day

Raw = Mapping[str, Any]

INVOICES, CREDIT_NOTES = "Invoices", "CreditNotes"
# list in an answer -> id, number, what is still open
_NAMES = {
    INVOICES: ("InvoiceID", "InvoiceNumber", "AmountDue"),
    CREDIT_NOTES: ("CreditNoteID", "CreditNoteNumber", "RemainingCredit"),
}
# Xero's type -> our kind, and what people call it
_TYPES = {
    "ACCPAY": (BILL, "bill"),
    "ACCPAYCREDIT": (CREDIT_NOTE, "credit note"),
    "ACCREC": ("", "sales invoice"),
    "ACCRECCREDIT": ("", "credit note to a customer"),
}
_ID = re.compile(r"(?<![0-9a-f-])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9a-f-])")


def to_bill_id(text: str) -> str | None:
    """The one id in a text: the id itself, or the address of the bill's page. Xero's addresses may carry the
    page's own address inside, with its signs escaped."""
    found = set(_ID.findall(unquote(unquote(text)).lower()))
    return found.pop() if len(found) == 1 else None


def to_standing(name: str, answer: Raw, remote_id: str) -> Standing | None:
    """The document with this id in the answer's list of this name. Xero would take a number in place of an
    id: only the id counts here."""
    id_name, number_name, due_name = _NAMES[name]
    same = [row for row in rows(answer, name) if str(row.get(id_name) or "").lower() == remote_id.lower()]
    if not same or not is_id(same[0].get(id_name)):
        return None
    row = same[0]
    kind, what = _TYPES.get(str(row.get("Type")), ("", "document of another kind"))
    said = row.get("Contact")
    contact = said if isinstance(said, dict) else {}
    status = str(row.get("Status") or "")
    return Standing(
        remote_id=str(row[id_name]),
        kind=kind,
        what=what,
        number=str(row.get(number_name) or ""),
        total=to_decimal(row.get("Total")) or Decimal(0),
        tax=to_decimal(row.get("TotalTax")) or Decimal(0),
        currency=str(row.get("CurrencyCode") or "") or None,
        date=to_day(row),
        contact=str(contact.get("ContactID") or ""),
        contact_name=str(contact.get("Name") or ""),
        due=to_decimal(row.get(due_name)),
        live=status not in GONE,
        approved=status in ("AUTHORISED", "PAID"),
    )
