"""One call to the pretend Xero accounting API, and how its body is read and its elements are answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

from sandbox.web import Json, Reply, Request, dump, json_reply
from sandbox.xero_chart import CURRENCY_NAMES
from sandbox.xero_organisation import Organisation
from sandbox.xero_wire import ZERO_ID, envelope, errors_of, no_data, refuse, render, validation_error


class Invalid(Exception):
    """One element is refused, in Xero's words."""

    def __init__(self, messages: list[str]) -> None:
        super().__init__("; ".join(messages))
        self.messages = messages


@dataclass
class Call:
    """A request to one organisation at one instant; `id` is both the body's Id and the correlation header."""

    org: Organisation
    request: Request
    now: datetime
    id: str

    @property
    def today(self) -> date:
        """The sandbox's day."""
        return self.now.date()

    def ok(
        self, name: str, items: list[Any], *, day_strings: bool = False, pagination: Json | None = None
    ) -> Reply:
        """200 with Xero's envelope, and its pagination object when a page was asked for."""
        body = envelope(name, items, now=self.now, day_strings=day_strings)
        more = {"pagination": pagination} if pagination else {}
        return json_reply({**body, "Id": self.id, **more})

    def body(self) -> Any:
        """The request's JSON; raises Refused (400) when it is none."""
        try:
            return self.request.json()
        except ValueError:
            text = "JSON for post data was invalid, please check the request body"
            raise refuse(text, number=14, kind="PostDataInvalidException") from None

    def rows(self, name: str, *, noun: str, bare: set[str]) -> list[Json]:
        """The elements under `name`, or the body itself when it is one bare element with a field of `bare`.

        Raises Refused (400) when there is nothing of that name.
        """
        body = self.body()
        rows = body.get(name) if isinstance(body, dict) else None
        if rows is None and isinstance(body, dict) and bare & body.keys():
            rows = [body]
        if isinstance(rows, dict):
            rows = [rows]
        if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
            raise no_data(noun)
        return rows


@dataclass(frozen=True)
class Elements:
    """How the elements of one kind are shown in replies."""

    name: str
    id_name: str
    flag: str
    view: Callable[[Organisation, Json], Json]
    day_strings: bool = True


def process(call: Call, elements: Elements, rows: list[Json], act: Callable[[Json], Json]) -> Reply:
    """Act on each row for itself; what failed stops nobody else.

    With `summarizeErrors=false` every element comes back with its own status; else one failure makes
    the reply a 400 that lists only the failures, although the others were created.
    """
    shown: list[Json] = []
    failed: list[Json] = []
    for row in rows:
        try:
            record = act(row)
            element = render(elements.view(call.org, record), day_strings=elements.day_strings)
            shown.append({**element, "StatusAttributeString": "OK", "ValidationErrors": []})
        except Invalid as invalid:
            element = _failure(elements, row, invalid)
            shown.append(element)
            failed.append(element)
    if call.request.query.get("summarizeErrors", "").lower() != "false":
        if failed:
            return validation_error(failed)
        for element in shown:
            del element["StatusAttributeString"], element["ValidationErrors"]
    if call.org.shuffle_answers:
        call.org.random.shuffle(shown)
    return call.ok(elements.name, shown)


def _failure(elements: Elements, row: Json, invalid: Invalid) -> Json:
    """The row as it was sent, with the zero id that Xero gives to what it did not create."""
    given_id = row.get(elements.id_name)
    return {
        **{name: value for name, value in row.items() if _fits(name, value)},
        elements.id_name: given_id if isinstance(given_id, str) else ZERO_ID,
        elements.flag: True,
        "StatusAttributeString": "ERROR",
        "ValidationErrors": errors_of(invalid.messages),
    }


# A refused element is shown as Xero's own types can hold it: what is not one of these is left out.
WORDS = {
    "Type": {"ACCPAY", "ACCREC", "ACCPAYCREDIT", "ACCRECCREDIT", "SPEND", "RECEIVE"},
    "Status": {"DRAFT", "SUBMITTED", "AUTHORISED", "PAID", "VOIDED", "DELETED"},
    "LineAmountTypes": {"Exclusive", "Inclusive", "NoTax"},
    "CurrencyCode": set(CURRENCY_NAMES),
    "ContactStatus": {"ACTIVE", "ARCHIVED"},
}
LONGEST_TEXT = 255


def _fits(name: str, value: Any) -> bool:
    if value is None or (isinstance(value, str) and len(value) > LONGEST_TEXT):
        return False
    if name in WORDS and value not in WORDS[name]:
        return False
    try:
        dump(value)
    except TypeError:
        return False
    return True


def new_id() -> str:
    """A fresh id."""
    return str(uuid4())


def total_of(records: list[Json], name: str) -> Decimal:
    """Sum of one money field."""
    return sum((record[name] for record in records), Decimal("0.00"))
