"""What we read from ConnectWise, in our own words: the entry, its report, and the site's tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True, kw_only=True)
class EntryTax:
    """One row of an entry's `taxes[]`: the tax type's name and the amount as the member typed it."""

    name: str
    amount: Decimal


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One expense entry, read afresh. `date` is a calendar day; `amount` is miles for mileage types."""

    id: int
    status: str
    member: str  # identifier, e.g. "jdoe"
    member_name: str
    expense_type: str
    expense_type_id: int
    payment_type: str
    payment_type_id: int | None
    classification: str
    classification_id: int | None
    amount: Decimal
    invoice_amount: Decimal | None
    currency: str | None
    currency_decimals: int
    date: dt.date
    report_id: int | None
    charge_to_type: str | None
    company_id: int | None
    company: str | None  # identifier of the customer charged
    project: bool  # charged to a project (ticket)
    location: str | None = None
    department: str | None = None
    notes: str = ""
    billing_status: str | None = None
    taxes: tuple[EntryTax, ...] = ()
    charge_to_id: int | None = None
    company_name: str | None = None
    location_id: int | None = None
    department_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class Report:
    """An expense report; approval acts on it. `was_approved` is set when an audit row proved an approval,
    `second_tier` when one proved an approval by the second tier."""

    id: int
    status: str
    was_approved: bool = False
    second_tier: bool = False


@dataclass(frozen=True, kw_only=True)
class PaymentType:
    """A row of /expense/paymentTypes; `company_paid` is its companyFlag."""

    id: int
    name: str
    company_paid: bool


@dataclass(frozen=True, kw_only=True)
class ExpenseType:
    """A row of /expense/types; for `mileage` types an entry's amount is a distance, paid at `rate`."""

    id: int
    name: str
    mileage: bool
    rate: Decimal | None
    active: bool = True


@dataclass(frozen=True, kw_only=True)
class Member:
    """A row of /system/members, as far as a ledger contact needs it."""

    identifier: str
    name: str
    vendor_number: str | None
    email: str | None
    active: bool = True


@dataclass(frozen=True, kw_only=True)
class Site:
    """A ConnectWise site's tables, as last read. Keys: ids for tables, identifiers for members."""

    payment_types: Mapping[int, PaymentType] = field(default_factory=dict)
    classifications: Mapping[int, str] = field(default_factory=dict)
    expense_types: Mapping[int, ExpenseType] = field(default_factory=dict)
    members: Mapping[str, Member] = field(default_factory=dict)
    tax_types: tuple[str, ...] = ()
    own_company_id: int | None = None  # an entry charged to any other company is charged to a client
    locations: Mapping[int, str] = field(default_factory=dict)
    departments: Mapping[int, str] = field(default_factory=dict)
