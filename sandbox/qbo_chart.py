"""What a new pretend QuickBooks company holds: its accounts, and the tax codes of its country."""

from __future__ import annotations

from decimal import Decimal

from sandbox.web import Json

PAYABLES = "Accounts Payable"
BANK = "Bank"
CARD = "Credit Card"

# Account type: classification and the subtype used when none is given.
ACCOUNT_TYPES: dict[str, tuple[str, str]] = {
    BANK: ("Asset", "Checking"),
    "Accounts Receivable": ("Asset", "AccountsReceivable"),
    "Other Current Asset": ("Asset", "OtherCurrentAssets"),
    "Fixed Asset": ("Asset", "OtherFixedAssets"),
    "Other Asset": ("Asset", "OtherLongTermAssets"),
    PAYABLES: ("Liability", "AccountsPayable"),
    CARD: ("Liability", "CreditCard"),
    "Other Current Liability": ("Liability", "OtherCurrentLiabilities"),
    "Long Term Liability": ("Liability", "OtherLongTermLiabilities"),
    "Equity": ("Equity", "OpeningBalanceEquity"),
    "Income": ("Revenue", "ServiceFeeIncome"),
    "Cost of Goods Sold": ("Expense", "SuppliesMaterialsCogs"),
    "Expense": ("Expense", "OtherMiscellaneousServiceCost"),
    "Other Income": ("Revenue", "OtherMiscellaneousIncome"),
    "Other Expense": ("Expense", "OtherMiscellaneousExpense"),
    "Non-Posting": ("Equity", "NonPosting"),
}

# The accounts that QuickBooks itself posts to; a chart without them gets them.
TAX_ACCOUNT = "GST Liabilities Payable"
EXCHANGE_ACCOUNT = "Exchange Gain or Loss"
SYSTEM_ACCOUNTS: list[Json] = [
    {"name": "Accounts Payable (A/P)", "type": PAYABLES},
    {"name": TAX_ACCOUNT, "type": "Other Current Liability", "subtype": "GlobalTaxPayable"},
    {"name": EXCHANGE_ACCOUNT, "type": "Other Expense", "subtype": "ExchangeGainOrLoss"},
]

ACCOUNTS: list[Json] = [
    {"name": "Business Cheque", "type": BANK, "number": "1000"},
    {"name": "Expense clearing", "type": BANK, "subtype": "CashOnHand", "number": "1050"},
    {"name": "Visa 2002", "type": CARD, "number": "2002"},
    {"name": "Unclaimed expenses", "type": "Other Current Liability", "number": "2100"},
    {"name": "Sales", "type": "Income", "number": "4000"},
    {"name": "Meals and Entertainment", "type": "Expense", "subtype": "EntertainmentMeals", "number": "6100"},
    {"name": "Travel", "type": "Expense", "subtype": "Travel", "number": "6200"},
    {"name": "Accommodation", "type": "Expense", "subtype": "Travel", "number": "6210"},
    {"name": "Motor vehicle", "type": "Expense", "subtype": "Auto", "number": "6300"},
    {"name": "Software", "type": "Expense", "subtype": "DuesSubscriptions", "number": "6400"},
    {"name": "Parts and supplies", "type": "Cost of Goods Sold", "number": "5000"},
    {"name": "Client entertainment", "type": "Expense", "subtype": "Entertainment", "number": "6110"},
]

TAX: dict[str, list[Json]] = {
    "AU": [
        {"name": "GST", "rate": "10"},
        {"name": "GST free", "rate": "0"},
        {"name": "Input tax", "rate": "0"},
        {"name": "Out of Scope", "rate": "0"},
    ],
    "NZ": [{"name": "15% GST", "rate": "15"}, {"name": "Zero-rated GST", "rate": "0"}],
    "GB": [
        {"name": "20.0% S", "rate": "20"},
        {"name": "5.0% R", "rate": "5"},
        {"name": "0.0% Z", "rate": "0"},
        {"name": "No VAT", "rate": "0"},
    ],
    "CA": [
        {"name": "HST ON", "rate": "13"},
        {"name": "GST/QST QC", "rates": [{"name": "GST", "rate": "5"}, {"name": "QST", "rate": "9.975"}]},
        {"name": "Exempt", "rate": "0"},
    ],
    "US": [],
}

CURRENCY_NAMES = {
    "AUD": "Australian Dollar",
    "USD": "United States Dollar",
    "NZD": "New Zealand Dollar",
    "EUR": "Euro",
    "GBP": "British Pound Sterling",
    "CAD": "Canadian Dollar",
    "JPY": "Japanese Yen",
}
# Home units for one unit, seen from Australia; a company's own `rates` win.
RATES = {
    "AUD": Decimal("1"),
    "USD": Decimal("1.52"),
    "NZD": Decimal("0.91"),
    "EUR": Decimal("1.66"),
    "GBP": Decimal("1.95"),
    "CAD": Decimal("1.11"),
    "JPY": Decimal("0.0101"),
}
COUNTRIES = {"AU": "AUD", "NZ": "NZD", "GB": "GBP", "CA": "CAD", "US": "USD"}
ISO3 = {"AU": "AUS", "NZ": "NZL", "GB": "GBR", "CA": "CAN", "US": "USA"}
