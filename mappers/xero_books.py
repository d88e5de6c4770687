"""Xero's lists as the books in our own words, and links into Xero's own pages.

https://developer.xero.com/documentation/api/accounting/accounts (and organisation, taxrates,
trackingcategories, currencies, contacts).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from mappers.books import Account, Books, Contact, TaxCode, Tracking
from mappers.documents import BILL, CONTACT, CREDIT_NOTE, SPEND
from mappers.exact import to_decimal
from mappers.xero_answers import is_id, rows, to_day

Raw = Mapping[str, Any]

_PAGES = {
    BILL: "/AccountsPayable/Edit.aspx?InvoiceID=",
    CREDIT_NOTE: "/AccountsPayable/ViewCreditNote.aspx?creditNoteID=",
    SPEND: "/Bank/ViewTransaction.aspx?bankTransactionID=",
    CONTACT: "/Contacts/View/",
}


def to_books(organisation: Raw, accounts: Raw, tax_rates: Raw, tracking: Raw, currencies: Raw) -> Books:
    """The books from the answers of the five lists. Raises ValueError when they hold no organisation."""
    found = rows(organisation, "Organisations")
    if not found or not found[0].get("BaseCurrency"):
        raise ValueError("Xero's answer holds no organisation")
    own = found[0]
    locks = [day for name in ("PeriodLockDate", "EndOfYearLockDate") if (day := to_day(own, name))]
    base = str(own["BaseCurrency"])
    return Books(
        name=str(own.get("Name") or ""),
        base_currency=base,
        currencies=_currencies(base, currencies),
        accounts=tuple(_account(row) for row in rows(accounts, "Accounts") if row.get("Status") != "DELETED"),
        tax_codes=tuple(
            _tax_code(row) for row in rows(tax_rates, "TaxRates") if row.get("Status") != "DELETED"
        ),
        tracking=tuple(
            _tracking(row)
            for row in rows(tracking, "TrackingCategories")
            if row.get("Status", "ACTIVE") == "ACTIVE"
        ),
        locked_until=max(locks, default=None),
        country=str(own.get("CountryCode") or ""),
        timezone=str(own.get("Timezone") or ""),
        short_code=str(own.get("ShortCode") or ""),
    )


def to_contacts(answer: Raw) -> list[Contact]:
    """The contacts in an answer; `number` is the account number that people see in Xero."""
    return [
        Contact(
            id=str(row["ContactID"]),
            name=str(row.get("Name") or ""),
            number=str(row.get("AccountNumber") or "").strip() or None,
            active=row.get("ContactStatus", "ACTIVE") == "ACTIVE",
        )
        for row in rows(answer, "Contacts")
        if is_id(row.get("ContactID"))
    ]


def deep_link(books: Books, kind: str, remote_id: str) -> str | None:
    """The address of a document in Xero, opened in the right organisation; None for kinds without a page.

    https://developer.xero.com/documentation/guides/how-to-guides/deep-link-xero"""
    page = _PAGES.get(kind)
    if page is None:
        return None
    address = page + quote(remote_id, safe="-")
    if not books.short_code:
        return f"https://go.xero.com{address}"
    return (
        f"https://go.xero.com/organisationlogin/default.aspx?shortcode={quote(books.short_code, safe='!')}"
        f"&redirecturl={quote(address, safe='/')}"
    )


def _currencies(base: str, currencies: Raw) -> tuple[str, ...]:
    codes = (str(row["Code"]) for row in rows(currencies, "Currencies") if row.get("Code"))
    return tuple(dict.fromkeys((base, *codes)))


def _account(row: Raw) -> Account:
    """A line may go to any account that is neither a bank account nor kept by Xero for itself; a payment may
    come from a bank account (or card) and from those with payments enabled."""
    is_bank = row.get("Type") == "BANK"
    active = row.get("Status", "ACTIVE") == "ACTIVE"
    system = str(row.get("SystemAccount") or "") or None
    return Account(
        id=str(row["AccountID"]),
        code=str(row.get("Code") or ""),
        name=str(row.get("Name") or ""),
        type=str(row.get("Type") or ""),
        active=active,
        can_code=active and not is_bank and system is None,
        can_pay=active and system is None and (is_bank or row.get("EnablePaymentsToAccount") is True),
        is_bank=is_bank,
        tax_code=str(row.get("TaxType") or "") or None,
        currency=str(row.get("CurrencyCode") or "") or None,
        system=system,
    )


def _tax_code(row: Raw) -> TaxCode:
    return TaxCode(
        code=str(row.get("TaxType") or ""),
        name=str(row.get("Name") or ""),
        rate=to_decimal(row.get("EffectiveRate")) or Decimal(0),
        active=row.get("Status", "ACTIVE") == "ACTIVE",
        on_expenses=row.get("CanApplyToExpenses") is not False,
        on_liabilities=row.get("CanApplyToLiabilities") is not False,
    )


def _tracking(row: Raw) -> Tracking:
    return Tracking(
        id=str(row.get("TrackingCategoryID") or ""),
        name=str(row.get("Name") or ""),
        options=tuple(
            (str(option.get("Name") or ""), str(option.get("TrackingOptionID") or ""))
            for option in rows(row, "Options")
            if option.get("Status", "ACTIVE") == "ACTIVE"
        ),
    )
