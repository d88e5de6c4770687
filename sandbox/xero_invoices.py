"""/Invoices and /CreditNotes of the pretend Xero (https://developer.xero.com/documentation/api/accounting/invoices)."""

from __future__ import annotations

from sandbox.web import Json, Reply, Routes, json_reply
from sandbox.xero_call import Call, Elements, Invalid, new_id, process
from sandbox.xero_documents import CREDIT_NOTE, INVOICE, Kind, create, find, update
from sandbox.xero_organisation import Organisation
from sandbox.xero_query import list_of, select
from sandbox.xero_validation import Checks
from sandbox.xero_wire import not_found, render

routes = Routes()
BARE = {
    "Type", "Contact", "LineItems", "Status", "InvoiceID", "CreditNoteID", "InvoiceNumber",
    "CreditNoteNumber",
}  # fmt: skip
FIELDS = {
    "Type", "Contact", "Date", "DueDate", "DateString",
    "DueDateString", "Status", "LineAmountTypes", "LineItems", "SubTotal", "TotalTax", "Total",
    "UpdatedDateUTC", "CurrencyCode", "CurrencyRate", "InvoiceID", "InvoiceNumber", "CreditNoteID",
    "CreditNoteNumber", "Reference", "AmountDue", "AmountPaid", "AmountCredited", "FullyPaidOnDate",
    "RemainingCredit", "Url", "HasAttachments", "SentToContact", "PlannedPaymentDate",
    "ExpectedPaymentDate", "Payments",
}  # fmt: skip
SHORT_CONTACT = ("ContactID", "Name")


def full_contact(contact: Json) -> Json:
    """A contact as it is shown inside a document."""
    shown = {
        name: contact[name]
        for name in ("ContactID", "ContactStatus", "Name", "FirstName", "LastName", "EmailAddress")
        if contact.get(name)
    }
    lists: Json = {"Addresses": [], "Phones": [], "ContactGroups": [], "ContactPersons": []}
    return {**shown, **lists, "HasValidationErrors": False}


def invoice_view(org: Organisation, invoice: Json, *, lines: bool = True) -> Json:
    """An invoice as GET shows it; lists without a page leave the lines out."""
    live = [p for p in invoice["_payments"] if p["Status"] == "AUTHORISED"]
    credits = [a for a in invoice["_allocations"] if not a["IsDeleted"]]
    return {
        **invoice,
        "Contact": full_contact(invoice["Contact"])
        if lines
        else {name: invoice["Contact"][name] for name in SHORT_CONTACT},
        "LineItems": [_line(line) for line in invoice["LineItems"]] if lines else [],
        "Payments": [_payment(p) for p in live],
        "CreditNotes": [_credit(org, a) for a in credits],
        "Prepayments": [],
        "Overpayments": [],
        "SentToContact": False if invoice["Type"] == "ACCREC" else None,
    }


def credit_note_view(org: Organisation, note: Json, *, lines: bool = True) -> Json:
    """A credit note as GET shows it."""
    live = [p for p in note["_payments"] if p["Status"] == "AUTHORISED"]
    return {
        **note,
        "DueDate": None,
        "IsDiscounted": None,
        "PlannedPaymentDate": None,
        "Contact": full_contact(note["Contact"])
        if lines
        else {name: note["Contact"][name] for name in SHORT_CONTACT},
        "LineItems": [_line(line) for line in note["LineItems"]] if lines else [],
        "Payments": [_payment(p) for p in live],
        "Allocations": [allocation_view(org, a) for a in note["_allocations"] if not a["IsDeleted"]],
    }


def _line(line: Json) -> Json:
    return {name: value for name, value in line.items() if value is not None}


def _payment(payment: Json) -> Json:
    return {
        "PaymentID": payment["PaymentID"],
        "Date": payment["Date"],
        "Amount": payment["Amount"],
        "Reference": payment["Reference"],
        "CurrencyRate": payment["CurrencyRate"],
        "HasAccount": False,
        "HasValidationErrors": False,
    }


def _credit(org: Organisation, allocation: Json) -> Json:
    note = org.credit_notes[allocation["_note"]]
    return {
        "CreditNoteID": note["CreditNoteID"],
        "CreditNoteNumber": note["CreditNoteNumber"],
        "ID": note["CreditNoteID"],
        "AppliedAmount": allocation["Amount"],
        "Date": note["Date"],
        "Total": note["Total"],
        "LineItems": [],
        "HasErrors": False,
    }


def allocation_view(org: Organisation, allocation: Json) -> Json:
    """An allocation with the invoice it went to."""
    invoice = org.invoices[allocation["_invoice"]]
    return {
        "AllocationID": allocation["AllocationID"],
        "Amount": allocation["Amount"],
        "Date": allocation["Date"],
        "IsDeleted": allocation["IsDeleted"],
        "Invoice": {
            "InvoiceID": invoice["InvoiceID"],
            "InvoiceNumber": invoice["InvoiceNumber"],
            "LineItems": [],
            "HasErrors": False,
        },
    }


INVOICES = Elements("Invoices", "InvoiceID", "HasErrors", invoice_view)
CREDIT_NOTES = Elements("CreditNotes", "CreditNoteID", "HasErrors", credit_note_view)
_PAIRS = {"Invoices": (INVOICES, INVOICE), "CreditNotes": (CREDIT_NOTES, CREDIT_NOTE)}


def _upsert(call: Call, kind: Kind, row: Json) -> Json:
    """POST: an id or an existing number means that document, even another supplier's; else a new one."""
    if row.get(kind.id_name):
        record = kind.store(call.org).get(str(row[kind.id_name]).lower())
        if record is None:
            raise Invalid([f"{kind.noun} could not be found"])  # our wording
        return update(call, kind, record, row)
    number = row.get(kind.number)
    record = find(call, kind, number) if number else None
    if (
        record is not None
        and record["Type"] == row.get("Type")
        and record["Status"] not in ("VOIDED", "DELETED")
    ):
        return update(call, kind, record, row)
    return create(call, kind, row)


def _register(name: str) -> None:
    elements, kind = _PAIRS[name]

    @routes.on("PUT", f"/{name}")
    def put(call: Call) -> Reply:
        rows = call.rows(name, noun=kind.noun, bare=BARE)
        return process(call, elements, rows, lambda row: create(call, kind, row))

    @routes.on("POST", f"/{name}")
    def post(call: Call) -> Reply:
        rows = call.rows(name, noun=kind.noun, bare=BARE)
        return process(call, elements, rows, lambda row: _upsert(call, kind, row))

    @routes.on("POST", f"/{name}/{{named}}")
    def post_one(call: Call, named: str) -> Reply:
        record = find(call, kind, named)
        if record is None:
            raise not_found()
        rows = call.rows(name, noun=kind.noun, bare=BARE)
        return process(call, elements, rows[:1], lambda row: update(call, kind, record, row))

    @routes.on("GET", f"/{name}/{{named}}")
    def get_one(call: Call, named: str) -> Reply:
        record = find(call, kind, named)
        if record is None:
            raise not_found()
        return call.ok(name, [elements.view(call.org, record)], day_strings=True)

    @routes.on("GET", f"/{name}")
    def get(call: Call) -> Reply:
        return _listed(call, name)


def _listed(call: Call, name: str) -> Reply:
    kind = _PAIRS[name][1]
    records = list(kind.store(call.org).values())
    filters = {
        "IDs": kind.id_name,
        f"{kind.number}s": kind.number,
        "Statuses": "Status",
    }
    for parameter, field_name in filters.items():
        wanted = list_of(call.request, parameter)
        if wanted is not None:
            records = [record for record in records if record[field_name] in wanted]
    contacts = list_of(call.request, "ContactIDs")
    if contacts is not None:
        records = [record for record in records if record["Contact"]["ContactID"] in contacts]
    term = call.request.query.get("searchTerm", call.request.query.get("SearchTerm", "")).lower()
    if term:
        records = [
            r for r in records if term in f"{r[kind.number]} {r['Reference']} {r['Contact']['Name']}".lower()
        ]
    found = select(records, call.request, noun=kind.noun, fields=FIELDS)
    shown = [_list_view(call, name, record, paged=found.pagination is not None) for record in found.records]
    return call.ok(name, shown, day_strings=True, pagination=found.pagination)


def _list_view(call: Call, name: str, record: Json, *, paged: bool) -> Json:
    lines = paged and not call.request.flag("summaryOnly")
    view = invoice_view if name == "Invoices" else credit_note_view
    shown = view(call.org, record, lines=lines)
    if call.request.flag("summaryOnly"):
        for field_name in ("LineItems", "Payments", "CreditNotes", "Allocations"):
            shown.pop(field_name, None)
    return shown


_register("Invoices")
_register("CreditNotes")


@routes.on("PUT", "/CreditNotes/{named}/Allocations")
def allocate(call: Call, named: str) -> Reply:
    """Use a credit note up against invoices of the same contact."""
    note = find(call, CREDIT_NOTE, named)
    if note is None:
        raise not_found()
    rows = call.rows("Allocations", noun="Allocation", bare={"Amount", "Invoice"})
    elements = Elements("Allocations", "AllocationID", "HasErrors", allocation_view, day_strings=False)
    return process(call, elements, rows, lambda row: _allocate(call, note, row))


def _allocate(call: Call, note: Json, row: Json) -> Json:
    checks = Checks(call.org, strict=True)
    invoice = call.org.invoices.get(str((row.get("Invoice") or {}).get("InvoiceID", "")).lower())
    amount = checks.money(row, "Amount")
    day = checks.day(row, "Date", default=call.today)
    checks.open_day(day, what="allocation")
    if invoice is None:
        raise Invalid(["The invoice to allocate to could not be found"])  # our wording
    if note["Status"] != "AUTHORISED" or invoice["Status"] != "AUTHORISED":
        checks.errors.append("Credit can only be allocated between Authorised documents")  # our wording
    if invoice["Contact"] is not note["Contact"] or note["Type"] != f"{invoice['Type']}CREDIT":
        checks.errors.append("Credit can only be allocated to a document of the same contact")  # our wording
    if amount is None or amount <= 0:
        checks.errors.append("Allocation amount must be greater than zero")  # our wording
    elif amount > min(invoice["AmountDue"], note["RemainingCredit"]):
        checks.errors.append("Allocation amount exceeds the amount outstanding on this document")
    if checks.errors:
        raise Invalid(checks.errors)
    made: Json = {
        "AllocationID": new_id(),
        "Amount": amount,
        "Date": day,
        "IsDeleted": False,
        "_invoice": invoice["InvoiceID"],
        "_note": note["CreditNoteID"],
    }
    call.org.allocations[made["AllocationID"]] = made
    _settle_both(call, made)
    return made


def _settle_both(call: Call, allocation: Json) -> None:
    for kind, key in ((INVOICE, "_invoice"), (CREDIT_NOTE, "_note")):
        record = kind.store(call.org)[allocation[key]]
        if allocation not in record["_allocations"]:
            record["_allocations"].append(allocation)
        kind.settle(record)
        call.org.touch(record, now=call.now)


@routes.on("DELETE", "/CreditNotes/{named}/Allocations/{allocation_id}")
def unallocate(call: Call, named: str, allocation_id: str) -> Reply:
    """Take an allocation back."""
    note = find(call, CREDIT_NOTE, named)
    allocation = call.org.allocations.get(allocation_id.lower())
    if (
        note is None
        or allocation is None
        or allocation["_note"] != note["CreditNoteID"]
        or allocation["IsDeleted"]
    ):
        raise not_found()
    allocation["IsDeleted"] = True
    _settle_both(call, allocation)
    return json_reply(render(allocation_view(call.org, allocation)))
