"""Vendors, accounts, classes and locations: the lists that the API may add to and change
(https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/vendor).

A display name is unique among vendors, customers and employees together. Nothing is deleted: a record is made
inactive, and its name then ends in "(deleted)", so that the name is free again.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sandbox.qbo_chart import ACCOUNT_TYPES
from sandbox.qbo_company import PEOPLE, Company, account_record, ref
from sandbox.qbo_documents import choice
from sandbox.qbo_fields import OUTPUT, known_only
from sandbox.qbo_wire import Fault, business, given, reference, required, too_long
from sandbox.web import Json

GONE = " (deleted)"
PARTS = ("Title", "GivenName", "MiddleName", "FamilyName", "Suffix")
VENDOR = OUTPUT | set(PARTS) | {
    "DisplayName", "CompanyName", "PrintOnCheckName", "Active", "AcctNum", "CurrencyRef", "PrimaryEmailAddr",
    "PrimaryPhone", "AlternatePhone", "Mobile", "Fax", "WebAddr", "BillAddr", "ShipAddr", "OtherContactInfo",
    "TermRef", "TaxIdentifier", "Vendor1099", "APAccountRef", "Notes", "BusinessNumber", "HasTPAR",
    "TaxCountry", "GSTIN", "GSTRegistrationType", "TaxReportingBasis", "BillRate", "CostRate",
    "VendorPaymentBankDetail",
    "T4AEligible", "T5018Eligible", "Source", "Organization", "ContactName", "AltContactName",
}  # fmt: skip
ACCOUNT = OUTPUT | {
    "Name", "AccountType", "AccountSubType", "AcctNum", "Active", "Description", "CurrencyRef", "ParentRef",
    "SubAccount", "FullyQualifiedName", "Classification", "CurrentBalance", "CurrentBalanceWithSubAccounts",
    "TaxCodeRef", "AccountAlias", "TxnLocationType",
}  # fmt: skip
LISTED = OUTPUT | {
    "Name",
    "Active",
    "ParentRef",
    "FullyQualifiedName",
    "SubClass",
    "SubDepartment",
    "Address",
}
SHOWN = VENDOR - OUTPUT - {"DisplayName", "Active", "CurrencyRef"}


def name_taken(identity: str, kind: str) -> Fault:
    """Code 6240."""
    title = "Duplicate Name Exists Error"
    text = f"The name supplied already exists. : Another {kind.lower()} is already using this name."
    return Fault("6240", title, f"{text} Please use a different name. Id={identity}")


def check_name(company: Company, kinds: tuple[str, ...], label: str, text: str, *, own: str | None) -> None:
    """Raises Fault 6240 when another record of these kinds has the name, in any case."""
    for kind in kinds:
        for record in company.tables[kind].values():
            if record[label].lower() == text.lower() and record["Id"] != own:
                raise name_taken(record["Id"], kind)


def vendor(company: Company, body: Json, *, now: datetime, own: str | None = None) -> Json:
    """The fields of a vendor; raises Fault."""
    known_only(body, VENDOR)
    parts = [str(body[name]) for name in PARTS if given(body, name)]
    text = str(given(body, "DisplayName") or " ".join(parts)).strip()
    if not text:
        raise required("DisplayName")
    if len(text) > 500:
        raise too_long("DisplayName", 500)
    if any(sign in text for sign in ":\t\n"):
        detail = "DisplayName may hold no colon, tab or new line"
        raise Fault("2040", "Invalid String", detail, element="DisplayName")
    active, text = _activity(body, text)
    check_name(company, PEOPLE, "DisplayName", text, own=own)
    return {
        "PrintOnCheckName": text,
        **{name: body[name] for name in SHOWN if given(body, name) is not None},
        "DisplayName": text,
        "Active": active,
        "CurrencyRef": company.currency_ref(_currency(company, body, own)),
    }


def _currency(company: Company, body: Json, own: str | None) -> str:
    """A vendor's currency, fixed when it is made."""
    named = reference(body, "CurrencyRef") or company.home
    if own is not None:
        before = company.tables["Vendor"][own]["CurrencyRef"]["value"]
        if reference(body, "CurrencyRef") not in (None, before):
            raise business("The currency of a vendor cannot be changed.")
        return str(before)
    if not company.has_currency(named):
        text = f"{named} is not one of this company"
        raise Fault("2220", "Invalid currency", text, element="CurrencyRef")
    return named


def _activity(body: Json, text: str) -> tuple[bool, str]:
    """Whether the record is active, and the name that goes with it."""
    active = body.get("Active") is not False
    plain = text.removesuffix(GONE)
    return active, plain if active else plain + GONE


def account(company: Company, body: Json, *, now: datetime, own: str | None = None) -> Json:
    """The fields of an account; raises Fault."""
    known_only(body, ACCOUNT)
    text = str(given(body, "Name") or "").strip()
    if not text:
        raise required("Name")
    if len(text) > 100:
        raise too_long("Name", 100)
    kind = given(body, "AccountType") or _type_of(given(body, "AccountSubType"))
    choice(kind, known=tuple(ACCOUNT_TYPES), element="AccountType")
    active, text = _activity(body, text)
    check_name(company, ("Account",), "Name", text, own=own)
    wish = {
        "name": text,
        "type": kind,
        "subtype": given(body, "AccountSubType"),
        "number": given(body, "AcctNum"),
        "active": active,
        "currency": reference(body, "CurrencyRef"),
    }
    made = account_record(company, wish)
    system = company.tables["Account"][own]["_system"] if own else None
    return {**made, "Description": given(body, "Description"), "_system": system}


def _type_of(subtype: Any) -> str | None:
    return next((kind for kind, (_, known) in ACCOUNT_TYPES.items() if known == subtype), None)


def listed(company: Company, kind: str, body: Json, *, own: str | None = None) -> Json:
    """The fields of a class or a location; raises Fault."""
    known_only(body, LISTED)
    text = str(given(body, "Name") or "").strip()
    if not text:
        raise required("Name")
    if len(text) > 100:
        raise too_long("Name", 100)
    active, text = _activity(body, text)
    parent_id = reference(body, "ParentRef")
    parent = company.use(kind, parent_id) if parent_id else None
    full = f"{parent['FullyQualifiedName']}:{text}" if parent else text
    check_name(company, (kind,), "FullyQualifiedName", full, own=own)
    return {
        "Name": text,
        f"Sub{kind}": parent is not None,
        "ParentRef": ref(parent) if parent else None,
        "FullyQualifiedName": full,
        "Active": active,
    }
