"""Xero's list parameters: `where`, `order`, `page`, `IDs`, If-Modified-Since
(https://developer.xero.com/documentation/api/accounting/requests-and-responses)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

from sandbox.web import Json, Request
from sandbox.xero_wire import refuse

_TOKEN = re.compile(
    r"\s*(?:(?P<text>\"(?:[^\"\\]|\\.)*\")|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<op>&&|\|\||==|!=|<>|<=|>=|=|<|>|!|\(|\)|,)|(?P<name>[A-Za-z_][\w.]*))"
)
Test = Callable[[Json], Any]


def _bad(message: str) -> Exception:
    return refuse(message, number=16, kind="QueryParseException")


@dataclass
class _Where:
    """A recursive-descent reader of one `where` text."""

    tokens: list[tuple[str, str]]
    place: int = 0

    def peek(self) -> str:
        return self.tokens[self.place][1] if self.place < len(self.tokens) else ""

    def take(self) -> tuple[str, str]:
        if self.place >= len(self.tokens):
            raise _bad("Expression expected (at the end of the where clause)")
        self.place += 1
        return self.tokens[self.place - 1]

    def accept(self, *words: str) -> bool:
        if self.peek().upper() in words:
            self.place += 1
            return True
        return False

    def either(self) -> Test:
        left = self.both()
        while self.accept("||", "OR"):
            left = _or(left, self.both())
        return left

    def both(self) -> Test:
        left = self.negation()
        while self.accept("&&", "AND"):
            left = _and(left, self.negation())
        return left

    def negation(self) -> Test:
        if self.accept("!", "NOT"):
            inner = self.negation()
            return lambda record: not inner(record)
        return self.comparison()

    def comparison(self) -> Test:
        left = self.operand()
        operator = self.peek()
        if operator not in ("==", "=", "!=", "<>", "<", "<=", ">", ">="):
            return left
        self.take()
        right = self.operand()
        return lambda record: _compare(left(record), operator, right(record))

    def operand(self) -> Test:
        kind, text = self.take()
        if text == "(":
            inner = self.either()
            self.close()
            return inner
        if kind == "text":
            return _constant(re.sub(r"\\(.)", r"\1", text[1:-1]))
        if kind == "number":
            return _constant(Decimal(text))
        if kind == "name":
            return self.named(text)
        raise _bad(f"Expression expected near '{text}'")

    def close(self) -> None:
        if self.take()[1] != ")":
            raise _bad("')' or operator expected")

    def arguments(self) -> list[Test]:
        given: list[Test] = []
        while not self.accept(")"):
            given.append(self.operand())
            self.accept(",")
        return given

    def named(self, text: str) -> Test:
        word = text.lower()
        if word in ("true", "false", "null"):
            return _constant({"true": True, "false": False, "null": None}[word])
        if self.peek() == "(":
            self.take()
            return _function(text, self.arguments())
        return _field(text)


def _constant(value: Any) -> Test:
    return lambda record: value


def _or(left: Test, right: Test) -> Test:
    return lambda record: left(record) or right(record)


def _and(left: Test, right: Test) -> Test:
    return lambda record: left(record) and right(record)


def _field(path: str) -> Test:
    def value(record: Json) -> Any:
        found: Any = record
        for name in path.split("."):
            if found is record and name not in record.get("_known", record):
                raise _bad(f"No property or field '{name}' exists in type '{record.get('_noun', 'object')}'")
            if name == "Value" and not isinstance(found, dict):
                continue
            found = found.get(name) if isinstance(found, dict) else None
        return found

    return value


def _function(text: str, arguments: list[Test]) -> Test:
    name = text.lower()
    if name in ("guid", "guid.parse"):
        return lambda record: str(arguments[0](record)).lower()
    if name == "datetime":
        return lambda record: date(*(int(part(record)) for part in arguments[:3]))
    if name == "datetime.parse":
        return lambda record: datetime.fromisoformat(str(arguments[0](record))).date()
    if name == "string.isnullorempty":
        return lambda record: not arguments[0](record)
    path, _, method = text.rpartition(".")
    held = _field(path)
    tests: dict[str, Callable[[str, str], bool]] = {
        "contains": lambda whole, part: part in whole,
        "startswith": lambda whole, part: whole.startswith(part),
        "endswith": lambda whole, part: whole.endswith(part),
    }
    if method.lower() not in tests or not arguments:
        raise _bad(f"No applicable method '{method}' exists")
    return lambda record: tests[method.lower()](str(held(record) or ""), str(arguments[0](record)))


def _compare(left: Any, operator: str, right: Any) -> bool:
    if isinstance(left, datetime) and isinstance(right, date) and not isinstance(right, datetime):
        right = datetime(right.year, right.month, right.day, tzinfo=UTC)
    if operator in ("==", "="):
        return bool(left == right)
    if operator in ("!=", "<>"):
        return bool(left != right)
    if left is None or right is None:
        return False
    try:
        return bool(
            {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[operator]
        )
    except TypeError:
        raise _bad(f"Operator '{operator}' incompatible with operand types") from None


def where(text: str) -> Test:
    """A test for records; raises Refused (400) for what cannot be read."""
    tokens: list[tuple[str, str]] = []
    place = 0
    text = text.rstrip()
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None or found.lastgroup is None:
            raise _bad(f"Syntax error '{text[place:].strip()[:1]}'")
        tokens.append((found.lastgroup, found[found.lastgroup]))
        place = found.end()
    reader = _Where(tokens)
    test = reader.either()
    if reader.place != len(tokens):
        raise _bad("Syntax error")
    return test


def order(records: list[Json], text: str) -> list[Json]:
    """Records sorted by `Field ASC, Other DESC`."""
    for part in reversed(text.split(",")):
        path, _, way = part.strip().partition(" ")
        value = _field(path)

        def key(record: Json, value: Test = value) -> tuple[bool, Any]:
            found = value(record)
            return (found is not None, found if found is not None else 0)

        records = sorted(records, key=key, reverse=way.strip().upper().startswith("DESC"))
    return records


def modified_since(request: Request) -> datetime | None:
    """The instant of If-Modified-Since (HTTP date, or ISO text as UTC); None when absent or unreadable."""
    text = request.headers.get("if-modified-since", "").strip()
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        try:
            found = parsedate_to_datetime(text)
        except ValueError:
            return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def list_of(request: Request, name: str) -> set[str] | None:
    """The comma-separated values of a parameter, None when it is not given."""
    text = request.query.get(name)
    return None if not text else {part.strip() for part in text.split(",")}


@dataclass(frozen=True)
class Found:
    """The records of one page, and Xero's pagination object when a page was asked for."""

    records: list[Json]
    pagination: Json | None


def select(
    records: list[Json], request: Request, *, noun: str, fields: set[str], default_order: str = ""
) -> Found:
    """Records after If-Modified-Since, where, order and page; raises Refused (400) for a bad clause."""
    since = modified_since(request)
    if since is not None:
        records = [record for record in records if record["UpdatedDateUTC"] > since]
    records = [{**record, "_known": fields, "_noun": noun} for record in records]
    if request.query.get("where"):
        test = where(request.query["where"])
        records = [record for record in records if test(record)]
    if request.query.get("order") or default_order:
        records = order(records, request.query.get("order") or default_order)
    return page(records, request)


def page(records: list[Json], request: Request) -> Found:
    """The page asked for, of 100 unless `pageSize` says otherwise; everything when none is asked for."""
    if "page" not in request.query:
        return Found(records, None)
    try:
        number = max(1, int(request.query["page"]))
        size = int(request.query.get("pageSize", 100))
    except ValueError:
        raise _bad("page and pageSize must be whole numbers") from None
    if not 1 <= size <= 1000:
        raise _bad("pageSize must be between 1 and 1000")
    chosen = records[(number - 1) * size : number * size]
    counts = {
        "page": number,
        "pageSize": size,
        "pageCount": -(-len(records) // size),
        "itemCount": len(records),
    }
    return Found(chosen, counts)
