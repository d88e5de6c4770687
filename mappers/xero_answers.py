"""What Xero says of documents: each element judged alone, matched by its number and never by its place.

No single flag can be trusted (failed payments come back with ids, elements marked OK with errors), so a
document counts as made only when its id is there and not zero, no error status, and no error at any depth.
https://developer.xero.com/documentation/api/accounting/responsecodes
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from mappers.documents import (
    BILL,
    CONTACT,
    CREDIT_NOTE,
    PAYMENT,
    REFUND,
    SPEND,
    Call,
    Document,
    Found,
    Result,
)
from mappers.exact import parse, to_decimal
from mappers.words import folded
from mappers.xero_refusals import refusal

Raw = Mapping[str, Any]

# operation -> list in the envelope, id of an element
_SHAPES = {
    "contacts": ("Contacts", "ContactID"),
    "invoices": ("Invoices", "InvoiceID"),
    "credit_notes": ("CreditNotes", "CreditNoteID"),
    "payments": ("Payments", "PaymentID"),
    "bank_transactions": ("BankTransactions", "BankTransactionID"),
}
_NUMBERS = {"invoices": "InvoiceNumber", "credit_notes": "CreditNoteNumber"}
GONE = frozenset(("VOIDED", "DELETED"))
_Name = tuple[str, str]
_TICKS = re.compile(r"/Date\((-?\d+)(?:[+-]\d{4})?\)/")


def to_results(call: Call, answer: Raw) -> list[Result]:
    """One Result per marker of the call: "posted", "refused", or "unknown" when the answer does not speak of
    that document in a way that can be trusted."""
    name, id_name = _SHAPES[call.operation]
    sent = rows(parse(call.body), name)
    said = rows(answer, name) or rows(answer, "Elements")
    by_name: dict[_Name, list[Raw]] = {}
    for row in said:
        by_name.setdefault(_name(call.operation, row), []).append(row)
    alone = said[0] if len(sent) == len(said) == 1 else None
    return [
        _result(marker, _matching(call.operation, row, by_name, alone=alone), id_name=id_name)
        for marker, row in zip(call.markers, sent, strict=True)
    ]


def to_found(kind: str, answer: Raw, documents: Sequence[Document]) -> dict[str, list[Found]]:
    """The live documents of this kind in a look-up's answer that carry these documents' numbers, by marker.

    Payments are read from `Invoices` or `CreditNotes` with their payments inside, or from `Payments`."""
    found: dict[str, list[Found]] = {}
    for document in documents:
        if document.kind == kind:
            hits = {hit.remote_id: hit for hit in _hits(document, answer)}
            if hits:
                found[document.marker] = list(hits.values())
    return found


def rows(answer: Raw, name: str) -> list[dict[str, Any]]:
    """The objects of one list of an answer; an absent or odd list is empty."""
    some = answer.get(name)
    return [row for row in some if isinstance(row, dict)] if isinstance(some, list) else []


def to_day(row: Raw, name: str = "Date") -> dt.date | None:
    """A calendar day from `DateString`, `/Date(ms+0000)/` (midnight UTC) or ISO text, else None."""
    for text in (row.get(f"{name}String"), row.get(name)):
        if not isinstance(text, str):
            continue
        ticks = _TICKS.fullmatch(text)
        if ticks:
            return (dt.datetime(1970, 1, 1) + dt.timedelta(milliseconds=int(ticks[1]))).date()  # noqa: DTZ001
        try:
            return dt.date.fromisoformat(text[:10])
        except ValueError:
            continue
    return None


def is_id(value: object) -> bool:
    """Whether this is an id that something got: Xero fills in zeros where nothing was made."""
    return isinstance(value, str) and bool(value.strip("0-{} "))


def _matching(
    operation: str, sent: Raw, said: Mapping[_Name, Sequence[Raw]], *, alone: Raw | None
) -> Raw | None:
    """The one answered element that speaks of the sent one. `alone`: the only one, of the only one."""
    first, second = _name(operation, sent)
    names = {(first, second)}
    if operation == "payments":  # an answer may leave out either half
        names |= {(first, ""), ("", second)}
    same = [row for name in names - {("", "")} for row in said.get(name, ())]
    if len(same) == 1:
        return same[0]
    if not same and alone is not None and not _is_named(operation, alone) and any(_errors(alone)):
        return alone  # a refusal may leave out the number; with one document there is no doubt whose it is
    return None


def _name(operation: str, row: Raw) -> _Name:
    """Of which document an element speaks: what it settles or its type, and its number, reference or name."""
    if operation == "contacts":
        return "", folded(str(row.get("Name") or ""))
    if operation == "payments":
        return _settled_id(row), _number(row)
    if operation == "bank_transactions":
        return str(row.get("Type") or ""), _number(row)
    return "", str(row.get(_NUMBERS[operation]) or "")


def _is_named(operation: str, row: Raw) -> bool:
    """Whether the element says at all of which document it speaks."""
    if operation == "contacts":
        return bool(row.get("Name"))
    return bool(row.get(_NUMBERS.get(operation, "")) or _number(row) or _settled_id(row))


def _number(row: Raw) -> str:
    """The number that a reference starts with."""
    words = str(row.get("Reference") or "").split()
    return words[0] if words else ""


def _settled_id(row: Raw) -> str:
    invoice, note = _part(row, "Invoice"), _part(row, "CreditNote")
    return str(invoice.get("InvoiceID") or note.get("CreditNoteID") or "").lower()


def _part(row: Raw, name: str) -> Raw:
    part = row.get(name)
    return part if isinstance(part, dict) else {}


def _result(marker: str, row: Raw | None, *, id_name: str) -> Result:
    if row is None:
        return Result(marker=marker, outcome="unknown")
    words = tuple(dict.fromkeys(_errors(row)))
    status = str(row.get("Status") or row.get("ContactStatus") or "") or None
    if words or row.get("StatusAttributeString") == "ERROR":
        words = words or ("Xero marked it as an error and gave no reason.",)
        cause, to_do = refusal(words)
        return Result(marker=marker, outcome="refused", status=status, words=words, cause=cause, to_do=to_do)
    doubtful = row.get("HasErrors") is True or row.get("HasValidationErrors") is True
    if doubtful or not is_id(row.get(id_name)):
        return Result(marker=marker, outcome="unknown", status=status)
    return Result(
        marker=marker,
        outcome="posted",
        remote_id=str(row[id_name]),
        status=status,
        total=_first(row, "Total", "Amount"),
        due=_first(row, "AmountDue", "RemainingCredit"),
    )


def _errors(value: object) -> Iterator[str]:
    """The words of every validation error, at any depth; some answers say Description for Message."""
    if isinstance(value, dict):
        errors = value.get("ValidationErrors")
        for error in errors if isinstance(errors, list) else ():
            words = error.get("Message") or error.get("Description") if isinstance(error, dict) else error
            yield str(words or "Xero gave no reason.")
        for name, item in value.items():
            if name not in ("ValidationErrors", "Warnings"):
                yield from _errors(item)
    elif isinstance(value, list):
        for item in value:
            yield from _errors(item)


def _first(row: Raw, *names: str) -> Decimal | None:
    for name in names:
        number = to_decimal(row.get(name))
        if number is not None:
            return number
    return None


def _hits(document: Document, answer: Raw) -> Iterator[Found]:
    if document.kind == BILL:
        yield from _claims(document, rows(answer, "Invoices"), "ACCPAY", "InvoiceNumber", "InvoiceID")
    elif document.kind == CREDIT_NOTE:
        notes = rows(answer, "CreditNotes")
        yield from _claims(document, notes, "ACCPAYCREDIT", "CreditNoteNumber", "CreditNoteID")
    elif document.kind == CONTACT:
        yield from _contacts(document, answer)
    elif document.kind == SPEND or (document.kind == REFUND and document.settles is None):
        yield from _bank_transactions(document, answer)
    elif document.kind in (PAYMENT, REFUND):
        yield from _payments(document, answer)


def _claims(
    document: Document, some: Sequence[Raw], type_name: str, number_name: str, id_name: str
) -> Iterator[Found]:
    for row in some:
        fits = row.get("Type") == type_name and row.get(number_name) == document.number
        if fits and row.get("Status") not in GONE and is_id(row.get(id_name)):
            status = str(row.get("Status") or "")
            yield Found(
                marker=document.marker,
                remote_id=str(row[id_name]),
                amount=_first(row, "Total") or Decimal(0),
                currency=row.get("CurrencyCode"),
                date=to_day(row),
                due=_first(row, "AmountDue", "RemainingCredit"),
                status=status,
                approved=status in ("AUTHORISED", "PAID"),
                contact=_part(row, "Contact").get("ContactID"),
            )


def _payments(document: Document, answer: Raw) -> Iterator[Found]:
    wanted = (document.settles_id or "").lower()
    inside = [
        {**payment, "_settled": str(row.get(id_name, "")).lower(), "CurrencyCode": row.get("CurrencyCode")}
        for name, id_name in (("Invoices", "InvoiceID"), ("CreditNotes", "CreditNoteID"))
        for row in rows(answer, name)
        for payment in rows(row, "Payments")
    ]
    for payment in [*rows(answer, "Payments"), *inside]:
        settled = payment.get("_settled") or _settled_id(payment)
        if settled == wanted and _is_live(payment, document, "PaymentID"):
            part = _part(payment, "Invoice") or _part(payment, "CreditNote")
            currency = payment.get("CurrencyCode") or part.get("CurrencyCode")
            yield _money_found(document, payment, "PaymentID", currency=currency)


def _bank_transactions(document: Document, answer: Raw) -> Iterator[Found]:
    type_name = "SPEND" if document.kind == SPEND else "RECEIVE"
    for row in rows(answer, "BankTransactions"):
        if row.get("Type") == type_name and _is_live(row, document, "BankTransactionID"):
            yield _money_found(document, row, "BankTransactionID", currency=row.get("CurrencyCode"))


def _is_live(row: Raw, document: Document, id_name: str) -> bool:
    return row.get("Status") not in GONE and _number(row) == document.number and is_id(row.get(id_name))


def _money_found(document: Document, row: Raw, id_name: str, *, currency: object) -> Found:
    return Found(
        marker=document.marker,
        remote_id=str(row[id_name]),
        amount=_first(row, "Amount", "Total") or Decimal(0),
        currency=str(currency) if currency else None,
        date=to_day(row),
        status=str(row.get("Status") or ""),
        reconciled=row.get("IsReconciled") is True,
    )


def _contacts(document: Document, answer: Raw) -> Iterator[Found]:
    for row in rows(answer, "Contacts"):
        if folded(str(row.get("Name", ""))) == folded(document.name) and is_id(row.get("ContactID")):
            status = str(row.get("ContactStatus") or "ACTIVE")
            if status == "ACTIVE":
                yield Found(
                    marker=document.marker,
                    remote_id=str(row["ContactID"]),
                    amount=Decimal(0),
                    currency=None,
                    date=None,
                    status=status,
                )
