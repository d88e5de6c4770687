"""Change data capture: what changed since when, deletions included
(https://developer.intuit.com/app/developer/qbo/docs/learn/explore-the-quickbooks-online-api/change-data-capture)."""

from __future__ import annotations

from datetime import datetime, timedelta

from sandbox.qbo_company import KINDS, Company
from sandbox.qbo_query import invalid
from sandbox.qbo_views import Views
from sandbox.qbo_wire import instant, to_instant
from sandbox.web import Json

EXCLUDED = ("TaxCode", "TaxRate")
LARGEST = 1000
LOOK_BACK = timedelta(days=30)


def changes(company: Company, *, entities: str, since: str, now: datetime) -> Json:
    """`CDCResponse` with one answer per entity, empty where nothing changed; at most 1,000 objects in all.

    Raises Fault 4001 for an entity that is not followed, or a time more than thirty days back.
    """
    kinds = [_kind(name.strip()) for name in entities.split(",") if name.strip()]
    try:
        start = to_instant(since)
    except ValueError:
        raise invalid(f"changedSince {since} is not a time") from None
    if not kinds:
        raise invalid("entities is missing")
    if now - start > LOOK_BACK:
        raise invalid("changedSince must not be more than 30 days back")
    views, room = Views(company), LARGEST
    answers: list[Json] = []
    for kind in kinds:
        found = _changed(company, views, kind, start)[:room]
        room -= len(found)
        answers.append({kind: found, "startPosition": 1, "maxResults": len(found)} if found else {})
    return {"CDCResponse": [{"QueryResponse": answers}]}


def _kind(name: str) -> str:
    found = next((kind for kind in KINDS if kind.lower() == name.lower()), None)
    if found is None or found in EXCLUDED:
        raise invalid(f"Entity {name} is not supported by CDC")
    return found


def _changed(company: Company, views: Views, kind: str, start: datetime) -> list[Json]:
    rows = [
        (row["_updated"], views.show(kind, row)) for row in company.rows(kind) if row["_updated"] >= start
    ]
    for other, row in company.deleted:
        if other == kind and row["_updated"] >= start:
            meta = {"LastUpdatedTime": instant(row["_updated"])}
            gone = {"Id": row["Id"], "domain": "QBO", "status": "Deleted", "MetaData": meta}
            rows.append((row["_updated"], gone))
    return [shown for _, shown in sorted(rows, key=lambda pair: pair[0])]
