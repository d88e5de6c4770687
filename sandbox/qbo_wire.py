"""QuickBooks Online's wire forms: faults, days, instants, money
(https://developer.intuit.com/app/developer/qbo/docs/develop/troubleshooting/error-codes)."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from sandbox.web import Json, Refused, Reply, json_reply

CENT = Decimal("0.01")
ZERO = Decimal("0.00")
# Instants carry an offset, as the real ones do: a client that cuts it off gets the wrong hour.
_OFFSET = timezone(timedelta(hours=-8))


class Fault(Exception):
    """A request, or one item of a batch, is refused in QuickBooks' words."""

    def __init__(
        self,
        code: str,
        message: str,
        detail: str = "",
        *,
        element: str = "",
        kind: str = "ValidationFault",
        status: int = 400,
    ) -> None:
        super().__init__(f"{code} {message}: {detail}")
        self.code, self.status = code, status
        self.wire: Json = {
            "Error": [{"Message": message, "Detail": detail, "code": code, "element": element}],
            "type": kind,
        }


def business(detail: str) -> Fault:
    """Code 6000: some rule, told only by the detail."""
    return Fault(
        "6000",
        "A business validation error has occurred while processing your request",
        f"Business Validation Error: {detail}",
    )


def required(element: str) -> Fault:
    """Code 2020: a field is missing."""
    return Fault(
        "2020",
        "Required param missing, need to supply the required value for the API",
        f"Required parameter {element} is missing in the request",
        element=element,
    )


def unsupported(name: str) -> Fault:
    """Code 2010: a field that does not exist there."""
    return Fault(
        "2010",
        "Request has invalid or unsupported property",
        f"Property Name:Unrecognized field '{name}', not marked as ignorable is unsupported or invalid",
        element=name,
    )


def too_long(element: str, limit: int) -> Fault:
    """Code 2050."""
    detail = f"String length specified does not match the supported length. Max allowed: {limit}"
    return Fault(
        "2050",
        "String length is either shorter or longer than supported by specification",
        detail,
        element=element,
    )


def unknown_reference(what: str, identity: Any) -> Fault:
    """Code 2500; `what` is Accounts, Names, Klasses, Depts or Taxcodes."""
    return Fault(
        "2500", "Invalid Reference Id", f"Invalid Reference Id : {what} element id {identity} not found"
    )


def not_found(detail: str = "") -> Fault:
    """Code 610: missing, deleted, or made inactive."""
    text = "Something you're trying to use has been made inactive. "
    text += "Check the fields with accounts, customers, items, vendors or employees."
    return Fault("610", "Object Not Found", f"Object Not Found : {detail or text}")


def wrong_account(detail: str) -> Fault:
    """Code 6430: an account of the wrong type."""
    return Fault(
        "6430",
        "Invalid account type used",
        f"Invalid account type: Select a different type of account for this transaction. {detail}",
    )


def fault_reply(fault: Fault, *, now: datetime, headers: dict[str, str] | None = None) -> Reply:
    """The reply of a refused request."""
    return json_reply({"Fault": fault.wire, "time": instant(now)}, status=fault.status, headers=headers)


def refuse(fault: Fault, *, now: datetime) -> Refused:
    """The same, raised."""
    return Refused(fault_reply(fault, now=now))


def throttled(*, now: datetime, retry_after: int | None = None) -> Reply:
    """429 as the gateway gives it; it asks for a wait of sixty seconds without saying so in a header."""
    fault = Fault(
        "3001",
        "message=ThrottleExceeded; errorCode=003001; statusCode=429",
        "The request limit was reached.  Try again later",
        kind="SERVICE",
        status=429,
    )
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return fault_reply(fault, now=now, headers=headers)


def instant(value: datetime) -> str:
    """An instant as in MetaData, to the second."""
    return value.astimezone(_OFFSET).isoformat(timespec="seconds")


def to_instant(text: Any) -> datetime:
    """The instant a request means, midnight when only a day is given; raises ValueError."""
    found = datetime.fromisoformat(str(text).replace("Z", "+00:00").replace(" ", "+"))
    return found if found.tzinfo else found.replace(tzinfo=_OFFSET)


def to_day(value: Any, *, element: str) -> date:
    """The calendar day a request means; raises Fault 2060."""
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        raise Fault("2060", "Invalid date format", f"{value} is not a date", element=element) from None


def to_money(value: Any, *, element: str = "Amount") -> Decimal:
    """A number from a request, also when sent as a string; raises Fault 2140."""
    try:
        if isinstance(value, bool) or not isinstance(value, (int, str, Decimal)):
            raise InvalidOperation
        amount = Decimal(value)
        if not amount.is_finite() or abs(amount) >= Decimal(10) ** 11:
            raise InvalidOperation
    except InvalidOperation:
        raise Fault("2140", "Invalid amount", f"{value} is not an amount", element=element) from None
    return amount


def cents(value: Decimal) -> Decimal:
    """To the cent, halves away from zero."""
    return value.quantize(CENT, rounding=ROUND_HALF_UP)


def render(value: Any) -> Any:
    """A stored object as JSON: days as text, names with a leading underscore and nulls left out."""
    if isinstance(value, dict):
        return {
            name: render(item)
            for name, item in value.items()
            if not name.startswith("_") and item is not None
        }
    if isinstance(value, list):
        return [render(item) for item in value]
    if isinstance(value, datetime):
        return instant(value)
    return value.isoformat() if isinstance(value, date) else value


def given(row: Json, name: str) -> Any:
    """A field's value; an empty text and null mean that it was not sent."""
    value = row.get(name)
    return None if value == "" else value


def reference(row: Json, name: str) -> str | None:
    """The id in a reference field, None when absent or null."""
    held = row.get(name)
    value = held.get("value") if isinstance(held, dict) else held
    return None if value in (None, "") else str(value)
