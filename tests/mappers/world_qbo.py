"""The known world's books at QuickBooks Online: the same accounts by code and name, other kinds and ids."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from mappers.books import Account, Books, TaxCode, Tracking
from mappers.company import CompanySettings
from mappers.documents import Document
from mappers.entry import Entry
from mappers.plan import plan
from mappers.traits import QBO
from tests.mappers.world import SETTINGS, decision

VENDOR_ID = "56"
GST, FREE, OUT_OF_SCOPE = "5", "6", "7"
RATES = {GST: "10", FREE: "0", OUT_OF_SCOPE: "0"}
NAMES = {GST: "INPUT", FREE: "EXEMPTEXPENSES", OUT_OF_SCOPE: "Out of Scope"}


def account(id: str, code: str, name: str, type: str = "Expense", **more: Any) -> Account:
    is_bank = type in ("Bank", "Credit Card")
    defaults: dict[str, Any] = {
        "active": True,
        "can_code": not is_bank and type != "Accounts Payable",
        "can_pay": is_bank,
        "is_bank": is_bank,
        "tax_code": GST if type in ("Expense", "Cost of Goods Sold") else None,
    }
    return Account(id=id, code=code, name=name, type=type, **(defaults | more))


QBO_BOOKS = Books(
    name="Acme MSP Pty Ltd",
    base_currency="AUD",
    currencies=("AUD", "USD"),
    accounts=(
        account("10", "420", "Entertainment"),
        account("11", "421", "Client costs", "Cost of Goods Sold"),
        account("12", "493", "Travel"),
        account("13", "850", "Unclaimed expenses", "Other Current Liability"),
        account("14", "", "Amex 1001", "Credit Card"),
        account("15", "", "Business Cheque", "Bank"),
        account("16", "", "Expense clearing", "Bank"),
        account("17", "", "US Visa", "Credit Card", currency="USD"),
        account("18", "", "Accounts Payable (A/P)", "Accounts Payable"),
        account("19", "", "Accounts Payable (A/P) - USD", "Accounts Payable", currency="USD"),
    ),
    tax_codes=tuple(
        TaxCode(
            code=code,
            name=NAMES[code],
            rate=Decimal(rate),
            active=True,
            on_expenses=True,
            rates=((f"{code}0", Decimal(rate)),),
        )
        for code, rate in RATES.items()
    ),
    tracking=(Tracking(id="Department", name="Region", options=(("Brisbane", "1"), ("Cairns", "2"))),),
    country="AU",
)
TAXLESS_BOOKS = replace(QBO_BOOKS, country="US", tax_codes=())


def documents(
    of: Entry, by: CompanySettings = SETTINGS, books: Books = QBO_BOOKS, **more: Any
) -> tuple[Document, ...]:
    """What is planned of this entry for QuickBooks."""
    return plan(of, decision(of, by), contact=VENDOR_ID, settings=by, books=books, traits=QBO, **more)


def settled(*made: Document) -> list[Document]:
    """The same, as if what is settled stood at QuickBooks: the claim as 145, the journal as 146."""
    return [
        document.settling("145", also="146" if document.also_settles else None)
        if document.settles
        else document
        for document in made
    ]
