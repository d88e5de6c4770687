"""What Xero refuses in documents, in words like its own.

Wordings follow what integrators have reported; those that nobody has published are marked "our wording".
Every check adds to a list of messages instead of raising: Xero reports all of an element's troubles at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlparse

from sandbox.web import Json
from sandbox.xero_call import new_id
from sandbox.xero_organisation import Organisation
from sandbox.xero_totals import line_amount, line_tax, totals, unit_amount
from sandbox.xero_wire import round_half_up, to_day, to_money

LARGEST = Decimal("9999999999.99")
CODABLE_SYSTEM = {None, "", "ROUNDING"}
CLASS_FLAGS = {
    "ASSET": "CanApplyToAssets",
    "EQUITY": "CanApplyToEquity",
    "EXPENSE": "CanApplyToExpenses",
    "LIABILITY": "CanApplyToLiabilities",
    "REVENUE": "CanApplyToRevenue",
}


@dataclass
class Checks:
    """The troubles found so far in one element. `strict` is set when the document is to be approved."""

    org: Organisation
    strict: bool
    errors: list[str] = field(default_factory=list)

    def day(self, row: Json, name: str, *, default: date | None) -> date | None:
        """The day under `name`, or the default when it is missing or unreadable."""
        if row.get(name) in (None, ""):
            return default
        try:
            return to_day(row[name])
        except ValueError:
            self.errors.append(f"Invalid {name}: '{row[name]}' is not a valid date")  # our wording
            return default

    def money(self, row: Json, name: str) -> Decimal | None:
        """The number under `name`, None when it is missing or unreadable."""
        if row.get(name) is None or row.get(name) == "":
            return None
        try:
            return to_money(row[name])
        except ValueError as error:
            self.errors.append(f"Invalid {name}: {error}")  # our wording
            return None

    def open_day(self, day: date | None, *, what: str) -> None:
        """The day must not be locked."""
        locked = self.org.lock_text(day) if day else None
        if locked:
            self.errors.append(f"The {what} {locked}")

    def currency(self, row: Json) -> str:
        """The document's currency, which the organisation must have."""
        code = row.get("CurrencyCode") or self.org.base_currency
        if code not in self.org.currencies:
            self.errors.append(f"Organisation is not subscribed to currency {code}")
        return str(code)

    def line_amount_types(self, row: Json) -> str:
        """Exclusive unless said otherwise."""
        kind = row.get("LineAmountTypes") or "Exclusive"
        if kind not in ("Exclusive", "Inclusive", "NoTax"):
            self.errors.append(f"Invalid LineAmountTypes '{kind}'")  # our wording
            return "Exclusive"
        return str(kind)

    def url(self, row: Json) -> str | None:
        """An absolute address that is not Xero's own."""
        url = row.get("Url")
        if not url:
            return None
        parts = urlparse(str(url))
        if not (parts.scheme in ("http", "https") and parts.netloc):
            self.errors.append("Url must be a valid absolute url")
        elif "xero" in str(url).lower():
            self.errors.append("Url must not contain 'xero'")  # our wording
        return str(url)

    def contact(self, row: Json) -> Json | None:
        """The existing contact a document names, or a new one not yet kept; None after adding an error."""
        given = row.get("Contact")
        given = given if isinstance(given, dict) else {}
        if given.get("ContactID"):
            found = self.org.contacts.get(str(given["ContactID"]).lower())
            return self._usable(found, "The Contact could not be found")  # our wording
        for name in ("ContactNumber", "Name"):
            if given.get(name):
                return self._by_name(name, str(given[name]))
        self.errors.append("A Contact must be specified for this type of transaction")
        return None

    def _by_name(self, field_name: str, text: str) -> Json | None:
        matches = [c for c in self.org.contacts.values() if c.get(field_name, "").lower() == text.lower()]
        active = [c for c in matches if c["ContactStatus"] == "ACTIVE"]
        if matches or field_name != "Name":
            return self._usable(next(iter(active or matches), None), "The Contact could not be found")
        trouble = name_trouble(text)
        if trouble:
            self.errors.append(trouble)
        return {"_new": text}

    def _usable(self, contact: Json | None, missing: str) -> Json | None:
        if contact is None:
            self.errors.append(missing)
        elif contact["ContactStatus"] != "ACTIVE":
            # our wording: nobody has published Xero's
            self.errors.append(f"The contact {contact['Name']} has been archived and cannot be used")
        return contact

    def lines(self, row: Json, *, kind: str, places: int) -> list[Json]:
        """The lines with ids, amounts and taxes worked out; `kind` is the document's LineAmountTypes."""
        given = row.get("LineItems")
        if not isinstance(given, list) or not given or not all(isinstance(line, dict) for line in given):
            if self.strict or given not in (None, []):
                self.errors.append("One or more line items must be specified")
            return []
        return [self._line(line, kind=kind, places=places) for line in given]

    def _line(self, row: Json, *, kind: str, places: int) -> Json:
        account = self._account(row)
        tax = self._tax(row, account, kind=kind)
        line: Json = {
            "LineItemID": row.get("LineItemID") or new_id(),
            "Description": self._description(row),
            **self._amounts(row, places=places),
            "AccountCode": account["Code"] if account else row.get("AccountCode"),
            "AccountID": account["AccountID"] if account else None,
            "TaxType": tax["TaxType"] if tax else row.get("TaxType"),
            "Tracking": self._tracking(row),
        }
        if row.get("ItemCode"):
            line["ItemCode"] = row["ItemCode"]
        rate = tax["EffectiveRate"] if tax else Decimal(0)
        override = self.money(row, "TaxAmount")
        if override is None or kind == "NoTax":
            line["TaxAmount"] = line_tax(line["LineAmount"], rate=rate, line_amount_types=kind)
        else:
            line["TaxAmount"] = round_half_up(override)
        return line

    def _description(self, row: Json) -> str | None:
        text = row.get("Description")
        if self.strict and not text:
            self.errors.append("Description must be specified")  # our wording
        if text and len(str(text)) > 4000:
            self.errors.append("Description exceeds the maximum length of 4000 characters")  # our wording
        return None if text is None else str(text)

    def _amounts(self, row: Json, *, places: int) -> Json:
        quantity = self.money(row, "Quantity")
        unit = self.money(row, "UnitAmount")
        amount = self.money(row, "LineAmount")
        if row.get("DiscountRate") or row.get("DiscountAmount"):
            self.errors.append("Discounts cannot be applied to this type of document")  # our wording
        quantity = Decimal(1) if quantity is None else quantity
        if unit is None:
            unit = amount / quantity if amount is not None and quantity else Decimal(0)
        unit = unit_amount(unit, places=places)
        expected = line_amount(quantity=quantity, unit=unit)
        if amount is not None and round_half_up(amount) != expected and row.get("UnitAmount") is not None:
            self.errors.append(f"The line total {amount} does not match the expected line total {expected}")
        if abs(expected) > LARGEST:
            self.errors.append(f"The line amount must not exceed {LARGEST}")  # our wording
            expected = Decimal("0.00")
        return {"Quantity": quantity, "UnitAmount": unit, "LineAmount": expected}

    def _account(self, row: Json) -> Json | None:
        code, account_id = row.get("AccountCode"), row.get("AccountID")
        if not code and not account_id:
            if self.strict:
                self.errors.append("Account must be valid.")
            return None
        account = self.org.find_account(code=code, account_id=account_id)
        named = code or account_id
        if account is None or account["Type"] == "BANK" or account["SystemAccount"] not in CODABLE_SYSTEM:
            self.errors.append(f"Account code '{named}' is not a valid code for this document.")
            return None
        if account["Status"] != "ACTIVE":
            self.errors.append(f"Account code '{named}' has been archived, or has been deleted")
            return None
        return account

    def _tax(self, row: Json, account: Json | None, *, kind: str) -> Json | None:
        if kind == "NoTax":
            return self.org.find_tax("NONE")
        wanted = row.get("TaxType") or (account["TaxType"] if account else None)
        if wanted is None:
            if self.strict and account is not None:
                self.errors.append("Tax rate must be valid.")
            return None
        rate = self.org.find_tax(wanted)
        if rate is None or rate["Status"] != "ACTIVE":
            self.errors.append(f"TaxType code '{wanted}' is not valid")
        elif account is not None and not rate[CLASS_FLAGS[account["Class"]]]:
            self.errors.append(
                f"The TaxType code '{wanted}' cannot be used with account code '{account['Code']}'."
            )
        return rate

    def _tracking(self, row: Json) -> list[Json]:
        given = row.get("Tracking") or []
        if not isinstance(given, list) or len(given) > 2:
            self.errors.append("A line item can have at most 2 tracking categories")  # our wording
            return []
        return [found for found in (self._tracked(item) for item in given if isinstance(item, dict)) if found]

    def _tracked(self, item: Json) -> Json | None:
        for category in self.org.tracking:
            named = item.get("TrackingCategoryID") == category["TrackingCategoryID"]
            if not (named or item.get("Name") == category["Name"]) or category["Status"] != "ACTIVE":
                continue
            for option in category["Options"]:
                chosen = item.get("TrackingOptionID") == option["TrackingOptionID"]
                if (chosen or item.get("Option") == option["Name"]) and option["Status"] == "ACTIVE":
                    return {
                        "Name": category["Name"],
                        "Option": option["Name"],
                        "TrackingCategoryID": category["TrackingCategoryID"],
                        "TrackingOptionID": option["TrackingOptionID"],
                    }
        what = item.get("Option") or item.get("TrackingOptionID") or item.get("Name")
        self.errors.append(f"The tracking option {what} could not be found or is archived")  # our wording
        return None

    def sums(self, record: Json, row: Json) -> None:
        """Set SubTotal, TotalTax and Total, and compare them with what was sent."""
        pairs = [(line["LineAmount"], line["TaxAmount"]) for line in record["LineItems"]]
        worked_out = totals(pairs, line_amount_types=record["LineAmountTypes"])
        record["SubTotal"], record["TotalTax"] = worked_out.sub_total, worked_out.total_tax
        record["Total"] = worked_out.total
        sent = self.money(row, "Total")
        if sent is not None and sent != worked_out.total:
            self.errors.append("The document total does not equal the sum of the lines.")
        if self.strict and worked_out.total < 0:
            self.errors.append("The total of this document must not be negative")  # our wording


def name_trouble(text: str) -> str | None:
    """Why Xero would not take this contact name, or None."""
    if not text.strip():
        return "The contact name must not be empty"  # our wording
    if len(text) > 255:
        return "The contact name exceeds the maximum length of 255 characters"  # our wording
    if any(sign in text for sign in "<>"):
        return "The contact name cannot contain angle brackets"  # our wording
    return None


def places_of(unitdp: Any) -> int:
    """Decimals of unit amounts: two unless `unitdp=4`."""
    return 4 if str(unitdp) == "4" else 2
