"""Xero's wire forms: dates, envelopes and errors
(https://developer.xero.com/documentation/api/accounting/responsecodes)."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any
from uuid import uuid4

from sandbox.web import Json, Refused, Reply, json_reply, text_reply

ZERO_ID = "00000000-0000-0000-0000-000000000000"
CENT = Decimal("0.01")
_TICKS = re.compile(r"^/Date\((-?\d+)([+-]\d{4})?\)/$")
_DATED = ("Date", "DueDate")


def round_half_up(value: Decimal, *, step: Decimal = CENT) -> Decimal:
    """`value` to the step, halves away from zero."""
    return value.quantize(step, rounding=ROUND_HALF_UP)


def ticks(value: date | datetime) -> str:
    """`/Date(ms+0000)/` for a day (its midnight UTC) or an instant."""
    instant = value if isinstance(value, datetime) else datetime.combine(value, time(), UTC)
    return f"/Date({round(instant.timestamp() * 1000)}+0000)/"


def render(value: Any, *, day_strings: bool = False) -> Any:
    """A stored object as JSON: dates in Xero's form, names with a leading underscore left out.

    With `day_strings` the objects that are documents also get `DateString` and `DueDateString`.
    """
    if isinstance(value, dict):
        shown: Json = {}
        for name, item in value.items():
            if name.startswith("_") or item is None:
                continue
            if day_strings and name in _DATED and isinstance(item, date):
                shown[f"{name}String"] = f"{item.isoformat()}T00:00:00"
            shown[name] = render(item)
        return shown
    if isinstance(value, list):
        return [render(item) for item in value]
    if isinstance(value, date):
        return ticks(value)
    return value


def to_day(text: Any) -> date:
    """The calendar day a request means; raises ValueError when it is no date."""
    if not isinstance(text, str):
        raise ValueError(f"{text!r} is not a date")
    found = _TICKS.match(text)
    if found:
        return datetime.fromtimestamp(int(found[1]) / 1000, UTC).date()
    return datetime.fromisoformat(text.replace("Z", "+00:00")).date()


def to_money(value: Any) -> Decimal:
    """A number from a request, also when sent as a string; raises ValueError when it is none."""
    if isinstance(value, bool) or not isinstance(value, (int, str, Decimal)):
        raise ValueError(f"{value!r} is not a number")
    try:
        amount = Decimal(value)
    except InvalidOperation:
        raise ValueError(f"{value!r} is not a number") from None
    if not amount.is_finite() or abs(amount) >= Decimal(10) ** 12:
        raise ValueError(f"{value!r} is too large")
    return amount


def envelope(name: str, items: list[Any], *, now: datetime, day_strings: bool = False) -> Json:
    """A successful reply's body around `items`."""
    return {
        "Id": str(uuid4()),
        "Status": "OK",
        "ProviderName": "Expense Relay Sandbox",
        "DateTimeUTC": ticks(now).replace("+0000", ""),
        name: [render(item, day_strings=day_strings) for item in items],
    }


def errors_of(messages: list[str]) -> list[Json]:
    """Messages in Xero's list form."""
    return [{"Message": message} for message in messages]


def validation_error(elements: list[Json], *, day_strings: bool = True) -> Reply:
    """400 with the elements that failed."""
    body = {
        "ErrorNumber": 10,
        "Type": "ValidationException",
        "Message": "A validation exception occurred",
        "Elements": [render(element, day_strings=day_strings) for element in elements],
    }
    return json_reply(body, status=400)


def refuse(message: str, *, number: int = 10, kind: str = "ValidationException") -> Refused:
    """400 about the request as a whole."""
    return Refused(json_reply({"ErrorNumber": number, "Type": kind, "Message": message}, status=400))


def no_data(noun: str) -> Refused:
    """400 for a body in which the expected envelope is missing."""
    text = f"This endpoint is expecting {noun} data to be specifed in the request body."
    return refuse(
        f"No data has been processed for this endpoint. {text}", number=17, kind="NoDataProcessedException"
    )


def not_found() -> Refused:
    """404 for an unknown id, as text like Xero's."""
    return Refused(text_reply("The resource you're looking for cannot be found", status=404))


def problem(status: int, title: str, detail: str) -> Reply:
    """401 and 403 in the form Xero's gateway gives them."""
    body: Json = {
        "Type": None,
        "Title": title,
        "Status": status,
        "Detail": detail,
        "Instance": str(uuid4()),
        "Extensions": {},
    }
    return json_reply(body, status=status)
