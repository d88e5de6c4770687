"""Holds what stands in the pretend Xero, its bank feed and our API against what was entered.

Every difference is one plain sentence; none means that everything expected has happened, and nothing else.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bin.demo_month.month import NAMES, Spent

Row = Mapping[str, Any]
CLAIMS = {"bill": "InvoiceNumber", "credit_note": "CreditNoteNumber"}
NUMBERED = {
    "invoices": "InvoiceNumber",
    "credit_notes": "CreditNoteNumber",
    "payments": "Reference",
    "bank_transactions": "Reference",
}
API_STATE = {"DRAFT": "draft", "AUTHORISED": "posted", "PAID": "posted"}
API_MONEY = {"receive": "refund"}  # money received without a bill is a refund in our words


@dataclass(frozen=True)
class Books:
    """The documents of one look at Xero, found by the number of their expense."""

    state: Mapping[str, list[dict[str, Any]]]

    def claims(self, kind: str, number: str) -> list[Row]:
        """Bills or credit notes with this number, whatever their status."""
        rows = self.state["invoices" if kind == "bill" else "credit_notes"]
        return [row for row in rows if row[CLAIMS[kind]] == number]

    def money(self, number: str) -> list[Row]:
        """Live payments, and money spent or received, whose reference starts with this number."""
        rows = [*self.state["payments"], *self.state["bank_transactions"]]
        return [r for r in rows if r["Status"] == "AUTHORISED" and r["Reference"].split(" ")[0] == number]


def waiting(entered: Mapping[int, Spent], seen: Mapping[int, Row]) -> list[int]:
    """Entries whose expense is not yet in the state, and for the cause, that it must end in."""
    return [
        entry_id
        for entry_id, spent in entered.items()
        if (row := seen.get(entry_id)) is None
        or (row["state"], row["cause"]) != (spent.due.state, spent.due.cause)
    ]


def differences(
    entered: Mapping[int, Spent],
    *,
    seen: Mapping[int, Row],
    books: Mapping[str, list[dict[str, Any]]],
    bank: Mapping[int, Row],
) -> list[str]:
    """Whatever is not as it must be, one sentence each."""
    standing = Books(books)
    found = [
        f"CW-{entry_id} (row {spent.due.row}, {spent.kind}, {spent.payment}, {spent.worth}): {what}"
        for entry_id, spent in entered.items()
        for what in (
            *_in_our_api(spent, seen.get(entry_id)),
            *_in_the_books(f"CW-{entry_id}", spent, standing),
            *_in_the_bank(f"CW-{entry_id}", spent, standing, bank.get(entry_id)),
        )
    ]
    return [*found, *_strangers(entered, seen=seen, books=books)]


def _in_our_api(spent: Spent, row: Row | None) -> Iterator[str]:
    due = spent.due
    if row is None:
        yield "our API does not know it"
        return
    if (row["state"], row["cause"]) != (due.state, due.cause):
        is_now = _named(row["state"], row["cause"])
        yield f"should be {_named(due.state, due.cause)}, is {is_now}: {row['why']}"
    shown = [(d["kind"], d["state"]) for d in row["documents"]]
    wanted = [(due.claim, API_STATE[due.status or ""])] if due.claim else []
    wanted += [(API_MONEY.get(due.money, due.money), "posted")] if due.money else []
    if shown != wanted:
        yield f"our API should show {wanted}, and shows {shown}"


def _in_the_books(number: str, spent: Spent, books: Books) -> Iterator[str]:
    due = spent.due
    for kind in CLAIMS:
        claims = books.claims(kind, number)
        if len(claims) != (kind == due.claim):
            yield f"Xero should have {int(kind == due.claim)} {kind} of that number, and has {len(claims)}"
        elif claims:
            yield from _claim(claims[0], spent)
    money = books.money(number)
    if len(money) != bool(due.money):
        yield f"Xero should have {due.money or 'no payment'} for it, and has {len(money)} money documents"
    elif money:
        yield from _money(money[0], spent)


def _claim(claim: Row, spent: Spent) -> Iterator[str]:
    due, worth = spent.due, abs(spent.worth)
    paid = worth if due.status == "PAID" else Decimal(0)
    yield from _compare(
        status=(claim["Status"], due.status),
        total=(_decimal(claim["Total"]), worth),
        contact=(claim["Contact"]["Name"], NAMES[spent.member]),
        date=(_day(claim), spent.date),
        account=([line["AccountCode"] for line in claim["LineItems"]], [due.cost]),
        paid=(worth - _decimal(claim.get("AmountDue", claim.get("RemainingCredit"))), paid),
    )
    if due.claim == "bill":
        day = dt.date.fromisoformat(str(claim["DueDateString"])[:10])
        yield from _compare(due_date=(day, spent.date + dt.timedelta(days=due.due_days)))
    if due.tax is not None:
        yield from _compare(tax=(_decimal(claim["TotalTax"]), due.tax))


def _money(money: Row, spent: Spent) -> Iterator[str]:
    kind, account = _kind_and_account(money)
    amount = money["Amount"] if "PaymentID" in money else money["Total"]
    yield from _compare(
        money=(kind, spent.due.money),
        account=(account, spent.due.account),
        amount=(_decimal(amount), abs(spent.worth)),
        date=(_day(money), spent.date),
    )


def _kind_and_account(money: Row) -> tuple[str, str]:
    if "PaymentID" in money:
        kind = "refund" if money["PaymentType"] == "APCREDITPAYMENT" else "payment"
        return kind, money["Account"]["Name"]
    return str(money["Type"]).lower(), money["BankAccount"]["Name"]


def _in_the_bank(number: str, spent: Spent, books: Books, line: Row | None) -> Iterator[str]:
    if spent.feed is None:
        return
    if line is None:
        yield "its bank line is gone"
        return
    if not spent.due.matched:
        if line["state"] != "unmatched":
            yield f"its bank line should find no match, and is {line['state']}"
        return
    ids = [row.get("PaymentID") or row["BankTransactionID"] for row in books.money(number)]
    match = line["match"] or line["reconciled_with"]
    if line["state"] not in ("matched", "reconciled") or [match["id"]] != ids:
        yield f"its bank line should match exactly its {spent.due.money}, and is {line['state']}"


def _strangers(
    entered: Mapping[int, Spent], *, seen: Mapping[int, Row], books: Mapping[str, list[dict[str, Any]]]
) -> Iterator[str]:
    ours = {f"CW-{entry_id}" for entry_id in entered}
    for entry_id in sorted(set(seen) - set(entered)):
        yield f"our API has an expense {entry_id} that nobody entered"
    for name, field in NUMBERED.items():
        for number in {row[field].split(" ")[0] for row in books[name]} - ours:
            yield f"Xero has one of the {name} that belongs to no expense: {number}"


def _compare(**pairs: tuple[Any, Any]) -> Iterator[str]:
    for name, (found, wanted) in pairs.items():
        if found != wanted:
            yield f"{name.replace('_', ' ')} should be {_plain(wanted)}, is {_plain(found)}"


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _named(state: str, cause: str | None) -> str:
    return f"{state} ({cause})" if cause else state


def _decimal(value: Any) -> Decimal:
    return Decimal(str(value))


def _day(row: Row) -> dt.date:
    return dt.date.fromisoformat(str(row.get("DateString") or row["Date"])[:10])
