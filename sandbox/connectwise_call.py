"""One call to a pretend ConnectWise site, and how it is answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox import connectwise_listing
from sandbox.connectwise_listing import visible
from sandbox.connectwise_site import Site
from sandbox.connectwise_wire import error, not_found
from sandbox.web import Json, Reply, Request, json_reply

API_MEMBER = "ExpenseAPI"
NOUNS = {"entries": "ExpenseEntry", "reports": "ExpenseReport", "callbacks": "Callback"}


@dataclass
class Call:
    """A request to one site by its API member."""

    site: Site
    request: Request
    member: str = API_MEMBER

    def body(self) -> Json:
        """The request's JSON object, empty when there is none; raises Refused (400)."""
        if not self.request.body:
            return {}
        try:
            found = self.request.json()
        except ValueError:
            raise error(400, "InvalidObject", "The request body is not JSON.") from None
        if not isinstance(found, dict):
            raise error(400, "InvalidObject", "The request body must be a JSON object.")
        return found

    def operations(self) -> list[Json]:
        """The request's patch operations; raises Refused (400)."""
        try:
            found = self.request.json()
        except ValueError:
            found = None
        if not isinstance(found, list) or not all(
            isinstance(item, dict) and "path" in item for item in found
        ):
            raise error(400, "InvalidObject", "PATCH takes an array of {op, path, value}.")
        return found

    def record(self, table: str, record_id: str) -> Json:
        """The record with this id; raises Refused (404)."""
        found = self.site.tables[table].get(int(record_id)) if record_id.isdigit() else None
        if found is None:
            raise not_found(NOUNS.get(table, table), record_id)
        return found

    def one(self, record: Json, *, status: int = 200) -> Reply:
        """One record."""
        body = visible(record)
        if self.request.query.get("fields"):
            body = connectwise_listing.partial(body, self.request.query["fields"])
        return json_reply(body, status=status)

    def listing(self, records: list[Json], *, fields: set[str] | None = None) -> Reply:
        """One page of records."""
        return connectwise_listing.listing(records, self.request, fields=fields)

    def count(self, records: list[Json], *, fields: set[str] | None = None) -> Reply:
        """How many records."""
        return connectwise_listing.count(records, self.request, fields=fields)


def patched(record: Json, operations: list[Json]) -> Json:
    """A copy of the record with the operations applied; paths have no leading slash and name whole fields."""
    changed: dict[str, Any] = dict(record)
    for operation in operations:
        name = str(operation["path"]).lstrip("/")
        if operation.get("op") in ("add", "replace"):
            changed[name] = operation.get("value")
        elif operation.get("op") == "remove":
            changed.pop(name, None)
        else:
            raise error(400, "InvalidObject", f"The operation {operation.get('op')} is not known.")
    return changed
