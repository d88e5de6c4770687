"""Mapping: which account, tax code and contact stands for what ConnectWise names, unmapped ones first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import abort, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from console.pages import pickers
from console.pages.blueprint import COMPANY, PageBlueprint
from console.pages.editing import save, settings_now, typed, version_now
from console.services import services
from mappers.company import CompanySettings
from mappers.entry import Site
from mappers.words import folded
from models import queries
from models.roles import ADMIN

HERE = f"{COMPANY}/mapping"
# The tables of the file, the key of their rows, and the causes of expenses that wait for a row.
KEYS = {"expense_types": "name", "taxes": "name", "payment_types": "name", "members": "identifier"}
CAUSES = {
    "expense_types": ("expense_type_unmapped", "account_unknown", "account_cannot_be_coded"),
    "taxes": ("tax_unmapped", "tax_unknown"),
    "payment_types": (),
    "members": ("contact_ambiguous", "contact_archived"),
}
FIELDS = {
    "expense_types": ("account", "tax", "billable_account"),
    "taxes": ("code",),
    "payment_types": ("company_paid",),
    "members": ("contact",),
}

blueprint = PageBlueprint("mapping", __name__, acts=ADMIN)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One thing that ConnectWise names. `values` is what the file says of it; none: nothing yet."""

    name: str
    text: str
    values: dict[str, str]
    is_there: bool = True  # at ConnectWise


@blueprint.app_template_test("cured_by_mapping")
def is_cured_here(cause: str | None) -> bool:
    """Whether expenses of this cause wait for a row of this page."""
    return any(cause in causes for causes in CAUSES.values())


@blueprint.reads(HERE)
def show(key: str) -> ResponseReturnValue:
    """Every table, unmapped rows first."""
    return render_template("mapping.html", **_context())


@blueprint.acts(f"{HERE}/<any(expense_types, taxes, payment_types, members):table>")
def save_row(key: str, table: str) -> ResponseReturnValue:
    """Maps one name; with nothing picked its row is taken out."""
    name = typed("name")
    if not name:
        abort(400, "The form names nothing to map. Go back to the page and press again.")
    problem = save(lambda tables: _put(tables, table, name), what="mapping")
    if problem is None:
        return redirect(url_for("mapping.show", key=key) + f"#{table}")
    return render_template("mapping.html", problem=problem, **_context()), 400


def _put(tables: dict[str, Any], table: str, name: str) -> None:
    """Puts the row of this name as the form says, in its place or at the end."""
    key, rows = KEYS[table], tables.setdefault(table, [])
    place = next((n for n, row in enumerate(rows) if folded(row[key]) == folded(name)), len(rows))
    values: dict[str, Any] = {field: typed(field) for field in FIELDS[table] if typed(field)}
    if "company_paid" in values:
        values["company_paid"] = values["company_paid"] == "yes"
    rows[place : place + 1] = [{key: name} | values] if values else []


def _context() -> dict[str, Any]:
    settings, lists = settings_now(), pickers.lists_of_company()
    with services().database.read() as session:
        causes = queries.list_causes(session, g.company.id)
    return {
        "version": version_now(),
        "lists": lists,
        "types": _types(settings, lists.site),
        "taxes": _rows(lists.site.tax_types if lists.site else (), _said(settings.taxes, "name", "code")),
        "payments": _payments(settings, lists.site),
        "members": _members(settings, lists.site),
        "accounts": lambda chosen: pickers.cost_accounts(lists.books, chosen),
        "codes": lambda chosen: pickers.tax_codes(lists.books, chosen),
        "have_own_tax": lists.books is None or any(account.tax_code for account in lists.books.accounts),
        "waiting": {table: [c for c in causes if c.cause in names] for table, names in CAUSES.items()},
    }


def _types(settings: CompanySettings, site: Site | None) -> list[Row]:
    said = _said(settings.expense_types, "name", *FIELDS["expense_types"])
    return _rows((t.name for t in site.expense_types.values() if t.active) if site else (), said)


def _payments(settings: CompanySettings, site: Site | None) -> list[Row]:
    own = {row.name: {"company_paid": "yes" if row.company_paid else "no"} for row in settings.payment_types}
    flags = {folded(t.name): t.company_paid for t in site.payment_types.values()} if site else {}
    found = (t.name for t in site.payment_types.values()) if site else ()
    return _rows(found, own, text=lambda name: _payer(flags.get(folded(name))), unmapped_first=False)


def _payer(company_paid: bool | None) -> str:
    """ConnectWise's own word for who pays."""
    return {True: "the company", False: "the member", None: "not known"}[company_paid]


def _members(settings: CompanySettings, site: Site | None) -> list[Row]:
    said = _said(settings.members, "identifier", "contact")
    people = {folded(m.identifier): m.name for m in site.members.values()} if site else {}
    active = (m.identifier for m in site.members.values() if m.active) if site else ()
    return _rows(active, said, text=lambda name: people.get(folded(name), ""), unmapped_first=False)


def _said(rows: Sequence[object], key: str, *names: str) -> dict[str, dict[str, str]]:
    """What the file says, by the row's key."""
    return {
        getattr(row, key): {name: getattr(row, name) for name in names if getattr(row, name)} for row in rows
    }


def _rows(
    found: Iterable[str],
    said: dict[str, dict[str, str]],
    *,
    text: Callable[[str], str] = lambda name: "",
    unmapped_first: bool = True,
) -> list[Row]:
    """What ConnectWise has and what the file says, under one name; then what only the file names."""
    by_name = {folded(name): values for name, values in said.items()}
    rows = [Row(name=name, text=text(name), values=by_name.pop(folded(name), {})) for name in found]
    rows += [
        Row(name=name, text=text(name), values=values, is_there=False)
        for name, values in said.items()
        if folded(name) in by_name
    ]
    return sorted(rows, key=lambda row: (unmapped_first and bool(row.values), folded(row.name)))
