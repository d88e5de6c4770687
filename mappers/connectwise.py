"""What ConnectWise PSA sends, read into our own words; the only mapper that knows its field names.

Field names: ConnectWise REST API, /expense/entries, /expense/reports and the tables beside them
(https://developer.connectwise.com/Products/ConnectWise_PSA/REST). Nulls are left out by the vendor or sent as
null; unknown keys appear with every release: both are tolerated, a missing id or a wrong type is not.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, pre_load

from mappers.entry import Entry, EntryTax, ExpenseType, Member, PaymentType, Report, Site
from mappers.money import decimals_of
from mappers.words import stock_word

# Statuses in which a report or entry is (again) not approved.
UNAPPROVED = frozenset(
    ("Open", "Rejected", "PendingApproval", "ErrorsCorrected", "PendingProjectApproval", "RejectBySecondTier")
)


class _Schema(Schema):
    class Meta:
        unknown = EXCLUDE

    @pre_load
    def drop_nulls(self, data: Any, **_newer: Any) -> Any:
        return {k: v for k, v in data.items() if v is not None} if isinstance(data, Mapping) else data


class _Day(fields.Field[dt.date]):
    """A calendar day sent as `YYYY-MM-DDT00:00:00Z`; shifting it by a time zone would change the day."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_newer: Any) -> dt.date:
        try:
            return dt.date.fromisoformat(str(value)[:10])
        except ValueError as error:
            raise ValidationError("not a calendar day") from error


def _money(**more: Any) -> fields.Decimal:
    return fields.Decimal(allow_nan=False, **more)


class _Record(fields.Field[dict[str, Any]]):
    """A record within another, of which a few plain values matter. Read in one step: a nested schema for each
    of the nine of an entry took most of the time of reading it."""

    def __init__(self, kinds: Mapping[str, type], *needed: str, required: bool = False) -> None:
        super().__init__(required=required or bool(needed))
        self.kinds = kinds
        self.needed = needed

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_newer: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise ValidationError("not a record")
        found = {name: value[name] for name in self.kinds if value.get(name) is not None}
        for name, one in found.items():
            if type(one) is not self.kinds[name]:
                raise ValidationError(f"{name} is not of the kind {self.kinds[name].__name__}")
        for name in self.needed:
            if not found.get(name):
                raise ValidationError(f"{name} is missing")
        return found


_REF = {"id": int, "identifier": str, "name": str}
_CURRENCY = {"currencyCode": str, "currencyIdentifier": str, "numberOfDecimals": int}


class _NamedRow(_Schema):
    id = fields.Integer(required=True)
    name = fields.String(required=True)


class _Tax(_Schema):
    amount = _money(load_default=Decimal(0))
    type = _Record(_REF, required=True)


class _EntrySchema(_Schema):
    id = fields.Integer(required=True)
    expenseReport = _Record(_REF)
    company = _Record(_REF)
    chargeToId = fields.Integer()
    chargeToType = fields.String()
    type = _Record(_REF, "id", "name")
    member = _Record(_REF, "identifier")
    paymentMethod = _Record(_REF)
    classification = _Record(_REF)
    amount = _money(load_default=Decimal(0))
    invoiceAmount = _money()
    billableOption = fields.String()
    date = _Day(required=True)
    locationId = fields.Integer()
    businessUnitId = fields.Integer()
    location = _Record(_REF)
    department = _Record(_REF)
    notes = fields.String(load_default="")
    taxes = fields.List(fields.Nested(_Tax), load_default=list)
    project = _Record(_REF)
    currency = _Record(_CURRENCY)
    status = fields.String(required=True)


class _ReportSchema(_Schema):
    id = fields.Integer(required=True)
    status = fields.String(required=True)


class _PaymentTypeSchema(_NamedRow):
    companyFlag = fields.Boolean(load_default=False)


class _ExpenseTypeSchema(_NamedRow):
    mileageFlag = fields.Boolean(load_default=False)
    reimbursementRate = _money()
    inactiveFlag = fields.Boolean(load_default=False)


class _MemberSchema(_Schema):
    identifier = fields.String(required=True)
    firstName = fields.String(load_default="")
    lastName = fields.String(load_default="")
    vendorNumber = fields.String(load_default="")
    officeEmail = fields.String(load_default="")
    primaryEmail = fields.String(load_default="")
    inactiveFlag = fields.Boolean(load_default=False)


class _TaxTypeSchema(_Schema):
    name = fields.String(required=True)


class _TimeExpenseSchema(_Schema):
    internalCompany = _Record(_REF)


class _AuditSchema(_Schema):
    id = fields.Integer(load_default=0)
    type = fields.String(load_default="")
    newValue = fields.String()
    value = fields.String()


# Made once: that takes five times as long as using them, and there are fifty entries in a batch.
_ENTRY, _REPORT, _AUDIT = _EntrySchema(), _ReportSchema(), _AuditSchema()


def to_entry(raw: Mapping[str, Any]) -> Entry:
    """One record of /expense/entries. Raises marshmallow's ValidationError when it is malformed (a bug)."""
    data = _ENTRY.load(raw)
    company, report = data.get("company", {}), data.get("expenseReport", {})
    payment, classification = data.get("paymentMethod", {}), data.get("classification", {})
    code = _currency_code(data.get("currency", {}))
    return Entry(
        id=data["id"],
        status=data["status"],
        member=data["member"]["identifier"],
        member_name=data["member"].get("name") or data["member"]["identifier"],
        expense_type=data["type"]["name"],
        expense_type_id=data["type"]["id"],
        payment_type=payment.get("name", ""),
        payment_type_id=payment.get("id"),
        classification=classification.get("name", ""),
        classification_id=classification.get("id"),
        amount=data["amount"],
        invoice_amount=data.get("invoiceAmount"),
        currency=code,
        currency_decimals=data.get("currency", {}).get("numberOfDecimals", decimals_of(code or "")),
        date=data["date"],
        report_id=report.get("id"),
        charge_to_type=data.get("chargeToType"),
        charge_to_id=data.get("chargeToId"),
        company_id=company.get("id"),
        company=company.get("identifier") or company.get("name"),
        company_name=company.get("name"),
        project=data.get("chargeToType") == "ProjectTicket" or "project" in data,
        location=data.get("location", {}).get("name"),
        location_id=data.get("locationId", data.get("location", {}).get("id")),
        department=data.get("department", {}).get("name"),
        department_id=data.get("businessUnitId", data.get("department", {}).get("id")),
        notes=data["notes"],
        billing_status=data.get("billableOption"),
        taxes=tuple(EntryTax(name=t["type"].get("name", ""), amount=t["amount"]) for t in data["taxes"]),
    )


def to_report(raw: Mapping[str, Any], *, was_approved: bool = False, second_tier: bool = False) -> Report:
    """One record of /expense/reports; the flags are what its audits proved, when they were read."""
    data = _REPORT.load(raw)
    return Report(id=data["id"], status=data["status"], was_approved=was_approved, second_tier=second_tier)


def to_site(tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> Site:
    """The site's tables: payment_types, classifications, expense_types, members, tax_types, time_expense
    (the one object of /system/myCompany/timeExpense), and, where read, locations and departments."""
    members = [_to_member(row) for row in _rows(tables, "members", _MemberSchema)]
    own = [row["internalCompany"] for row in _rows(tables, "time_expense", _TimeExpenseSchema) if row]
    return Site(
        payment_types={
            row["id"]: PaymentType(id=row["id"], name=row["name"], company_paid=row["companyFlag"])
            for row in _rows(tables, "payment_types", _PaymentTypeSchema)
        },
        classifications=_names(tables, "classifications"),
        expense_types={
            row["id"]: ExpenseType(
                id=row["id"],
                name=row["name"],
                mileage=row["mileageFlag"],
                rate=row.get("reimbursementRate"),
                active=not row["inactiveFlag"],
            )
            for row in _rows(tables, "expense_types", _ExpenseTypeSchema)
        },
        members={member.identifier: member for member in members},
        tax_types=tuple(row["name"] for row in _rows(tables, "tax_types", _TaxTypeSchema)),
        own_company_id=own[0].get("id") if own else None,
        locations=_names(tables, "locations"),
        departments=_names(tables, "departments"),
    )


def audits_prove_approval(audits: Sequence[Mapping[str, Any]], approval: frozenset[str]) -> bool:
    """Whether a report's audit trail shows it reaching a status of `approval` and not falling back since."""
    wanted, fallen = {stock_word(s) for s in approval}, {stock_word(s) for s in UNAPPROVED}
    proved = False
    for row in sorted(_AUDIT.load(audits, many=True), key=lambda row: int(row["id"])):
        status = stock_word(row.get("newValue") or row.get("value") or "")
        if row["type"] == "Status" and status in wanted:
            proved = True
        elif row["type"] == "Status" and status in fallen:
            proved = False
    return proved


def fingerprint(entry: Entry) -> str:
    """Sixteen hex digits that change when what would be posted changes, and not with the status or notes."""
    parts = [
        _plain(entry.amount),
        entry.date.isoformat(),
        entry.member.casefold(),
        entry.expense_type_id,
        entry.payment_type_id or entry.payment_type,
        entry.classification_id or entry.classification,
        entry.currency,
        sorted([tax.name, _plain(tax.amount)] for tax in entry.taxes),
        [entry.charge_to_type, entry.charge_to_id, entry.company_id, entry.project],
        [entry.location_id, entry.department_id],
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def _plain(amount: Decimal) -> str:
    return format(amount.normalize(), "f")


def _currency_code(currency: Mapping[str, Any]) -> str | None:
    code = str(currency.get("currencyCode") or currency.get("currencyIdentifier") or "").strip().upper()
    return code or None


def _to_member(row: Mapping[str, Any]) -> Member:
    return Member(
        identifier=row["identifier"],
        name=f"{row['firstName']} {row['lastName']}".strip() or row["identifier"],
        vendor_number=row["vendorNumber"].strip() or None,
        email=row["officeEmail"].strip() or row["primaryEmail"].strip() or None,
        active=not row["inactiveFlag"],
    )


def _rows(
    tables: Mapping[str, Sequence[Mapping[str, Any]]], name: str, schema: type[Schema]
) -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = schema().load(tables.get(name, ()), many=True)
    return loaded


def _names(tables: Mapping[str, Sequence[Mapping[str, Any]]], name: str) -> dict[int, str]:
    return {row["id"]: row["name"] for row in _rows(tables, name, _NamedRow)}
