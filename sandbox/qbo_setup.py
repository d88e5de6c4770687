"""Setting up a pretend QuickBooks company, in the control API's words."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sandbox import qbo_chart
from sandbox.qbo_company import Company, account_record, ref
from sandbox.store import World
from sandbox.web import Json

KNOWN = {
    "realm_id", "name", "country", "home_currency", "multicurrency", "currencies", "rates", "accounts",
    "replace_accounts", "vendors", "customers", "employees", "tax", "classes", "departments", "preferences",
    "book_close_date", "book_close_password", "subscription_active", "limits", "shuffle_answers",
    "latency_seconds", "drop_links", "requestid_seconds",
}  # fmt: skip


def configure_company(world: World, wish: Json) -> Company:
    """Make or change a company; raises ValueError naming what it does not know."""
    unknown = set(wish) - KNOWN
    if unknown:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(sorted(KNOWN))}")
    realm, now = str(wish.get("realm_id") or 9341453000000001 + len(world.qbo_companies)), world.clock.now()
    company = world.qbo_companies.get(realm) or _new_company(realm, wish, now=now)
    _settings(company, wish)
    for code in wish.get("currencies", []):
        _currency(company, str(code), now=now)
    for row in wish.get("accounts", []):
        _account(company, row, now=now)
    for row in wish.get("tax", []):
        _tax(company, row, now=now)
    for kind, rows in (("Vendor", "vendors"), ("Customer", "customers"), ("Employee", "employees")):
        for row in wish.get(rows, []):
            _party(company, kind, row, now=now)
    for kind, rows in (("Class", "classes"), ("Department", "departments")):
        for row in wish.get(rows, []):
            _listed(company, kind, row, now=now)
    world.qbo_companies[realm] = company
    return company


def _new_company(realm: str, wish: Json, *, now: datetime) -> Company:
    country = str(wish.get("country", "AU"))
    home = str(wish.get("home_currency") or qbo_chart.COUNTRIES.get(country, "AUD"))
    company = Company(realm, country=country, home=home)
    for row in qbo_chart.SYSTEM_ACCOUNTS:
        record = account_record(company, {**row, "system": row["name"]})
        company.add("Account", record, now=now)
    for row in [] if wish.get("replace_accounts") else qbo_chart.ACCOUNTS:
        _account(company, row, now=now)
    for row in [] if "tax" in wish else qbo_chart.TAX.get(country, []):
        _tax(company, row, now=now)
    return company


def _settings(company: Company, wish: Json) -> None:
    for name in ("name", "multicurrency", "book_close_password", "subscription_active", "shuffle_answers"):
        setattr(company, name, wish.get(name, getattr(company, name)))
    for name in ("country", "home_currency"):
        own = company.country if name == "country" else company.home
        if wish.get(name, own) != own:
            raise ValueError(f"{name} is fixed when a company is made")
    company.latency_seconds = float(wish.get("latency_seconds", company.latency_seconds))
    company.drop_links = int(wish.get("drop_links", company.drop_links))
    company.replays.kept_seconds = float(wish.get("requestid_seconds", company.replays.kept_seconds))
    company.rates |= {code: Decimal(str(rate)) for code, rate in wish.get("rates", {}).items()}
    if "book_close_date" in wish:
        text = wish["book_close_date"]
        company.book_close_date = date.fromisoformat(text) if text else None
    chosen: Json = wish.get("preferences", {})
    unknown = set(chosen) - set(company.preferences)
    if unknown:
        known = ", ".join(company.preferences)
        raise ValueError(f"unknown preference: {', '.join(sorted(unknown))}; known: {known}")
    company.preferences |= {name: bool(value) for name, value in chosen.items()}
    company.sync_token += 1
    company.limits.configure(wish.get("limits", {}))


def _account(company: Company, row: Json, *, now: datetime) -> None:
    """An account, new or changed: naming an id, a name or a number that is known changes that one."""
    known = company.account_by_name(str(row.get("id") or row.get("name") or row.get("number")))
    if known is None:
        company.add("Account", account_record(company, row), now=now)
        return
    before = {
        "id": known["Id"],
        "name": known["Name"],
        "type": known["AccountType"],
        "subtype": known["AccountSubType"],
        "number": known["AcctNum"],
        "active": known["Active"],
        "currency": known["CurrencyRef"]["value"],
        "system": known["_system"],
    }
    known.update(account_record(company, {**before, **row}))
    company.touch(known, now=now)


def _currency(company: Company, code: str, *, now: datetime) -> None:
    """Another currency in which the company keeps books; whoever is set up in one brings it along."""
    if code != company.home and all(
        row["Code"] != code for row in company.tables["CompanyCurrency"].values()
    ):
        fields = {"Code": code, "Name": qbo_chart.CURRENCY_NAMES.get(code, code), "Active": True}
        company.add("CompanyCurrency", fields, now=now)


def _tax(company: Company, row: Json, *, now: datetime) -> None:
    """A tax code with its purchase rates; a code of the same name is replaced."""
    rates = row.get("rates") or [{"name": row["name"], "rate": row["rate"]}]
    details: list[Json] = []
    for place, rate in enumerate(rates):
        record = {
            "Name": f"{rate['name']} (purchases)",
            "Description": str(rate["name"]),
            "Active": True,
            "RateValue": Decimal(str(rate["rate"])),
            "SpecialTaxType": "NONE" if Decimal(str(rate["rate"])) else "ZERO_RATE",
            "DisplayType": "ReadOnly",
        }
        made = company.add("TaxRate", record, now=now)
        details.append({"TaxRateRef": ref(made), "TaxTypeApplicable": "TaxOnAmount", "TaxOrder": place})
    fields: Json = {
        "Name": str(row["name"]),
        "Description": str(row["name"]),
        "Active": bool(row.get("active", True)),
        "Taxable": True,
        "TaxGroup": True,
        "PurchaseTaxRateList": {"TaxRateDetail": details},
        "SalesTaxRateList": {"TaxRateDetail": []},
    }
    for known in company.tables["TaxCode"].values():
        if known["Name"] == fields["Name"]:
            known.update(fields)
            company.touch(known, now=now)
            return
    company.add("TaxCode", {**fields, "Id": row.get("id")}, now=now)


def _party(company: Company, kind: str, row: Json, *, now: datetime) -> None:
    text = str(row["name"])
    _currency(company, str(row.get("currency") or company.home), now=now)
    fields: Json = {
        "DisplayName": text,
        "PrintOnCheckName": text,
        "Active": bool(row.get("active", True)),
        "CurrencyRef": company.currency_ref(str(row.get("currency") or company.home)),
    }
    if kind == "Vendor":
        fields["AcctNum"] = str(row["number"]) if row.get("number") else None
    if row.get("email"):
        fields["PrimaryEmailAddr"] = {"Address": str(row["email"])}
    body = {name: value for name, value in fields.items() if value is not None}
    _put(company, kind, {**fields, "_body": body}, row, label="DisplayName", now=now)


def _listed(company: Company, kind: str, row: Any, *, now: datetime) -> None:
    wish: Json = row if isinstance(row, dict) else {"name": row}
    text = str(wish["name"])
    active = bool(wish.get("active", True))
    fields = {"Name": text, f"Sub{kind}": False, "FullyQualifiedName": text, "Active": active}
    _put(company, kind, {**fields, "_body": {"Name": text}}, wish, label="Name", now=now)


def _put(company: Company, kind: str, fields: Json, wish: Json, *, label: str, now: datetime) -> None:
    for known in company.tables[kind].values():
        if known["Id"] == str(wish.get("id") or "") or known[label] == fields[label]:
            known.update(fields)
            company.touch(known, now=now)
            return
    company.add(kind, {**fields, "Id": str(wish["id"]) if wish.get("id") else None}, now=now)
