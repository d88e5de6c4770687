"""Expense entries and reports: made by members, moved through the approval states report by report."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.connectwise_site import Site, day_text
from sandbox.web import Json

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
AFTER_APPROVAL = ("ReadyToBill", "Billed", "WrittenOff", "BilledAgreement")
APPROVED = ("ApprovedByTierOne", "ApprovedByTierTwo")
WISHES = {
    "type", "payment_type", "classification", "amount", "date", "currency", "taxes", "company",
    "charge_to_type", "charge_to_id", "project", "ticket", "agreement", "notes", "status", "invoice_amount",
    "billable", "location_id", "business_unit_id", "odometer_start", "odometer_end",
}  # fmt: skip


def money(value: Any) -> Decimal:
    """A decimal from text or number of at most 15 digits; raises ValueError."""
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f"{value!r} is not an amount") from None
    if not amount.is_finite() or len(amount.as_tuple().digits) > 15:
        raise ValueError(f"{value!r} is not an amount that ConnectWise could hold")
    return amount


def create_report(site: Site, *, member: Json, start: date, end: date, year: int | None = None) -> Json:
    """A new open report of one member."""
    return site.add(
        "reports",
        {
            "member": site.member_ref(member),
            "year": year or start.year,
            "period": start.isocalendar().week,
            "dateStart": start.isoformat(),
            "dateEnd": end.isoformat(),
            "status": "Open",
            "total": Decimal("0.00"),
            "dueDate": end.isoformat(),
            "_info": site.info(member["identifier"]),
        },
    )


def report_for(site: Site, *, member: Json, day: date) -> Json:
    """The member's open report of that week, made when there is none."""
    start, end = site.week_of(day)
    for report in site.rows("reports"):
        same = report["member"]["id"] == member["id"] and report["dateStart"] == start.isoformat()
        if same and report["status"] not in APPROVED:
            return report
    return create_report(site, member=member, start=start, end=end)


def create_entry(site: Site, report: Json, wish: Json, *, member: Json, silent: bool = False) -> Json:
    """A new entry in the control API's words; raises ValueError naming what is wrong."""
    unknown = set(wish) - WISHES
    if unknown:
        raise ValueError(
            f"unknown in an entry: {', '.join(sorted(unknown))}; known: {', '.join(sorted(WISHES))}"
        )
    entry = site.add("entries", {**fields_of(site, wish), **_ownership(site, report, member)})
    site.entries_by_report.setdefault(report["id"], {})[entry["id"]] = entry
    report["total"] += entry["amount"]
    site.save_entry(entry, action="added", member=member["identifier"], silent=silent)
    return entry


def _ownership(site: Site, report: Json, member: Json) -> Json:
    name = f"{report['dateStart']} to {report['dateEnd']}"
    href = {"expenseReport_href": site.href(f"/expense/reports/{report['id']}")}
    return {
        "expenseReport": {"id": report["id"], "name": name, "_info": href},
        "member": site.member_ref(member),
    }


def fields_of(site: Site, wish: Json) -> Json:
    """An entry's own fields from the control API's words, with what ConnectWise fills in."""
    kind = site.named("types", wish["type"])
    method = site.named("paymentTypes", wish["payment_type"])
    default = (method.get("classification") or {}).get("name", "Non-Reimbursable")
    class_ = site.named("classifications", wish.get("classification") or default)
    amount = money(wish.get("amount", "0"))
    status = wish.get("status") or "Open"
    if status not in STATUSES:
        raise ValueError(f"status {status} is unknown; known: {', '.join(STATUSES)}")
    invoiced = (
        money(wish["invoice_amount"]) if wish.get("invoice_amount") is not None else _invoiced(kind, amount)
    )
    fields: Json = {
        "type": _ref(site, "types", kind, "type"),
        "paymentMethod": _ref(site, "paymentTypes", method, "method"),
        "classification": _ref(site, "classifications", class_, "classification"),
        "amount": amount,
        "billableOption": "Billable" if wish.get("billable") else "DoNotBill",
        "date": day_text(date.fromisoformat(str(wish["date"])[:10])),
        "locationId": wish.get("location_id", 2),
        "businessUnitId": wish.get("business_unit_id", 7),
        "notes": _stored_text(wish.get("notes")),
        "invoiceAmount": invoiced,
        "billAmount": invoiced,
        "agreementAmount": Decimal("0.0"),
        "currency": site.currency_of(wish.get("currency") or site.currency),
        "taxes": _taxes(site, wish.get("taxes")),
        "odometerStart": wish.get("odometer_start"),
        "odometerEnd": wish.get("odometer_end"),
        "status": status,
        "_pinned": "status" in wish or None,
    }
    return {**fields, **_charged_to(site, wish)}


def _invoiced(kind: Json, amount: Decimal) -> Decimal:
    return amount * kind.get("reimbursementRate", Decimal(1)) if kind.get("mileageFlag") else amount


def _stored_text(text: Any) -> str | None:
    """ConnectWise keeps line breaks as a space and tabs as four."""
    if text is None:
        return None
    return str(text).replace("\r", " ").replace("\n", " ").replace("\t", "    ")


def _ref(site: Site, table: str, record: Json, name: str) -> Json:
    href = {f"{name}_href": site.href(f"/expense/{table}/{record['id']}")}
    return {"id": record["id"], "name": record["name"], "_info": href}


def _taxes(site: Site, given: Any) -> list[Json] | None:
    if not given:
        return None
    taxes = []
    for number, tax in enumerate(given, start=1):
        kind = site.named("taxTypes", tax["type"])
        taxes.append(
            {"id": number, "amount": money(tax["amount"]), "type": {"id": kind["id"], "name": kind["name"]}}
        )
    return taxes


def _charged_to(site: Site, wish: Json) -> Json:
    own = next(iter(site.rows("companies")))
    company = (
        site.named("companies", wish["company"], field_name="identifier") if wish.get("company") else own
    )
    charged: Json = {"company": {name: company[name] for name in ("id", "identifier", "name")}}
    kind = wish.get("charge_to_type") or ("ChargeCode" if company is own else "Company")
    charged |= {"chargeToType": kind, "chargeToId": wish.get("charge_to_id", 9)}
    for name in ("project", "ticket", "agreement"):
        given = wish.get(name)
        if given is not None:
            known = given if isinstance(given, dict) else {"id": 1, "name": str(given)}
            charged[name] = (
                {"summary": known.pop("name"), **known} if name == "ticket" and "name" in known else known
            )
    return charged


def _retotal(site: Site, report: Json) -> None:
    report["total"] = sum((entry["amount"] for entry in entries_of(site, report["id"])), Decimal("0.00"))


def entries_of(site: Site, report_id: int) -> list[Json]:
    """The entries of one report."""
    return list(site.entries_by_report.get(report_id, {}).values())


def move_report(site: Site, report: Json, status: str, *, member: str, silent: bool = False) -> int:
    """Give a report and its entries a status and call back about each entry; how many entries."""
    _move(site, "reports", report, status, member=member)
    moved = 0
    for entry in entries_of(site, report["id"]):
        if entry["status"] not in AFTER_APPROVAL and not (
            entry.get("_pinned") and status == "PendingApproval"
        ):
            _move(site, "entries", entry, status, member=member)
        site.save_entry(entry, action="updated", member=member, silent=silent)
        moved += 1
    return moved


def _move(site: Site, table: str, record: Json, status: str, *, member: str) -> None:
    old, record["status"] = record["status"], status
    if table == "reports":
        record["_info"] = site.info(member)
    site.audit(owner=table, record_id=record["id"], member=member, old=old, new=status)


def approved_status(site: Site, *, tier: int) -> str:
    """The status that an approval of this tier gives; raises ValueError for a tier the site does not use."""
    if tier not in (1, 2) or (tier == 2 and not site.tier2):
        raise ValueError(f"tier {tier} is not in use on this site")
    return APPROVED[tier - 1]


def edit_entry(
    site: Site, entry: Json, changes: Json, *, member: str, silent: bool = False, whole: bool = False
) -> None:
    """Change an entry in the control API's words; raises ValueError naming what is wrong.

    With `whole` the changes are the entire entry, and what they leave out is emptied.
    """
    unknown = set(changes) - WISHES
    if unknown:
        raise ValueError(
            f"unknown in an entry: {', '.join(sorted(unknown))}; known: {', '.join(sorted(WISHES))}"
        )
    fields = fields_of(site, changes if whole else {**_wish_of(entry, changes), **changes})
    fields["_pinned"] = entry.get("_pinned") or ("status" in changes and not whole) or None
    if "status" in changes and fields["status"] != entry["status"]:
        site.audit(
            owner="entries", record_id=entry["id"], member=member, old=entry["status"], new=fields["status"]
        )
    kept = {name: entry[name] for name in ("id", "expenseReport", "member")}
    entry.clear()
    entry.update(kept | {name: value for name, value in fields.items() if value is not None})
    _retotal(site, site.tables["reports"][entry["expenseReport"]["id"]])
    site.save_entry(entry, action="updated", member=member, silent=silent)


def _wish_of(entry: Json, changes: Json) -> Json:
    wish = {
        "type": entry["type"]["name"],
        "payment_type": entry["paymentMethod"]["name"],
        "classification": entry["classification"]["name"],
        "amount": entry["amount"],
        "date": entry["date"][:10],
        "currency": entry["currency"]["currencyCode"],
        "company": entry["company"]["identifier"],
        "charge_to_type": entry["chargeToType"],
        "charge_to_id": entry["chargeToId"],
        "notes": entry.get("notes"),
        "status": entry["status"],
        "billable": entry["billableOption"] == "Billable",
        "location_id": entry["locationId"],
        "business_unit_id": entry["businessUnitId"],
    }
    if "amount" not in changes:
        wish["invoice_amount"] = entry["invoiceAmount"]
    for name in ("project", "ticket", "agreement"):
        if name in entry:
            wish[name] = dict(entry[name])
    if entry.get("taxes"):
        wish["taxes"] = [{"type": tax["type"]["name"], "amount": tax["amount"]} for tax in entry["taxes"]]
    return wish


def delete_entry(site: Site, entry: Json, *, member: str, silent: bool = False) -> None:
    """Remove an entry."""
    del site.tables["entries"][entry["id"]]
    report = site.tables["reports"][entry["expenseReport"]["id"]]
    del site.entries_by_report[report["id"]][entry["id"]]
    _retotal(site, report)
    site.save_entry(entry, action="deleted", member=member, silent=silent)
