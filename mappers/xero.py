"""Our documents as Xero's wire, frozen into calls; with its two neighbours the only place for Xero's names.

xero_answers.py reads what Xero says of them, xero_books.py its lists; all three are offered here.
Pages: https://developer.xero.com/documentation/api/accounting/{invoices,creditnotes,payments,banktransactions}.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from mappers.documents import BILL, CONTACT, CREDIT_NOTE, PAYMENT, REFUND, SPEND, Call, Document, Line
from mappers.exact import parse, to_bytes
from mappers.words import folded, one_line
from mappers.xero_answers import to_found, to_results
from mappers.xero_books import deep_link, to_books, to_contacts
from mappers.xero_refusals import refusal

__all__ = [
    "deep_link",
    "parse",
    "refusal",
    "to_books",
    "to_calls",
    "to_contacts",
    "to_found",
    "to_results",
]

# In the order in which calls must be sent: what is settled before what settles it.
ENVELOPES = {
    "contacts": "Contacts",
    "invoices": "Invoices",
    "credit_notes": "CreditNotes",
    "payments": "Payments",
    "bank_transactions": "BankTransactions",
}
_CENTS = Decimal("0.01")
_LONGEST_REFERENCE = 100
_LONGEST_DESCRIPTION = 4000


def operation_of(document: Document) -> str:
    """The operation that makes this document: a key of ENVELOPES."""
    if document.kind == SPEND or (document.kind == REFUND and document.settles is None):
        return "bank_transactions"
    by_kind = {
        BILL: "invoices",
        CREDIT_NOTE: "credit_notes",
        PAYMENT: "payments",
        REFUND: "payments",
        CONTACT: "contacts",
    }
    return by_kind[document.kind]


def to_calls(
    documents: Iterable[Document],
    *,
    size: int = 50,
    max_bytes: int = 3_400_000,
    links: Mapping[str, str] | None = None,
) -> list[Call]:
    """Frozen PUT bodies of at most `size` elements and `max_bytes` bytes each, in sending order.

    `links` gives a bill's "go to" address by marker. A call never holds two elements that its answer could
    confuse. Raises ValueError for a payment that does not know yet what it settles."""
    by_operation: dict[str, list[Document]] = {operation: [] for operation in ENVELOPES}
    for document in documents:
        by_operation[operation_of(document)].append(document)
    return [
        call
        for operation, some in by_operation.items()
        for call in _calls(operation, some, size=size, max_bytes=max_bytes, links=links or {})
    ]


def _calls(
    operation: str, documents: Sequence[Document], *, size: int, max_bytes: int, links: Mapping[str, str]
) -> list[Call]:
    batches: list[_Batch] = []
    for document in documents:
        element = to_bytes(_ELEMENTS[operation](document, links))
        key = folded(document.name) if document.kind == CONTACT else document.marker
        fitting = (b for b in batches if b.takes(element, key, size=size, max_bytes=max_bytes))
        batch = next(fitting, None)
        if batch is None:
            batch = _Batch()
            batches.append(batch)
        batch.add(document.marker, element, key)
    return [batch.frozen(operation) for batch in batches]


class _Batch:
    """The elements of one call while it is being filled."""

    def __init__(self) -> None:
        self._markers: list[str] = []
        self._elements: list[bytes] = []
        self._keys: set[str] = set()
        self._bytes = len(b'{"BankTransactions":[]}')

    def takes(self, element: bytes, key: str, *, size: int, max_bytes: int) -> bool:
        room = self._bytes + len(element) + 1 <= max_bytes
        return room and len(self._elements) < size and key not in self._keys

    def add(self, marker: str, element: bytes, key: str) -> None:
        self._markers.append(marker)
        self._elements.append(element)
        self._keys.add(key)
        self._bytes += len(element) + 1

    def frozen(self, operation: str) -> Call:
        body = b'{"%s":[%s]}' % (ENVELOPES[operation].encode(), b",".join(self._elements))
        return Call(operation=operation, body=body, markers=tuple(self._markers))


def _invoice(document: Document, links: Mapping[str, str]) -> dict[str, Any]:
    """An ACCPAY invoice. Its number is what Xero's screens call Reference; `Reference` itself is dropped."""
    element = {"Type": "ACCPAY", "InvoiceNumber": document.number, **_claim(document)}
    if document.due_date:
        element["DueDate"] = document.due_date.isoformat()
    if document.marker in links:
        element["Url"] = links[document.marker]
    return element


def _credit_note(document: Document, _links: Mapping[str, str]) -> dict[str, Any]:
    return {"Type": "ACCPAYCREDIT", "CreditNoteNumber": document.number, **_claim(document)}


def _claim(document: Document) -> dict[str, Any]:
    """No totals: Xero refuses ours when they differ, and computes its own."""
    return {
        "Contact": {"ContactID": document.contact},
        "Date": document.date.isoformat(),
        "LineAmountTypes": _amount_types(document),
        "CurrencyCode": document.currency,
        "Status": "AUTHORISED" if document.approved else "DRAFT",
        "LineItems": [_line(line) for line in document.lines],
    }


def _payment(document: Document, _links: Mapping[str, str]) -> dict[str, Any]:
    """Nothing but the id of what it settles: more would be read as a change of that document."""
    if not document.settles_id:
        raise ValueError(f"{document.marker} does not know what it settles")
    settled = (
        {"CreditNote": {"CreditNoteID": document.settles_id}}
        if document.settles == CREDIT_NOTE
        else {"Invoice": {"InvoiceID": document.settles_id}}
    )
    return {
        **settled,
        "Account": {"AccountID": document.account},
        "Date": document.date.isoformat(),
        "Amount": _money(document.amount),
        "Reference": _reference(document),
    }


def _bank_transaction(document: Document, _links: Mapping[str, str]) -> dict[str, Any]:
    """Money spent, or received, without a claim."""
    return {
        "Type": "SPEND" if document.kind == SPEND else "RECEIVE",
        "Contact": {"ContactID": document.contact},
        "BankAccount": {"AccountID": document.account},
        "Date": document.date.isoformat(),
        "Reference": _reference(document),
        "LineAmountTypes": _amount_types(document),
        "CurrencyCode": document.currency,
        "Status": "AUTHORISED",
        "LineItems": [_line(line) for line in document.lines],
    }


def _contact(document: Document, _links: Mapping[str, str]) -> dict[str, Any]:
    optional = {"AccountNumber": document.contact_number, "EmailAddress": document.email}
    return {"Name": document.name} | {name: value for name, value in optional.items() if value}


_ELEMENTS: dict[str, Callable[[Document, Mapping[str, str]], dict[str, Any]]] = {
    "contacts": _contact,
    "invoices": _invoice,
    "credit_notes": _credit_note,
    "payments": _payment,
    "bank_transactions": _bank_transaction,
}


def _line(line: Line) -> dict[str, Any]:
    """Quantity 1, so that unit amount and line amount are one. An account without a code goes by its id."""
    element: dict[str, Any] = {
        "Description": one_line(line.description, most=_LONGEST_DESCRIPTION),
        "Quantity": 1,
        "UnitAmount": _money(line.amount),
    }
    element |= {"AccountCode": line.account_code} if line.account_code else {"AccountID": line.account}
    if line.tax_code is not None:
        element["TaxType"] = line.tax_code
    if line.tax_amount is not None:
        element["TaxAmount"] = _money(line.tax_amount)
    if line.tracking:
        element["Tracking"] = [
            {"TrackingCategoryID": choice.category, "TrackingOptionID": choice.option}
            for choice in line.tracking
        ]
    return element


def _amount_types(document: Document) -> str:
    return "Inclusive" if document.inclusive else "Exclusive"


def _reference(document: Document) -> str:
    """Starts with the number, by which a payment is matched and found again."""
    return one_line(f"{document.number} {document.memo}", most=_LONGEST_REFERENCE)


def _money(amount: Decimal) -> Decimal:
    """At least two decimals; never fewer digits than the amount has."""
    return amount.quantize(_CENTS) if amount == amount.quantize(_CENTS) else amount
