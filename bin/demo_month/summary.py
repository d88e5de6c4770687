"""What the month came to: documents, bank lines, what a person must do, and what it cost in Xero calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bin.demo_month.month import Spent

Rows = Sequence[Mapping[str, Any]]


def print_summary(
    console: Console,
    *,
    entered: Mapping[int, Spent],
    books: Mapping[str, Rows],
    bank: Mapping[int, Mapping[str, Any]],
    causes: Rows,
    seen: Mapping[int, Mapping[str, Any]],
    calls: Mapping[str, int],
) -> None:
    """Prints three tables and a line."""
    console.print(_documents(books))
    console.print(_bank(entered, bank))
    console.print(_people(causes, seen))
    posted = sum(1 for row in seen.values() if row["documents"])
    used = sum(calls.values())
    parts = ", ".join(f"{count} {call}" for call, count in sorted(calls.items(), key=lambda item: -item[1]))
    console.print(
        f"Xero calls: {used} for {posted} expenses posted, {used / max(posted, 1):.2f} each ({parts})"
    )


def _documents(books: Mapping[str, Rows]) -> Table:
    table = _table("In Xero", "documents", "count", "money")
    bills, notes = books["invoices"], books["credit_notes"]
    for words, rows in (
        ("bills, paid in full", _having(bills, "PAID")),
        ("bills, approved and unpaid", _having(bills, "AUTHORISED")),
        ("bills, draft", _having(bills, "DRAFT")),
        ("credit notes, refunded in full", _having(notes, "PAID")),
        ("credit notes, approved and open", _having(notes, "AUTHORISED")),
        ("credit notes, draft", _having(notes, "DRAFT")),
        ("payments and refunds", books["payments"]),
        ("money spent or received without a bill", books["bank_transactions"]),
    ):
        table.add_row(words, str(len(rows)), _sum(row.get("Total", row.get("Amount")) for row in rows))
    return table


def _bank(entered: Mapping[int, Spent], bank: Mapping[int, Mapping[str, Any]]) -> Table:
    table = _table("At the bank", "statement lines", "count", "why")
    states = Counter(line["state"] for line in bank.values())
    table.add_row(
        "matched and reconciled", str(states["reconciled"]), "each with exactly its own payment or refund"
    )
    open_rows = Counter(
        _why_open(entered[entry_id]) for entry_id, line in bank.items() if line["state"] == "unmatched"
    )
    for why, count in open_rows.most_common():
        table.add_row("without a match", str(count), why)
    return table


def _why_open(spent: Spent) -> str:
    if spent.due.state != "done":
        return f"the expense is {spent.due.state}"
    if spent.due.money:
        return "settled with the offset account, as the rule says"
    return f"the {(spent.due.claim or '').replace('_', ' ')} is left unpaid, as the rule says"


def _people(causes: Rows, seen: Mapping[int, Mapping[str, Any]]) -> Table:
    table = _table("Waiting for a person", "cause", "count", "money", "what to do")
    for group in causes:
        money = ", ".join(f"{amount} {currency}" for currency, amount in group["money"].items())
        table.add_row(group["cause"], str(group["count"]), money, Text(group["to_do"] or ""))  # not markup
    unapproved = [row for row in seen.values() if row["state"] == "held" and not row["cause"]]
    if unapproved:
        total = _sum(row["amount"] for row in unapproved)
        table.add_row(
            "(not approved yet)", str(len(unapproved)), f"{total} AUD", "Approve the report in ConnectWise."
        )
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for column in columns:
        table.add_column(column, justify="right" if column in ("count", "money") else "left")
    return table


def _having(rows: Rows, status: str) -> Rows:
    return [row for row in rows if row["Status"] == status]


def _sum(amounts: Any) -> str:
    return str(sum((Decimal(str(amount)).quantize(Decimal("0.01")) for amount in amounts), Decimal(0)))
