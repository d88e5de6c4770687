"""Setting up a pretend ConnectWise site, in the control API's words."""

from __future__ import annotations

from contextlib import AbstractContextManager
from decimal import Decimal
from typing import Any

from sandbox.connectwise_expenses import money
from sandbox.connectwise_site import KNOWN, Site
from sandbox.store import World
from sandbox.web import Json

CLASSIFICATIONS: list[Json] = [
    {"name": "Non-Reimbursable", "company": True, "default": True},
    {"name": "Reimbursable", "employee": True},
    {"name": "Personal"},
]
PAYMENT_TYPES: list[Json] = [
    {"name": "Corporate Amex", "company": True, "classification": "Non-Reimbursable"},
    {"name": "Company Visa Debit", "company": True, "classification": "Non-Reimbursable"},
    {"name": "Paid by employee", "company": False, "classification": "Reimbursable", "default": True},
]
EXPENSE_TYPES: list[Json] = [
    {"name": "Meals"},
    {"name": "Travel"},
    {"name": "Parts and Supplies"},
    {"name": "Mileage", "mileage": True, "rate": "0.88"},
    {"name": "Software"},
    {"name": "Accommodation"},
    {"name": "Entertainment"},
]
TAX_TYPES: list[Json] = [{"name": "GST"}]
COMPANIES: list[Json] = [
    {"identifier": "ACME", "name": "Acme MSP"},
    {"identifier": "Contoso", "name": "Contoso Ltd"},
    {"identifier": "Fabrikam", "name": "Fabrikam Inc"},
]


def configure_site(world: World, company: str, wish: Json) -> Site:
    """Make or change a site; raises ValueError naming what it does not know."""
    unknown = set(wish) - KNOWN
    if unknown:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(sorted(KNOWN))}")
    site = world.sites.get(company) or _new_site(world, company, wish)
    for name in ("name", "public_key", "private_key", "client_id", "is_cloud", "tier1", "tier2", "currency"):
        setattr(site, name, wish.get(name, getattr(site, name)))
    delivery = wish.get("delivery", {})
    site.delivery.configure(delivery)
    site.disable_after = delivery.get("disable_after", site.disable_after)
    for row in wish.get("classifications", []):
        _put(site, "classifications", _classification(row))
    for row in wish.get("payment_types", []):
        _put(site, "paymentTypes", _payment_type(site, row))
    for row in wish.get("expense_types", []):
        _put(site, "types", _expense_type(row))
    for row in wish.get("tax_types", []):
        _put(site, "taxTypes", {"name": row["name"], "inactive": bool(row.get("inactive", False))})
    for row in wish.get("companies", []):
        _put(site, "companies", {"identifier": row["identifier"], "name": row["name"]}, key="identifier")
    for row in wish.get("members", []):
        _put(site, "members", _member(site, row), key="identifier")
    if wish.get("upgrade"):
        site.upgrade(str(wish["upgrade"]))
    return site


def _new_site(world: World, company: str, wish: Json) -> Site:
    site = Site(company, world.clock, world.origin)

    def locked() -> AbstractContextManager[Any]:
        return world.lock

    site.watch(locked)
    stock: dict[str, list[Json]] = {
        "classifications": CLASSIFICATIONS,
        "payment_types": PAYMENT_TYPES,
        "expense_types": EXPENSE_TYPES,
        "tax_types": TAX_TYPES,
        "companies": COMPANIES,
    }
    world.sites[company] = site
    configure_site(world, company, {name: rows for name, rows in stock.items() if name not in wish})
    for code in ("AUD", "USD", "NZD", "EUR", "GBP", "JPY"):
        record = site.currency_of(code)
        site.tables["currencies"][record["id"]] = record
    return site


def _put(site: Site, table: str, record: Json, *, key: str = "name") -> None:
    for known in site.tables[table].values():
        if known[key] == record[key]:
            known.update({name: value for name, value in record.items() if value is not None})
            return
    site.add(table, record)


def _classification(row: Json) -> Json:
    return {
        "name": row["name"],
        "multiplier": Decimal("1.0"),
        "defaultFlag": bool(row.get("default", False)),
        "companyFlag": bool(row.get("company", False)),
        "employeeFlag": bool(row.get("employee", False)),
    }


def _payment_type(site: Site, row: Json) -> Json:
    class_ = site.named("classifications", row.get("classification", "Non-Reimbursable"))
    return {
        "name": row["name"],
        "classification": {"id": class_["id"], "name": class_["name"]},
        "defaultFlag": bool(row.get("default", False)),
        "companyFlag": bool(row.get("company", row.get("companyFlag", False))),
    }


def _expense_type(row: Json) -> Json:
    mileage = bool(row.get("mileage", row.get("mileageFlag", False)))
    return {
        "name": row["name"],
        "amountCaption": "Miles" if mileage else "Amount",
        "reimbursementRate": money(row.get("rate", row.get("reimbursementRate", "1"))),
        "billExpenses": "DoNotBill",
        "invoiceMarkupOption": "Mile" if mileage else "Amount",
        "invoiceMarkupAmount": Decimal("0.0"),
        "advancedAmountFlag": bool(row.get("advance", False)),
        "mileageFlag": mileage,
        "quantityFlag": bool(row.get("quantity", row.get("quantityFlag", False))),
        "inactiveFlag": bool(row.get("inactive", False)),
        "integrationXRef": row.get("xref", ""),
        "defaultFlag": bool(row.get("default", False)),
    }


def _member(site: Site, row: Json) -> Json:
    identifier = str(row["identifier"])
    if len(identifier) > 15:
        raise ValueError(f"member identifier {identifier} is longer than 15 characters")
    email = row.get("email", f"{identifier}@{site.company.replace('_', '-')}.example")
    return {
        "identifier": identifier,
        "firstName": row.get("first_name", identifier),
        "lastName": row.get("last_name", "Member"),
        "vendorNumber": row.get("vendor_number"),
        "employeeIdentifer": row.get("employee_identifier"),
        "licenseClass": "F",
        "hireDate": "2020-01-01T00:00:00Z",
        "officeEmail": email,
        "primaryEmail": email,
        "defaultEmail": "Office",
        "defaultPhone": "Office",
        "securityRole": {"id": 63, "name": "Member"},
        "inactiveFlag": bool(row.get("inactive", False)),
    }
