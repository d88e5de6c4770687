"""Kinds of arguments: text that any database can hold, whole numbers, and the place where a page begins."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, pre_load, validate

from models.queries import Place

MOST = 200  # rows on a page
USUAL = 50
LARGEST = 2**63 - 1
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)
_ONE_LINE = r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$"
_NUMBER = re.compile(r"[0-9]{1,19}")


class Text(fields.String):
    """One line of 1 to `most` characters, of which one at least can be seen."""

    def __init__(self, *, most: int = 200, **more: Any) -> None:
        one_line = validate.Regexp(_ONE_LINE, error="Must be one line of text, without control characters.")
        super().__init__(validate=[validate.Length(min=1, max=most), one_line], **more)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> str:
        text = super()._deserialize(value, attr, data, **more)
        if any(char == "\n" or "\ud800" <= char <= "\udfff" for char in text):  # `$` lets a last \n pass
            raise ValidationError("Must be one line of text, without control characters.")
        return text.strip(" ")


class Whole(fields.Integer):
    """A whole number from 1 to `most`, written in plain digits."""

    def __init__(self, *, most: int = LARGEST, **more: Any) -> None:
        super().__init__(validate=validate.Range(1, most), **more)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> int:
        if not isinstance(value, str) or not _NUMBER.fullmatch(value):
            raise self.make_error("invalid", input=value)
        return int(value)


class Cursor(fields.String):
    """The `next_cursor` of the page before: where this page of expenses begins."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Any:
        numbers = _opened(super()._deserialize(value, attr, data, **more), 2)
        try:
            return _EPOCH + numbers[0] * _MICROSECOND, numbers[1]
        except OverflowError:
            raise _not_a_cursor() from None


class EventCursor(fields.String):
    """The `next_cursor` of the page before: where this page of events begins."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Any:
        return _opened(super()._deserialize(value, attr, data, **more), 1)[0]


def is_number(text: str) -> bool:
    """Whether the text is a whole number in plain digits that a database can hold."""
    return bool(_NUMBER.fullmatch(text)) and int(text) <= LARGEST


def cursor_of(place: Place | None) -> str | None:
    """The cursor that leads to what follows this place."""
    if place is None:
        return None
    return _sealed((place[0] - _EPOCH) // _MICROSECOND, place[1])


def event_cursor_of(event_id: int | None) -> str | None:
    return None if event_id is None else _sealed(event_id)


def _sealed(*numbers: int) -> str:
    text = ".".join(map(str, numbers))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _opened(cursor: str, count: int) -> list[int]:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode(
            "ascii"
        )
    except (binascii.Error, ValueError):
        raise _not_a_cursor() from None
    parts = text.split(".")
    if len(parts) != count or not all(_NUMBER.fullmatch(part) and int(part) <= LARGEST for part in parts):
        raise _not_a_cursor()
    return [int(part) for part in parts]


def _not_a_cursor() -> ValidationError:
    return ValidationError("Not a cursor: give the next_cursor of the page before, unchanged.")


class Arguments(Schema):
    """Arguments by name. An empty one counts as not given; an unknown one is refused."""

    class Meta:
        unknown = RAISE

    @pre_load
    def _leave_out_empty(self, data: Any, **_newer: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        return {name: data[name] for name in data if data[name] != ""}
