"""Bills, sales invoices and credit notes: what is common to making, changing and ending them.

States and moves: https://developer.xero.com/documentation/api/accounting/invoices
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sandbox.web import Json
from sandbox.xero_call import Call, Invalid, new_id
from sandbox.xero_organisation import Organisation, new_contact
from sandbox.xero_validation import Checks, places_of
from sandbox.xero_wire import ZERO_ID

ZERO = Decimal("0.00")
NEW = ("DRAFT", "SUBMITTED", "AUTHORISED")
APPROVED = ("AUTHORISED", "PAID")
MOVES = {
    "DRAFT": ("DRAFT", "SUBMITTED", "AUTHORISED", "DELETED"),
    "SUBMITTED": ("SUBMITTED", "AUTHORISED", "DRAFT", "DELETED"),
    "AUTHORISED": ("AUTHORISED", "VOIDED"),
    "PAID": ("PAID", "AUTHORISED", "VOIDED"),
}
# Since March 2026 these may change on a paid bill; amounts may not.
NOT_MONEY = {"InvoiceNumber", "DueDate", "Url", "Contact", "PlannedPaymentDate", "Status", "Type", "Date"}


@dataclass(frozen=True)
class Kind:
    """What differs between invoices and credit notes."""

    noun: str
    id_name: str
    number: str
    types: tuple[str, ...]
    store: Callable[[Organisation], dict[str, Json]]
    settle: Callable[[Json], None]
    needs_due_date: bool


def settle_invoice(invoice: Json) -> None:
    """Set what is paid, credited and due, and the state that follows from it."""
    payments = [p for p in invoice["_payments"] if p["Status"] == "AUTHORISED"]
    credits = [a for a in invoice["_allocations"] if not a["IsDeleted"]]
    ended = invoice["Status"] in ("VOIDED", "DELETED")
    invoice["AmountPaid"] = sum((p["Amount"] for p in payments), ZERO)
    invoice["AmountCredited"] = sum((a["Amount"] for a in credits), ZERO)
    invoice["AmountDue"] = (
        ZERO if ended else invoice["Total"] - invoice["AmountPaid"] - invoice["AmountCredited"]
    )
    days = [p["Date"] for p in payments] + [a["Date"] for a in credits]
    _close_when_zero(invoice, invoice["AmountDue"], days)


def settle_credit_note(note: Json) -> None:
    """Set what is left of a credit note, and the state that follows from it."""
    payments = [p for p in note["_payments"] if p["Status"] == "AUTHORISED"]
    credits = [a for a in note["_allocations"] if not a["IsDeleted"]]
    ended = note["Status"] in ("VOIDED", "DELETED")
    used = sum((p["Amount"] for p in payments), ZERO) + sum((a["Amount"] for a in credits), ZERO)
    note["AppliedAmount"] = used
    note["RemainingCredit"] = ZERO if ended else note["Total"] - used
    days = [p["Date"] for p in payments] + [a["Date"] for a in credits]
    _close_when_zero(note, note["RemainingCredit"], days)


def _close_when_zero(record: Json, open_amount: Decimal, days: list[date]) -> None:
    if record["Status"] not in APPROVED:
        return
    record["Status"] = "AUTHORISED" if open_amount else "PAID"
    record["FullyPaidOnDate"] = None if open_amount else max(days, default=record["Date"])


INVOICE = Kind(
    "Invoice",
    "InvoiceID",
    "InvoiceNumber",
    ("ACCPAY", "ACCREC"),
    lambda org: org.invoices,
    settle_invoice,
    needs_due_date=True,
)
CREDIT_NOTE = Kind(
    "CreditNote",
    "CreditNoteID",
    "CreditNoteNumber",
    ("ACCPAYCREDIT", "ACCRECCREDIT"),
    lambda org: org.credit_notes,
    settle_credit_note,
    needs_due_date=False,
)


def create(call: Call, kind: Kind, row: Json) -> Json:
    """A new document; raises Invalid."""
    status = row.get("Status") or "DRAFT"
    if status not in NEW:
        raise Invalid([f"{kind.noun} not of valid status for creation"])
    record: Json = {
        kind.id_name: new_id(),
        "Type": row.get("Type"),
        "_payments": [],
        "_allocations": [],
        "HasAttachments": False,
        "HasErrors": False,
    }
    _fill(call, kind, record, row, status=status)
    kind.store(call.org)[record[kind.id_name]] = record
    _note(call, record[kind.id_name], "Created")
    return record


def update(call: Call, kind: Kind, record: Json, row: Json) -> Json:
    """Change or end an existing document; raises Invalid."""
    status = row.get("Status") or record["Status"]
    moves = MOVES.get(record["Status"])
    if moves is None or (status not in (*NEW, "DELETED", "VOIDED", record["Status"])):
        raise Invalid([f"{kind.noun} not of valid status for modification"])
    if status == "VOIDED" and record["Status"] in APPROVED:
        return _void(call, kind, record)
    if status not in moves:
        raise Invalid([f"{kind.noun} not of valid status for modification"])
    if status == "DELETED":
        record["Status"] = status
        return _saved(call, kind, record)
    if _is_used(record):
        return _edit_used(call, kind, record, row)
    if record["Status"] in APPROVED:
        _must_be_open(call, record)
    draft = dict(record)
    _fill(call, kind, draft, {**_as_row(record), **row}, status="AUTHORISED" if status == "PAID" else status)
    record.clear()
    record.update(draft)
    return record


def _is_used(record: Json) -> bool:
    return any(p["Status"] == "AUTHORISED" for p in record["_payments"]) or any(
        not a["IsDeleted"] for a in record["_allocations"]
    )


def _must_be_open(call: Call, record: Json) -> None:
    locked = call.org.lock_text(record["Date"])
    if locked:
        raise Invalid([f"The document {locked}"])


def _void(call: Call, kind: Kind, record: Json) -> Json:
    if _is_used(record):
        text = "A status of VOIDED cannot be applied to this document as it has payments or credit notes"
        raise Invalid([f"{text} allocated to it"])
    _must_be_open(call, record)
    record["Status"] = "VOIDED"
    return _saved(call, kind, record)


def _edit_used(call: Call, kind: Kind, record: Json, row: Json) -> Json:
    changes = {name for name in row if name != kind.id_name}
    same_day = (
        "Date" not in row or Checks(call.org, strict=False).day(row, "Date", default=None) == record["Date"]
    )
    if not changes <= NOT_MONEY or not same_day or row.get("Type", record["Type"]) != record["Type"]:
        raise Invalid(["This document cannot be edited as it has a payment or credit note allocated to it."])
    _must_be_open(call, record)
    checks = Checks(call.org, strict=True)
    record["DueDate"] = checks.day(row, "DueDate", default=record.get("DueDate"))
    if row.get(kind.number):
        record[kind.number] = str(row[kind.number])
    if "Url" in row:
        record["Url"] = checks.url(row)
    if checks.errors:
        raise Invalid(checks.errors)
    return _saved(call, kind, record)


def _as_row(record: Json) -> Json:
    """The stored document as if it had been sent, so that an update may name only what changes."""
    kept = ("Type", "LineAmountTypes", "CurrencyCode", "CurrencyRate", "Url", "Reference")
    row: Json = {name: record[name] for name in kept if record.get(name) is not None}
    for name in ("InvoiceNumber", "CreditNoteNumber"):
        if record.get(name):
            row[name] = record[name]
    for name in ("Date", "DueDate", "PlannedPaymentDate"):
        if record.get(name):
            row[name] = record[name].isoformat()
    row["Contact"] = {"ContactID": record["Contact"]["ContactID"]} if record.get("Contact") else None
    row["LineItems"] = [
        {n: v for n, v in line.items() if v is not None and n != "LineAmount"} for line in record["LineItems"]
    ]
    return row


def _fill(call: Call, kind: Kind, record: Json, row: Json, *, status: str) -> None:
    checks = Checks(call.org, strict=status != "DRAFT")
    if row.get("Type") not in kind.types:
        checks.errors.append(
            f"Invalid Type '{row.get('Type')}': must be one of {', '.join(kind.types)}"
        )  # our wording
    given = checks.contact(row)
    record["Type"] = row.get("Type")
    record["Date"] = checks.day(row, "Date", default=call.today)
    record["DueDate"] = checks.day(row, "DueDate", default=None)
    if kind.needs_due_date and status != "DRAFT" and record["DueDate"] is None:
        checks.errors.append("Due Date must be specified for an approved document")  # our wording
    if status == "AUTHORISED":
        checks.open_day(record["Date"], what="document")
    record["PlannedPaymentDate"] = checks.day(row, "PlannedPaymentDate", default=None)
    record["CurrencyCode"] = checks.currency(row)
    record["CurrencyRate"] = _rate(call.org, checks, row, record["CurrencyCode"])
    record["LineAmountTypes"] = checks.line_amount_types(row)
    record["Url"] = checks.url(row)
    record[kind.number] = _number(call.org, kind, checks, row, record)
    record["Reference"] = (
        str(row.get("Reference") or "") if record["Type"] in ("ACCREC", "ACCRECCREDIT") else ""
    )
    places = places_of(call.request.query.get("unitdp"))
    record["LineItems"] = checks.lines(row, kind=record["LineAmountTypes"], places=places)
    checks.sums(record, row)
    if checks.errors:
        raise Invalid(checks.errors)
    record["Contact"] = keep_contact(call, given, supplier=str(record["Type"]).startswith("ACCPAY"))
    record["Status"] = status
    record["IsDiscounted"] = False
    _saved(call, kind, record)


def _number(org: Organisation, kind: Kind, checks: Checks, row: Json, record: Json) -> str:
    text = str(row.get(kind.number) or "")
    if len(text) > 255:
        checks.errors.append(f"{kind.number} exceeds the maximum length of 255 characters")  # our wording
    if str(record["Type"]).startswith("ACCREC"):
        others = (d for d in kind.store(org).values() if d["Type"] == record["Type"] and d is not record)
        if text and any(d[kind.number] == text and d[kind.id_name] != record[kind.id_name] for d in others):
            checks.errors.append(f"{kind.noun} # must be unique.")
    return text


def _rate(org: Organisation, checks: Checks, row: Json, currency: str) -> Decimal:
    given = checks.money(row, "CurrencyRate")
    if currency == org.base_currency or given is None or given <= 0:
        return org.rate_of(currency)
    return round(given, 6)


def keep_contact(call: Call, given: Json | None, *, supplier: bool) -> Json:
    """The contact of a document that passed every check; a new one is kept now."""
    assert given is not None
    if "_new" in given:
        contact = new_contact(given["_new"])
        call.org.contacts[contact["ContactID"]] = contact
    else:
        contact = given
    contact["IsSupplier" if supplier else "IsCustomer"] = True
    call.org.touch(contact, now=call.now)
    return contact


def _saved(call: Call, kind: Kind, record: Json) -> Json:
    kind.settle(record)
    call.org.touch(record, now=call.now)
    return record


def _note(call: Call, record_id: str, text: str) -> None:
    call.org.history.setdefault(record_id, []).append(
        {"Changes": text, "DateUTC": call.now, "User": "System Generated", "Details": ""}
    )


def find(call: Call, kind: Kind, named: Any) -> Json | None:
    """The document with this id, else the newest with this number."""
    text = str(named)
    store = kind.store(call.org)
    if text.lower() in store:
        return store[text.lower()]
    if text in ("", ZERO_ID):
        return None
    return next((record for record in reversed(list(store.values())) if record[kind.number] == text), None)
