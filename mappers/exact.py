"""JSON whose numbers stay exact both ways: Decimal in, Decimal out, never a float.

The standard encoder writes Decimals only by way of float; a body is frozen in the outbox and sent again byte
for byte, so its text must be ours to the last digit.
"""

from __future__ import annotations

import json
from decimal import Decimal
from json.encoder import encode_basestring as _quoted
from typing import Any

_plain = json.JSONEncoder(ensure_ascii=False).encode  # json.dumps makes an encoder each time


def to_bytes(value: Any) -> bytes:
    """The compact UTF-8 JSON of dicts, lists, text, ints, bools, None and Decimals (as numbers).

    Keys keep their order. Raises TypeError for anything else, a float included.
    """
    return _text(value).encode()


def parse(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`, fractions as Decimal. Raises ValueError when it is not a JSON object."""
    try:
        value = json.loads(body, parse_float=Decimal, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("the JSON is nested too deeply") from error
    if not isinstance(value, dict):
        raise ValueError("expected a JSON object")
    return value


def to_decimal(value: object) -> Decimal | None:
    """A JSON number, or a number written as text as some answers do, as Decimal; anything else is None."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        return None
    try:
        number = Decimal(value)
    except ArithmeticError:
        return None
    return number if number.is_finite() else None


def _text(value: Any) -> str:
    kind = type(value)  # looked up exactly first: every field of every entry and body passes here
    if kind is str:
        return _quoted(value)
    if kind is dict:
        return "{" + ",".join([f"{_key(key)}:{_text(item)}" for key, item in value.items()]) + "}"
    if kind is list or kind is tuple:
        return "[" + ",".join([_text(item) for item in value]) + "]"
    if kind is Decimal:
        return _number(value)
    if value is None or isinstance(value, bool | int | str):
        return _plain(value)
    raise TypeError(f"{kind.__name__} cannot be written as exact JSON")


def _number(value: Decimal) -> str:
    if not value.is_finite():
        raise TypeError(f"{value} is not a JSON number")
    return format(value, "f")


def _key(key: object) -> str:
    if type(key) is not str:
        raise TypeError("JSON keys are text")
    return _quoted(key)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
