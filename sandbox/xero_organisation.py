"""One pretend Xero organisation: its settings, its documents and its limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import uuid4

from sandbox import xero_chart
from sandbox.web import Json
from sandbox.xero_idempotency import Keys
from sandbox.xero_limits import Limits
from sandbox.xero_wire import to_day

KNOWN = {
    "tenant_id", "name", "country", "base_currency", "currencies", "rates", "subscribed",
    "period_lock_date", "end_of_year_lock_date", "accounts", "tax_rates", "tracking", "contacts",
    "limits", "shuffle_answers", "latency_seconds", "timezone", "is_demo_company", "actions",
    "replace_accounts",
}  # fmt: skip


@dataclass
class Organisation:
    """A tenant. Documents are kept in Xero's own field names, with `date` for days and Decimal for money."""

    tenant_id: str
    name: str = "Demo Company (AU)"
    country: str = "AU"
    base_currency: str = "AUD"
    timezone: str = "AUSEASTERNSTANDARDTIME"
    currencies: list[str] = field(default_factory=lambda: ["AUD"])
    rates: dict[str, Decimal] = field(
        default_factory=lambda: {code: Decimal(rate) for code, rate in xero_chart.RATES.items()}
    )
    period_lock_date: date | None = None
    end_of_year_lock_date: date | None = None
    is_demo_company: bool = True
    shuffle_answers: bool = False
    latency_seconds: float = 0.0
    denied_actions: set[str] = field(default_factory=set)
    accounts: list[Json] = field(default_factory=list)
    tax_rates: list[Json] = field(default_factory=list)
    tracking: list[Json] = field(default_factory=list)
    contacts: dict[str, Json] = field(default_factory=dict)
    invoices: dict[str, Json] = field(default_factory=dict)
    credit_notes: dict[str, Json] = field(default_factory=dict)
    payments: dict[str, Json] = field(default_factory=dict)
    batch_payments: dict[str, Json] = field(default_factory=dict)
    bank_transactions: dict[str, Json] = field(default_factory=dict)
    allocations: dict[str, Json] = field(default_factory=dict)
    attachments: dict[str, list[Json]] = field(default_factory=dict)
    history: dict[str, list[Json]] = field(default_factory=dict)
    statement_lines: list[Json] = field(default_factory=list)
    limits: Limits = field(default_factory=Limits)
    keys: Keys = field(default_factory=Keys)
    random: Random = field(default_factory=lambda: Random(7))
    created_at: datetime | None = None
    connection_id: str = field(default_factory=lambda: str(uuid4()))

    def __post_init__(self) -> None:
        self.accounts = self.accounts or xero_chart.default_accounts(self.tenant_id)
        self.tax_rates = self.tax_rates or xero_chart.default_tax_rates()

    def find_account(self, *, code: Any = None, account_id: Any = None) -> Json | None:
        """The account with this id, else with this code."""
        for account in self.accounts:
            if account_id and account["AccountID"] == str(account_id).lower():
                return account
            if not account_id and code and account["Code"] == str(code):
                return account
        return None

    def account_by_name(self, text: str) -> Json | None:
        """The account that a person means by a code, a name or an id."""
        for account in self.accounts:
            if text in (account["Code"], account["Name"], account["AccountID"]):
                return account
        return None

    def system_account(self, name: str) -> Json:
        """The account Xero itself posts to, such as CREDITORS."""
        return next(account for account in self.accounts if account["SystemAccount"] == name)

    def find_tax(self, kind: Any) -> Json | None:
        """The tax rate with this TaxType."""
        return next((rate for rate in self.tax_rates if rate["TaxType"] == kind), None)

    def lock_text(self, day: date) -> str | None:
        """The words with which Xero refuses this day, or None when it is open."""
        if self.end_of_year_lock_date and day <= self.end_of_year_lock_date:
            return "date cannot be before the end of year lock date"
        if self.period_lock_date and day <= self.period_lock_date:
            return "date cannot be before the period lock date"
        return None

    def rate_of(self, currency: str) -> Decimal:
        """Units of `currency` for one unit of the base currency."""
        if currency == self.base_currency:
            return Decimal(1)
        base = self.rates.get(self.base_currency, Decimal(1))
        return round(self.rates.get(currency, Decimal(1)) / base, 6)

    def configure(self, wish: Json) -> None:
        """Apply what the control API asks for; raises ValueError naming what it does not know."""
        unknown = set(wish) - KNOWN
        if unknown:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(sorted(KNOWN))}")
        for name in ("name", "country", "base_currency", "timezone", "is_demo_company", "shuffle_answers"):
            setattr(self, name, wish.get(name, getattr(self, name)))
        self.latency_seconds = float(wish.get("latency_seconds", self.latency_seconds))
        self.currencies = list(wish.get("currencies") or wish.get("subscribed") or self.currencies)
        if self.base_currency not in self.currencies:
            self.currencies.insert(0, self.base_currency)
        self.rates |= {code: Decimal(str(rate)) for code, rate in wish.get("rates", {}).items()}
        for name in ("period_lock_date", "end_of_year_lock_date"):
            if name in wish:
                setattr(self, name, to_day(wish[name]) if wish[name] else None)
        self.limits.configure(wish.get("limits", {}))
        self.denied_actions = {
            name for name, status in wish.get("actions", {}).items() if status == "NOT-ALLOWED"
        } or self.denied_actions
        self._configure_lists(wish)

    def _configure_lists(self, wish: Json) -> None:
        if wish.get("replace_accounts"):
            self.accounts.clear()
        for row in wish.get("accounts", []):
            _put(self.accounts, self._account(row), keys=("AccountID",))
        for row in wish.get("tax_rates", []):
            _put(self.tax_rates, xero_chart.tax_rate(row), keys=("TaxType",))
        for row in wish.get("tracking", []):
            _put(self.tracking, self._tracking(row), keys=("TrackingCategoryID",))
        for row in wish.get("contacts", []):
            contact = self._contact(row)
            self.contacts[contact["ContactID"]] = contact

    def _account(self, row: Json) -> Json:
        known = self.account_by_name(str(row.get("account_id") or row.get("code") or row.get("name")))
        if known is None:
            return xero_chart.account(self.tenant_id, row)
        before = {
            "account_id": known["AccountID"],
            "code": known["Code"],
            "name": known["Name"],
            "type": known["Type"],
            "tax_type": known["TaxType"],
            "status": known["Status"],
            "enable_payments": known["EnablePaymentsToAccount"],
            "system_account": known["SystemAccount"],
            "currency": known.get("CurrencyCode"),
            "bank_account_type": known.get("BankAccountType", "BANK"),
        }
        return xero_chart.account(self.tenant_id, {**before, **row})

    def _tracking(self, row: Json) -> Json:
        made_id = row.get("id") or xero_chart.new_id(self.tenant_id, "tracking", row["name"])
        options = []
        for option in row.get("options", []):
            wish = option if isinstance(option, dict) else {"name": option}
            options.append(
                {
                    "TrackingOptionID": xero_chart.new_id(made_id, wish["name"]),
                    "Name": wish["name"],
                    "Status": wish.get("status", "ACTIVE"),
                    "TrackingCategoryID": made_id,
                }
            )
        return {
            "TrackingCategoryID": made_id,
            "Name": row["name"],
            "Status": row.get("status", "ACTIVE"),
            "Options": options,
        }

    def _contact(self, row: Json) -> Json:
        made = new_contact(row["name"])
        made["ContactID"] = row.get("contact_id") or xero_chart.new_id(self.tenant_id, "contact", row["name"])
        made["ContactStatus"] = row.get("status", "ACTIVE")
        for ours, theirs in (
            ("account_number", "AccountNumber"),
            ("contact_number", "ContactNumber"),
            ("email", "EmailAddress"),
        ):
            if row.get(ours):
                made[theirs] = row[ours]
        return made

    def touch(self, record: Json, *, now: datetime) -> None:
        """Set the last change, never twice the same so that If-Modified-Since can tell."""
        before = record.get("UpdatedDateUTC")
        record["UpdatedDateUTC"] = max(now, before + timedelta(milliseconds=1)) if before else now


def new_contact(name: str) -> Json:
    """An active contact with the fields Xero always shows."""
    return {
        "ContactID": str(uuid4()),
        "ContactStatus": "ACTIVE",
        "Name": name,
        "FirstName": "",
        "LastName": "",
        "EmailAddress": "",
        "BankAccountDetails": "",
        "Addresses": [],
        "Phones": [],
        "IsSupplier": False,
        "IsCustomer": False,
        "ContactGroups": [],
        "ContactPersons": [],
        "HasAttachments": False,
        "HasValidationErrors": False,
    }


def _put(rows: list[Json], row: Json, *, keys: tuple[str, ...]) -> None:
    for place, other in enumerate(rows):
        if all(other[key] == row[key] for key in keys):
            rows[place] = row
            return
    rows.append(row)
