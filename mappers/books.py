"""What we know of a company's books at its ledger, in words that hold for every ledger."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, kw_only=True)
class Account:
    """One account of the chart. `id` is what we send, `code` and `name` are what people write in rules."""

    id: str
    code: str
    name: str
    type: str  # the ledger's own word, e.g. BANK, EXPENSE, CURRLIAB
    active: bool
    can_code: bool  # a bill line may be coded to it
    can_pay: bool  # a payment may be made from it
    is_bank: bool  # a bank account or card: it has a bank feed
    tax_code: str | None = None  # the default of its lines
    currency: str | None = None
    system: str | None = None  # the ledger's mark of an account kept for itself
    short_name: str = ""  # its last part, where `name` is a path of sub-accounts


@dataclass(frozen=True, kw_only=True)
class TaxCode:
    """One tax code usable on purchases; `rate` in percent. `rates`: id and percent of each rate that it is
    made of, where the ledger keeps tax by rate."""

    code: str
    name: str
    rate: Decimal
    active: bool
    on_expenses: bool
    on_liabilities: bool = True
    rates: tuple[tuple[str, Decimal], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Contact:
    """A contact (supplier, vendor) at the ledger."""

    id: str
    name: str
    number: str | None
    active: bool


@dataclass(frozen=True, kw_only=True)
class Tracking:
    """A tracking category (Xero) or class list (QuickBooks) with its options: name to id."""

    id: str
    name: str
    options: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Books:
    """The organisation and its lists. A document dated on or before `locked_until` is refused."""

    name: str
    base_currency: str
    currencies: tuple[str, ...]
    accounts: tuple[Account, ...]
    tax_codes: tuple[TaxCode, ...]
    tracking: tuple[Tracking, ...] = ()
    locked_until: dt.date | None = None
    country: str = ""
    timezone: str = ""
    short_code: str = ""  # for links into the ledger's own pages
