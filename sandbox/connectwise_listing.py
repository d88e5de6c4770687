"""ConnectWise PSA lists: conditions, order, fields and both kinds of paging with their Link headers."""

from __future__ import annotations

from urllib.parse import urlencode

from sandbox.connectwise_conditions import conditions, order_by
from sandbox.connectwise_wire import error
from sandbox.web import Json, Reply, Request, json_reply

DEFAULT_SIZE = 25
LARGEST_SIZE = 1000


def selected(records: list[Json], request: Request, *, fields: set[str] | None) -> list[Json]:
    """The records that `conditions` describes."""
    text = request.query.get("conditions")
    if not text:
        return records
    test = conditions(text, fields=fields)
    return [record for record in records if test(record)]


def listing(records: list[Json], request: Request, *, fields: set[str] | None = None) -> Reply:
    """One page of the records, as the request asks; raises Refused (400)."""
    found = selected(records, request, fields=fields)
    if request.headers.get("pagination-type", "").lower() == "forward-only":
        page, links = _forward(found, request)
    else:
        page, links = _numbered(found, request)
    wanted = request.query.get("fields")
    shown = [partial(record, wanted) if wanted else record for record in map(visible, page)]
    headers = {"Link": links, "api-current-version": "2026.1"}
    if not links and "pagination-type" not in request.headers:
        del headers["Link"]
    return json_reply(shown, headers=headers)


def count(records: list[Json], request: Request, *, fields: set[str] | None = None) -> Reply:
    """How many records `conditions` describes."""
    return json_reply({"count": len(selected(records, request, fields=fields))})


def visible(record: Json) -> Json:
    """The record without the sandbox's own marks."""
    return {name: value for name, value in record.items() if not name.startswith("_") or name == "_info"}


def partial(record: Json, wanted: str) -> Json:
    """The record with only the named fields; `member/identifier` keeps a part of a reference."""
    shown: Json = {}
    for path in wanted.split(","):
        name, _, rest = path.strip().partition("/")
        if name not in record:
            continue
        if rest and isinstance(record[name], dict):
            shown.setdefault(name, {}).update(partial(record[name], rest))
        else:
            shown[name] = record[name]
    return shown


def _whole(request: Request, name: str, default: int) -> int:
    try:
        return int(request.query.get(name) or default)
    except ValueError:
        raise error(400, "InvalidObject", f"{name} must be a whole number") from None


def _size(request: Request) -> int:
    size = _whole(request, "pageSize", DEFAULT_SIZE)
    if not 1 <= size <= LARGEST_SIZE:
        raise error(400, "InvalidObject", f"pageSize must be between 1 and {LARGEST_SIZE}")
    return size


def _link(request: Request, rel: str, **changed: int) -> str:
    query = {**request.query, **{name: str(value) for name, value in changed.items()}}
    return f'<{request.origin}{request.path}?{urlencode(query)}>; rel="{rel}"'


def _numbered(records: list[Json], request: Request) -> tuple[list[Json], str]:
    size, page = _size(request), max(1, _whole(request, "page", 1))
    records = order_by(records, request.query.get("orderBy") or "id")
    last = max(1, -(-len(records) // size))
    links = []
    if page < last:
        links = [_link(request, "next", page=page + 1), _link(request, "last", page=last)]
    if page > 1:
        links += [_link(request, "first", page=1), _link(request, "prev", page=page - 1)]
    return records[(page - 1) * size : page * size], ", ".join(links)


def _forward(records: list[Json], request: Request) -> tuple[list[Json], str]:
    """Records with an id above pageId; a full page links onwards, even when nothing follows it."""
    size, after = _size(request), _whole(request, "pageId", 0)
    page = sorted((r for r in records if r["id"] > after), key=lambda record: int(record["id"]))[:size]
    if len(page) < size:
        return page, ""
    return page, _link(request, "next", pageId=page[-1]["id"])
