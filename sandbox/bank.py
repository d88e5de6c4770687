"""The pretend bank feed: statement lines, and the match that Xero would propose for each.

Xero proposes by exact amount, then nearest date, then contact name; among several equally good
ones a person must choose
(https://help.xero.com/int/BankAccounts-Reconciliation-AcceptMatch).
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

from sandbox.web import Json
from sandbox.xero_organisation import Organisation
from sandbox.xero_payments import paid_document
from sandbox.xero_wire import to_day, to_money

OUTGOING = ("ACCPAYPAYMENT", "ARCREDITPAYMENT")


def add_lines(org: Organisation, rows: list[Json]) -> list[Json]:
    """Append statement lines; raises ValueError naming what is wrong."""
    made = []
    for row in rows:
        account = org.account_by_name(str(row.get("account")))
        if account is None or account["Type"] != "BANK":
            raise ValueError(f"{row.get('account')} is not a bank account of {org.name}")
        made.append(
            {
                "line_id": row.get("line_id") or str(uuid4()),
                "account": account["Code"] or account["Name"],
                "date": to_day(row.get("date")),
                "amount": to_money(row.get("amount")),
                "payee": str(row.get("payee", "")),
                "reference": str(row.get("reference", "")),
                "reconciled_with": None,
                "_account": account["AccountID"],
            }
        )
    org.statement_lines.extend(made)
    return made


def _movements(org: Organisation) -> list[Json]:
    """What a statement line may be matched with, in the bank account's own currency."""
    found = []
    for payment in org.payments.values():
        if payment["Status"] == "AUTHORISED" and not payment["IsReconciled"] and not payment["_batch"]:
            sign = -1 if payment["PaymentType"] in OUTGOING else 1
            record = paid_document(org, payment)[1]
            number = record.get("InvoiceNumber") or record.get("CreditNoteNumber")
            found.append(
                _movement("payment", payment, "PaymentID", sign * payment["BankAmount"], record, number)
            )
    for record in org.bank_transactions.values():
        if record["Status"] == "AUTHORISED" and not record["IsReconciled"]:
            sign = -1 if record["Type"] == "SPEND" else 1
            kind = record["Type"].lower()
            found.append(_movement(kind, record, "BankTransactionID", sign * record["Total"], record, None))
    return found + _batches(org)


def _batches(org: Organisation) -> list[Json]:
    found = []
    for batch in org.batch_payments.values():
        members = [org.payments[payment_id] for payment_id in batch["_payments"]]
        if batch["Status"] != "AUTHORISED" or any(p["IsReconciled"] for p in members):
            continue
        sign = -1 if batch["Type"] == "PAYBATCH" else 1
        total = sum((p["BankAmount"] for p in members), Decimal("0.00"))
        owner = {"Contact": {"Name": ""}}
        found.append(
            _movement(
                "batch",
                {**batch, "_account": members[0]["_account"]},
                "BatchPaymentID",
                sign * total,
                owner,
                None,
            )
        )
    return found


def _movement(
    kind: str, record: Json, id_name: str, amount: Decimal, document: Json, number: str | None
) -> Json:
    return {
        "kind": kind,
        "id": record[id_name],
        "amount": amount,
        "date": record["Date"],
        "contact": document["Contact"]["Name"],
        "reference": record["Reference"],
        "number": number,
        "_account": record["_account"],
    }


def candidates(line: Json, movements: list[Json]) -> list[Json]:
    """The best matches of one line: one when it would be proposed, several when nobody could tell."""
    same = [m for m in movements if m["_account"] == line["_account"] and m["amount"] == line["amount"]]
    if not same:
        return []
    nearest: timedelta = min(abs(m["date"] - line["date"]) for m in same)
    best = [m for m in same if abs(m["date"] - line["date"]) == nearest]
    named = [m for m in best if m["contact"] and m["contact"].lower() == line["payee"].lower()]
    return named or best


def report(org: Organisation) -> list[Json]:
    """Each line with its state: reconciled, matched, ambiguous or unmatched."""
    movements = _movements(org)
    open_lines = [line for line in org.statement_lines if line["reconciled_with"] is None]
    proposals = {line["line_id"]: candidates(line, movements) for line in open_lines}
    return [line_report(line, proposals.get(line["line_id"], [])) for line in org.statement_lines]


def line_report(line: Json, found: list[Json]) -> Json:
    """A line as the control API shows it, with its state: reconciled, matched, ambiguous or unmatched."""
    shown = {name: value for name, value in line.items() if not name.startswith("_")}
    shown |= {"date": line["date"].isoformat(), "amount": str(line["amount"])}
    state = "unmatched"
    if line["reconciled_with"] is not None:
        state = "reconciled"
    elif found:
        state = "matched" if len(found) == 1 else "ambiguous"
    shown |= {
        "state": state,
        "match": _shown(found[0]) if state == "matched" else None,
        "candidates": [_shown(candidate) for candidate in found],
    }
    return shown


def _shown(movement: Json) -> Json:
    shown = {name: value for name, value in movement.items() if not name.startswith("_")}
    return {**shown, "date": movement["date"].isoformat(), "amount": str(movement["amount"])}


def reconcile(org: Organisation) -> int:
    """Accept the proposal of every line that has exactly one; how many were accepted."""
    accepted = 0
    movements = _movements(org)
    for line in org.statement_lines:
        if line["reconciled_with"] is not None:
            continue
        found = candidates(line, movements)
        if len(found) == 1:
            _accept(org, line, found[0])
            movements.remove(found[0])
            accepted += 1
    return accepted


def _accept(org: Organisation, line: Json, movement: Json) -> None:
    line["reconciled_with"] = {"kind": movement["kind"], "id": movement["id"]}
    if movement["kind"] == "payment":
        org.payments[movement["id"]]["IsReconciled"] = True
    elif movement["kind"] == "batch":
        for payment_id in org.batch_payments[movement["id"]]["_payments"]:
            org.payments[payment_id]["IsReconciled"] = True
    else:
        org.bank_transactions[movement["id"]]["IsReconciled"] = True
