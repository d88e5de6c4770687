"""The fields that QuickBooks' transactions share, and the rules about them
(https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/bill)."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sandbox.qbo_company import Company, ref
from sandbox.qbo_wire import (
    Fault,
    business,
    given,
    reference,
    required,
    to_day,
    to_money,
    too_long,
    unsupported,
)
from sandbox.web import Json

OUTPUT = {
    "Id", "SyncToken", "MetaData", "domain", "sparse", "status", "TotalAmt", "Balance", "HomeBalance",
    "HomeTotalAmt", "LinkedTxn", "AttachableRef", "CustomField", "TxnStatus", "TxnSource", "TotalCostAmount",
    "RecurDataRef", "Tag",
}  # fmt: skip
COMMON = {
    "TxnDate",
    "DocNumber",
    "PrivateNote",
    "CurrencyRef",
    "ExchangeRate",
    "Line",
    "TransactionLocationType",
}
TAXED = {"GlobalTaxCalculation", "TxnTaxDetail"}
WRITABLE: dict[str, set[str]] = {
    "Bill": COMMON | TAXED | {
        "VendorRef", "APAccountRef", "DueDate", "SalesTermRef", "DepartmentRef", "VendorAddr", "Memo",
        "RemitToAddr", "IncludeInAnnualTPAR", "BillEmail", "ReplyEmail", "PayerRef", "ShipAddr",
    },
    "VendorCredit": COMMON | TAXED | {
        "VendorRef", "APAccountRef", "DepartmentRef", "VendorAddr", "Memo", "IncludeInAnnualTPAR",
        "BillEmail", "ReplyEmail",
    },
    "Purchase": COMMON | TAXED | {
        "AccountRef", "PaymentType", "EntityRef", "Credit", "PrintStatus", "DepartmentRef",
        "PaymentMethodRef", "PaymentRefNum", "Memo", "RemitToAddr", "CheckPayment", "CreditCardPayment",
        "TxnNum",
        "IncludeInAnnualTPAR", "PurchaseEx",
    },
    "Deposit": COMMON | TAXED | {"DepositToAccountRef", "DepartmentRef", "CashBack"},
    "JournalEntry": COMMON | TAXED | {
        "Adjustment", "DepartmentRef", "HomeCurrencyAdjustment", "EnteredInHomeCurrency",
    },
    "Transfer": (COMMON - {"Line", "DocNumber"}) | {
        "FromAccountRef", "ToAccountRef", "Amount", "DepartmentRef",
    },
    "BillPayment": COMMON | {
        "VendorRef", "PayType", "CheckPayment", "CreditCardPayment", "APAccountRef", "DepartmentRef",
        "ProcessBillPayment", "VendorAddr",
    },
}  # fmt: skip
LINE = {
    "Id",
    "LineNum",
    "Description",
    "Amount",
    "DetailType",
    "LinkedTxn",
    "CustomField",
    "ProjectRef",
    "LineEx",
}
NUMBER_LIMIT = 21
NOTE_LIMIT = 4000
# Which numbers must differ, and the preference that says so: cheques, expenses and payments share theirs.
NUMBER_SPACES = {
    "Bill": (("Bill",), "WarnDuplicateBillNumber"),
    "Purchase": (("Purchase", "BillPayment"), "WarnDuplicateCheckNumber"),
    "BillPayment": (("Purchase", "BillPayment"), "WarnDuplicateCheckNumber"),
    "JournalEntry": (("JournalEntry",), "WarnDuplicateJournalNumber"),
}


def known_only(body: Json, known: set[str]) -> None:
    """Raises Fault 2010 naming the first field that does not exist there."""
    for name in body:
        if name not in known:
            raise unsupported(name)


def header(company: Company, kind: str, body: Json, *, today: date) -> Json:
    """Day, number, note and location of any transaction; raises Fault."""
    known_only(body, WRITABLE[kind] | OUTPUT)
    number, note = given(body, "DocNumber"), given(body, "PrivateNote")
    if number is not None and len(str(number)) > NUMBER_LIMIT:
        raise too_long("DocNumber", NUMBER_LIMIT)
    if note is not None and len(str(note)) > NOTE_LIMIT:
        raise too_long("PrivateNote", NOTE_LIMIT)
    day = given(body, "TxnDate")
    location = reference(body, "DepartmentRef")
    if location and not company.preferences["TrackDepartments"]:
        raise feature("Location tracking")
    return {
        "DocNumber": None if number is None else str(number),
        "PrivateNote": None if note is None else str(note),
        "TxnDate": today if day is None else to_day(day, element="TxnDate"),
        "DepartmentRef": ref(company.use("Department", location)) if location else None,
    }


def feature(name: str) -> Fault:
    """Code 5030: switched off, or not in this edition."""
    return Fault("5030", "Feature Not Supported Error", f"{name} is not enabled for this company")


def check_period(company: Company, day: date) -> None:
    """Raises Fault 6200, or 6210 with a closing password, for a day in the closed books."""
    if company.book_close_date is None or day > company.book_close_date:
        return
    if company.book_close_password:
        detail = "The account period has closed and the books cannot be updated through the QBO Services API."
        raise Fault(
            "6210", "Account Period Closed, Cannot Update Through Services API", f"{detail} Use the website."
        )
    raise Fault("6200", "Account Period Closed", f"The books are closed through {company.book_close_date}.")


def check_number(company: Company, kind: str, record: Json, *, own: str | None, allowed: bool) -> None:
    """Raises Fault 6140 when the company warns of duplicates and another transaction has the number."""
    kinds, preference = NUMBER_SPACES.get(kind, ((), ""))
    number = record.get("DocNumber")
    if allowed or not number or not kinds or not company.preferences[preference]:
        return
    for other in kinds:
        for row in company.tables[other].values():
            if row.get("DocNumber") == number and (other, row["Id"]) != (kind, own):
                detail = "You must specify a different number. This number has already been used."
                detail += f" DocNumber={number} is assigned to TxnType={other} with TxnId={row['Id']}"
                title = "Duplicate Document Number Error"
                raise Fault("6140", title, f"{title} : {detail}")


def currency(company: Company, body: Json, *, party: Json | None) -> str:
    """The document's currency: the vendor's; raises Fault 2020 when it must be named and is not."""
    named = reference(body, "CurrencyRef")
    if not company.multicurrency:
        if named not in (None, company.home):
            raise Fault(
                "2220", "Invalid currency", f"{named}: multicurrency is not enabled", element="CurrencyRef"
            )
        return company.home
    if named is None:
        raise required("CurrencyRef")
    if not company.has_currency(named):
        raise Fault("2220", "Invalid currency", f"{named} is not one of this company", element="CurrencyRef")
    if party is not None and party["CurrencyRef"]["value"] != named:
        raise business(f"The currency {named} is not that of {party['DisplayName']}.")
    return named


def exchange_rate(company: Company, body: Json, *, code: str) -> Decimal:
    """Home units for one unit; the company's rate when none is sent."""
    sent = given(body, "ExchangeRate")
    rate = to_money(sent, element="ExchangeRate") if sent is not None else Decimal(0)
    return rate if rate and code != company.home else company.rate_of(code)


def money_fields(company: Company, body: Json, *, party: Json | None) -> Json:
    """`CurrencyRef`, and `ExchangeRate` when several currencies are on; `_rate` always."""
    code = currency(company, body, party=party)
    rate = exchange_rate(company, body, code=code)
    shown = rate if company.multicurrency else None
    return {"CurrencyRef": company.currency_ref(code), "ExchangeRate": shown, "_rate": rate}


def vendor_of(company: Company, body: Json) -> Json:
    """The active vendor named; raises Fault."""
    identity = reference(body, "VendorRef")
    if identity is None:
        raise required("VendorRef")
    return company.use("Vendor", identity)


def account_of(company: Company, body: Json, name: str) -> Json:
    """The active account that a field must name; raises Fault."""
    identity = reference(body, name)
    if identity is None:
        raise required(name)
    return company.use("Account", identity)


def rows_of(body: Json) -> list[Json]:
    """The lines as sent; raises Fault 2020 when there are none."""
    rows = body.get("Line")
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise required("Line")
    return rows


def line_ids(rows: list[Json]) -> list[str]:
    """An id for each line: the one sent when it is a number, else the next."""
    sent = [str(row.get("Id") or "") for row in rows]
    taken = {text for text in sent if text.isdigit() and text != "0"}
    following = iter(
        str(number) for number in range(1, len(rows) + len(taken) + 1) if str(number) not in taken
    )
    return [text if text in taken else next(following) for text in sent]


def now_day(now: datetime) -> date:
    """The server's day."""
    return now.date()
