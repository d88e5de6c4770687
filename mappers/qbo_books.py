"""QuickBooks' lists as the books in our own words, and links into its own pages.

https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/account (and taxcode, taxrate,
class, department, preferences, companyinfo, vendor).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from mappers.books import Account, Books, Contact, TaxCode, Tracking
from mappers.documents import Document
from mappers.exact import to_decimal
from mappers.qbo_answers import name_of, rows
from mappers.qbo_entities import BANK, CARD, CLASS, LOCATION, entity_of
from mappers.words import folded

Raw = Mapping[str, Any]
Lists = Mapping[str, Sequence[Raw]]

LISTS = (
    "CompanyInfo",
    "Preferences",
    "Account",
    "TaxCode",
    "TaxRate",
    "Class",
    "Department",
    "CompanyCurrency",
)
_UNCODED = frozenset(("Accounts Payable", "Accounts Receivable", "Non-Posting"))
_PAGES = {
    "Vendor": "vendordetail?nameId=",
    "Bill": "bill?txnId=",
    "VendorCredit": "vendorcredit?txnId=",
    "BillPayment": "billpayment?txnId=",
    "JournalEntry": "journal?txnId=",
    "Purchase": "expense?txnId=",
    "Deposit": "deposit?txnId=",
}
_TWO_LETTERS = {"USA": "US", "CAN": "CA", "GBR": "GB", "AUS": "AU", "NZL": "NZ", "UK": "GB"}


def to_books(lists: Lists) -> Books:
    """The books from these LISTS, by entity. Raises ValueError when they hold no company or preferences."""
    if not lists.get("CompanyInfo") or not lists.get("Preferences"):
        raise ValueError("QuickBooks' answer holds no company")
    company, preferences = lists["CompanyInfo"][0], lists["Preferences"][0]
    country = str(company.get("Country") or "")
    country = _TWO_LETTERS.get(country, country)
    base = _value(_part(preferences, "CurrencyPrefs").get("HomeCurrency")) or "USD"
    return Books(
        name=str(company.get("CompanyName") or company.get("LegalName") or ""),
        base_currency=base,
        currencies=_currencies(base, preferences, lists),
        accounts=tuple(_account(row) for row in lists.get("Account", ())),
        tax_codes=_tax_codes(country, preferences, lists),
        tracking=tuple(_tracking(preferences, lists)),
        locked_until=_day(_part(preferences, "AccountingInfoPrefs").get("BookCloseDate")),
        country=country,
        timezone=str(company.get("DefaultTimeZone") or ""),
    )


def to_contacts(vendors: Sequence[Raw], wanted: Sequence[Document]) -> dict[str, list[Contact]]:
    """Candidates by marker, active ones first: those with the wanted number, else those of the name (the same
    but for case and spaces), inactive ones too."""
    known = sorted(map(to_contact, vendors), key=lambda contact: not contact.active)
    candidates: dict[str, list[Contact]] = {}
    for each in wanted:
        numbered = [one for one in known if one.number and one.number == each.contact_number]
        name = folded(each.name.replace(":", " "))
        named = [one for one in known if one not in numbered and folded(one.name) == name]
        has_active = any(one.active for one in numbered)
        # By the name that was wanted: QuickBooks has no colons in names.
        named = [Contact(id=one.id, name=each.name, number=one.number, active=one.active) for one in named]
        candidates[each.marker] = numbered if has_active else named + numbered
    return candidates


def to_contact(vendor: Raw) -> Contact:
    """A vendor as a contact, without the mark that QuickBooks adds to an inactive one's name."""
    name = str(vendor.get("DisplayName") or "")
    return Contact(
        id=str(vendor.get("Id") or ""),
        name=name if folded(name) == name_of(vendor) else name[: name.lower().rindex("(deleted)")].strip(),
        number=str(vendor.get("AcctNum") or "").strip() or None,
        active=vendor.get("Active") is not False,
    )


def deep_link(document: Document, remote_id: str) -> str:
    """The address of a document in QuickBooks; it opens in the company that the person is signed in to."""
    return f"https://app.qbo.intuit.com/app/{_PAGES[entity_of(document)]}{quote(remote_id, safe='')}"


def _currencies(base: str, preferences: Raw, lists: Lists) -> tuple[str, ...]:
    if _part(preferences, "CurrencyPrefs").get("MultiCurrencyEnabled") is not True:
        return (base,)
    codes = [
        str(row["Code"])
        for row in lists.get("CompanyCurrency", ())
        if row.get("Code") and row.get("Active") is not False
    ]
    return tuple(dict.fromkeys((base, *codes)))


def _account(row: Raw) -> Account:
    """A payment comes from a bank account or a card; lines go to any other account but receivables and
    payables, which want a customer or vendor and documents of their own."""
    kind, short = str(row.get("AccountType") or ""), str(row.get("Name") or "")
    name = str(row.get("FullyQualifiedName") or short)
    active, is_bank = row.get("Active") is not False, kind in (BANK, CARD)
    return Account(
        id=str(row.get("Id") or ""),
        code=str(row.get("AcctNum") or ""),
        name=name,
        short_name=short if short != name else "",
        type=kind,
        active=active,
        can_code=active and not is_bank and kind not in _UNCODED,
        can_pay=active and is_bank,
        is_bank=is_bank,
        tax_code=_value(row.get("TaxCodeRef")),
        currency=_value(row.get("CurrencyRef")),
        system=kind if kind in _UNCODED else None,
    )


def _tax_codes(country: str, preferences: Raw, lists: Lists) -> tuple[TaxCode, ...]:
    """None where purchases carry no tax: in the United States, and where sales tax is switched off."""
    if country == "US" or _part(preferences, "TaxPrefs").get("UsingSalesTax") is False:
        return ()
    rates = {str(row.get("Id")): to_decimal(row.get("RateValue")) or Decimal(0) for row in lists["TaxRate"]}
    return tuple(_tax_code(row, rates) for row in lists.get("TaxCode", ()))


def _tax_code(row: Raw, known: Mapping[str, Decimal]) -> TaxCode:
    """A code without purchase rates can't be used on bills; one with tax on tax is more than we reckon."""
    details = rows(_part(row, "PurchaseTaxRateList"), "TaxRateDetail")
    ids = [rate for detail in details if (rate := _value(detail.get("TaxRateRef")))]
    plain = all(detail.get("TaxTypeApplicable", "TaxOnAmount") == "TaxOnAmount" for detail in details)
    usable = bool(ids) and plain and all(rate in known for rate in ids)
    rates = tuple((rate, known.get(rate, Decimal(0))) for rate in ids)
    return TaxCode(
        code=str(row.get("Id") or ""),
        name=str(row.get("Name") or ""),
        rate=sum((percent for _, percent in rates), Decimal(0)),
        active=row.get("Active") is not False,
        on_expenses=usable,
        on_liabilities=usable,
        rates=rates,
    )


def _tracking(preferences: Raw, lists: Lists) -> list[Tracking]:
    """Classes and locations, as far as the company has them switched on."""
    prefs = _part(preferences, "AccountingInfoPrefs")
    found = []
    if prefs.get("ClassTrackingPerTxnLine") is not False:
        found.append(_options(CLASS, "Class", lists.get("Class", ())))
    if prefs.get("TrackDepartments") is not False:
        found.append(_options(LOCATION, "Location", lists.get("Department", ())))
    return [tracking for tracking in found if tracking.options]


def _options(category: str, name: str, some: Sequence[Raw]) -> Tracking:
    """By full name, and by a sub-class's own where only one has it."""
    active = [row for row in some if row.get("Active") is not False]
    own = [str(row.get("Name") or "") for row in active]
    options = {
        str(row["Name"]): str(row.get("Id"))
        for row in active
        if row.get("Name") and own.count(row["Name"]) == 1
    }
    options |= {
        str(row["FullyQualifiedName"]): str(row.get("Id")) for row in active if row.get("FullyQualifiedName")
    }
    return Tracking(id=category, name=name, options=tuple(options.items()))


def _part(row: Raw, name: str) -> Raw:
    part = row.get(name)
    return part if isinstance(part, dict) else {}


def _value(reference: object) -> str | None:
    return str(reference["value"]) if isinstance(reference, dict) and reference.get("value") else None


def _day(text: object) -> dt.date | None:
    try:
        return dt.date.fromisoformat(str(text)[:10]) if text else None
    except ValueError:
        return None
