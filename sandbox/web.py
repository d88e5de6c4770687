"""Requests, replies and a small route table.

The sandbox must be able to act and then cut the connection without an answer, which no WSGI framework allows;
so it speaks HTTP itself (see `server`), and these are the few words it needs for that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, unquote

Json = dict[str, Any]
JSON_TYPE = "application/json; charset=utf-8"


class Refused(Exception):
    """Raised anywhere below a handler to answer with `reply` instead."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"answered with status {reply.status}")
        self.reply = reply


@dataclass
class Request:
    """One HTTP request; header names are lower case, `origin` is what the sandbox is called from outside."""

    method: str
    path: str
    raw_query: str
    headers: dict[str, str]
    body: bytes
    origin: str
    query: dict[str, str] = field(init=False)
    notes: Json = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.query = dict(parse_qsl(self.raw_query, keep_blank_values=True))

    def json(self) -> Any:
        """The body as JSON with Decimals for fractions; raises ValueError when it is not JSON."""
        return json.loads(self.body.decode("utf-8"), parse_float=Decimal)

    def flag(self, name: str) -> bool:
        """Whether the query parameter says true."""
        return self.query.get(name, "").lower() == "true"


@dataclass
class Reply:
    """What is answered; `cut` closes the connection without sending anything."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False


def number(value: Any) -> Any:
    """A JSON number for a Decimal; raises TypeError when a double could not carry it exactly."""
    if not isinstance(value, Decimal):
        raise TypeError(f"{type(value).__name__} is not JSON")
    if value.is_finite() and len(value.normalize().as_tuple().digits) <= 15:
        return float(value)  # 15 digits survive a double unchanged, and the C encoder is ten times quicker
    raise TypeError(f"{value} has more digits than a JSON number carries")


def dump(value: Any) -> bytes:
    """JSON bytes of `value`, Decimals exactly."""
    return json.dumps(value, default=number).encode()


def json_reply(value: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    """A reply with a JSON body."""
    return Reply(status, dump(value), {"Content-Type": JSON_TYPE, **(headers or {})})


def text_reply(text: str, *, status: int = 200, content_type: str = "text/html; charset=utf-8") -> Reply:
    """A reply with a text body."""
    return Reply(status, text.encode(), {"Content-Type": content_type})


Handler = Callable[..., Reply]


class Routes:
    """Method and path pattern to handler; `{name}` stands for one path segment and is passed by keyword."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, re.Pattern[str], Handler]] = []

    def on(self, method: str, pattern: str) -> Callable[[Handler], Handler]:
        """Register the decorated handler."""
        regex = re.compile("^" + re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern) + "$", re.IGNORECASE)

        def register(handler: Handler) -> Handler:
            self._rows.append((method, regex, handler))
            return handler

        return register

    def include(self, other: Routes) -> None:
        """Add another table's rows after the own ones."""
        self._rows.extend(other._rows)

    def find(self, *, method: str, path: str) -> tuple[Handler | None, dict[str, str], bool]:
        """Handler, its path parameters, and whether the path is known under some other method."""
        known = False
        for row_method, regex, handler in self._rows:
            found = regex.match(path)
            if found is None:
                continue
            if row_method == method:
                return handler, {name: unquote(text) for name, text in found.groupdict().items()}, True
            known = True
        return None, {}, known
