"""The `conditions` language of ConnectWise PSA lists, and `orderBy`.

`expenseReport/id=3 and (status in ("Open","Rejected") or not notes like "*taxi*")
and date>[2026-08-20T00:00:00Z]`
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any

from sandbox.connectwise_wire import error
from sandbox.web import Json

_TOKEN = re.compile(
    r"\s*(?:\"(?P<text>(?:[^\"\\]|\\.)*)\"|'(?P<quoted>(?:[^'\\]|\\.)*)'|\[(?P<instant>[^\]]*)\]"
    r"|(?P<number>-?\d+(?:\.\d+)?)|(?P<op><=|>=|!=|=|<|>|\(|\)|,)|(?P<name>[A-Za-z_][\w/]*))"
)
OPERATORS = ("=", "!=", "<", "<=", ">", ">=", "LIKE", "CONTAINS", "IN", "NOT")
Test = Callable[[Json], bool]


def _bad(message: str) -> Exception:
    return error(400, "InvalidObject", f"conditions is invalid: {message}")


def value_at(record: Json, path: str) -> Any:
    """The value that a path such as `expenseReport/id` leads to, None when there is none."""
    found: Any = record
    for name in path.split("/"):
        if not isinstance(found, dict):
            return None
        if name in found:
            found = found[name]
        else:
            found = next((value for key, value in found.items() if key.lower() == name.lower()), None)
    return found


@dataclass
class _Conditions:
    """A recursive-descent reader of one conditions text."""

    tokens: list[tuple[str, str]]
    fields: set[str] | None
    place: int = 0

    def peek(self) -> str:
        if self.place >= len(self.tokens):
            return ""
        kind, text = self.tokens[self.place]
        return text.upper() if kind in ("op", "name") else "\0"

    def take(self) -> tuple[str, str]:
        if self.place >= len(self.tokens):
            raise _bad("something is missing at its end")
        self.place += 1
        return self.tokens[self.place - 1]

    def accept(self, word: str) -> bool:
        if self.peek() == word:
            self.place += 1
            return True
        return False

    def either(self) -> Test:
        tests = [self.both()]
        while self.accept("OR"):
            tests.append(self.both())
        return tests[0] if len(tests) == 1 else lambda record: any(test(record) for test in tests)

    def both(self) -> Test:
        tests = [self.one()]
        while self.accept("AND"):
            tests.append(self.one())
        return tests[0] if len(tests) == 1 else lambda record: all(test(record) for test in tests)

    def one(self) -> Test:
        if self.accept("NOT"):
            inner = self.one()
            return lambda record: not inner(record)
        if self.accept("("):
            inner = self.either()
            if not self.accept(")"):
                raise _bad("a closing parenthesis is missing")
            return inner
        return self.comparison()

    def comparison(self) -> Test:
        kind, path = self.take()
        if kind != "name":
            raise _bad(f"a field name is expected instead of {path}")
        if self.fields is not None and path.split("/")[0].lower() not in self.fields:
            raise _bad(f"there is no field {path}")
        operator = self.peek()
        if operator not in OPERATORS:
            raise _bad(f"an operator is expected after {path}")
        self.take()
        if operator == "NOT":
            test = self.operation(path, self.take()[1].upper())
            return lambda record: not test(record)
        return self.operation(path, operator)

    def operation(self, path: str, operator: str) -> Test:
        if operator == "IN":
            return _one_of(path, self.values())
        if operator not in OPERATORS or operator == "NOT":
            raise _bad(f"{operator} is not an operator")
        value = self.value()
        return lambda record: _compare(value_at(record, path), operator, value)

    def values(self) -> list[Any]:
        if not self.accept("("):
            raise _bad("a list in parentheses is expected after in")
        found = [self.value()]
        while self.accept(","):
            found.append(self.value())
        if not self.accept(")"):
            raise _bad("a closing parenthesis is missing")
        return found

    def value(self) -> Any:
        kind, text = self.take()
        if kind in ("text", "quoted"):
            return re.sub(r"\\(.)", r"\1", text)
        if kind == "number":
            return Decimal(text)
        if kind == "instant":
            return _instant(text)
        if kind == "name" and text.lower() in ("true", "false", "null"):
            return {"true": True, "false": False, "null": None}[text.lower()]
        raise _bad(f"a value is expected instead of {text}")


def _one_of(path: str, wanted: list[Any]) -> Test:
    """A set answers for text and numbers: fifty ids are asked of thousands of records."""
    others = [value for value in wanted if isinstance(value, bool | datetime | None)]
    plain = {_folded(value) for value in wanted if value not in others}

    def test(record: Json) -> bool:
        held = value_at(record, path)
        if isinstance(held, str | int | Decimal) and not isinstance(held, bool) and _folded(held) in plain:
            return True
        return any(_compare(held, "=", value) for value in others)

    return test


def _folded(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    except ValueError:
        raise _bad(f"[{text}] is not a date") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _compare(held: Any, operator: str, value: Any) -> bool:
    if isinstance(held, str) and isinstance(value, datetime):
        held = _instant(held)
    if isinstance(held, str) and isinstance(value, str):
        held, value = held.lower(), value.lower()  # ConnectWise compares text without regard to case
    if operator == "CONTAINS":
        return isinstance(held, str) and str(value) in held
    if operator == "LIKE":
        return isinstance(held, str) and fnmatchcase(held, str(value).replace("%", "*").replace("[", "[[]"))
    if operator in ("=", "!="):
        same = type(held) is not bool or type(value) is bool
        return (same and held == value) is (operator == "=")
    if held is None or value is None:
        return False
    try:
        return bool(
            {"<": held < value, "<=": held <= value, ">": held > value, ">=": held >= value}[operator]
        )
    except TypeError:
        raise _bad(f"{operator} cannot compare these") from None


def conditions(text: str, *, fields: set[str] | None = None) -> Test:
    """A test for records; raises Refused (400) for what cannot be read or names an unknown field."""
    tokens: list[tuple[str, str]] = []
    place, text = 0, text.rstrip()
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None or found.lastgroup is None:
            raise _bad(f"cannot read it from {text[place : place + 20].strip()!r} on")
        tokens.append((found.lastgroup, found[found.lastgroup]))
        place = found.end()
    reader = _Conditions(tokens, {name.lower() for name in fields} if fields is not None else None)
    test = reader.either()
    if reader.place != len(tokens):
        raise _bad(f"{reader.take()[1]} is not expected there")
    return test


def order_by(records: list[Json], text: str) -> list[Json]:
    """Records sorted by `field asc, other desc`."""
    for part in reversed(text.split(",")):
        words = part.split()
        if not words:
            raise error(400, "InvalidObject", "orderBy is invalid: a field name is missing")

        def key(record: Json, path: str = words[0]) -> tuple[bool, Any]:
            found = value_at(record, path)
            return (found is not None, found if found is not None else 0)

        records = sorted(records, key=key, reverse=len(words) > 1 and words[1].lower() == "desc")
    return records
