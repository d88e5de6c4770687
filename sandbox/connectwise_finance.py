"""/finance/accounting: what is not yet posted, and the batches that mark it as posted."""

from __future__ import annotations

from decimal import Decimal

from sandbox.connectwise_call import Call
from sandbox.connectwise_expenses import AFTER_APPROVAL, APPROVED
from sandbox.connectwise_site import Site
from sandbox.connectwise_wire import field_error, invalid, not_found
from sandbox.web import Json, Reply, Routes, json_reply

routes = Routes()
RECORD_OFFSET = 500_000  # the ids of ledger records are not those of entries
CLASSES = {"non-reimbursable": "NonReimbursable", "reimbursable": "Reimbursable", "personal": "Personal"}


def unposted(site: Site) -> list[Json]:
    """One ledger record for each approved entry that is in no batch."""
    posted = {record_id for batch in site.rows("batches") for record_id in batch["_records"]}
    entries = [e for e in site.rows("entries") if e["status"] in (*APPROVED, *AFTER_APPROVAL)]
    return [_record(site, e) for e in entries if e["id"] + RECORD_OFFSET not in posted]


def _record(site: Site, entry: Json) -> Json:
    billable = entry["amount"] if entry["billableOption"] == "Billable" else Decimal("0.0")
    return {
        "id": entry["id"] + RECORD_OFFSET,
        "locationId": entry["locationId"],
        "departmentId": entry["businessUnitId"],
        "company": entry["company"],
        "accountNumber": "5000",
        "creditAccount": "2100",
        "expenseDetailId": entry["id"],
        "expenseType": {"id": entry["type"]["id"], "name": entry["type"]["name"]},
        "classification": CLASSES.get(entry["classification"]["name"].lower(), "NonReimbursable"),
        "glType": "EE",
        "member": entry["member"],
        "dateExpense": entry["date"],
        "inPolicy": True,
        "paymentMethod": {"id": entry["paymentMethod"]["id"], "name": entry["paymentMethod"]["name"]},
        "currency": entry["currency"],
        "total": entry["invoiceAmount"],
        "billableAmount": billable,
        "nonBillableAmount": entry["amount"] - billable,
    }


@routes.on("GET", "/finance/accounting/unpostedexpenses")
def listed(call: Call) -> Reply:
    """Ledger records in no batch."""
    return call.listing(unposted(call.site))


@routes.on("GET", "/finance/accounting/unpostedexpenses/count")
def counted(call: Call) -> Reply:
    """How many."""
    return call.count(unposted(call.site))


@routes.on("GET", "/finance/accounting/unpostedexpenses/{record_id}")
def one(call: Call, record_id: str) -> Reply:
    """One ledger record that is in no batch."""
    for record in unposted(call.site):
        if str(record["id"]) == record_id:
            return call.one(record)
    raise not_found("UnpostedExpense", record_id)


@routes.on("POST", "/finance/accounting/batches")
def post(call: Call) -> Reply:
    """Mark ledger records as posted; 201 with the export."""
    body = call.body()
    identifier = str(body.get("batchIdentifier") or "")
    given = body.get("processedRecordIds")
    open_records = {record["id"]: record for record in unposted(call.site)}
    problems = _problems(call.site, identifier, given, open_records)
    if problems or not isinstance(given, list):
        raise invalid("accountingBatch", *problems)
    call.site.add(
        "batches",
        {
            "batchIdentifier": identifier,
            "exportInvoicesFlag": bool(body.get("exportInvoicesFlag", False)),
            "exportExpensesFlag": bool(body.get("exportExpensesFlag", True)),
            "exportProductsFlag": bool(body.get("exportProductsFlag", False)),
            "closedFlag": True,
            "_records": set(given),
            "_entries": [open_records[record_id] for record_id in given],
        },
    )
    return json_reply(_export([open_records[record_id] for record_id in given]), status=201)


def _problems(site: Site, identifier: str, given: object, open_records: dict[int, Json]) -> list[Json]:
    def problem(code: str, text: str, name: str) -> Json:
        return field_error(code, text, resource="accountingBatch", field=name)

    if not isinstance(given, list) or not given:
        return [problem("MissingRequiredField", "processedRecordIds is required.", "processedRecordIds")]
    if not 1 <= len(identifier) <= 50:
        return [problem("InvalidField", "batchIdentifier must have 1 to 50 characters.", "batchIdentifier")]
    if any(batch["batchIdentifier"] == identifier for batch in site.rows("batches")):
        return [problem("ObjectExists", f"A batch {identifier} already exists.", "batchIdentifier")]
    missing = [record_id for record_id in given if record_id not in open_records]
    if missing or len(set(given)) != len(given):
        text = f"These records are unknown, posted already or named twice: {missing or given}"
        return [problem("InvalidField", text, "processedRecordIds")]
    return []


def _export(records: list[Json]) -> Json:
    empty: list[Json] = []
    expenses = [
        {
            "id": record["id"],
            "documentDate": record["dateExpense"],
            "documentType": "Expense",
            "accountNumber": record["accountNumber"],
            "apAccountNumber": record["creditAccount"],
            "member": record["member"],
            "company": record["company"],
            "currency": record["currency"],
            "total": record["total"],
        }
        for record in records
    ]
    return {
        "exportSettings": {},
        "vendors": empty,
        "customers": empty,
        "transactions": empty,
        "expenses": expenses,
        "expenseBills": empty,
        "purchaseTransactions": empty,
        "adjustmentTransactions": empty,
        "inventoryTransfers": empty,
    }


@routes.on("DELETE", "/finance/accounting/batches/{record_id}")
def delete(call: Call, record_id: str) -> Reply:
    """Undo a batch: its records are unposted again."""
    del call.site.tables["batches"][call.record("batches", record_id)["id"]]
    return Reply(204)


@routes.on("GET", "/finance/accounting/batches/{parent_id}/entries")
def entries(call: Call, parent_id: str) -> Reply:
    """The ledger lines of a batch."""
    batch = call.record("batches", parent_id)
    lines = [
        {
            "id": number,
            "accountType": "Expense",
            "name": record["expenseType"]["name"],
            "accountNumber": record["accountNumber"],
            "debit": record["total"],
            "credit": Decimal("0.0"),
            "cost": record["total"],
            "expense": {"id": record["expenseDetailId"], "amount": record["total"]},
        }
        for number, record in enumerate(batch["_entries"], start=1)
    ]
    return call.listing(lines)
