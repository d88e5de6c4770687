"""What the month came to: documents, bank lines, what a person must do, its cost in calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bin.demo_month.books import Books
from bin.demo_month.month import Spent

NUMBERS = ("count", "money", "posted", "each")
Rows = Sequence[Mapping[str, Any]]
Seen = Mapping[int, Mapping[str, Any]]


def print_summary(
    console: Console,
    *,
    entered: Mapping[int, Spent],
    books: Books,
    bank: Mapping[int, Mapping[str, Any]],
    causes: Rows,
    seen: Seen,
) -> None:
    """Prints the three tables of one company."""
    console.print(_documents(books))
    console.print(_bank(entered, bank, books.name))
    console.print(_people(causes, seen, books.name))


def print_balances(console: Console, balances: Mapping[str, Decimal], name: str) -> None:
    """Prints what the accounts hold."""
    table = _table(f"Accounts in {name}", "account (debits positive)", "money")
    for account, amount in sorted(balances.items()):
        table.add_row(account, str(amount))
    console.print(table)


def print_calls(console: Console, calls: Mapping[str, tuple[Seen, Mapping[str, int]]]) -> None:
    """Prints, by company, what its expenses cost in calls of its ledger."""
    table = _table("What it cost", "calls", "count", "posted", "each", "which")
    for name, (seen, by) in calls.items():
        posted, used = sum(map(_is_posted, seen.values())), sum(by.values())
        which = ", ".join(f"{count} {call}" for call, count in sorted(by.items(), key=lambda item: -item[1]))
        table.add_row(name, str(used), str(posted), f"{used / max(posted, 1):.2f}", which)
    console.print(table)


def _is_posted(row: Mapping[str, Any]) -> bool:
    return any(document["state"] != "planned" for document in row["documents"])


def _documents(books: Books) -> Table:
    table = _table(f"In {books.name}", "documents", "count", "money")
    for words, amounts in books.overview():
        table.add_row(words, str(len(amounts)), _sum(amounts))
    return table


def _bank(entered: Mapping[int, Spent], bank: Mapping[int, Mapping[str, Any]], name: str) -> Table:
    table = _table(f"At the bank of the company on {name}", "statement lines", "count", "why")
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


def _people(causes: Rows, seen: Seen, name: str) -> Table:
    table = _table(f"Waiting for a person, before {name}", "cause", "count", "money", "what to do")
    for group in causes:
        money = ", ".join(f"{amount} {currency}" for currency, amount in group["money"].items())
        table.add_row(group["cause"], str(group["count"]), money, Text(group["to_do"] or ""))  # not markup
    unapproved = [row for row in seen.values() if row["state"] == "held" and not row["cause"]]
    if unapproved:
        total = _sum(row["amount"] for row in unapproved)
        table.add_row(
            "(not approved yet)", str(len(unapproved)), f"{total} AUD", "Approve the report in ConnectWise."
        )
    kept = [row for row in seen.values() if row["state"] == "awaiting_approval"]
    if kept:
        total = _sum(row["amount"] for row in kept)
        table.add_row("(draft kept here)", str(len(kept)), f"{total} AUD", kept[0]["to_do"] or "")
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for column in columns:
        table.add_column(column, justify="right" if column in NUMBERS else "left")
    return table


def _sum(amounts: Any) -> str:
    return str(sum((Decimal(str(amount)).quantize(Decimal("0.01")) for amount in amounts), Decimal(0)))
