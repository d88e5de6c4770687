"""The books of a pretend QuickBooks company: what double entry makes of its transactions, in home currency.

Each transaction is turned into postings whose sum is zero: costs and tax against A/P, A/P against the paying
account. What rates and roundings leave over goes to the exchange account, so all accounts always sum to zero.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

from sandbox.qbo_chart import EXCHANGE_ACCOUNT, TAX_ACCOUNT
from sandbox.qbo_company import Company
from sandbox.qbo_documents import DEPOSIT, EXPENSE, JOURNAL
from sandbox.qbo_payments import owed
from sandbox.qbo_wire import ZERO, cents
from sandbox.web import Json

Posting = tuple[str, Decimal]


def balances(company: Company) -> dict[str, Decimal]:
    """Balance by account id; debits are positive."""
    ledger: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
    for account, amount in postings(company):
        ledger[account] += amount
    return {account: amount for account, amount in ledger.items() if amount}


def postings(company: Company) -> Iterator[Posting]:
    """Every posting of every live transaction."""
    for kind in ("Bill", "VendorCredit"):
        for record in company.tables[kind].values():
            sign = 1 if kind == "Bill" else -1
            yield from _document(company, record, EXPENSE, record["APAccountRef"]["value"], sign)
    for record in company.tables["Purchase"].values():
        yield from _document(
            company, record, EXPENSE, record["AccountRef"]["value"], -1 if record["Credit"] else 1
        )
    for record in company.tables["Deposit"].values():
        yield from _document(company, record, DEPOSIT, record["DepositToAccountRef"]["value"], -1)
    for record in company.tables["BillPayment"].values():
        yield from _payment(company, record)
    for record in company.tables["JournalEntry"].values():
        yield from _journal(company, record)
    for record in company.tables["Transfer"].values():
        amount = cents(record["Amount"] * record["_rate"])
        yield record["ToAccountRef"]["value"], amount
        yield record["FromAccountRef"]["value"], -amount


def _rest(company: Company, amount: Decimal) -> Iterator[Posting]:
    if amount:
        yield company.account_named(EXCHANGE_ACCOUNT)["Id"], amount


def _document(company: Company, record: Json, detail: str, other: str, sign: int) -> Iterator[Posting]:
    """Lines and tax on one side (debits when `sign` is 1), the total on the other."""
    rate: Decimal = record["_rate"]
    total = cents(record["TotalAmt"] * rate)
    yield other, -sign * total
    posted = ZERO
    for line in record["Line"]:
        amount = cents(line["Amount"] * rate)
        posted += amount
        yield line[detail]["AccountRef"]["value"], sign * amount
    tax = cents((record["TxnTaxDetail"] or {}).get("TotalTax", ZERO) * rate)
    if tax:
        yield company.account_named(TAX_ACCOUNT)["Id"], sign * tax
    yield from _rest(company, sign * (total - posted - tax))


def _payment(company: Company, record: Json) -> Iterator[Posting]:
    """A/P is relieved at the rate of what is settled, the rest and the bank move at the payment's."""
    rate: Decimal = record["_rate"]
    moved = cents(record["TotalAmt"] * rate)
    relieved, settled = ZERO, ZERO
    for link in record["_links"]:
        relieved += cents(link.amount * company.tables[link.kind][link.id]["_rate"])
        settled += link.amount
    relieved += cents((record["TotalAmt"] - settled) * rate)
    if moved:
        yield record["_account"], -moved
    if relieved:
        yield record["_payables"], relieved
    yield from _rest(company, moved - relieved)


def _journal(company: Company, record: Json) -> Iterator[Posting]:
    posted = ZERO
    for line in record["Line"]:
        sign = 1 if line[JOURNAL]["PostingType"] == "Debit" else -1
        amount = sign * cents(line["Amount"] * record["_rate"])
        posted += amount
        yield line[JOURNAL]["AccountRef"]["value"], amount
    yield from _rest(company, -posted)


def vendor_balances(company: Company) -> dict[str, Decimal]:
    """What is owed to each vendor: open bills less open credits and unapplied payments."""
    found: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
    for kind in ("Bill", "VendorCredit"):
        for record in company.tables[kind].values():
            vendor = record["VendorRef"]["value"]
            found[vendor] += owed(company, kind, record, vendor=vendor)
    for record in company.tables["BillPayment"].values():
        applied = sum((link.amount for link in record["_links"] if link.kind != "JournalEntry"), ZERO)
        journal = sum((link.amount for link in record["_links"] if link.kind == "JournalEntry"), ZERO)
        found[record["VendorRef"]["value"]] -= record["TotalAmt"] - applied - journal
    for record in company.tables["JournalEntry"].values():
        for vendor in {
            line[JOURNAL]["Entity"]["EntityRef"]["value"]
            for line in record["Line"]
            if line[JOURNAL]["Entity"]
        }:
            found[vendor] += owed(company, "JournalEntry", record, vendor=vendor)
    return dict(found)
