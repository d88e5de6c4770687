"""The shapes of arguments and answers, as the OpenAPI document tells them."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from console.api.fields import MOST, USUAL, Arguments, Cursor, EventCursor, Text, Whole
from mappers import documents
from models.states import DOCUMENT_STATES, EXPENSE_STATES, RETRIABLE

KINDS = (
    documents.BILL,
    documents.PAYMENT,
    documents.CREDIT_NOTE,
    documents.REFUND,
    documents.SPEND,
    documents.JOURNAL,
    documents.RECEIPT,
    documents.BATCH,
)


def _told(description: str, *, null: bool = False, **more: Any) -> dict[str, Any]:
    return {"metadata": {"description": description, **more}, "allow_none": null}


def _instant(description: str, *, null: bool = True) -> fields.String:
    return fields.String(**_told(description, null=null, format="date-time", example="2026-08-22T03:04:05Z"))


def _money(description: str) -> fields.String:
    return fields.String(**_told(description, null=True, example="120.50"))


class ExpenseQuery(Arguments):
    state = fields.String(validate=validate.OneOf(EXPENSE_STATES))
    cause = Text(metadata={"description": "the code of a cause"})
    member = Text(metadata={"description": "a member's identifier"})
    q = Text(metadata={"description": "an entry's or bill's number, or text to look for"})
    limit = Whole(most=MOST, load_default=USUAL)
    cursor = Cursor(metadata={"description": "next_cursor of the page before"})


class EventQuery(Arguments):
    entry_id = Whole(metadata={"description": "only callbacks about this entry"})
    limit = Whole(most=MOST, load_default=USUAL)
    cursor = EventCursor(metadata={"description": "next_cursor of the page before"})


class RetryBody(Arguments):
    cause = Text(metadata={"description": "only expenses with this cause"})
    state = fields.String(
        validate=validate.OneOf(RETRIABLE),
        metadata={"description": "only expenses in this state; by default those that are stuck"},
    )


class IgnoreBody(Arguments):
    reason = Text(most=500, required=True, metadata={"description": "why nothing is to be posted"})


class HandledBody(Arguments):
    bill_id = Text(
        most=500,
        required=True,
        metadata={"description": "the bill's id in the ledger, or the address of its page there"},
    )


class Document(Schema):
    kind = fields.String(validate=validate.OneOf(KINDS))
    state = fields.String(validate=validate.OneOf(DOCUMENT_STATES))
    number = fields.String(**_told("how it is found at the ledger", example="CW-4711"))
    remote_id = fields.String(**_told("its id at the ledger", null=True))
    url = fields.String(**_told("its page at the ledger", null=True))
    amount = _money("its total")
    account = fields.String(**_told("the account that pays", null=True))
    reconciled = fields.Boolean(**_told("matched with a bank line; told of payments, refunds and spends"))


class Expense(Schema):
    entry_id = fields.Integer(**_told("the ConnectWise entry"))
    state = fields.String(validate=validate.OneOf(EXPENSE_STATES))
    cause = fields.String(**_told("a stable code, when something holds it up", null=True))
    to_do = fields.String(**_told("one sentence for the person who can help", null=True))
    why = fields.String(**_told("why it is as it is", null=True))
    member = fields.String(allow_none=True)
    payment_type = fields.String(allow_none=True)
    classification = fields.String(allow_none=True)
    expense_type = fields.String(allow_none=True)
    amount = _money("with the currency's decimals")
    currency = fields.String(**_told("ISO 4217", null=True, example="AUD"))
    date = fields.String(**_told("the day of the expense", null=True, format="date"))
    rule = fields.Integer(**_told("the rule that fired", null=True))
    attempts = fields.Integer(**_told("automatic retries spent on the present trouble"))
    next_attempt_at = _instant("when it is tried again by itself")
    documents = fields.List(fields.Nested(Document))
    updated_at = _instant("when it changed last", null=False)


class Step(Schema):
    at = _instant("when", null=False)
    what = fields.String()
    text = fields.String()
    actor = fields.String(**_told("who: connectwise, worker, ledger, or a person"))


class ExpenseWithStory(Expense):
    timeline = fields.List(fields.Nested(Step), **_told("its story, oldest first"))


class ExpensePage(Schema):
    expenses = fields.List(fields.Nested(Expense), **_told("newest change first"))
    next_cursor = fields.String(**_told("leads to the next page; null on the last one", null=True))


class PlannedLine(Schema):
    description = fields.String()
    account = fields.String()
    tax_code = fields.String(allow_none=True)
    amount = _money("gross or net, as the company types them")
    tax_amount = _money("as typed, when the entry carries taxes")


class PlannedDocument(Schema):
    kind = fields.String(validate=validate.OneOf(KINDS))
    state = fields.String(validate=validate.OneOf(DOCUMENT_STATES))
    number = fields.String()
    date = fields.String(metadata={"format": "date"})
    due_date = fields.String(allow_none=True, metadata={"format": "date"})
    contact = fields.String()
    amount = _money("its total")
    currency = fields.String()
    account = fields.String(allow_none=True)
    memo = fields.String(allow_none=True)
    lines = fields.List(fields.Nested(PlannedLine))


class Preview(Schema):
    entry_id = fields.Integer()
    state = fields.String(validate=validate.OneOf(EXPENSE_STATES))
    cause = fields.String(allow_none=True)
    to_do = fields.String(allow_none=True)
    why = fields.String(allow_none=True)
    rule = fields.Integer(allow_none=True)
    documents = fields.List(fields.Nested(PlannedDocument))


class Accepted(Schema):
    status = fields.String(**_told("queued; or in_progress, when a worker is at it already"))


class Ignored(Schema):
    status = fields.String(validate=validate.OneOf(("ignored",)))


class Handled(Schema):
    status = fields.String(validate=validate.OneOf(("handled",)))


class Replayed(Schema):
    status = fields.String(**_told("queued; or ignored, when the callback is not about an expense"))


class Queued(Schema):
    queued = fields.Integer(**_told("how many were made due"))


class Cause(Schema):
    cause = fields.String()
    to_do = fields.String(allow_none=True)
    count = fields.Integer()
    money = fields.Dict(keys=fields.String(), values=fields.String(), **_told("held up, by currency"))
    oldest = _instant("when the first of them became known", null=False)


class Company(Schema):
    key = fields.String()
    name = fields.String()
    provider = fields.String(**_told("xero or qbo"))
    connected = fields.Boolean(**_told("there is a connection to the ledger and it is not lost"))
    token_ends_at = _instant("the access token; it is refreshed by itself")
    connection_ends_at = _instant("the refresh token, unless it is used before; then connect again")
    paused = fields.Boolean()
    paused_why = fields.String(allow_none=True)
    waiting_until = _instant("the ledger asked us to wait until then")
    sparing_until = _instant("the ledger's last calls of the day are left to people until then")
    callback = fields.String(**_told("active, inactive or missing; null: not looked at yet", null=True))
    swept_at = _instant("the last poll of ConnectWise")


class CompanyList(Schema):
    companies = fields.List(fields.Nested(Company))


class Event(Schema):
    id = fields.Integer()
    message_id = fields.String()
    type = fields.String(allow_none=True)
    action = fields.String(allow_none=True)
    entry_id = fields.Integer(allow_none=True)
    status = fields.String(**_told("queued, ignored or unreadable"))
    received_at = _instant("when it was stored", null=False)
    replayed_at = _instant("when a person replayed it last")


class EventPage(Schema):
    events = fields.List(fields.Nested(Event), **_told("newest first"))
    next_cursor = fields.String(**_told("leads to the next page; null on the last one", null=True))


class Depth(Schema):
    expenses = fields.Integer(**_told("due and not yet worked on"))
    jobs = fields.Dict(
        keys=fields.String(), values=fields.Integer(), **_told("waiting, by queue; null: no Redis", null=True)
    )


class Worker(Schema):
    name = fields.String()
    queues = fields.List(fields.String())
    state = fields.String()
    seen_at = _instant("its last heartbeat")


class FailedJob(Schema):
    id = fields.String()
    queue = fields.String()
    job = fields.String(**_told("what it does"))
    company = fields.String(allow_none=True)
    failed_at = _instant("when it failed")
    error = fields.String(**_told("the last line of its traceback", null=True))


class Budget(Schema):
    minute_left = fields.Integer()
    day_left = fields.Integer(**_told("null until the provider told it", null=True))
    day_reserve = fields.Integer(**_told("how many of them are kept for what people ask for", null=True))
    day_ends_at = _instant("when the day's calls are given anew; null: not known yet")
    blocked_until = _instant("no call before")


class CompanyQueue(Schema):
    company = fields.String()
    due = fields.Integer()
    paused = fields.Boolean()
    paused_why = fields.String(allow_none=True)
    waiting_until = _instant("the ledger asked us to wait until then")
    sparing_until = _instant("the ledger's last calls of the day are left to people until then")
    budget_left = fields.Nested(Budget, allow_none=True)


class Queue(Schema):
    depth = fields.Nested(Depth)
    oldest_age_seconds = fields.Integer(**_told("of what is due; null: nothing is", null=True))
    workers = fields.List(fields.Nested(Worker), **_told("null: no Redis", null=True))
    failed_jobs = fields.List(fields.Nested(FailedJob), **_told("null: no Redis", null=True))
    companies = fields.List(fields.Nested(CompanyQueue))
