"""How QuickBooks shows a record: the stored fields and what is worked out from others."""

from __future__ import annotations

from decimal import Decimal
from functools import cached_property

from sandbox.qbo_company import Company, ref
from sandbox.qbo_ledger import balances, vendor_balances
from sandbox.qbo_payments import owed, payers
from sandbox.qbo_wire import ZERO, cents, instant, render
from sandbox.web import Json

BALANCE_SHEET = ("Asset", "Liability", "Equity")


class Views:
    """The records of one company as one answer shows them; the books are added up at most once."""

    def __init__(self, company: Company) -> None:
        self.company = company

    @cached_property
    def _balances(self) -> dict[str, Decimal]:
        return balances(self.company)

    @cached_property
    def _owed(self) -> dict[str, Decimal]:
        return vendor_balances(self.company)

    def show(self, kind: str, record: Json) -> Json:
        """One record as JSON."""
        shown = {**render(record), **self._more(kind, record)}
        if kind in ("TaxCode", "TaxRate", "CompanyInfo", "Preferences") and "_created" not in record:
            return shown
        meta = {"CreateTime": instant(record["_created"]), "LastUpdatedTime": instant(record["_updated"])}
        return {**shown, "domain": "QBO", "sparse": False, "MetaData": meta}

    def _more(self, kind: str, record: Json) -> Json:
        if kind in ("Bill", "VendorCredit"):
            return self._open(kind, record)
        if kind == "Account" and record["Classification"] in BALANCE_SHEET:
            sign = 1 if record["Classification"] == "Asset" else -1
            amount = sign * self._balances.get(record["Id"], ZERO)
            return {"CurrentBalance": amount, "CurrentBalanceWithSubAccounts": amount}
        if kind == "Vendor":
            return {"Balance": self._owed.get(record["Id"], ZERO)}
        return {}

    def _open(self, kind: str, record: Json) -> Json:
        company = self.company
        balance = abs(owed(company, kind, record, vendor=record["VendorRef"]["value"]))
        linked = [
            {"TxnId": paid["Id"], "TxnType": f"BillPayment{paid['PayType']}"}
            for paid in payers(company, kind, record["Id"])
        ]
        more: Json = {"Balance": balance, "LinkedTxn": linked}
        if company.multicurrency and kind == "Bill":
            more["HomeBalance"] = cents(balance * record["_rate"])
        return more


def company_info(company: Company) -> Json:
    """The company about itself."""
    from sandbox.qbo_chart import ISO3

    country = ISO3.get(company.country, company.country)
    return {
        "Id": "1",
        "SyncToken": "0",
        "domain": "QBO",
        "sparse": False,
        "CompanyName": company.name,
        "LegalName": company.name,
        "CompanyAddr": {"Country": country},
        "Country": company.country,
        "SupportedLanguages": "en",
        "NameValue": [
            {"Name": "SubscriptionStatus", "Value": "PAID" if company.subscription_active else "EXPIRED"},
            {"Name": "OfferingSku", "Value": "QuickBooks Online Plus"},
        ],
    }


def preferences(company: Company) -> Json:
    """The company's settings; `BookCloseDate` is absent while no books are closed."""
    chosen = company.preferences
    accounting: Json = {
        "FirstMonthOfFiscalYear": "July" if company.country == "AU" else "January",
        "UseAccountNumbers": True,
        "TrackDepartments": chosen["TrackDepartments"],
        "DepartmentTerminology": "Location",
        "ClassTrackingPerTxn": False,
        "ClassTrackingPerTxnLine": chosen["ClassTrackingPerTxnLine"],
        "CustomerTerminology": "Customers",
    }
    if company.book_close_date:
        accounting["BookCloseDate"] = company.book_close_date.isoformat()
    warnings = [name for name in chosen if name.startswith("Warn")]
    return {
        "Id": "1",
        "SyncToken": str(company.sync_token),
        "domain": "QBO",
        "sparse": False,
        "AccountingInfoPrefs": accounting,
        "VendorAndPurchasesPrefs": {
            "TrackingByCustomer": chosen["BillableExpenseTracking"],
            "BillableExpenseTracking": chosen["BillableExpenseTracking"],
        },
        "TaxPrefs": {"UsingSalesTax": chosen["UsingSalesTax"], "PartnerTaxEnabled": False},
        "CurrencyPrefs": {
            "MultiCurrencyEnabled": company.multicurrency,
            "HomeCurrency": {"value": company.home},
        },
        "ReportPrefs": {"ReportBasis": "Accrual", "CalcAgingReportFromTxnDate": False},
        "OtherPrefs": {
            "NameValue": [
                {"Name": f"VendorAndPurchasesPrefs.{name}", "Value": str(chosen[name]).lower()}
                for name in warnings
            ]
        },
    }


__all__ = ["Views", "company_info", "preferences", "ref"]
