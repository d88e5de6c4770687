"""Holds what stands in a pretend ledger, its bank feed and our API against what was entered.

Every difference is one plain sentence; none means that everything expected has happened, and nothing else.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from bin.demo_month.books import PAID, Books, Claim, Money
from bin.demo_month.month import NAMES, Spent

Row = Mapping[str, Any]
CLAIMS = ("bill", "credit_note")
API_STATE = {"KEPT": "planned", "DRAFT": "draft", "AUTHORISED": "posted", "PAID": "posted"}
API_MONEY = {"receive": "refund"}  # money received without a bill is a refund in our words


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
    books: Books,
    bank: Mapping[int, Row],
) -> list[str]:
    """Whatever is not as it must be, one sentence each."""
    found = [
        f"CW-{entry_id} (row {spent.due.row}, {spent.kind}, {spent.payment}, {spent.worth}): {what}"
        for entry_id, spent in entered.items()
        for what in (
            *_in_our_api(spent, seen.get(entry_id)),
            *_in_the_books(f"CW-{entry_id}", spent, books),
            *_in_the_bank(f"CW-{entry_id}", spent, books, bank.get(entry_id)),
        )
    ]
    return [*found, *_strangers(entered, seen=seen, books=books)]


def unbalanced(found: Mapping[str, Decimal], wanted: Mapping[str, Decimal]) -> list[str]:
    """Accounts that hold something else than they must, one sentence each."""
    return [
        f"account {name} should hold {wanted.get(name, 0)}, and holds {found.get(name, 0)}"
        for name in sorted({*found, *wanted})
        if found.get(name, Decimal(0)) != wanted.get(name, Decimal(0))
    ]


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
    wanted += [("journal", "posted")] if due.journal else []
    wanted += [(API_MONEY.get(due.money, due.money), "posted")] if due.money else []
    if shown != wanted:
        yield f"our API should show {wanted}, and shows {shown}"


def _in_the_books(number: str, spent: Spent, books: Books) -> Iterator[str]:
    due = spent.due
    for kind in CLAIMS:
        claims = books.claims(kind, number)
        wanted = int(kind == due.claim and due.status != "KEPT")
        if len(claims) != wanted:
            yield f"{books.name} should have {wanted} {kind} of that number, and has {len(claims)}"
        elif claims:
            yield from _claim(claims[0], spent)
    money = books.money(number)
    if len(money) != bool(due.money):
        what = due.money or "no payment"
        yield f"{books.name} should have {what} for it, and has {len(money)} money documents"
    elif money:
        yield from _money(money[0], spent)
    yield from _journals(books.journals(number), spent, books)


def _claim(claim: Claim, spent: Spent) -> Iterator[str]:
    due, worth = spent.due, abs(spent.worth)
    yield from _compare(
        status=(claim.status, due.status),
        total=(claim.total, worth),
        contact=(claim.contact, NAMES[spent.member]),
        date=(claim.date, spent.date),
        account=(claim.accounts, [due.cost]),
        paid=(claim.paid, worth if due.status == PAID else Decimal(0)),
    )
    if due.claim == "bill":
        yield from _compare(due_date=(claim.due_date, spent.date + dt.timedelta(days=due.due_days)))
    if due.tax is not None:
        yield from _compare(tax=(claim.tax, due.tax))


def _money(money: Money, spent: Spent) -> Iterator[str]:
    """Beside a journal the money is a payment of nothing from nowhere, which links the two."""
    yield from _compare(
        money=(money.kind, spent.due.money),
        account=(money.account, spent.due.account),
        amount=(money.amount, Decimal(0) if spent.due.journal else abs(spent.worth)),
        date=(money.date, spent.date),
    )


def _journals(journals: list[Money], spent: Spent, books: Books) -> Iterator[str]:
    if len(journals) != bool(spent.due.journal):
        wanted = int(bool(spent.due.journal))
        yield f"{books.name} should have {wanted} journals for it, and has {len(journals)}"
        return
    for journal in journals:
        yield from _compare(
            journal_account=(journal.account, spent.due.journal),
            journal_amount=(journal.amount, abs(spent.worth)),
            journal_date=(journal.date, spent.date),
        )


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
    ids = [money.id for money in books.money(number)]
    match = line["match"] or line["reconciled_with"]
    if line["state"] not in ("matched", "reconciled") or [match["id"]] != ids:
        yield f"its bank line should match exactly its {spent.due.money}, and is {line['state']}"


def _strangers(entered: Mapping[int, Spent], *, seen: Mapping[int, Row], books: Books) -> Iterator[str]:
    ours = {f"CW-{entry_id}" for entry_id in entered}
    for entry_id in sorted(set(seen) - set(entered)):
        yield f"our API has an expense {entry_id} that nobody entered"
    for sort, number in sorted(books.numbers()):
        if number not in ours:
            yield f"{books.name} has one of the {sort} that belongs to no expense: {number}"


def _compare(**pairs: tuple[Any, Any]) -> Iterator[str]:
    for name, (found, wanted) in pairs.items():
        if found != wanted:
            yield f"{name.replace('_', ' ')} should be {_plain(wanted)}, is {_plain(found)}"


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _named(state: str, cause: str | None) -> str:
    return f"{state} ({cause})" if cause else state
