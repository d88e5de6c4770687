"""QuickBooks' query language: one entity, AND only, no projection
(https://developer.intuit.com/app/developer/qbo/docs/learn/explore-the-quickbooks-online-api/data-queries)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.qbo_company import LISTS, TRANSACTIONS, Company
from sandbox.qbo_views import Views, company_info, preferences
from sandbox.qbo_wire import Fault, to_instant
from sandbox.web import Json

LARGEST_PAGE = 1000
DEFAULT_PAGE = 100
_META = {"MetaData.CreateTime", "MetaData.LastUpdatedTime"}
_NAMED = {"Id", "Name", "FullyQualifiedName", "Active"} | _META
_MONEY = {"Id", "DocNumber", "TxnDate", "TotalAmt"} | _META
# Known not to be queryable: AcctNum, PrivateNote, AccountRef, DepartmentRef.
FIELDS: dict[str, set[str]] = {
    "Account": _NAMED | {"AccountType", "AccountSubType", "Classification", "CurrentBalance", "SubAccount"},
    "Vendor": {
        "Id",
        "DisplayName",
        "GivenName",
        "FamilyName",
        "CompanyName",
        "PrintOnCheckName",
        "Active",
        "Balance",
    }
    | _META,
    "Customer": {"Id", "DisplayName", "Active"} | _META,
    "Employee": {"Id", "DisplayName", "Active"} | _META,
    "Bill": _MONEY | {"VendorRef", "DueDate", "Balance", "APAccountRef"},
    "BillPayment": _MONEY | {"VendorRef"},
    "VendorCredit": _MONEY | {"VendorRef", "Balance"},
    "Purchase": _MONEY | {"PaymentType"},
    "Deposit": _MONEY,
    "JournalEntry": _MONEY - {"TotalAmt"},
    "Transfer": {"Id", "TxnDate", "Amount"} | _META,
    "TaxCode": {"Id", "Name", "Active"} | _META,
    "TaxRate": {"Id", "Name", "Active"} | _META,
    "Class": _NAMED,
    "CompanyCurrency": {"Id", "Name", "Code", "Active"} | _META,
    "Department": _NAMED,
    "Attachable": {"Id", "FileName", "Note", "AttachableRef.EntityRef.Type", "AttachableRef.EntityRef.value"}
    | _META,
    "CompanyInfo": {"Id"} | _META,
    "Preferences": {"Id"} | _META,
}
_TOKEN = re.compile(r"\s*(?:'((?:[^'\\]|\\.)*)'|(<=|>=|=|<|>|\(|\)|,|\*)|([^\s'<>=(),*]+))")


@dataclass
class _Word:
    text: str
    quoted: bool = False


@dataclass
class Query:
    """A statement that was understood."""

    kind: str
    counts: bool
    conditions: list[tuple[str, str, list[str]]] = field(default_factory=list)
    order: list[tuple[str, bool]] = field(default_factory=list)
    start: int = 1
    size: int = DEFAULT_PAGE


def unparsable(detail: str) -> Fault:
    """Code 4000."""
    return Fault("4000", "Error parsing query", f"QueryParserError: {detail}")


def invalid(detail: str) -> Fault:
    """Code 4001."""
    return Fault("4001", "Invalid query", f"QueryValidationError: {detail}")


class _Reader:
    """The words of a statement, one after the other."""

    def __init__(self, text: str) -> None:
        self._words: list[_Word] = []
        place = 0
        text = text.strip().rstrip(";")
        while place < len(text):
            found = _TOKEN.match(text, place)
            if found is None:
                raise unparsable(f"Encountered {text[place : place + 10]!r} at column {place + 1}")
            quoted = found[1]
            if quoted is not None:
                self._words.append(_Word(re.sub(r"\\(.)", r"\1", quoted), quoted=True))
            else:
                self._words.append(_Word(found[2] or found[3]))
            place = found.end()

    def peek(self, *words: str) -> bool:
        """Whether these words follow."""
        following = [word.text.lower() for word in self._words[: len(words)] if not word.quoted]
        return following == [word.lower() for word in words]

    def accept(self, *words: str) -> bool:
        """Take these words if they follow."""
        if not self.peek(*words):
            return False
        del self._words[: len(words)]
        return True

    def expect(self, *words: str) -> None:
        if not self.accept(*words):
            raise unparsable(f"expected {' '.join(words)}, found {self._next_text()}")

    def take(self) -> _Word:
        if not self._words:
            raise unparsable("unexpected end of the statement")
        return self._words.pop(0)

    def whole(self) -> int:
        """A whole number."""
        word = self.take()
        if not re.fullmatch(r"-?\d+", word.text):
            raise unparsable(f"{word.text} is not a whole number")
        return int(word.text)

    def end(self) -> None:
        if self._words:
            raise unparsable(f"Encountered {self._next_text()}")

    def _next_text(self) -> str:
        return self._words[0].text if self._words else "the end"


def parse(text: str) -> Query:
    """The statement; raises Fault 4000 or 4001."""
    reader = _Reader(text)
    reader.expect("select")
    counts = reader.accept("count", "(", "*", ")")
    if not counts and not reader.accept("*"):
        raise unparsable("only * and count(*) can be selected")
    reader.expect("from")
    name = reader.take().text
    kind = next((known for known in FIELDS if known.lower() == name.lower()), None)
    if kind is None:
        raise invalid(f"Invalid context declaration: {name}")
    query = Query(kind, counts)
    if reader.accept("where"):
        query.conditions.append(_condition(reader, kind))
        while reader.accept("and"):
            query.conditions.append(_condition(reader, kind))
    if reader.accept("orderby") or reader.accept("order", "by"):
        query.order.append(_ordering(reader, kind))
        while reader.accept(","):
            query.order.append(_ordering(reader, kind))
    _page(reader, query)
    reader.end()
    return query


def _page(reader: _Reader, query: Query) -> None:
    if reader.accept("startposition"):
        query.start = reader.whole()
    if reader.accept("maxresults"):
        query.size = reader.whole()
    for value in (query.start, query.size):
        if value < 1:
            raise invalid(f"value {value} is too small. Min allowed value is 1")
    if query.size > LARGEST_PAGE:
        raise invalid(f"value {query.size} is too large. Max allowed value is {LARGEST_PAGE}")


def _property(reader: _Reader, kind: str) -> str:
    name = reader.take().text
    found = next((known for known in FIELDS[kind] if known.lower() == name.lower()), None)
    if found is None:
        raise invalid(f"Property {name} not found for Entity {kind}")
    return found


def _ordering(reader: _Reader, kind: str) -> tuple[str, bool]:
    name = _property(reader, kind)
    descending = reader.accept("desc")
    if not descending:
        reader.accept("asc")
    return name, descending


def _condition(reader: _Reader, kind: str) -> tuple[str, str, list[str]]:
    name = _property(reader, kind)
    operator = reader.take().text.lower()
    if operator == "in":
        reader.expect("(")
        values = [reader.take().text]
        while reader.accept(","):
            values.append(reader.take().text)
        reader.expect(")")
    elif operator in ("=", "<", ">", "<=", ">=", "like"):
        values = [_value(reader)]
    else:
        raise unparsable(f"operator {operator} is unknown")
    if name == "Id" and operator not in ("=", "in"):
        raise invalid(f"operator {operator} is not allowed for Id")
    return name, operator, values


def _value(reader: _Reader) -> str:
    word = reader.take()
    if (
        not word.quoted
        and word.text.lower() not in ("true", "false")
        and not re.fullmatch(r"-?[\d.]+", word.text)
    ):
        raise unparsable(f"Encountered {word.text}: values are put in single quotes")
    return word.text


def run(company: Company, text: str, *, now: datetime) -> Json:
    """`QueryResponse`: without the entity's name when nothing was found. Raises Fault."""
    query = parse(text)
    views = Views(company)
    shown = [row for row in _rows(company, query.kind, views) if _matches(row, query)]
    if query.counts:
        return {"totalCount": len(shown)}
    for name, descending in reversed(query.order or [("Id", False)]):
        shown.sort(key=lambda row, name=name: _sortable(_read(row, name)), reverse=descending)  # type: ignore[misc]
    page = shown[query.start - 1 : query.start - 1 + query.size]
    if not page:
        return {}
    return {query.kind: page, "startPosition": query.start, "maxResults": len(page)}


def _rows(company: Company, kind: str, views: Views) -> list[Json]:
    if kind == "CompanyInfo":
        return [company_info(company)]
    if kind == "Preferences":
        return [preferences(company)]
    assert kind in (*TRANSACTIONS, *LISTS)
    return [views.show(kind, record) for record in company.rows(kind)]


def _matches(row: Json, query: Query) -> bool:
    """Only active records unless the statement speaks of `Active`."""
    if not any(name == "Active" for name, _, _ in query.conditions) and row.get("Active") is False:
        return False
    return all(_holds(row, name, operator, values) for name, operator, values in query.conditions)


def _read(row: Json, name: str) -> Any:
    """A property; a reference stands for its id, a list for its values."""
    value: Any = row
    for part in name.split("."):
        value = [_part(item, part) for item in value] if isinstance(value, list) else _part(value, part)
    return value["value"] if isinstance(value, dict) and "value" in value else value


def _part(value: Any, part: str) -> Any:
    if not isinstance(value, dict):
        return None
    return next((item for name, item in value.items() if name.lower() == part.lower()), None)


def _holds(row: Json, name: str, operator: str, values: list[str]) -> bool:
    held = _read(row, name)
    candidates = held if isinstance(held, list) else [held]
    return any(_compare(one, operator, values, name=name) for one in candidates if one is not None)


def _compare(held: Any, operator: str, values: list[str], *, name: str) -> bool:
    if operator == "like":
        pattern = "".join(".*" if sign == "%" else re.escape(sign) for sign in values[0])
        return re.fullmatch(pattern, str(held), re.IGNORECASE | re.DOTALL) is not None
    wanted = [_typed(text, like=held, name=name) for text in values]
    own = _typed(str(held), like=held, name=name)
    compare: dict[str, Callable[[Any, Any], bool]] = {
        "=": lambda a, b: a == b,
        "<": lambda a, b: a < b,
        ">": lambda a, b: a > b,
        "<=": lambda a, b: a <= b,
        ">=": lambda a, b: a >= b,
    }
    return own in wanted if operator == "in" else bool(compare[operator](own, wanted[0]))


def _typed(text: str, *, like: Any, name: str) -> Any:
    """A value to compare with; raises Fault 4001 when the text is not of the property's type."""
    try:
        if name.startswith("MetaData."):
            return to_instant(text)
        if isinstance(like, bool):
            return text.lower() == "true"
        if isinstance(like, (int, Decimal)):
            return Decimal(text)
        if name.endswith("Date"):
            return date.fromisoformat(text[:10])
    except (ValueError, InvalidOperation):
        raise invalid(f"value {text} is not valid for property {name}") from None
    return text.lower()


def _sortable(value: Any) -> tuple[int, Any]:
    if value is None:
        return (0, "")
    if isinstance(value, (bool, int, Decimal)):
        return (1, Decimal(value))
    text = str(value)
    return (1, Decimal(text)) if text.isdigit() and len(text) < 20 else (2, text.lower())
