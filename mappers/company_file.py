"""The company file: TOML in, settings and secrets out, and back. All its faults are named at once.

Its keys stand in company_fields.py. Secrets are kept apart from the first moment, so that nothing
that prints, stores or exports settings can show them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import tomlkit
from marshmallow import Schema, ValidationError

from errors import Problems
from mappers.company import (
    ANY,
    OFFSET,
    PAYMENT,
    CompanySettings,
    ConnectWiseSettings,
    ExpenseSettings,
    ExpenseTypeRow,
    LedgerSettings,
    MemberRow,
    PaymentTypeRow,
    Rule,
    TaxRow,
)
from mappers.company_fields import ROWS, SINGLE
from mappers.rules import linked_members, overlap
from mappers.words import folded, nearest

HEADING = "The company file was not taken, nothing was changed:"
_ENV = "env:"
_MISSING = "Missing data for required field."
_UNKNOWN = "Unknown field."


@dataclass(frozen=True, kw_only=True)
class Secrets:
    """What must be sealed at rest. Never shown by repr."""

    public_key: str = field(repr=False)
    private_key: str = field(repr=False)
    client_id: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)


def load_text(text: str) -> dict[str, Any]:
    """The tables of a TOML text, nothing resolved or checked yet. Raises Problems when it is not TOML."""
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise Problems(HEADING, [f"It is not TOML: {error}. Correct that place and try again."]) from error


def resolve(data: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """The same tables with each "env:NAME" replaced; raises Problems naming every variable not set."""
    missing: list[str] = []
    resolved: dict[str, Any] = _resolve(data, environ, "", missing)
    if missing:
        raise Problems(HEADING, missing)
    return resolved


def load(data: Mapping[str, Any]) -> tuple[CompanySettings, Secrets]:
    """Settings and secrets from the file's tables. Raises Problems with every fault, by table and row."""
    problems: list[str] = [
        f"[{name}] is not a table of a company file{nearest(name, [*SINGLE, *ROWS])}."
        for name in data
        if name not in SINGLE and name not in ROWS
    ]
    tables = {name: _table(name, data.get(name, {}), problems) for name in SINGLE}
    rows = {name: _rows(name, data.get(name, []), problems) for name in ROWS}
    _check_duplicates(rows, problems)
    _check_rules(rows["rules"], tables["expenses"], problems)
    _check_offset(tables["expenses"], problems)
    _check_limit(rows["rules"], tables["company"], problems)
    if problems:
        raise Problems(HEADING, problems)
    return _settings(tables, rows), _secrets(tables)


def dump(settings: CompanySettings) -> str:
    """The company file of these settings, secrets as `env:` placeholders; what `load` reads back as equal."""
    prefix = settings.key.upper().replace("-", "_")
    connectwise = {
        "site": settings.connectwise.site,
        "company_id": settings.connectwise.company_id,
        "public_key": f"{_ENV}{prefix}_CW_PUBLIC",
        "private_key": f"{_ENV}{prefix}_CW_PRIVATE",
        "client_id": f"{_ENV}{prefix}_CW_CLIENT_ID",
    }
    data: dict[str, Any] = {
        "company": _plain(settings, ("key", "name", "timezone", "member_limit", "start_date")),
        "connectwise": connectwise,
        "ledger": _plain(settings.ledger, ("provider", "tenant_id")),
        "expenses": _dump_expenses(settings.expenses),
        "payment_types": [_plain(row, ("name", "company_paid")) for row in settings.payment_types],
        "expense_types": [
            _plain(row, ("name", "account", "tax", "billable_account")) for row in settings.expense_types
        ],
        "taxes": [_plain(row, ("name", "code")) for row in settings.taxes],
        "members": [_plain(row, ("identifier", "contact")) for row in settings.members],
        "rules": [_dump_rule(rule) for rule in settings.rules],
    }
    return tomlkit.dumps({name: table for name, table in data.items() if table})


def _resolve(value: Any, environ: Mapping[str, str], place: str, missing: list[str]) -> Any:
    if isinstance(value, Mapping):
        return {
            key: _resolve(item, environ, f"{place}.{key}" if place else key, missing)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [
            _resolve(item, environ, f"{place} row {number}", missing)
            for number, item in enumerate(value, start=1)
        ]
    if not isinstance(value, str) or not value.startswith(_ENV):
        return value
    name = value.removeprefix(_ENV).strip()
    if not environ.get(name):
        missing.append(f'{place}: the environment variable "{name}" is not set. Set it and try again.')
    return environ.get(name, "")


def _table(name: str, value: Any, problems: list[str]) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        problems.append(f"[{name}]: must be written as a table [{name}].")
        return {}
    return _checked(SINGLE[name](), value, f"[{name}]", problems)


def _rows(name: str, value: Any, problems: list[str]) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(row, Mapping) for row in value):
        problems.append(f"[[{name}]]: must be written as rows, each under [[{name}]].")
        return []
    return [
        _checked(ROWS[name](), row, f"[[{name}]] row {number}", problems)
        for number, row in enumerate(value, start=1)
    ]


def _checked(schema: Schema, value: Mapping[str, Any], place: str, problems: list[str]) -> dict[str, Any]:
    """What of this table is good; the rest goes into `problems`."""
    try:
        loaded: dict[str, Any] = schema.load(value)
    except ValidationError as error:
        messages_by_key = cast(dict[str, list[str]], error.messages)
        for key, messages in messages_by_key.items():
            problems.extend(f"{place}: {_sentence(key, words, schema)}" for words in messages)
        good = error.valid_data
        return good if isinstance(good, dict) else {}
    return loaded


def _sentence(key: str, words: str, schema: Schema) -> str:
    if words == _UNKNOWN:
        return f'"{key}" is not known here{nearest(key, schema.fields)}.'
    return f'"{key}" is missing.' if words == _MISSING else f'"{key}" {words}.'


def _check_duplicates(rows: Mapping[str, Sequence[Mapping[str, Any]]], problems: list[str]) -> None:
    keys = {"payment_types": "name", "expense_types": "name", "taxes": "name", "members": "identifier"}
    for table, key in keys.items():
        seen: dict[str, int] = {}
        for number, row in enumerate(rows[table], start=1):
            name = row.get(key)
            if not name:
                continue
            first = seen.setdefault(folded(name), number)
            if first != number:
                problems.append(f'[[{table}]] row {number}: "{name}" is already in row {first}.')


def _check_rules(rows: Sequence[Mapping[str, Any]], expenses: Mapping[str, Any], problems: list[str]) -> None:
    rules = _rules(rows)
    for rule in rules:
        place = f"[[rules]] row {rule.number}"
        if rule.first_day and rule.last_day and rule.last_day < rule.first_day:
            problems.append(f'{place}: "to" {rule.last_day} lies before "from" {rule.first_day}.')
        if rule.action == PAYMENT and not rule.account:
            problems.append(f'{place}: "account" is missing; {PAYMENT} must say which account pays.')
        if rule.action == OFFSET and not (rule.account or expenses.get("offset_account")):
            problems.append(f'{place}: {OFFSET} needs "account" here, or "offset_account" in [expenses].')
    for number, later in enumerate(rules):
        for earlier in rules[:number]:
            if overlap(earlier, later):
                problems.append(
                    f"[[rules]] row {later.number}: ties with row {earlier.number}: both are for member"
                    f" {later.member} and payment type {later.payment_type} on the same days."
                )


def _check_offset(expenses: Mapping[str, Any], problems: list[str]) -> None:
    """Only when it was written: a company whose rules cover everything may leave both out."""
    if expenses.get("company_paid_as") == "offset" and not expenses.get("offset_account"):
        problems.append('[expenses]: company_paid_as = "offset" needs "offset_account".')


def _check_limit(rows: Sequence[Mapping[str, Any]], company: Mapping[str, Any], problems: list[str]) -> None:
    limit, linked = company.get("member_limit"), linked_members(_rules(rows))
    if limit is not None and len(linked) > limit:
        problems.append(
            f"[[rules]]: {len(linked)} members are linked ({', '.join(linked)}), but member_limit is {limit}."
            " Remove rules, or raise member_limit."
        )


def _rules(rows: Sequence[Mapping[str, Any]]) -> list[Rule]:
    """The rows that are whole enough to be compared; numbers are their places in the file."""
    return [
        Rule(
            number=number,
            member=row["member"],
            payment_type=row["payment_type"],
            action=row["action"],
            account=row.get("account"),
            first_day=row.get("from"),
            last_day=row.get("to"),
        )
        for number, row in enumerate(rows, start=1)
        if {"member", "payment_type", "action"} <= row.keys()
    ]


def _settings(
    tables: Mapping[str, Mapping[str, Any]], rows: Mapping[str, Sequence[Mapping[str, Any]]]
) -> CompanySettings:
    connectwise, ledger = tables["connectwise"], tables["ledger"]
    return CompanySettings(
        **tables["company"],
        connectwise=ConnectWiseSettings(site=connectwise["site"], company_id=connectwise["company_id"]),
        ledger=LedgerSettings(provider=ledger["provider"], tenant_id=ledger.get("tenant_id")),
        expenses=ExpenseSettings(**tables["expenses"]),
        payment_types=tuple(PaymentTypeRow(**row) for row in rows["payment_types"]),
        expense_types=tuple(ExpenseTypeRow(**row) for row in rows["expense_types"]),
        taxes=tuple(TaxRow(**row) for row in rows["taxes"]),
        members=tuple(MemberRow(**row) for row in rows["members"]),
        rules=tuple(_rules(rows["rules"])),
    )


def _secrets(tables: Mapping[str, Mapping[str, Any]]) -> Secrets:
    connectwise = tables["connectwise"]
    return Secrets(
        public_key=connectwise["public_key"],
        private_key=connectwise["private_key"],
        client_id=connectwise["client_id"],
        refresh_token=tables["ledger"].get("refresh_token"),
    )


def _plain(row: object, names: Sequence[str]) -> dict[str, Any]:
    return {name: value for name in names if (value := getattr(row, name)) is not None}


def _dump_expenses(expenses: ExpenseSettings) -> dict[str, Any]:
    """Every setting, defaults too, but what would be refused for want of an account when read back."""
    data = {name: getattr(expenses, name) for name in ExpenseSettings.__dataclass_fields__}
    for name in ("approval", "billing_statuses"):
        data[name] = ANY if data[name] is None else sorted(data[name])
    data["tracking"] = dict(expenses.tracking) or None
    if expenses.company_paid_as == "offset" and expenses.offset_account is None:
        del data["company_paid_as"]
    return {name: value for name, value in data.items() if value is not None}


def _dump_rule(rule: Rule) -> dict[str, Any]:
    data = _plain(rule, ("member", "payment_type", "action", "account"))
    days = {"from": rule.first_day, "to": rule.last_day}
    return data | {name: day for name, day in days.items() if day is not None}
