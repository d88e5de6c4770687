"""One pretend QuickBooks company: its lists, its transactions, its settings and its limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from random import Random
from typing import Any

from sandbox import qbo_chart
from sandbox.qbo_limits import Limits
from sandbox.qbo_replay import Replays
from sandbox.qbo_wire import not_found, unknown_reference
from sandbox.web import Json

TRANSACTIONS = ("Bill", "BillPayment", "VendorCredit", "Purchase", "Deposit", "JournalEntry", "Transfer")
PEOPLE = ("Vendor", "Customer", "Employee")
LISTS = ("Account", *PEOPLE, "TaxCode", "TaxRate", "Class", "Department", "Attachable", "CompanyCurrency")
KINDS = (*TRANSACTIONS, *LISTS)
# What QuickBooks calls a list in the detail of error 2500.
PLURALS = {"Account": "Accounts", "Class": "Klasses", "Department": "Depts", "TaxCode": "Taxcodes"}
Ref = Json


@dataclass
class Company:
    """A realm. Records are kept in QuickBooks' own field names, with `date` and Decimal."""

    realm: str
    name: str = "Demo Company"
    country: str = "AU"
    home: str = "AUD"
    multicurrency: bool = False
    rates: dict[str, Decimal] = field(default_factory=lambda: dict(qbo_chart.RATES))
    book_close_date: date | None = None
    book_close_password: bool = False
    preferences: dict[str, bool] = field(
        default_factory=lambda: {
            "WarnDuplicateBillNumber": False,
            "WarnDuplicateCheckNumber": True,
            "WarnDuplicateJournalNumber": False,
            "TrackDepartments": False,
            "ClassTrackingPerTxnLine": False,
            "UsingSalesTax": True,
            "BillableExpenseTracking": False,
        }
    )
    subscription_active: bool = True
    shuffle_answers: bool = False
    latency_seconds: float = 0.0
    drop_links: int = 0
    tables: dict[str, dict[str, Json]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    deleted: list[tuple[str, Json]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    statement_lines: list[Json] = field(default_factory=list)
    limits: Limits = field(default_factory=Limits)
    replays: Replays = field(default_factory=Replays)
    random: Random = field(default_factory=lambda: Random(7))
    # Who settled how much of what: kind, id and vendor of the settled, then the payment's id.
    links: dict[tuple[str, str, str], dict[str, Decimal]] = field(default_factory=dict)
    # What the batch under way has made: its other items can't see it.
    unseen: set[tuple[str, str]] = field(default_factory=set)
    in_batch: bool = False
    sync_token: int = 0
    changed_at: datetime | None = None
    _numbers: dict[str, int] = field(default_factory=dict)

    @property
    def taxed(self) -> bool:
        """Whether lines carry tax codes: everywhere but in the United States."""
        return self.country != "US"

    def rows(self, kind: str) -> list[Json]:
        """Every live record of a kind that the request under way may see."""
        return [row for row in self.tables[kind].values() if (kind, row["Id"]) not in self.unseen]

    def find(self, kind: str, identity: Any) -> Json | None:
        """The live record with this id."""
        identity = str(identity)
        return None if (kind, identity) in self.unseen else self.tables[kind].get(identity)

    def get(self, kind: str, identity: Any) -> Json:
        """The same; raises Fault 610."""
        found = self.find(kind, identity)
        if found is None:
            raise not_found(f"{kind} {identity} was not found")
        return found

    def use(self, kind: str, identity: Any) -> Json:
        """A list record that a transaction names; raises Fault 2500 (unknown) or 610 (inactive)."""
        found = self.find(kind, identity)
        if found is None:
            raise unknown_reference(PLURALS.get(kind, "Names"), identity)
        if found.get("Active") is False:
            raise not_found()
        return found

    def add(self, kind: str, record: Json, *, now: datetime) -> Json:
        """Keep a new record under a new id."""
        # Names share one series of ids, and so do transactions.
        series = "name" if kind in PEOPLE else "txn" if kind in TRANSACTIONS else kind
        self._numbers[series] = self._numbers.get(series, 0) + 1
        identity = str(record.get("Id") or self._numbers[series])
        while identity in self.tables[kind]:
            self._numbers[series] += 1
            identity = str(self._numbers[series])
        made = {**record, "Id": identity, "SyncToken": "0", "_created": now, "_updated": now}
        self.tables[kind][identity] = made
        if self.in_batch:
            self.unseen.add((kind, identity))
        return made

    def touch(self, record: Json, *, now: datetime) -> None:
        """Note a change: the next SyncToken and the time."""
        record["SyncToken"] = str(int(record["SyncToken"]) + 1)
        record["_updated"] = now

    def remove(self, kind: str, record: Json, *, now: datetime) -> None:
        """Take a record away and remember that it was there."""
        del self.tables[kind][record["Id"]]
        record["_updated"] = now
        self.deleted.append((kind, record))

    def account_by_name(self, text: str) -> Json | None:
        """The account that a person means by an id, a name or a number."""
        for account in self.tables["Account"].values():
            if text in (account["Id"], account["Name"], account.get("AcctNum")):
                return account
        return None

    def account_named(self, name: str) -> Json:
        """An account that QuickBooks itself posts to."""
        return next(row for row in self.tables["Account"].values() if row["_system"] == name)

    def payables(self, currency: str, *, now: datetime) -> Json:
        """The A/P account of a currency, made when it is first needed."""
        for account in self.tables["Account"].values():
            same = account["CurrencyRef"]["value"] == currency
            if account["AccountType"] == qbo_chart.PAYABLES and same and account["Active"]:
                return account
        wish = {
            "name": f"Accounts Payable (A/P) - {currency}",
            "type": qbo_chart.PAYABLES,
            "currency": currency,
        }
        return self.add("Account", account_record(self, wish), now=now)

    def rate_of(self, currency: str) -> Decimal:
        """Home units for one unit of `currency`."""
        if currency == self.home:
            return Decimal(1)
        return round(self.rates.get(currency, Decimal(1)) / self.rates.get(self.home, Decimal(1)), 6)

    def has_currency(self, code: str) -> bool:
        """Whether the company keeps books in this currency."""
        foreign = (row["Code"] for row in self.tables["CompanyCurrency"].values() if row["Active"])
        return code == self.home or (self.multicurrency and code in foreign)

    def currency_ref(self, code: str) -> Ref:
        """A currency as QuickBooks refers to it."""
        return {"value": code, "name": qbo_chart.CURRENCY_NAMES.get(code, code)}


def account_record(company: Company, wish: Json) -> Json:
    """A new account from the control API's words; raises ValueError for an unknown type."""
    kind = str(wish.get("type", "Expense"))
    if kind not in qbo_chart.ACCOUNT_TYPES:
        known = ", ".join(qbo_chart.ACCOUNT_TYPES)
        raise ValueError(f"account type {kind} is unknown; known: {known}")
    classification, subtype = qbo_chart.ACCOUNT_TYPES[kind]
    return {
        "Id": str(wish["id"]) if wish.get("id") else None,
        "Name": str(wish["name"]),
        "SubAccount": False,
        "FullyQualifiedName": str(wish["name"]),
        "Active": bool(wish.get("active", True)),
        "Classification": classification,
        "AccountType": kind,
        "AccountSubType": wish.get("subtype") or subtype,
        "AcctNum": str(wish["number"]) if wish.get("number") else None,
        "CurrencyRef": company.currency_ref(str(wish.get("currency") or company.home)),
        "_system": wish.get("system"),
    }


def ref(record: Json, *, label: str = "Name") -> Ref:
    """A reference to a list record."""
    return {"value": record["Id"], "name": record.get(label) or record.get("DisplayName")}
