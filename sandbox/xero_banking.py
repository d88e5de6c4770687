"""/BankTransactions of the pretend Xero: money spent and received without a bill
(https://developer.xero.com/documentation/api/accounting/banktransactions)."""

from __future__ import annotations

from sandbox.web import Json, Reply, Routes
from sandbox.xero_call import Call, Elements, Invalid, new_id, process
from sandbox.xero_documents import keep_contact
from sandbox.xero_invoices import full_contact
from sandbox.xero_organisation import Organisation
from sandbox.xero_query import select
from sandbox.xero_validation import Checks, places_of
from sandbox.xero_wire import not_found

routes = Routes()
BARE = {"Type", "BankAccount", "LineItems", "Status", "BankTransactionID"}
FIELDS = {
    "BankTransactionID", "Type", "Contact", "BankAccount", "Date", "DateString", "Reference",
    "Status", "SubTotal", "TotalTax", "Total", "IsReconciled", "CurrencyCode", "CurrencyRate",
    "Url", "UpdatedDateUTC", "LineAmountTypes", "LineItems", "HasAttachments",
}  # fmt: skip


def bank_transaction_view(org: Organisation, record: Json) -> Json:
    """Spent or received money as GET shows it."""
    account = org.find_account(account_id=record["_account"])
    assert account is not None
    bank = {name: account[name] for name in ("AccountID", "Code", "Name") if account[name]}
    return {
        **record,
        "BankAccount": bank,
        "Contact": full_contact(record["Contact"]),
        "LineItems": [{n: v for n, v in line.items() if v is not None} for line in record["LineItems"]],
    }


ELEMENTS = Elements("BankTransactions", "BankTransactionID", "HasErrors", bank_transaction_view)


def create(call: Call, row: Json) -> Json:
    """New spent or received money; raises Invalid."""
    record: Json = {"BankTransactionID": new_id(), "IsReconciled": bool(row.get("IsReconciled", False))}
    record["HasAttachments"] = False
    _fill(call, record, row)
    call.org.bank_transactions[record["BankTransactionID"]] = record
    return record


def _fill(call: Call, record: Json, row: Json) -> None:
    checks = Checks(call.org, strict=True)
    if row.get("Type") not in ("SPEND", "RECEIVE"):
        checks.errors.append(f"Invalid Type '{row.get('Type')}': must be SPEND or RECEIVE")  # our wording
    if row.get("Status") not in (None, "AUTHORISED"):
        checks.errors.append("Bank Transaction not of valid status for creation")
    account = _bank_account(call.org, checks, row)
    given = checks.contact(row)
    record["Type"] = row.get("Type")
    record["Date"] = checks.day(row, "Date", default=call.today)
    checks.open_day(record["Date"], what="document")
    record["Reference"] = str(row.get("Reference") or "")
    record["Url"] = checks.url(row)
    currency = (account or {}).get("CurrencyCode") or call.org.base_currency
    record["CurrencyCode"] = currency
    record["CurrencyRate"] = call.org.rate_of(currency)
    if row.get("CurrencyCode") not in (None, currency):
        checks.errors.append(f"The currency of this transaction must be that of the bank account, {currency}")
    record["LineAmountTypes"] = checks.line_amount_types(row)
    places = places_of(call.request.query.get("unitdp"))
    record["LineItems"] = checks.lines(row, kind=record["LineAmountTypes"], places=places)
    checks.sums(record, row)
    if not checks.errors and record["Total"] <= 0:
        checks.errors.append("The total of this transaction must be greater than zero")  # our wording
    if checks.errors or account is None:
        raise Invalid(checks.errors)
    record["_account"] = account["AccountID"]
    record["Contact"] = keep_contact(call, given, supplier=record["Type"] == "SPEND")
    record["Status"] = "AUTHORISED"
    call.org.touch(record, now=call.now)


def _bank_account(org: Organisation, checks: Checks, row: Json) -> Json | None:
    given = row.get("BankAccount")
    given = given if isinstance(given, dict) else {}
    account = org.find_account(code=given.get("Code"), account_id=given.get("AccountID"))
    if account is None:
        checks.errors.append("Account could not be found")
    elif account["Type"] != "BANK":
        checks.errors.append("The BankAccount must be an account of type BANK")  # our wording
    elif account["Status"] != "ACTIVE":
        checks.errors.append(f"The account {account['Name']} has been archived, or has been deleted")
    return account


def update(call: Call, record: Json, row: Json) -> Json:
    """Delete, or change what is not reconciled; raises Invalid."""
    if record["Status"] == "DELETED":
        raise Invalid(["Bank Transaction not of valid status for modification"])
    if record["IsReconciled"]:
        raise Invalid(
            ["This Bank Transaction cannot be edited as it has been reconciled with a Bank Statement."]
        )
    locked = call.org.lock_text(record["Date"])
    if locked:
        raise Invalid([f"The document {locked}"])
    if row.get("Status") == "DELETED":
        record["Status"] = "DELETED"
        call.org.touch(record, now=call.now)
        return record
    before = {
        "Type": record["Type"],
        "BankAccount": {"AccountID": record["_account"]},
        "Contact": {"ContactID": record["Contact"]["ContactID"]},
        "Date": record["Date"].isoformat(),
        "Reference": record["Reference"],
        "LineAmountTypes": record["LineAmountTypes"],
        "LineItems": record["LineItems"],
    }
    draft = dict(record)
    _fill(call, draft, {**before, **row})
    record.update(draft)
    return record


@routes.on("PUT", "/BankTransactions")
def put(call: Call) -> Reply:
    """Create."""
    rows = call.rows("BankTransactions", noun="BankTransaction", bare=BARE)
    return process(call, ELEMENTS, rows, lambda row: create(call, row))


@routes.on("POST", "/BankTransactions")
def post(call: Call) -> Reply:
    """Change what has an id, create the rest."""
    rows = call.rows("BankTransactions", noun="BankTransaction", bare=BARE)

    def act(row: Json) -> Json:
        if not row.get("BankTransactionID"):
            return create(call, row)
        record = call.org.bank_transactions.get(str(row["BankTransactionID"]).lower())
        if record is None:
            raise Invalid(["Bank Transaction could not be found"])  # our wording
        return update(call, record, row)

    return process(call, ELEMENTS, rows, act)


@routes.on("POST", "/BankTransactions/{record_id}")
def post_one(call: Call, record_id: str) -> Reply:
    """Change or delete one."""
    record = call.org.bank_transactions.get(record_id.lower())
    if record is None:
        raise not_found()
    rows = call.rows("BankTransactions", noun="BankTransaction", bare=BARE)
    return process(call, ELEMENTS, rows[:1], lambda row: update(call, record, row))


@routes.on("GET", "/BankTransactions/{record_id}")
def get_one(call: Call, record_id: str) -> Reply:
    """One, deleted ones too."""
    record = call.org.bank_transactions.get(record_id.lower())
    if record is None:
        raise not_found()
    return call.ok("BankTransactions", [bank_transaction_view(call.org, record)], day_strings=True)


@routes.on("GET", "/BankTransactions")
def get(call: Call) -> Reply:
    """Those that `where` describes."""
    views = [bank_transaction_view(call.org, record) for record in call.org.bank_transactions.values()]
    found = select(views, call.request, noun="BankTransaction", fields=FIELDS)
    return call.ok("BankTransactions", found.records, day_strings=True, pagination=found.pagination)
