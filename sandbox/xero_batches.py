"""/BatchPayments of the pretend Xero: many bills, one bank line
(https://developer.xero.com/documentation/api/accounting/batchpayments)."""

from __future__ import annotations

from decimal import Decimal

from sandbox.web import Json, Reply, Routes
from sandbox.xero_call import Call, Elements, Invalid, new_id, process
from sandbox.xero_organisation import Organisation
from sandbox.xero_payments import create_payment, delete_payment, paid_document
from sandbox.xero_wire import not_found, validation_error

routes = Routes()


def batch_view(org: Organisation, batch: Json) -> Json:
    """A batch payment with the payments in it."""
    members = [org.payments[payment_id] for payment_id in batch["_payments"]]
    return {
        **batch,
        "IsReconciled": all(p["IsReconciled"] for p in members),
        "Payments": [
            {"PaymentID": p["PaymentID"], "Amount": p["Amount"], "Invoice": {"InvoiceID": p["_document"]}}
            for p in members
        ],
    }


BATCHES = Elements("BatchPayments", "BatchPaymentID", "HasValidationErrors", batch_view)


@routes.on("PUT", "/BatchPayments")
def put_batch(call: Call) -> Reply:
    """Several bills paid by one bank line, in the base currency."""
    rows = call.rows("BatchPayments", noun="BatchPayment", bare={"Payments", "Account"})
    return process(call, BATCHES, rows, lambda row: _create_batch(call, row))


def _create_batch(call: Call, row: Json) -> Json:
    batch_id = new_id()
    wanted = row.get("Payments")
    if not isinstance(wanted, list) or not wanted or not all(isinstance(item, dict) for item in wanted):
        raise Invalid(["At least one payment must be specified"])  # our wording
    made: list[Json] = []
    errors: list[str] = []
    for item in wanted:
        whole = {
            "Account": row.get("Account"),
            "Date": row.get("Date"),
            "Reference": row.get("Reference"),
            **item,
        }
        try:
            made.append(create_payment(call, whole, batch=batch_id))
        except Invalid as invalid:
            errors += invalid.messages
    documents = [paid_document(call.org, payment)[1] for payment in made]
    if any(d["CurrencyCode"] != call.org.base_currency for d in documents):
        errors.append("Batch payments must be in the base currency")  # our wording
    if len({d["Type"] for d in documents}) > 1:
        errors.append("Batch payments cannot mix bills and invoices")  # our wording
    if errors:
        for payment in made:
            _forget(call, payment)
        raise Invalid(errors)
    return _keep_batch(call, row, batch_id, made)


def _forget(call: Call, payment: Json) -> None:
    kind, record = paid_document(call.org, payment)
    record["_payments"].remove(payment)
    del call.org.payments[payment["PaymentID"]]
    kind.settle(record)


def _keep_batch(call: Call, row: Json, batch_id: str, made: list[Json]) -> Json:
    batch: Json = {
        "BatchPaymentID": batch_id,
        "Account": {"AccountID": made[0]["_account"]},
        "Date": made[0]["Date"],
        "Reference": str(row.get("Reference") or ""),
        "Type": "PAYBATCH" if made[0]["PaymentType"] == "ACCPAYPAYMENT" else "RECBATCH",
        "Status": "AUTHORISED",
        "TotalAmount": sum((p["Amount"] for p in made), Decimal("0.00")),
        "_payments": [p["PaymentID"] for p in made],
    }
    call.org.batch_payments[batch_id] = batch
    call.org.touch(batch, now=call.now)
    return batch


@routes.on("GET", "/BatchPayments")
def get_batches(call: Call) -> Reply:
    """Every batch payment."""
    views = [batch_view(call.org, batch) for batch in call.org.batch_payments.values()]
    return call.ok("BatchPayments", views, day_strings=True)


@routes.on("POST", "/BatchPayments")
def post_batch(call: Call) -> Reply:
    """Delete a whole batch."""
    row = call.rows("BatchPayments", noun="BatchPayment", bare={"BatchPaymentID", "Status"})[0]
    batch = call.org.batch_payments.get(str(row.get("BatchPaymentID", "")).lower())
    if batch is None:
        raise not_found()
    return _delete_batch(call, batch, row)


@routes.on("POST", "/BatchPayments/{batch_id}")
def post_one_batch(call: Call, batch_id: str) -> Reply:
    """Delete a whole batch."""
    batch = call.org.batch_payments.get(batch_id.lower())
    if batch is None:
        raise not_found()
    return _delete_batch(call, batch, call.rows("BatchPayments", noun="BatchPayment", bare={"Status"})[0])


def _delete_batch(call: Call, batch: Json, row: Json) -> Reply:
    members = [call.org.payments[payment_id] for payment_id in batch["_payments"]]
    if row.get("Status") != "DELETED" or batch["Status"] == "DELETED":
        raise_row = {**row, "ValidationErrors": [{"Message": "Only Status accepted for updates"}]}
        return validation_error([raise_row])

    def act(_: Json) -> Json:
        if any(p["IsReconciled"] for p in members):
            raise Invalid(["This payment has been reconciled and cannot be deleted"])  # our wording
        for payment in members:
            delete_payment(call, payment, with_batch=True)
        batch["Status"] = "DELETED"
        call.org.touch(batch, now=call.now)
        return batch

    return process(call, BATCHES, [row], act)
