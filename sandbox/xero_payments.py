"""/Payments of the pretend Xero (https://developer.xero.com/documentation/api/accounting/payments)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sandbox.web import Json, Reply, Routes
from sandbox.xero_call import Call, Elements, Invalid, new_id, process
from sandbox.xero_documents import CREDIT_NOTE, INVOICE, Kind, find
from sandbox.xero_organisation import Organisation
from sandbox.xero_query import select
from sandbox.xero_validation import Checks
from sandbox.xero_wire import not_found, round_half_up

routes = Routes()
BARE = {"Invoice", "CreditNote", "Account", "Amount", "Status"}
FIELDS = {
    "PaymentID", "Date", "Amount", "BankAmount", "Reference", "CurrencyRate", "Status",
    "PaymentType", "IsReconciled", "UpdatedDateUTC", "Account", "Invoice", "CreditNote",
    "BatchPayment", "HasAccount",
}  # fmt: skip
PAYMENT_TYPES = {
    "ACCPAY": "ACCPAYPAYMENT",
    "ACCREC": "ACCRECPAYMENT",
    "ACCPAYCREDIT": "APCREDITPAYMENT",
    "ACCRECCREDIT": "ARCREDITPAYMENT",
}


def payment_view(org: Organisation, payment: Json) -> Json:
    """A payment as GET shows it."""
    kind, record = paid_document(org, payment)
    document: Json = {
        kind.id_name: record[kind.id_name],
        kind.number: record[kind.number],
        "Type": record["Type"],
        "Contact": {"ContactID": record["Contact"]["ContactID"], "Name": record["Contact"]["Name"]},
        "CurrencyCode": record["CurrencyCode"],
        "LineItems": [],
        "HasErrors": False,
    }
    account = org.find_account(account_id=payment["_account"])
    assert account is not None
    shown_account = {"AccountID": account["AccountID"], "Code": account["Code"], "Name": account["Name"]}
    shown = {**payment, "Account": {n: v for n, v in shown_account.items() if v}, kind.noun: document}
    if payment.get("_batch"):
        shown["BatchPaymentID"] = payment["_batch"]
        shown["BatchPayment"] = {"BatchPaymentID": payment["_batch"]}
    return shown


def paid_document(org: Organisation, payment: Json) -> tuple[Kind, Json]:
    """The invoice or credit note that a payment settles."""
    kind = INVOICE if payment["_document"] in org.invoices else CREDIT_NOTE
    return kind, kind.store(org)[payment["_document"]]


PAYMENTS = Elements("Payments", "PaymentID", "HasValidationErrors", payment_view, day_strings=False)


def create_payment(call: Call, row: Json, *, batch: str | None = None) -> Json:
    """A payment that settles (part of) an approved document; raises Invalid."""
    checks = Checks(call.org, strict=True)
    found = _target(call, row)
    account = _account(call.org, checks, row)
    amount = checks.money(row, "Amount")
    day = checks.day(row, "Date", default=call.today)
    checks.open_day(day, what="payment")
    if amount is None or amount <= 0:
        checks.errors.append("Payment amount must be greater than zero")  # our wording
        amount = Decimal("0.00")
    if found is None:
        checks.errors.append("The document to be paid could not be found")  # our wording
        raise Invalid(checks.errors)
    kind, record = found
    _payable(checks, record, amount)
    rate = _rate(call.org, checks, row, record)
    bank_amount = _bank_amount(call.org, checks, record, account, amount=amount, rate=rate)
    if checks.errors or account is None:
        raise Invalid(checks.errors)
    payment = {
        "Date": day,
        "BankAmount": bank_amount,
        "Amount": round_half_up(amount),
        "Reference": str(row.get("Reference") or ""),
        "CurrencyRate": rate,
        "IsReconciled": bool(row.get("IsReconciled", False)),
        "_account": account["AccountID"],
        "_batch": batch,
    }
    return _keep(call, kind, record, payment)


def _keep(call: Call, kind: Kind, record: Json, chosen: Json) -> Json:
    payment: Json = {
        "PaymentID": new_id(),
        **chosen,
        "PaymentType": PAYMENT_TYPES[record["Type"]],
        "Status": "AUTHORISED",
        "HasAccount": True,
        "HasValidationErrors": False,
        "_document": record[kind.id_name],
    }
    call.org.payments[payment["PaymentID"]] = payment
    record["_payments"].append(payment)
    _settle(call, kind, record, payment)
    return payment


def _settle(call: Call, kind: Kind, record: Json, payment: Json) -> None:
    kind.settle(record)
    call.org.touch(record, now=call.now)
    call.org.touch(payment, now=call.now)


def _target(call: Call, row: Json) -> tuple[Kind, Json] | None:
    for kind in (INVOICE, CREDIT_NOTE):
        given = row.get(kind.noun)
        given = given if isinstance(given, dict) else {}
        named: Any = given.get(kind.id_name) or given.get(kind.number) or row.get(kind.number)
        record = find(call, kind, named) if named else None
        if record is not None:
            return kind, record
    return None


def _account(org: Organisation, checks: Checks, row: Json) -> Json | None:
    given = row.get("Account")
    given = given if isinstance(given, dict) else {"Code": row.get("Code")}
    account = org.find_account(code=given.get("Code"), account_id=given.get("AccountID"))
    if account is None:
        checks.errors.append("Account could not be found")
    elif account["Status"] != "ACTIVE":
        checks.errors.append(f"The account {account['Name']} has been archived, or has been deleted")
    elif account["Type"] != "BANK" and not account["EnablePaymentsToAccount"]:
        checks.errors.append("Account type is invalid for making a payment")
    return account


def _payable(checks: Checks, record: Json, amount: Decimal) -> None:
    if record["Status"] != "AUTHORISED":
        checks.errors.append("Payments can only be made against Authorised documents")
    due = record["AmountDue"] if "AmountDue" in record else record["RemainingCredit"]
    open_amount = due if record["Status"] in ("AUTHORISED", "PAID") else Decimal(0)
    if amount > open_amount and record["Status"] not in ("DRAFT", "SUBMITTED"):
        checks.errors.append("Payment amount exceeds the amount outstanding on this document")


def _rate(org: Organisation, checks: Checks, row: Json, record: Json) -> Decimal:
    given = checks.money(row, "CurrencyRate")
    if record["CurrencyCode"] == org.base_currency:
        return Decimal(1)
    if given is None or given <= 0:
        return Decimal(record["CurrencyRate"])
    return round(given, 6)


def _bank_amount(
    org: Organisation, checks: Checks, record: Json, account: Json | None, *, amount: Decimal, rate: Decimal
) -> Decimal:
    held_in = (account or {}).get("CurrencyCode") or org.base_currency
    if held_in == record["CurrencyCode"]:
        return round_half_up(amount)
    if held_in == org.base_currency:
        return round_half_up(amount / rate)
    if record["CurrencyCode"] == org.base_currency:
        return round_half_up(amount * org.rate_of(held_in))
    # our wording: what Xero says to a pair of two foreign currencies is not published
    checks.errors.append(
        f"A payment from an account in {held_in} cannot settle a document in {record['CurrencyCode']}"
    )
    return amount


def delete_payment(call: Call, payment: Json, *, with_batch: bool = False) -> Json:
    """Take a payment back; raises Invalid when it is reconciled, batched or locked."""
    if payment["Status"] == "DELETED":
        raise Invalid(["Payment not of valid status for modification"])
    if payment["_batch"] and not with_batch:
        raise Invalid(["Payments within a batch cannot be deleted individually"])
    if payment["IsReconciled"]:
        raise Invalid(["This payment has been reconciled and cannot be deleted"])  # our wording
    locked = call.org.lock_text(payment["Date"])
    if locked:
        raise Invalid([f"The payment {locked}"])
    payment["Status"] = "DELETED"
    kind, record = paid_document(call.org, payment)
    _settle(call, kind, record, payment)
    return payment


@routes.on("PUT", "/Payments")
def put(call: Call) -> Reply:
    """Create one or many payments."""
    rows = call.rows("Payments", noun="Payment", bare=BARE)
    return process(call, PAYMENTS, rows, lambda row: create_payment(call, row))


@routes.on("POST", "/Payments")
def post(call: Call) -> Reply:
    """Create one payment; `summarizeErrors` is not offered here."""
    rows = call.rows("Payments", noun="Payment", bare=BARE)
    call.request.query.pop("summarizeErrors", None)
    return process(call, PAYMENTS, rows[:1], lambda row: create_payment(call, row))


@routes.on("POST", "/Payments/{payment_id}")
def post_one(call: Call, payment_id: str) -> Reply:
    """Delete a payment; nothing else can be done to one."""
    payment = call.org.payments.get(payment_id.lower())
    if payment is None:
        raise not_found()
    row = call.rows("Payments", noun="Payment", bare=BARE)[0]
    call.request.query.pop("summarizeErrors", None)

    def act(row: Json) -> Json:
        if set(row) - {"Status", "PaymentID"} or row.get("Status") != "DELETED":
            raise Invalid(["Only Status accepted for updates"])
        return delete_payment(call, payment)

    return process(call, PAYMENTS, [row], act)


@routes.on("GET", "/Payments/{payment_id}")
def get_one(call: Call, payment_id: str) -> Reply:
    """One payment, deleted ones too."""
    payment = call.org.payments.get(payment_id.lower())
    if payment is None:
        raise not_found()
    return call.ok("Payments", [payment_view(call.org, payment)])


@routes.on("GET", "/Payments")
def get(call: Call) -> Reply:
    """Payments by `where`, oldest change first."""
    records = [payment_view(call.org, payment) for payment in call.org.payments.values()]
    found = select(
        records,
        call.request,
        noun="Payment",
        fields=FIELDS,
        default_order="UpdatedDateUTC ASC, PaymentID ASC",
    )
    return call.ok("Payments", found.records, pagination=found.pagination)
