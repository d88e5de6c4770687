"""The tables of a company file, key by key: what each may hold, and how a wrong value is put into words."""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
import zoneinfo
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from marshmallow import RAISE, Schema, ValidationError, fields

from mappers.company import APPROVED, DRAFT, OFFSET, PAYMENT
from mappers.words import folded, nearest, stock_word

ANY = "any"
STATUSES = (
    "Open",
    "Rejected",
    "PendingApproval",
    "ErrorsCorrected",
    "PendingProjectApproval",
    "ApprovedByTierOne",
    "RejectBySecondTier",
    "ApprovedByTierTwo",
    "ReadyToBill",
    "Billed",
    "WrittenOff",
    "BilledAgreement",
)
BILLING_STATUSES = ("Billable", "DoNotBill", "NoCharge", "NoDefault")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
SOURCES = ("location", "department", "company")
_KEY = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")


class Text(fields.Field[str]):
    """One line of text that is not empty."""

    def __init__(self, *, most: int = 255, **more: Any) -> None:
        super().__init__(**more)
        self._most = most

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_newer: Any) -> str:
        if not isinstance(value, str):
            raise ValidationError("must be text in quotes")  # not shown: it may be a secret
        text = value.strip()
        if not text or len(text) > self._most or not text.isprintable():
            raise ValidationError(f"must be one line of 1 to {self._most} characters")
        return text


class Choice(Text):
    """One of a few words; `later` are words that will be understood one day, with what they would mean."""

    def __init__(self, *choices: str, later: dict[str, str] | None = None, **more: Any) -> None:
        super().__init__(**more)
        self._choices, self._later = choices, later or {}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_newer: Any) -> str:
        text = super()._deserialize(value, attr, data)
        if text in self._later:
            raise ValidationError(f'"{text}" is not available yet: {self._later[text]}')
        if text not in self._choices:
            words = ", ".join(f'"{choice}"' for choice in self._choices)
            raise ValidationError(f'must be one of {words}, not "{text}"{nearest(text, self._choices)}')
        return text


class Flag(fields.Field[bool]):
    """true or false; `later` says why true is not available yet."""

    def __init__(self, *, later: str = "", **more: Any) -> None:
        super().__init__(**more)
        self._later = later

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_newer: Any) -> bool:
        if not isinstance(value, bool):
            raise ValidationError(f"must be true or false, not {value!r}")
        if value and self._later:
            raise ValidationError(f"true is not available yet: {self._later}")
        return value


class Count(fields.Field[int]):
    """A whole number between two bounds."""

    def __init__(self, least: int, most: int, **more: Any) -> None:
        super().__init__(**more)
        self._least, self._most = least, most

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_newer: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not self._least <= value <= self._most:
            raise ValidationError(f"must be a whole number from {self._least} to {self._most}, not {value!r}")
        return value


class Day(fields.Field[dt.date]):
    """A day, as TOML writes it or as text."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_newer: Any) -> dt.date:
        if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
            return value
        try:
            return dt.date.fromisoformat(value)
        except (TypeError, ValueError) as error:
            raise ValidationError(f"must be a day like 2026-07-01, not {value!r}") from error


class Words(fields.Field[frozenset[str] | None]):
    """A list of known words, or "any" (loaded as None)."""

    def __init__(self, known: Iterable[str], **more: Any) -> None:
        super().__init__(**more)
        self._known = {stock_word(word): word for word in known}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_newer: Any) -> frozenset[str] | None:
        if value == ANY:
            return None
        if not isinstance(value, list) or not value or not all(isinstance(word, str) for word in value):
            raise ValidationError(f'must be a list of words or "{ANY}", not {value!r}')
        unknown = [word for word in value if stock_word(word) not in self._known]
        if unknown:
            said = (f'"{word}"{nearest(word, self._known.values())}' for word in unknown)
            raise ValidationError("unknown: " + ", ".join(said))
        return frozenset(self._known[stock_word(word)] for word in value)


class Key(Text):
    """A company's key: it is part of an address."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_newer: Any) -> str:
        text = super()._deserialize(value, attr, data)
        if not _KEY.fullmatch(text):
            raise ValidationError(f'must be 1 to 40 of a-z, 0-9 and - (not at an end), not "{text}"')
        return text


class TimeZone(Text):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **_newer: Any) -> str:
        text = super()._deserialize(value, attr, data)
        try:  # listing all of them takes tens of milliseconds, and every job reads its company's settings
            zoneinfo.ZoneInfo(text)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            known = zoneinfo.available_timezones()
            raise ValidationError(f'"{text}" is not a time zone{nearest(text, known)}') from None
        return text


class SiteAddress(Text):
    """The origin of a ConnectWise site. Plain http only to this very machine, for development."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_newer: Any) -> str:
        text = super()._deserialize(value, attr, data)
        try:
            parts = urlsplit(text)
            port = f":{parts.port}" if parts.port else ""
        except ValueError as error:
            raise ValidationError(f'"{text}" is not an address') from error
        host = parts.hostname or ""
        bare = parts.path in ("", "/") and not (parts.query or parts.fragment or "@" in parts.netloc)
        safe = parts.scheme == "https" or (parts.scheme == "http" and _is_here(host))
        if not (host and bare and safe):
            raise ValidationError(f'must be like https://na.myconnectwise.net, without a path, not "{text}"')
        return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}"


class Tracking(fields.Field[tuple[tuple[str, str], ...]]):
    """{ "category at the ledger" = "location" | "department" | "company" }, two at most."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Any, **_newer: Any
    ) -> tuple[tuple[str, str], ...]:
        if not isinstance(value, dict) or len(value) > 2:
            raise ValidationError("must be a table of at most two categories")
        wrong = [name for name, source in value.items() if source not in SOURCES or not name.strip()]
        if wrong:
            named = ", ".join(f'"{name}"' for name in wrong)
            raise ValidationError(f"{named} must be taken from one of {', '.join(SOURCES)}")
        return tuple((name.strip(), source) for name, source in value.items())


class Table(Schema):
    class Meta:
        unknown = RAISE


class CompanyTable(Table):
    key = Key(required=True)
    name = Text(required=True)
    timezone = TimeZone(required=True)
    member_limit = Count(1, 100_000)
    start_date = Day()


class ConnectWiseTable(Table):
    site = SiteAddress(required=True)
    company_id = Text(required=True, most=100)
    public_key = Text(required=True)
    private_key = Text(required=True)
    client_id = Text(required=True)


class LedgerTable(Table):
    provider = Choice("xero", "qbo", required=True)
    tenant_id = Text(most=100)
    refresh_token = Text(most=4096)


class ExpensesTable(Table):
    approval = Words(STATUSES)
    require_report_approval = Flag()
    second_tier_for_projects = Flag()
    billing_statuses = Words(BILLING_STATUSES)
    inclusive_of_tax = Flag()
    group = Choice("each", later={"weekly": 'expenses are posted one by one, write group = "each"'})
    week_starts = Choice(*WEEKDAYS)
    reimbursable_as = Choice("approved", "draft")
    company_paid_as = Choice("offset", "draft", "approved")
    offset_account = Text(most=150)
    due_days = Count(0, 365)
    payee = Text()
    closed_period = Choice("hold", "next_open_day", "draft")
    attach_receipts = Flag()
    close_in_connectwise = Flag(later="leave it out or write false")
    tracking = Tracking()


class PaymentTypeTable(Table):
    name = Text(required=True)
    company_paid = Flag(required=True)


class ExpenseTypeTable(Table):
    name = Text(required=True)
    account = Text(required=True, most=150)
    tax = Text(most=150)
    billable_account = Text(most=150)


class TaxTable(Table):
    name = Text(required=True)
    code = Text(required=True, most=150)


class MemberTable(Table):
    identifier = Text(required=True)
    contact = Text(required=True)


RuleTable = Table.from_dict(
    {
        "member": Text(required=True),
        "payment_type": Text(required=True),
        "action": Choice(OFFSET, DRAFT, APPROVED, PAYMENT, required=True),
        "account": Text(most=150),
        "from": Day(),
        "to": Day(),
    },
    name="RuleTable",
)

SINGLE: dict[str, type[Schema]] = {
    "company": CompanyTable,
    "connectwise": ConnectWiseTable,
    "ledger": LedgerTable,
    "expenses": ExpensesTable,
}
ROWS: dict[str, type[Schema]] = {
    "payment_types": PaymentTypeTable,
    "expense_types": ExpenseTypeTable,
    "taxes": TaxTable,
    "members": MemberTable,
    "rules": RuleTable,
}


def _is_here(host: str) -> bool:
    if folded(host) == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
