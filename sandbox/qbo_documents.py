"""Bills, vendor credits, purchases, deposits, journal entries and transfers: what QuickBooks makes of a body
(https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/bill and its neighbours).

Each function takes a company and a whole body and returns the fields of a record, or raises Fault.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sandbox.qbo_chart import BANK, CARD, PAYABLES
from sandbox.qbo_company import Company, ref
from sandbox.qbo_fields import (
    LINE,
    account_of,
    feature,
    header,
    known_only,
    line_ids,
    money_fields,
    rows_of,
    vendor_of,
)
from sandbox.qbo_tax import Taxable, calculation, tax_code, tax_detail
from sandbox.qbo_wire import (
    ZERO,
    Fault,
    business,
    cents,
    given,
    reference,
    required,
    to_day,
    to_money,
    too_long,
    wrong_account,
)
from sandbox.web import Json

EXPENSE = "AccountBasedExpenseLineDetail"
EXPENSE_DETAIL = {
    "AccountRef", "TaxCodeRef", "TaxAmount", "TaxInclusiveAmt", "ClassRef", "CustomerRef", "BillableStatus",
    "MarkupInfo",
}  # fmt: skip
JOURNAL = "JournalEntryLineDetail"
JOURNAL_DETAIL = {
    "PostingType", "AccountRef", "Entity", "ClassRef", "DepartmentRef", "TaxCodeRef", "TaxApplicableOn",
    "TaxAmount", "BillableStatus", "JournalCodeRef",
}  # fmt: skip
DEPOSIT = "DepositLineDetail"
DEPOSIT_DETAIL = {
    "AccountRef", "Entity", "PaymentMethodRef", "CheckNum", "ClassRef", "TaxCodeRef", "TaxApplicableOn",
    "TxnType",
}  # fmt: skip
BILLABLE = ("Billable", "NotBillable", "HasBeenBilled")
CONTROL_ACCOUNTS = (PAYABLES, "Accounts Receivable")


def choice(value: Any, *, known: tuple[str, ...], element: str) -> str:
    """One of the words an enumeration has; raises Fault 2020 or 2170."""
    if value in (None, ""):
        raise required(element)
    if value not in known:
        raise Fault(
            "2170", "Invalid Enumeration", f"{element} must be one of {', '.join(known)}", element=element
        )
    return str(value)


def _line_base(row: Json, *, detail: str) -> Json:
    known_only(row, LINE | {detail})
    if given(row, "DetailType") is None:
        raise required("DetailType")
    if row["DetailType"] != detail or not isinstance(row.get(detail), dict):
        text = f"Line needs {detail}: it has no account"
        raise Fault("6440", "An account or item is missing on the line", text, element="Line")
    if given(row, "Amount") is None:
        raise required("Amount")
    if len(str(row.get("Description") or "")) > 4000:
        raise too_long("Description", 4000)
    return {
        "Description": given(row, "Description"),
        "Amount": cents(to_money(row["Amount"])),
        "DetailType": detail,
    }


def _tracking(company: Company, detail: Json) -> Json:
    """Class, customer and billable state of a line."""
    class_id, customer = reference(detail, "ClassRef"), reference(detail, "CustomerRef")
    if class_id and not company.preferences["ClassTrackingPerTxnLine"]:
        raise feature("Class tracking")
    status = given(detail, "BillableStatus")
    billable = choice(status, known=BILLABLE, element="BillableStatus") if status else "NotBillable"
    if billable == "Billable" and not customer:
        raise Fault("6310", "Customer is missing", "A billable line needs a customer", element="CustomerRef")
    return {
        "ClassRef": ref(company.use("Class", class_id)) if class_id else None,
        "CustomerRef": ref(company.use("Customer", customer), label="DisplayName") if customer else None,
        "BillableStatus": billable,
    }


def _expense_line(company: Company, row: Json, *, word: str | None) -> tuple[Json, Taxable]:
    base = _line_base(row, detail=EXPENSE)
    detail: Json = row[EXPENSE]
    known_only(detail, EXPENSE_DETAIL)
    account = account_of(company, detail, "AccountRef")
    if account["AccountType"] in (*CONTROL_ACCOUNTS, "Non-Posting"):
        raise wrong_account(f"{account['Name']} cannot be used on a line.")
    code = tax_code(company, detail, word=word)
    gross = given(detail, "TaxInclusiveAmt")
    gross = None if gross is None else cents(to_money(gross, element="TaxInclusiveAmt"))
    shown = {
        **_tracking(company, detail),
        "AccountRef": ref(account),
        "TaxCodeRef": _code_ref(company, detail, code),
        "TaxInclusiveAmt": gross if word == "TaxInclusive" else None,
    }
    return {**base, EXPENSE: shown}, Taxable(base["Amount"], gross, code)


def _code_ref(company: Company, detail: Json, code: Json | None) -> Json | None:
    if not company.taxed:
        return {"value": reference(detail, "TaxCodeRef") or "NON"}
    return ref(code) if code else None


def _expense_lines(company: Company, body: Json) -> Json:
    """Lines, tax and total of a bill, credit or purchase; raises Fault 6000 for a total below zero."""
    word = calculation(company, body)
    rows = rows_of(body)
    pairs = [_expense_line(company, row, word=word) for row in rows]
    detail = tax_detail(company, body, [taxable for _, taxable in pairs], word=word)
    net = sum((taxable.net for _, taxable in pairs), ZERO)
    total = net + (detail["TotalTax"] if detail else ZERO)
    if total < 0:
        raise business("Transaction amount must be 0 or greater")
    lines = [
        {"Id": identity, "LineNum": place, **line}
        for place, (identity, (line, _)) in enumerate(zip(line_ids(rows), pairs, strict=True), start=1)
    ]
    return {"Line": lines, "TxnTaxDetail": detail, "GlobalTaxCalculation": word, "TotalAmt": total}


def _payables(company: Company, body: Json, code: str, *, now: datetime) -> Json:
    named = reference(body, "APAccountRef")
    if named is None:
        return company.payables(code, now=now)
    account = company.use("Account", named)
    if account["AccountType"] != PAYABLES or account["CurrencyRef"]["value"] != code:
        raise wrong_account(f"{account['Name']} is not an Accounts Payable account in {code}.")
    return account


def bill(company: Company, body: Json, *, now: datetime) -> Json:
    """The fields of a bill, or of a vendor credit but for its due date."""
    record = vendor_credit(company, body, now=now, kind="Bill")
    due = given(body, "DueDate")
    term = reference(body, "SalesTermRef")
    return {
        **record,
        "DueDate": to_day(due, element="DueDate") if due else record["TxnDate"],
        "SalesTermRef": {"value": term} if term else None,
    }


def vendor_credit(company: Company, body: Json, *, now: datetime, kind: str = "VendorCredit") -> Json:
    """The fields of a vendor credit."""
    head = header(company, kind, body, today=now.date())
    vendor = vendor_of(company, body)
    money = money_fields(company, body, party=vendor)
    lines = _expense_lines(company, body)
    payables = _payables(company, body, money["CurrencyRef"]["value"], now=now)
    return {
        **head,
        **money,
        **lines,
        "VendorRef": ref(vendor, label="DisplayName"),
        "APAccountRef": ref(payables),
    }


def purchase(company: Company, body: Json, *, now: datetime) -> Json:
    """The fields of a purchase: money spent at once, or with `Credit` a refund onto a card."""
    head = header(company, "Purchase", body, today=now.date())
    kind = choice(given(body, "PaymentType"), known=("Cash", "Check", "CreditCard"), element="PaymentType")
    account = account_of(company, body, "AccountRef")
    if account["AccountType"] != (CARD if kind == "CreditCard" else BANK):
        raise wrong_account(f"{account['Name']} is {account['AccountType']} and cannot pay by {kind}.")
    entity = _entity(company, given(body, "EntityRef"))
    party = entity[1] if entity else None
    return {
        **head,
        **money_fields(company, body, party=party),
        **_expense_lines(company, body),
        "PaymentType": kind,
        "AccountRef": ref(account),
        "EntityRef": entity[0] if entity else None,
        "Credit": bool(body.get("Credit")) and kind == "CreditCard",
        "PrintStatus": given(body, "PrintStatus") or "NotSet",
    }


def _entity(company: Company, held: Any) -> tuple[Json, Json] | None:
    """A reference to a vendor, customer or employee, and who it is."""
    if not isinstance(held, dict) or not held.get("value"):
        return None
    kind = choice(
        held.get("type") or "Vendor", known=("Vendor", "Customer", "Employee"), element="EntityRef.type"
    )
    party = company.use(kind, held["value"])
    return {**ref(party, label="DisplayName"), "type": kind}, party


def deposit(company: Company, body: Json, *, now: datetime) -> Json:
    """The fields of a deposit: money received onto a bank account; tax on its lines like on a purchase's."""
    head = header(company, "Deposit", body, today=now.date())
    account = account_of(company, body, "DepositToAccountRef")
    if account["AccountType"] not in (BANK, "Other Current Asset"):
        raise wrong_account(f"{account['Name']} is {account['AccountType']} and cannot take a deposit.")
    word = calculation(company, body) if given(body, "GlobalTaxCalculation") else None
    pairs = [_deposit_line(company, row, word=word) for row in rows_of(body)]
    detail = tax_detail(company, body, [taxable for _, taxable in pairs], word=word)
    total = sum((taxable.net for _, taxable in pairs), ZERO) + (detail["TotalTax"] if detail else ZERO)
    if total < 0:
        raise business("Transaction amount must be 0 or greater")
    return {
        **head,
        **money_fields(
            company, {**body, "CurrencyRef": body.get("CurrencyRef") or account["CurrencyRef"]}, party=None
        ),
        "DepositToAccountRef": ref(account),
        "Line": _numbered(body["Line"], [line for line, _ in pairs]),
        "TxnTaxDetail": detail,
        "GlobalTaxCalculation": word,
        "TotalAmt": total,
    }


def _deposit_line(company: Company, row: Json, *, word: str | None) -> tuple[Json, Taxable]:
    base = _line_base(row, detail=DEPOSIT)
    detail: Json = row[DEPOSIT]
    known_only(detail, DEPOSIT_DETAIL)
    account = account_of(company, detail, "AccountRef")
    entity = _entity(company, given(detail, "Entity"))
    if account["AccountType"] == PAYABLES and (entity is None or entity[0]["type"] != "Vendor"):
        raise business("When you use Accounts Payable, you must choose a vendor in the Name field.")
    code = tax_code(company, detail, word=word)
    shown = {
        "AccountRef": ref(account),
        "Entity": entity[0] if entity else None,
        "TaxCodeRef": ref(code) if code else None,
        "TaxApplicableOn": given(detail, "TaxApplicableOn"),
        "ClassRef": _tracking(company, {"ClassRef": detail.get("ClassRef")})["ClassRef"],
    }
    return {**base, DEPOSIT: shown}, Taxable(base["Amount"], None, code)


def _numbered(rows: list[Json], lines: list[Json]) -> list[Json]:
    pairs = zip(line_ids(rows), lines, strict=True)
    return [
        {"Id": identity, "LineNum": place, **line} for place, (identity, line) in enumerate(pairs, start=1)
    ]


def journal(company: Company, body: Json, *, now: datetime) -> Json:
    """The fields of a journal entry; raises Fault 6000 when debits and credits differ."""
    head = header(company, "JournalEntry", body, today=now.date())
    rows = rows_of(body)
    lines = [_journal_line(company, row) for row in rows]
    sums = {
        side: sum((line["Amount"] for line in lines if line[JOURNAL]["PostingType"] == side), ZERO)
        for side in ("Debit", "Credit")
    }
    if sums["Debit"] != sums["Credit"]:
        raise business(f"Please balance debits and credits: {sums['Debit']} against {sums['Credit']}.")
    money = money_fields(
        company, {**body, "CurrencyRef": body.get("CurrencyRef") or {"value": company.home}}, party=None
    )
    return {
        **head,
        **money,
        "Adjustment": bool(body.get("Adjustment")),
        "Line": _numbered(rows, lines),
        "TxnTaxDetail": {},
        "_total": sums["Debit"],
    }


def _journal_line(company: Company, row: Json) -> Json:
    base = _line_base(row, detail=JOURNAL)
    if base["Amount"] < 0:
        raise business("Amounts of a journal entry must not be negative.")
    detail: Json = row[JOURNAL]
    known_only(detail, JOURNAL_DETAIL)
    if reference(detail, "TaxCodeRef"):
        raise business("This pretend company takes no tax codes on journal entries.")
    account = account_of(company, detail, "AccountRef")
    held = given(detail, "Entity")
    entity = _journal_entity(company, held) if held else None
    for kind, party in ((PAYABLES, "Vendor"), ("Accounts Receivable", "Customer")):
        if account["AccountType"] == kind and (entity is None or entity["Type"] != party):
            raise business(f"When you use {kind}, you must choose a {party.lower()} in the Name field.")
    location = reference(detail, "DepartmentRef")
    shown = {
        "PostingType": choice(given(detail, "PostingType"), known=("Debit", "Credit"), element="PostingType"),
        "AccountRef": ref(account),
        "Entity": entity,
        "ClassRef": _tracking(company, {"ClassRef": detail.get("ClassRef")})["ClassRef"],
        "DepartmentRef": ref(company.use("Department", location)) if location else None,
    }
    return {**base, JOURNAL: shown}


def _journal_entity(company: Company, held: Json) -> Json:
    kind = choice(given(held, "Type"), known=("Vendor", "Customer", "Employee"), element="Entity.Type")
    identity = reference(held, "EntityRef")
    if identity is None:
        raise required("Entity.EntityRef")
    return {"Type": kind, "EntityRef": ref(company.use(kind, identity), label="DisplayName")}


def transfer(company: Company, body: Json, *, now: datetime) -> Json:
    """The fields of a transfer between two balance sheet accounts."""
    head = header(company, "Transfer", body, today=now.date())
    ends = [account_of(company, body, name) for name in ("FromAccountRef", "ToAccountRef")]
    if any(account["Classification"] in ("Expense", "Revenue") for account in ends):
        raise wrong_account("A transfer needs two balance sheet accounts.")
    if given(body, "Amount") is None:
        raise required("Amount")
    amount: Decimal = cents(to_money(body["Amount"]))
    if amount <= 0:
        raise business("Transaction amount must be greater than 0")
    money = money_fields(
        company, {**body, "CurrencyRef": body.get("CurrencyRef") or {"value": company.home}}, party=None
    )
    return {**head, **money, "FromAccountRef": ref(ends[0]), "ToAccountRef": ref(ends[1]), "Amount": amount}


def day_of(record: Json) -> date:
    """The transaction's day."""
    day: date = record["TxnDate"]
    return day
