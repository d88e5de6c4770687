"""A company's own settings, as its file says them; company_file.py reads and writes the file."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

ANY = "any"
OFFSET, DRAFT, APPROVED, PAYMENT = "offset_account", "draft_bill", "approved_bill", "payment_account"


@dataclass(frozen=True, kw_only=True)
class PaymentTypeRow:
    name: str
    company_paid: bool


@dataclass(frozen=True, kw_only=True)
class ExpenseTypeRow:
    name: str
    account: str
    tax: str | None = None
    billable_account: str | None = None


@dataclass(frozen=True, kw_only=True)
class TaxRow:
    name: str
    code: str


@dataclass(frozen=True, kw_only=True)
class MemberRow:
    identifier: str
    contact: str


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One row of the Expense Connect grid. `number` is its 1-based place in the file."""

    number: int
    member: str  # identifier or "*"
    payment_type: str  # name or "*"
    action: str  # OFFSET | DRAFT | APPROVED | PAYMENT
    account: str | None = None
    first_day: dt.date | None = None  # `from` in the file
    last_day: dt.date | None = None  # `to`


@dataclass(frozen=True, kw_only=True)
class ConnectWiseSettings:
    """Where the site is and who we are there; the secrets are kept apart, sealed."""

    site: str
    company_id: str


@dataclass(frozen=True, kw_only=True)
class LedgerSettings:
    provider: str  # "xero" | "qbo"
    tenant_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class ExpenseSettings:
    """The [expenses] table; defaults as in the company file's description."""

    approval: frozenset[str] | None = frozenset({"ApprovedByTierOne", "ApprovedByTierTwo"})  # None: any
    require_report_approval: bool = True
    second_tier_for_projects: bool = False
    billing_statuses: frozenset[str] | None = None  # None: any
    inclusive_of_tax: bool = True
    group: str = "each"
    week_starts: str = "monday"
    reimbursable_as: str = "approved"
    company_paid_as: str = "offset"
    offset_account: str | None = None
    due_days: int = 14
    payee: str = "member"
    closed_period: str = "hold"
    attach_receipts: bool = True
    close_in_connectwise: bool = False
    tracking: tuple[tuple[str, str], ...] = ()  # (ledger category, "location" | "department" | "company")


@dataclass(frozen=True, kw_only=True)
class CompanySettings:
    """The whole file but its secrets."""

    key: str
    name: str
    timezone: str
    connectwise: ConnectWiseSettings
    ledger: LedgerSettings
    expenses: ExpenseSettings = field(default_factory=ExpenseSettings)
    member_limit: int | None = None
    start_date: dt.date | None = None
    payment_types: tuple[PaymentTypeRow, ...] = ()
    expense_types: tuple[ExpenseTypeRow, ...] = ()
    taxes: tuple[TaxRow, ...] = ()
    members: tuple[MemberRow, ...] = ()
    rules: tuple[Rule, ...] = ()
