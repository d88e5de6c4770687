"""Our dataclasses as JSON for the database, and back, exactly: Decimals and days as text.

The dataclasses are the schema: their type annotations say how each value is read back. Fields that an older
row lacks take their defaults; fields that a newer row has besides are left out.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import types
import typing
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar, cast

from mappers.books import Books
from mappers.decision import Decision
from mappers.documents import Document
from mappers.entry import Entry, Report, Site

_T = TypeVar("_T")


def document_to_json(document: Document) -> dict[str, Any]:
    """A document as plain JSON values."""
    return _dump_fields(document)


def document_from_json(data: Mapping[str, Any]) -> Document:
    """The document that `document_to_json` wrote."""
    return _load_fields(Document, data)


def books_to_json(books: Books) -> dict[str, Any]:
    """The books as plain JSON values."""
    return _dump_fields(books)


def books_from_json(data: Mapping[str, Any]) -> Books:
    """The books that `books_to_json` wrote."""
    return _load_fields(Books, data)


def site_to_json(site: Site) -> dict[str, Any]:
    """The site as plain JSON values."""
    return _dump_fields(site)


def site_from_json(data: Mapping[str, Any]) -> Site:
    """The site that `site_to_json` wrote."""
    return _load_fields(Site, data)


def entry_to_json(entry: Entry) -> dict[str, Any]:
    """The entry as plain JSON values."""
    return _dump_fields(entry)


def entry_from_json(data: Mapping[str, Any]) -> Entry:
    """The entry that `entry_to_json` wrote."""
    return _load_fields(Entry, data)


def report_to_json(report: Report) -> dict[str, Any]:
    """The report as plain JSON values."""
    return _dump_fields(report)


def report_from_json(data: Mapping[str, Any]) -> Report:
    """The report that `report_to_json` wrote."""
    return _load_fields(Report, data)


def decision_to_json(decision: Decision) -> dict[str, Any]:
    """The decision as plain JSON values."""
    return _dump_fields(decision)


def decision_from_json(data: Mapping[str, Any]) -> Decision:
    """The decision that `decision_to_json` wrote."""
    return _load_fields(Decision, data)


def _dump_fields(value: Any) -> dict[str, Any]:
    return {field.name: _dump(getattr(value, field.name)) for field in dataclasses.fields(value)}


def _dump(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return _dump_fields(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, tuple | list):
        return [_dump(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _dump(item) for key, item in value.items()}
    return value


def _load_fields(kind: type[_T], data: Mapping[str, Any]) -> _T:
    return kind(
        **{name: _load(hint, data[name]) for name, hint in _hints(cast(Any, kind)).items() if name in data}
    )


@cache
def _hints(kind: type[Any]) -> dict[str, Any]:
    """The type of each field. Reading the annotations' text takes a millisecond each time."""
    hints = typing.get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


def _load(hint: Any, value: Any) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        inner = next(argument for argument in arguments if argument is not types.NoneType)
        return None if value is None else _load(inner, value)
    if origin is tuple:
        hints = arguments[:1] * len(value) if arguments[-1] is Ellipsis else arguments
        return tuple(_load(inner, item) for inner, item in zip(hints, value, strict=True))
    if origin is not None and issubclass(origin, Mapping):
        return {arguments[0](key): _load(arguments[1], item) for key, item in value.items()}
    if hint is Decimal:
        return Decimal(value)
    if hint is dt.date:
        return dt.date.fromisoformat(value)
    return _load_fields(cast(type[Any], hint), value) if dataclasses.is_dataclass(hint) else value
