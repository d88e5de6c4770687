"""One pretend ConnectWise PSA site: its tables, and what happens when a record is saved."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from secrets import token_hex
from typing import Any
from uuid import uuid4

from sandbox.clock import Clock
from sandbox.connectwise_delivery import Delivery, Message, sign
from sandbox.web import Json, dump

FIRST_CODEBASE = "v2026_1/"
ALIAS = "v4_6_release/"
MESSAGES_PER_KEY = 50
KNOWN = {
    "public_key", "private_key", "client_id", "members", "payment_types", "expense_types",
    "classifications", "tax_types", "companies", "currency", "tier1", "tier2", "delivery",
    "upgrade", "name", "is_cloud",
}  # fmt: skip
TABLES = (
    "entries", "reports", "types", "paymentTypes", "classifications", "taxTypes", "members",
    "companies", "callbacks", "documents", "batches", "audits", "currencies",
)  # fmt: skip
CURRENCIES = {
    "AUD": ("Australian Dollars", "$", 2),
    "USD": ("US Dollars", "$", 2),
    "NZD": ("New Zealand Dollars", "$", 2),
    "EUR": ("Euro", "€", 2),
    "GBP": ("Pounds Sterling", "£", 2),
    "JPY": ("Japanese Yen", "¥", 0),
}


def day_text(day: date) -> str:
    """A calendar day as ConnectWise sends it."""
    return f"{day.isoformat()}T00:00:00Z"


@dataclass
class Site:
    """The site of one login company. Records are kept in ConnectWise's own field names."""

    company: str
    clock: Clock
    origin: str
    name: str = ""
    public_key: str = "sandboxPublic"
    private_key: str = "sandboxPrivate"
    client_id: str = ""
    codebase: str = FIRST_CODEBASE
    is_cloud: bool = False
    tier1: bool = True
    tier2: bool = True
    currency: str = "AUD"
    disable_after: int | None = None
    delivery: Delivery = field(default_factory=Delivery)
    tables: dict[str, dict[int, Json]] = field(default_factory=lambda: {name: {} for name in TABLES})
    contents: dict[int, bytes] = field(default_factory=dict)
    entries_by_report: dict[int, dict[int, Json]] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    failures: dict[int, int] = field(default_factory=dict)
    saved: int = 0
    _signed: int = 0
    _last_id: dict[str, int] = field(default_factory=dict)
    _random: Random = field(default_factory=lambda: Random(3))

    def next_id(self, table: str) -> int:
        """Ids rise and are never used again."""
        first = {"entries": 4700, "reports": 100, "callbacks": 26500, "documents": 900, "audits": 10}.get(
            table, 0
        )
        self._last_id[table] = self._last_id.get(table, first) + 1
        return self._last_id[table]

    def rows(self, table: str) -> list[Json]:
        """Every record of a table by id."""
        return list(self.tables[table].values())

    def add(self, table: str, record: Json) -> Json:
        """Keep a new record under a new id."""
        record_id = self.next_id(table)
        made = {"id": record_id, **{name: value for name, value in record.items() if value is not None}}
        self.tables[table][record_id] = made
        return made

    def named(self, table: str, name: Any, *, field_name: str = "name") -> Json:
        """The record of this name; raises ValueError naming the known ones."""
        for record in self.tables[table].values():
            if str(record.get(field_name, "")).lower() == str(name).lower():
                return record
        known = ", ".join(str(record.get(field_name)) for record in self.tables[table].values())
        raise ValueError(f"{table} has no {name!r}; known: {known}")

    def href(self, path: str) -> str:
        """An address inside this site, as records carry them in _info."""
        return f"{self.origin}/{self.codebase}/apis/3.0{path}"

    def currency_of(self, code: str) -> Json:
        """The whole currency record that entries carry."""
        name, symbol, decimals = CURRENCIES.get(code, (code, code, 2))
        number = sorted({*CURRENCIES, code}).index(code) + 1
        return {
            "id": number,
            "symbol": symbol,
            "currencyCode": code,
            "decimalSeparator": ".",
            "numberOfDecimals": decimals,
            "thousandsSeparator": ",",
            "negativeParenthesesFlag": False,
            "displaySymbolFlag": True,
            "currencyIdentifier": code,
            "displayIdFlag": False,
            "rightAlign": False,
            "name": name,
        }

    def info(self, member: str) -> dict[str, str]:
        """The _info of a record saved now."""
        now = self.clock.now().replace(microsecond=0)
        return {"lastUpdated": now.isoformat().replace("+00:00", "Z"), "updatedBy": member}

    def audit(
        self, *, owner: str, record_id: int, member: str, old: str, new: str, source: str = "Member"
    ) -> None:
        """Remember a change of status."""
        row: Json = {
            "source": source,
            "type": "Status",
            "message": f"Status changed from {old} to {new}",
            "oldValue": old,
            "newValue": new,
            "_owner": (owner, record_id),
        }
        who = next((m for m in self.rows("members") if m["identifier"] == member), None)
        if who is not None:
            row["member"] = self.member_ref(who)
        row["_info"] = self.info(member)
        self.add("audits", row)

    def member_ref(self, member: Json) -> Json:
        """A reference to a member."""
        return {
            "id": member["id"],
            "identifier": member["identifier"],
            "name": f"{member['firstName']} {member['lastName']}",
        }

    def save_entry(self, entry: Json, *, action: str, member: str, silent: bool = False) -> None:
        """Call the registered addresses about a saved entry, as ConnectWise does on every save."""
        self.saved += 1
        if silent:
            return
        for callback in self.rows("callbacks"):
            if not callback["inactiveFlag"] and _concerns(callback, entry):
                if callback["isSelfSuppressedFlag"] and member == callback["_info"]["updatedBy"]:
                    continue
                self.delivery.post(self._message(callback, entry, action=action, member=member))

    def _message(self, callback: Json, entry: Json, *, action: str, member: str) -> Message:
        key_id, signing_key = self._key()
        told = {name: value for name, value in entry.items() if not name.startswith("_")}
        entity = None if action == "deleted" else dump(told).decode()
        pairs: list[tuple[str, Any]] = [
            ("MessageId", str(uuid4())),
            ("FromUrl", self.origin.split("//", 1)[1]),
            ("CompanyId", self.company),
            ("MemberId", member),
            ("Action", action),
            ("Type", "expense"),
            ("ID", entry["id"]),
            ("ProductInstanceId", None if self._signed % 7 == 3 else "639c00000000000000dd1324"),
            ("PartnerId", None if self._signed % 5 == 2 else "61dd0000000000000c74208"),
            ("Entity", entity),
            ("Metadata", {"key_url": self.key_url(key_id)}),
            ("CallbackObjectRecId", callback["id"]),
        ]
        message_id = str(pairs[0][1])
        self._random.shuffle(pairs)  # the order of keys differs from message to message in reality, too
        body = json.dumps(dict(pairs), separators=(",", ":")).encode()
        url = f"{callback['url']}{entry['id']}&action={action}"
        return Message(
            message_id, callback["id"], entry["id"], action, url, body, sign(body, signing_key=signing_key)
        )

    def _key(self) -> tuple[str, str]:
        if self._signed % MESSAGES_PER_KEY == 0:
            self.keys[str(uuid4())] = token_hex(24)
        self._signed += 1
        return list(self.keys.items())[-1]

    def key_url(self, key_id: str) -> str:
        """Where a signing key can be read; the double slash is ConnectWise's own."""
        path = "/system/callbackkey/index.rails"
        return f"{self.origin}/{self.codebase}{path}?companyName={self.company}&id={key_id}"

    def upgrade(self, codebase: str) -> None:
        """Move to another codebase; the old addresses answer 404 from now on."""
        self.codebase = codebase if codebase.endswith("/") else f"{codebase}/"

    def watch(self, locked: Callable[[], Any]) -> None:
        """Count failed deliveries and switch a callback off when the control API asked for that."""

        def report(message: Message, delivered: bool) -> None:
            with locked():
                if delivered:
                    self.failures[message.callback_id] = 0
                    return
                failed = self.failures[message.callback_id] = self.failures.get(message.callback_id, 0) + 1
                callback = self.tables["callbacks"].get(message.callback_id)
                if callback is not None and self.disable_after is not None and failed >= self.disable_after:
                    callback["inactiveFlag"] = True

        self.delivery.report = report

    def instant(self) -> datetime:
        """The sandbox's time."""
        return self.clock.now()

    def week_of(self, day: date) -> tuple[date, date]:
        """Monday and Sunday of the expense report that a day belongs to."""
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=6)


def _concerns(callback: Json, entry: Json) -> bool:
    if callback["type"].lower() != "expense":
        return False
    places = {"type": "type", "class": "classification", "company": "company"}
    level = callback["level"].lower()
    if level == "expense":
        return bool(callback["objectId"] == entry["id"])
    if level in places:
        return bool(callback["objectId"] == entry.get(places[level], {}).get("id"))
    return bool(level == "owner")
