"""What a new pretend organisation starts with: an Australian-like chart, tax rates and currencies."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from sandbox.web import Json

CLASSES = {
    "BANK": "ASSET",
    "CURRENT": "ASSET",
    "FIXED": "ASSET",
    "INVENTORY": "ASSET",
    "NONCURRENT": "ASSET",
    "PREPAYMENT": "ASSET",
    "EQUITY": "EQUITY",
    "DEPRECIATN": "EXPENSE",
    "DIRECTCOSTS": "EXPENSE",
    "EXPENSE": "EXPENSE",
    "OVERHEADS": "EXPENSE",
    "CURRLIAB": "LIABILITY",
    "LIABILITY": "LIABILITY",
    "TERMLIAB": "LIABILITY",
    "PAYG": "LIABILITY",
    "OTHERINCOME": "REVENUE",
    "REVENUE": "REVENUE",
    "SALES": "REVENUE",
}

# code (a bank account may have none), name, type, default tax, what else is particular about it
CHART: list[tuple[str | None, str, str, str, Json]] = [
    ("090", "Business Bank Account", "BANK", "BASEXCLUDED", {"bank_account_type": "BANK"}),
    (None, "Amex 1001", "BANK", "BASEXCLUDED", {"bank_account_type": "CREDITCARD"}),
    ("092", "Visa Debit 2002", "BANK", "BASEXCLUDED", {"bank_account_type": "BANK"}),
    ("200", "Sales", "REVENUE", "OUTPUT", {}),
    ("260", "Other Revenue", "REVENUE", "OUTPUT", {}),
    ("400", "Advertising", "EXPENSE", "INPUT", {}),
    ("404", "Bank Fees", "EXPENSE", "EXEMPTEXPENSES", {}),
    ("412", "Consulting & Accounting", "EXPENSE", "INPUT", {}),
    ("420", "Entertainment", "EXPENSE", "INPUT", {}),
    ("421", "Entertainment (billable)", "EXPENSE", "INPUT", {}),
    ("429", "General Expenses", "EXPENSE", "INPUT", {}),
    ("449", "Motor Vehicle Expenses", "EXPENSE", "INPUT", {}),
    ("453", "Office Expenses", "EXPENSE", "INPUT", {}),
    ("463", "Parts and Supplies", "DIRECTCOSTS", "INPUT", {}),
    ("485", "Subscriptions and Software", "EXPENSE", "INPUT", {}),
    ("489", "Telephone & Internet", "EXPENSE", "INPUT", {}),
    ("493", "Travel - National", "EXPENSE", "INPUT", {}),
    ("494", "Travel - International", "EXPENSE", "EXEMPTEXPENSES", {}),
    ("495", "Accommodation", "EXPENSE", "INPUT", {}),
    ("497", "Bank Revaluations", "EXPENSE", "BASEXCLUDED", {"system_account": "BANKCURRENCYGAIN"}),
    ("499", "Realised Currency Gains", "EXPENSE", "BASEXCLUDED", {"system_account": "REALISEDCURRENCYGAIN"}),
    ("610", "Accounts Receivable", "CURRENT", "BASEXCLUDED", {"system_account": "DEBTORS"}),
    ("710", "Office Equipment", "FIXED", "INPUT", {}),
    ("800", "Accounts Payable", "CURRLIAB", "BASEXCLUDED", {"system_account": "CREDITORS"}),
    ("820", "GST", "CURRLIAB", "BASEXCLUDED", {"system_account": "GST"}),
    ("850", "Unclaimed expenses", "LIABILITY", "BASEXCLUDED", {"enable_payments": True}),
    ("860", "Rounding", "CURRLIAB", "BASEXCLUDED", {"system_account": "ROUNDING"}),
    ("880", "Owner A Drawings", "EQUITY", "BASEXCLUDED", {}),
    ("960", "Retained Earnings", "EQUITY", "BASEXCLUDED", {"system_account": "RETAINEDEARNINGS"}),
]

_EVERYWHERE = ("Assets", "Equity", "Expenses", "Liabilities", "Revenue")
_COSTS = ("Assets", "Expenses", "Liabilities", "Equity")
# type, name, per cent, where it may be used
TAXES: list[tuple[str, str, str, tuple[str, ...]]] = [
    ("INPUT", "GST on Expenses", "10", _COSTS),
    ("CAPEXINPUT", "GST on Capital", "10", ("Assets",)),
    ("EXEMPTEXPENSES", "GST Free Expenses", "0", _COSTS),
    ("OUTPUT", "GST on Income", "10", ("Revenue", "Assets", "Equity", "Liabilities")),
    ("EXEMPTOUTPUT", "GST Free Income", "0", ("Revenue", "Assets", "Equity", "Liabilities")),
    ("BASEXCLUDED", "BAS Excluded", "0", _EVERYWHERE),
    ("NONE", "No Tax", "0", _EVERYWHERE),
]

RATES = {"AUD": "1", "USD": "0.65", "NZD": "1.09", "EUR": "0.60", "GBP": "0.51"}
CURRENCY_NAMES = {
    "AUD": "Australian Dollar",
    "USD": "United States Dollar",
    "NZD": "New Zealand Dollar",
    "EUR": "Euro",
    "GBP": "British Pound",
}


def new_id(*parts: Any) -> str:
    """The same id for the same parts, so that a restarted sandbox has the same accounts."""
    return str(uuid5(NAMESPACE_URL, "/".join(str(part) for part in parts)))


def account(tenant_id: str, wish: Json) -> Json:
    """An account in Xero's shape from the control API's words; raises ValueError for an unknown type."""
    kind = str(wish.get("type", "EXPENSE")).upper()
    if kind not in CLASSES:
        raise ValueError(f"account type {kind} is unknown; known: {', '.join(CLASSES)}")
    made: Json = {
        "AccountID": wish.get("account_id") or new_id(tenant_id, "account", wish.get("code") or wish["name"]),
        "Code": wish.get("code"),
        "Name": wish["name"],
        "Status": wish.get("status", "ACTIVE"),
        "Type": kind,
        "TaxType": wish.get("tax_type", "INPUT" if CLASSES[kind] == "EXPENSE" else "BASEXCLUDED"),
        "Class": CLASSES[kind],
        "EnablePaymentsToAccount": bool(wish.get("enable_payments", False)),
        "ShowInExpenseClaims": bool(wish.get("show_in_expense_claims", False)),
        "SystemAccount": wish.get("system_account") or None,
        "ReportingCode": CLASSES[kind][:3],
        "HasAttachments": False,
        "AddToWatchlist": False,
    }
    if kind == "BANK":
        made["BankAccountType"] = wish.get("bank_account_type", "BANK")
        made["BankAccountNumber"] = wish.get("bank_account_number", "")
        made["CurrencyCode"] = wish.get("currency")
    return made


def tax_rate(wish: Json) -> Json:
    """A tax rate in Xero's shape from the control API's words (`applies_to` defaults to everywhere)."""
    rate = Decimal(str(wish.get("rate", "0")))
    applies = wish.get("applies_to", _EVERYWHERE)
    made: Json = {
        "Name": wish.get("name", wish["tax_type"]),
        "TaxType": wish["tax_type"],
        "ReportTaxType": wish.get("report_tax_type", wish["tax_type"]),
        "Status": wish.get("status", "ACTIVE"),
        "DisplayTaxRate": rate,
        "EffectiveRate": rate,
        "TaxComponents": [{"Name": "GST", "Rate": rate, "IsCompound": False, "IsNonRecoverable": False}],
    }
    for place in _EVERYWHERE:
        made[f"CanApplyTo{place}"] = place in applies
    return made


def default_accounts(tenant_id: str) -> list[Json]:
    """The stock chart."""
    return [
        account(tenant_id, {"code": code, "name": name, "type": kind, "tax_type": tax, **more})
        for code, name, kind, tax, more in CHART
    ]


def default_tax_rates() -> list[Json]:
    """The stock tax rates."""
    return [
        tax_rate({"tax_type": kind, "name": name, "rate": rate, "applies_to": applies})
        for kind, name, rate, applies in TAXES
    ]
