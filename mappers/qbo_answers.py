"""What QuickBooks says of documents: each item judged alone, matched by its batch id and its number.

A 200 may carry a fault, the answer to another body sent under the same id, or a payment whose links were
dropped; a document counts as made only when its entity is there, with an id, its own number and its links.
https://developer.intuit.com/app/developer/qbo/docs/learn/learn-basic-field-definitions
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from mappers.documents import CONTACT, REFUND, Call, Document, Found, Result
from mappers.exact import parse, to_decimal
from mappers.qbo_entities import LINKED, display_name, entity_of, links_of, path_of, tag_of
from mappers.qbo_refusals import refusal, to_fault
from mappers.words import folded

Raw = Mapping[str, Any]

BATCH = "batch"
CLASH = " (CW)"  # added to a vendor's name that a customer or employee has
_ENTITIES = ("Vendor", "Bill", "VendorCredit", "JournalEntry", "BillPayment", "Purchase", "Deposit")
BY_PATH = {path_of(entity): entity for entity in _ENTITIES}


def to_results(call: Call, answer: Raw) -> list[Result]:
    """One Result per marker of the call: "posted", "refused", or "unknown" when the answer does not speak of
    that document in a way that can be trusted."""
    return [
        _result(marker, entity, sent, item)
        for marker, (entity, sent, item) in zip(call.markers, _pairs(call, answer), strict=True)
    ]


def faults(call: Call, answer: Raw, code: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """The entity and what was sent of each document that was refused with this code, by marker."""
    refused = {}
    for marker, (entity, sent, item) in zip(call.markers, _pairs(call, answer), strict=True):
        fault = to_fault(item)
        if fault is not None and code in fault.codes and not fault.is_unclear:
            refused[marker] = (entity, sent)
    return refused


def to_found(entity: str, rows: Sequence[Raw], documents: Sequence[Document]) -> dict[str, list[Found]]:
    """Those of these live rows of one entity that are these documents, by marker."""
    found: dict[str, list[Found]] = {}
    for document in documents:
        if entity_of(document) == entity:
            hits = _hits(document, [row for row in rows if is_live(row)])
            if hits:
                found[document.marker] = hits
    return found


def posted(marker: str, entity: str, row: Raw) -> Result:
    """The Result of a document that stands at QuickBooks as this row."""
    return Result(
        marker=marker,
        outcome="posted",
        remote_id=str(row["Id"]),
        status=_status(entity, row),
        total=_total(entity, row),
        due=to_decimal(row.get("Balance")) if entity != "Vendor" else None,
    )


def is_same(entity: str, sent: Raw, row: Raw) -> bool:
    """Whether an answered or found entity is the one sent: by name, else by number and links."""
    if entity == "Vendor":
        return name_of(row) in (folded(str(sent["DisplayName"])), folded(f"{sent['DisplayName']}{CLASH}"))
    if row.get("DocNumber") not in (None, "", sent["DocNumber"]):
        return False
    return entity != "BillPayment" or links_of(sent) == links_of(row)


def name_of(vendor: Raw) -> str:
    """A vendor's name for comparing; QuickBooks adds "(deleted)" to the names of inactive ones."""
    return folded(str(vendor.get("DisplayName") or "")).removesuffix("(deleted)").strip()


def _pairs(call: Call, answer: Raw) -> Iterator[tuple[str, dict[str, Any], Raw]]:
    """(entity, what was sent, what was said of it) for each document of the call."""
    sent = parse(call.body)
    if call.operation != BATCH:
        yield BY_PATH[call.operation], sent, answer
        return
    said = {str(item.get("bId")): item for item in rows(answer, "BatchItemResponse")}
    for item in sent["BatchItemRequest"]:
        entity = next(name for name in item if name in _ENTITIES)
        yield entity, item[entity], said.get(str(item["bId"]), {})


def rows(answer: Raw, name: str) -> list[dict[str, Any]]:
    """The objects of one list of an answer; an absent or odd list is empty."""
    some = answer.get(name)
    return [row for row in some if isinstance(row, dict)] if isinstance(some, list) else []


def _result(marker: str, entity: str, sent: Raw, item: Raw) -> Result:
    fault = to_fault(item)
    if fault is not None and fault.is_unclear:
        return Result(marker=marker, outcome="unknown", words=fault.words)
    if fault is not None:
        cause, to_do = refusal(fault)
        return Result(marker=marker, outcome="refused", words=fault.words, cause=cause, to_do=to_do)
    row = item.get(entity)
    if not isinstance(row, dict) or not _has_id(row) or not is_live(row) or not is_same(entity, sent, row):
        return Result(marker=marker, outcome="unknown")
    return posted(marker, entity, row)


def _has_id(row: Raw) -> bool:
    """Whether it names an id; one of zeros is none."""
    return bool(str(row.get("Id") or "").strip("0"))


def is_live(row: Raw) -> bool:
    """Whether it was neither deleted nor voided: voiding leaves an entity without amounts and links."""
    gone = str(row.get("status") or "") in ("Deleted", "Voided")
    return not gone and not str(row.get("PrivateNote") or "").startswith("Voided")


def _status(entity: str, row: Raw) -> str:
    balance, total = to_decimal(row.get("Balance")), to_decimal(row.get("TotalAmt"))
    if entity not in ("Bill", "VendorCredit") or balance is None:
        return entity
    return "Open" if balance == total else "Part-paid" if balance else "Paid"


def _total(entity: str, row: Raw) -> Decimal | None:
    if entity == "Vendor":
        return None
    if entity == "JournalEntry":
        return sum((to_decimal(line.get("Amount")) or Decimal(0) for line in _debits(row)), Decimal(0))
    return to_decimal(row.get("TotalAmt"))


def _debits(journal: Raw) -> Iterator[Raw]:
    for line in rows(journal, "Line"):
        detail = line.get("JournalEntryLineDetail")
        if isinstance(detail, dict) and detail.get("PostingType") == "Debit":
            yield line


def _hits(document: Document, some: Sequence[Raw]) -> list[Found]:
    if document.kind == CONTACT:
        wanted = folded(display_name(document))
        named = [row for row in some if row.get("Active") is not False]
        exact = [row for row in named if name_of(row) == wanted]
        clash = [row for row in named if name_of(row) == folded(f"{wanted}{CLASH}")]
        return [_found(document, "Vendor", row) for row in exact or clash]
    fitting = [row for row in some if _is_numbered(document, row) and _is_meant(document, row)]
    tagged = [row for row in fitting if _is_tagged(document, row)]
    return [_found(document, entity_of(document), row) for row in tagged or fitting]


def _is_numbered(document: Document, row: Raw) -> bool:
    return row.get("DocNumber") == document.number or _is_tagged(document, row)


def _is_tagged(document: Document, row: Raw) -> bool:
    return tag_of(document) in str(row.get("PrivateNote") or "")


def _is_meant(document: Document, row: Raw) -> bool:
    """A purchase may be one of either direction; a payment that settles something else is another one."""
    if entity_of(document) == "Purchase":
        return (row.get("Credit") is True) == (document.kind == REFUND)
    if document.settles is None or entity_of(document) != "BillPayment":
        return True
    links = links_of(row)
    return not links or any(key in links for key in _wanted_links(document))


def _wanted_links(document: Document) -> dict[tuple[str, str], Decimal]:
    wanted = {(LINKED[document.settles or ""], str(document.settles_id)): document.clears}
    if document.also_settles:
        wanted[(LINKED[document.also_settles], str(document.also_settles_id))] = document.clears
    return wanted


def _found(document: Document, entity: str, row: Raw) -> Found:
    currency = row.get("CurrencyRef")
    return Found(
        marker=document.marker,
        remote_id=str(row.get("Id") or ""),
        amount=_total(entity, row) or Decimal(0),
        currency=str(currency["value"]) if isinstance(currency, dict) and currency.get("value") else None,
        date=day_of(row.get("TxnDate")),
        due=to_decimal(row.get("Balance")) if entity in ("Bill", "VendorCredit") else None,
        status=_status(entity, row),
        whole=entity != "BillPayment" or links_of(row) == _wanted_links(document),
    )


def day_of(text: object) -> dt.date | None:
    try:
        return dt.date.fromisoformat(str(text)[:10])
    except ValueError:
        return None
