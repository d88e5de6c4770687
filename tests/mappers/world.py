"""The one known world of these tests: Acme MSP, its ConnectWise site, its books, and Jo Doe's expenses."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from mappers.books import Account, Books, TaxCode, Tracking
from mappers.company import (
    CompanySettings,
    ConnectWiseSettings,
    ExpenseSettings,
    ExpenseTypeRow,
    LedgerSettings,
    Rule,
    TaxRow,
)
from mappers.decision import Decision, decide
from mappers.documents import Document
from mappers.entry import Entry, ExpenseType, Member, PaymentType, Report, Site
from mappers.plan import plan

DAY = dt.date(2026, 8, 21)
CLASSES = {1: "Non-Reimbursable", 2: "Reimbursable", 3: "Personal"}
AMEX, VISA, OWN_MONEY = 1, 2, 3
REGION, BRISBANE, CAIRNS = (f"d0000000-0000-4000-8000-00000000000{n}" for n in (1, 2, 3))
CONTACT_ID = "c0000000-0000-4000-8000-000000000001"

SITE = Site(
    payment_types={
        AMEX: PaymentType(id=AMEX, name="Corporate Amex", company_paid=True),
        VISA: PaymentType(id=VISA, name="Company Visa Debit", company_paid=True),
        OWN_MONEY: PaymentType(id=OWN_MONEY, name="Paid by employee", company_paid=False),
    },
    classifications=CLASSES,
    expense_types={
        29: ExpenseType(id=29, name="Meals", mileage=False, rate=None),
        30: ExpenseType(id=30, name="Travel", mileage=False, rate=None),
        31: ExpenseType(id=31, name="Mileage", mileage=True, rate=Decimal("0.88")),
    },
    members={
        "jdoe": Member(identifier="jdoe", name="Jo Doe", vendor_number="V-JDOE", email="jo@acme.example"),
        "ana": Member(identifier="ana", name="Ana Silva", vendor_number=None, email=None),
    },
    tax_types=("GST",),
    own_company_id=1,
)


def account(code: str, name: str, type: str = "EXPENSE", **more: Any) -> Account:
    defaults: dict[str, Any] = {
        "id": str(uuid5(NAMESPACE_DNS, code or name)),
        "active": True,
        "can_code": type != "BANK",
        "can_pay": type == "BANK",
        "is_bank": type == "BANK",
        "tax_code": None if type == "BANK" else "INPUT",
    }
    return Account(code=code, name=name, type=type, **(defaults | more))


BOOKS = Books(
    name="Acme MSP Pty Ltd",
    base_currency="AUD",
    currencies=("AUD", "USD"),
    accounts=(
        account("420", "Entertainment"),
        account("421", "Client costs", "DIRECTCOSTS"),
        account("493", "Travel"),
        account("850", "Unclaimed expenses", "LIABILITY", can_pay=True, tax_code="BASEXCLUDED"),
        account("860", "Rounding", system="ROUNDING", can_code=False),
        account("", "Amex 1001", "BANK"),
        account("", "US Visa", "BANK", currency="USD"),
        account("499", "Old costs", active=False),
    ),
    tax_codes=(
        TaxCode(code="INPUT", name="GST on Expenses", rate=Decimal(10), active=True, on_expenses=True),
        TaxCode(code="EXEMPTEXPENSES", name="GST Free", rate=Decimal(0), active=True, on_expenses=True),
        TaxCode(code="BASEXCLUDED", name="BAS Excluded", rate=Decimal(0), active=True, on_expenses=True),
        TaxCode(code="OLDGST", name="Old GST", rate=Decimal(12), active=False, on_expenses=True),
        TaxCode(code="OUTPUT", name="GST on Income", rate=Decimal(10), active=True, on_expenses=False),
    ),
    tracking=(Tracking(id=REGION, name="Region", options=(("Brisbane", BRISBANE), ("Cairns", CAIRNS))),),
    short_code="!acme",
)

AMEX_ID = BOOKS.accounts[5].id

RULES = (
    Rule(number=1, member="*", payment_type="*", action="draft_bill"),
    Rule(number=2, member="jdoe", payment_type="Company Visa Debit", action="approved_bill"),
    Rule(
        number=3, member="jdoe", payment_type="Corporate Amex", action="payment_account", account="Amex 1001"
    ),
    Rule(number=4, member="ana", payment_type="Corporate Amex", action="offset_account"),
)

SETTINGS = CompanySettings(
    key="acme",
    name="Acme MSP",
    timezone="Australia/Brisbane",
    connectwise=ConnectWiseSettings(site="https://na.myconnectwise.net", company_id="acme_f"),
    ledger=LedgerSettings(provider="xero", tenant_id="11111111-2222-4333-8444-555555555555"),
    expenses=ExpenseSettings(offset_account="850"),
    expense_types=(
        ExpenseTypeRow(name="Meals", account="420", billable_account="421"),
        ExpenseTypeRow(name="Travel", account="493", tax="EXEMPTEXPENSES"),
        ExpenseTypeRow(name="Mileage", account="493", tax="EXEMPTEXPENSES"),
    ),
    taxes=(TaxRow(name="GST", code="INPUT"), TaxRow(name="Free", code="EXEMPTEXPENSES")),
    rules=RULES,
)

REPORT = Report(id=3, status="ApprovedByTierTwo")

ENTRY = Entry(
    id=4711,
    status="ApprovedByTierTwo",
    member="jdoe",
    member_name="Jo Doe",
    expense_type="Meals",
    expense_type_id=29,
    payment_type="Corporate Amex",
    payment_type_id=AMEX,
    classification="Non-Reimbursable",
    classification_id=1,
    amount=Decimal("120.50"),
    invoice_amount=None,
    currency="AUD",
    currency_decimals=2,
    date=DAY,
    report_id=3,
    charge_to_type="Company",
    company_id=1,
    company="acme",
    project=False,
    notes="Lunch with the vendor",
)


def entry(**changes: Any) -> Entry:
    """Jo's meal on the Amex, changed; `pays` and `kind` set payment type and classification by id."""
    if "pays" in changes:
        changes["payment_type_id"] = changes.pop("pays")
        changes["payment_type"] = SITE.payment_types[changes["payment_type_id"]].name
    if "kind" in changes:
        changes["classification_id"] = changes.pop("kind")
        changes["classification"] = CLASSES[changes["classification_id"]]
    if "amount" in changes:
        changes["amount"] = Decimal(changes["amount"])
    return replace(ENTRY, **changes)


def settings(
    *, rules: tuple[Rule, ...] = RULES, company: dict[str, Any] | None = None, **expenses: Any
) -> CompanySettings:
    """The company's settings with other rules, or other values in [expenses]."""
    changed = replace(SETTINGS.expenses, **expenses)
    return replace(SETTINGS, rules=rules, expenses=changed, **(company or {}))


def decision(of: Entry, by: CompanySettings = SETTINGS) -> Decision:
    return decide(of, settings=by, site=SITE)


def documents(
    of: Entry, by: CompanySettings = SETTINGS, books: Books = BOOKS, **more: Any
) -> tuple[Document, ...]:
    return plan(of, decision(of, by), contact=CONTACT_ID, settings=by, books=books, **more)
