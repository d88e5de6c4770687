"""What may be done with which kind of record, for single calls and for batches alike
(https://developer.intuit.com/app/developer/qbo/docs/learn/learn-basic-field-definitions)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox import qbo_attachables, qbo_documents, qbo_names, qbo_payments
from sandbox.qbo_company import KINDS, TRANSACTIONS, Company
from sandbox.qbo_documents import JOURNAL
from sandbox.qbo_fields import OUTPUT, check_number, check_period
from sandbox.qbo_payments import owed, payers, settled
from sandbox.qbo_views import Views
from sandbox.qbo_wire import Fault, business, given, reference, required, unsupported
from sandbox.web import Json

Builder = Callable[..., Json]
DOCUMENTS: dict[str, Builder] = {
    "Bill": qbo_documents.bill,
    "VendorCredit": qbo_documents.vendor_credit,
    "Purchase": qbo_documents.purchase,
    "Deposit": qbo_documents.deposit,
    "JournalEntry": qbo_documents.journal,
    "Transfer": qbo_documents.transfer,
    "BillPayment": qbo_payments.payment,
}
# Needed in every write, a sparse one too.
ALWAYS = {
    "Bill": "VendorRef",
    "VendorCredit": "VendorRef",
    "BillPayment": "VendorRef",
    "Purchase": "PaymentType",
}
DELETE_FIELDS = {"Id", "SyncToken", "sparse", "domain"}
READ_ONLY = ("TaxCode", "TaxRate", "Customer", "Employee", "CompanyCurrency")
BY_PATH = {kind.lower(): kind for kind in KINDS}


@dataclass(frozen=True)
class Wish:
    """One operation; `include` holds that parameter's words: `allowduplicatedocnum`, `void`."""

    kind: str
    operation: str | None
    include: tuple[str, ...]
    now: datetime


def perform(company: Company, wish: Wish, body: Any) -> Json:
    """The answer without its envelope: `{kind: record}`, or nothing for a void that QuickBooks ignores.

    Raises Fault.
    """
    if not isinstance(body, dict):
        raise Fault("2010", "Request has invalid or unsupported property", "The body must be one JSON object")
    if not company.subscription_active:
        title = "Invalid Company Status"
        raise Fault("6190", title, "Subscription period has ended or canceled or there was a billing problem")
    if wish.operation == "delete":
        return {wish.kind: _delete(company, wish, body)}
    if wish.operation == "void":
        return _wrong_void(wish)
    if given(body, "Id") is None:
        record = _create(company, wish, body)
    elif "void" in wish.include:
        record = _void(company, wish, body)
    else:
        record = _update(company, wish, body)
    return {wish.kind: Views(company).show(wish.kind, record)}


def _wrong_void(wish: Wish) -> Json:
    """`operation=void` does no good to any of these: refused, failed or ignored, as seen in the field."""
    if wish.kind == "JournalEntry":
        return {}
    if wish.kind == "Bill":
        text = "An application error has occurred while processing your request"
        raise Fault("10000", text, f"System Failure Error: {text}", kind="SystemFault", status=200)
    raise Fault("500", "Unsupported Operation", f"Operation void is not supported for {wish.kind}")


def _build(company: Company, wish: Wish, body: Json, *, own: str | None) -> Json:
    if wish.kind in READ_ONLY:
        raise Fault("500", "Unsupported Operation", f"This pretend company does not change {wish.kind}")
    if wish.kind in TRANSACTIONS:
        return DOCUMENTS[wish.kind](company, body, now=wish.now)
    if wish.kind == "Vendor":
        return qbo_names.vendor(company, body, now=wish.now, own=own)
    if wish.kind == "Account":
        return qbo_names.account(company, body, now=wish.now, own=own)
    if wish.kind == "Attachable":
        return qbo_attachables.attachable(company, body, own=own)
    return qbo_names.listed(company, wish.kind, body, own=own)


def _create(company: Company, wish: Wish, body: Json) -> Json:
    fields = _build(company, wish, body, own=None)
    if wish.kind in TRANSACTIONS:
        check_period(company, fields["TxnDate"])
        check_number(company, wish.kind, fields, own=None, allowed="allowduplicatedocnum" in wish.include)
    fields = {**fields, "_body": _writable(body)}
    record = company.add(
        wish.kind, {name: value for name, value in fields.items() if name != "Id"}, now=wish.now
    )
    if wish.kind == "BillPayment":
        qbo_payments.attach(company, record)
    return record


def _writable(body: Json) -> Json:
    return {
        name: value
        for name, value in body.items()
        if name not in OUTPUT or name in ("TotalAmt", "AttachableRef")
    }


def _stored(company: Company, wish: Wish, body: Json) -> Json:
    """The record meant, if the SyncToken is its latest; raises Fault 610, 2020 or 5010."""
    record = company.get(wish.kind, body.get("Id"))
    token = given(body, "SyncToken")
    if token is None:
        raise required("SyncToken")
    if str(token) != record["SyncToken"]:
        detail = "Stale Object Error : You and another user were working on this at the same time."
        raise Fault("5010", "Stale Object Error", detail)
    return record


def _update(company: Company, wish: Wish, body: Json) -> Json:
    """A full update forgets what it leaves out; a sparse one keeps it, but any line sent replaces all."""
    record = _stored(company, wish, body)
    if wish.kind in ALWAYS and not (reference(body, ALWAYS[wish.kind])):
        raise required(ALWAYS[wish.kind])
    whole = {**record["_body"], **_writable(body)} if body.get("sparse") is True else _writable(body)
    if wish.kind in TRANSACTIONS:
        check_period(company, record["TxnDate"])
    if wish.kind == "BillPayment":
        qbo_payments.release(company, record)
    try:
        fields = _build(company, wish, whole, own=record["Id"])
        if wish.kind in TRANSACTIONS:
            _check_change(company, wish, record, fields)
    except Fault:
        if wish.kind == "BillPayment":
            qbo_payments.attach(company, record)
        raise
    record.update({name: value for name, value in fields.items() if name != "Id"}, _body=whole)
    if wish.kind == "BillPayment":
        qbo_payments.attach(company, record)
    company.touch(record, now=wish.now)
    return record


def _check_change(company: Company, wish: Wish, record: Json, fields: Json) -> None:
    check_period(company, fields["TxnDate"])
    allowed = "allowduplicatedocnum" in wish.include
    check_number(company, wish.kind, fields, own=record["Id"], allowed=allowed)
    if wish.kind == "JournalEntry" and fields["Line"] != record["Line"] and _journal_links(company, record):
        raise business("The lines of a journal entry that settles a bill cannot be changed.")
    if wish.kind not in ("Bill", "VendorCredit"):
        return
    vendor = record["VendorRef"]["value"]
    paid = settled(company, wish.kind, record["Id"], vendor=vendor)
    if paid and fields["VendorRef"]["value"] != vendor:
        raise business("The vendor of a transaction with payments cannot be changed.")
    if fields["TotalAmt"] < paid:
        raise business(f"The total cannot be less than the {paid} that payments have settled.")


def _void(company: Company, wish: Wish, body: Json) -> Json:
    if wish.kind != "BillPayment":
        raise Fault("500", "Unsupported Operation", f"Operation void is not supported for {wish.kind}")
    record = _stored(company, wish, body)
    check_period(company, record["TxnDate"])
    _check_unmatched(record)
    qbo_payments.release(company, record)
    record.update(qbo_payments.voided(record))
    company.touch(record, now=wish.now)
    return record


def _check_unmatched(record: Json) -> None:
    if record.get("_matched"):
        text = "This transaction is matched to a downloaded bank transaction and cannot be deleted"
        raise Fault("6480", "Matched transaction cannot be deleted", text)


def _delete(company: Company, wish: Wish, body: Json) -> Json:
    if wish.kind not in (*TRANSACTIONS, "Attachable"):
        raise Fault("500", "Unsupported Operation", f"Operation delete is not supported for {wish.kind}")
    for name in body:
        if wish.kind in TRANSACTIONS and name not in DELETE_FIELDS:
            raise unsupported(name)
    record = _stored(company, wish, body)
    if wish.kind in TRANSACTIONS:
        check_period(company, record["TxnDate"])
        _check_unmatched(record)
        _check_unlinked(company, wish.kind, record)
    if wish.kind == "BillPayment":
        qbo_payments.release(company, record)
    company.remove(wish.kind, record, now=wish.now)
    return {"Id": record["Id"], "domain": "QBO", "status": "Deleted"}


def _check_unlinked(company: Company, kind: str, record: Json) -> None:
    linked = kind in ("Bill", "VendorCredit") and bool(payers(company, kind, record["Id"]))
    if linked or (kind == "JournalEntry" and _journal_links(company, record)):
        raise Fault(
            "800", "Object cannot be deleted", f"{kind} {record['Id']} has payments; remove them first"
        )


def _journal_links(company: Company, record: Json) -> bool:
    """Whether a payment uses a journal entry, for any of its vendors."""
    entities = [line[JOURNAL]["Entity"] for line in record["Line"] if line[JOURNAL]["Entity"]]
    vendors = {entity["EntityRef"]["value"] for entity in entities}
    return any(settled(company, "JournalEntry", record["Id"], vendor=vendor) for vendor in vendors)


def read(company: Company, kind: str, identity: str) -> Json:
    """One record as shown; raises Fault 610."""
    return {kind: Views(company).show(kind, company.get(kind, identity))}


__all__ = ["BY_PATH", "Wish", "owed", "perform", "read"]
