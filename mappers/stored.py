"""Our dataclasses as JSON for the database, and back, exactly: Decimals and days as text.

The dataclasses are the schema: their type annotations say how each value is read back. Fields that an older
row lacks take their defaults; fields that a newer row has besides are left out.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import cache, partial
from typing import Any, TypeVar, cast

from mappers.books import Books
from mappers.decision import Decision
from mappers.documents import Document
from mappers.entry import Entry, Report, Site

_T = TypeVar("_T")
_Reader = Callable[[Any], Any]
_PLAIN = frozenset((str, int, bool, types.NoneType))


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
    return {name: _dump(getattr(value, name)) for name, _ in _readers(cast(Any, type(value)))}


def _dump(value: Any) -> Any:
    if type(value) in _PLAIN:
        return value
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
    given = [(name, read) for name, read in _readers(cast(Any, kind)) if name in data]
    return kind(**{name: read(data[name]) if read else data[name] for name, read in given})


@cache
def _readers(kind: Any) -> list[tuple[str, _Reader | None]]:
    """Each field, and how its value is read. Working that out takes a hundred times as long as reading."""
    hints = typing.get_type_hints(kind)
    return [(field.name, _reader(hints[field.name])) for field in dataclasses.fields(kind)]


def _reader(hint: Any) -> _Reader | None:
    """How a value of this type is read back; None when it is what JSON gives."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        inner = _reader(next(argument for argument in arguments if argument is not types.NoneType))
        return inner and (lambda value: None if value is None else inner(value))
    if origin is tuple:
        return _tuple_reader(arguments)
    if origin is not None and issubclass(origin, Mapping):
        key, item = arguments[0], _reader(arguments[1])
        return lambda value: {key(k): item(v) if item else v for k, v in value.items()}
    if hint is Decimal:
        return Decimal
    if hint is dt.date:
        return dt.date.fromisoformat
    return partial(_load_fields, cast(type[Any], hint)) if dataclasses.is_dataclass(hint) else None


def _tuple_reader(arguments: Sequence[Any]) -> _Reader:
    if arguments[-1] is Ellipsis:
        inner = _reader(arguments[0])
        return (lambda value: tuple(map(inner, value))) if inner else tuple
    readers = [_reader(argument) for argument in arguments]
    return lambda value: tuple(
        read(item) if read else item for read, item in zip(readers, value, strict=True)
    )
