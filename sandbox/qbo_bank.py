"""The bank feed of a pretend QuickBooks company: statement lines, and the match that it would propose.

It compares a line with recorded payments, purchases, deposits, transfers and journal entries on the same
account: equal amount, within ninety days (https://quickbooks.intuit.com/learn-support, "Match bank
transactions"). The bill itself is never matched. Among several equally near ones a person must choose.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from uuid import uuid4

from sandbox.bank import candidates, line_report
from sandbox.qbo_chart import BANK, CARD
from sandbox.qbo_company import Company
from sandbox.qbo_documents import JOURNAL
from sandbox.qbo_wire import ZERO
from sandbox.web import Json

WITHIN = timedelta(days=90)


def add_lines(company: Company, rows: list[Json]) -> None:
    """Append statement lines; raises ValueError naming what is wrong."""
    for row in rows:
        account = company.account_by_name(str(row.get("account")))
        if account is None or account["AccountType"] not in (BANK, CARD):
            raise ValueError(f"{row.get('account')} is not a bank or card account of {company.name}")
        company.statement_lines.append(
            {
                "line_id": row.get("line_id") or str(uuid4()),
                "account": account["Name"],
                "date": date.fromisoformat(str(row.get("date"))),
                "amount": _money(row.get("amount")),
                "payee": str(row.get("payee", "")),
                "reference": str(row.get("reference", "")),
                "reconciled_with": None,
                "_account": account["Id"],
            }
        )


def _money(value: object) -> Decimal:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f"{value!r} is not an amount") from None


def _movements(company: Company) -> list[Json]:
    """What a line may be matched with: everything on a bank or card account that no line has yet."""
    return [found for found in _all_movements(company) if found["amount"] and not _is_taken(found)]


def _is_taken(found: Json) -> bool:
    return found["_account"] in found["_record"].get("_matched", ())


def _all_movements(company: Company) -> Iterator[Json]:
    tables = company.tables
    for record in tables["BillPayment"].values():
        yield _movement(
            "payment", record, -record["TotalAmt"], record["_account"], record["VendorRef"]["name"]
        )
    for record in tables["Purchase"].values():
        amount = record["TotalAmt"] if record["Credit"] else -record["TotalAmt"]
        payee = (record["EntityRef"] or {}).get("name", "")
        yield _movement("purchase", record, amount, record["AccountRef"]["value"], payee)
    for record in tables["Deposit"].values():
        yield _movement("deposit", record, record["TotalAmt"], record["DepositToAccountRef"]["value"], "")
    for record in tables["Transfer"].values():
        yield _movement("transfer", record, -record["Amount"], record["FromAccountRef"]["value"], "")
        yield _movement("transfer", record, record["Amount"], record["ToAccountRef"]["value"], "")
    for record in tables["JournalEntry"].values():
        for account, amount in _journal_amounts(record).items():
            yield _movement("journal", record, amount, account, "")


def _journal_amounts(record: Json) -> dict[str, Decimal]:
    """What a journal entry moves on each account, debits positive."""
    found: dict[str, Decimal] = {}
    for line in record["Line"]:
        detail = line[JOURNAL]
        account = detail["AccountRef"]["value"]
        amount = line["Amount"] if detail["PostingType"] == "Debit" else -line["Amount"]
        found[account] = found.get(account, ZERO) + amount
    return found


def _movement(kind: str, record: Json, amount: Decimal, account: str | None, payee: str) -> Json:
    return {
        "kind": kind,
        "id": record["Id"],
        "amount": amount,
        "date": record["TxnDate"],
        "contact": payee,
        "reference": record.get("PrivateNote") or "",
        "number": record.get("DocNumber"),
        "_account": account,
        "_record": record,
    }


def _proposed(line: Json, movements: list[Json]) -> list[Json]:
    near = [found for found in movements if abs(found["date"] - line["date"]) <= WITHIN]
    return candidates(line, near)


def report(company: Company) -> list[Json]:
    """Each line with its state: reconciled, matched, ambiguous or unmatched."""
    movements = _movements(company)
    return [
        line_report(line, [] if line["reconciled_with"] else _proposed(line, movements))
        for line in company.statement_lines
    ]


def reconcile(company: Company) -> int:
    """Accept the proposal of every line that has exactly one; how many were accepted."""
    accepted = 0
    for line in company.statement_lines:
        found = [] if line["reconciled_with"] else _proposed(line, _movements(company))
        if len(found) == 1:
            line["reconciled_with"] = {"kind": found[0]["kind"], "id": found[0]["id"]}
            found[0]["_record"].setdefault("_matched", []).append(found[0]["_account"])
            accepted += 1
    return accepted
