"""ConnectWise PSA as we need it: expense entries and reports, the site's tables, callbacks, receipts.

REST API guide: https://developer.connectwise.com/Products/ConnectWise_PSA/Developer_Guide
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import requests

from errors import Refused
from providers import connectwise_site as place
from providers.connectwise_files import Download, as_download
from providers.connectwise_wire import Raw, Wire, quoted
from providers.limiter import Limiter

IDS_PER_CALL = 100  # of ten digits, and their commas: well within the longest address
CALLBACK_TYPE, CALLBACK_LEVEL, CALLBACK_OBJECT = "expense", "owner", 1  # owner 1: every expense of the site

_TABLES = {
    "payment_types": "expense/paymentTypes",
    "classifications": "expense/classifications",
    "expense_types": "expense/types",
    "members": "system/members",
    "tax_types": "expense/info/taxTypes",
}


class ConnectWise:
    """One company's ConnectWise site.

    Every method may raise, and nothing else: `Retryable`, `RateLimited` (429), `Paused` (401 and 403: the
    keys or a right are missing), `Refused` (another 4xx, with ConnectWise's words); the ones that write also
    `Uncertain`. All numbers with decimals come as Decimal.
    """

    def __init__(
        self,
        session: requests.Session,
        *,
        site: str,
        company_id: str,
        public_key: str,
        private_key: str,
        client_id: str,
        api_origin: str | None = None,
        codebase: str | None = None,
        allow_http: bool = False,
        limiter: Limiter | None = None,
    ) -> None:
        """`codebase` is one found before; without it the first call asks for it. Raises `Problems` for a
        site that is no plain https address (`allow_http`: development may use http)."""
        self._wire = Wire(
            session,
            login=place.login_origin(site, allow_http=allow_http),
            origin=place.api_origin(api_origin or site, allow_http=allow_http),
            company_id=company_id,
            keys=f"{public_key}:{private_key}",
            client_id=client_id,
            codebase=codebase,
            limiter=limiter,
        )

    @property
    def codebase(self) -> str | None:
        """The codebase in use, e.g. `v2026_1/`, to hand in next time. None before the first call."""
        return self._wire.codebase

    def entries(self, ids: Sequence[int]) -> list[Raw]:
        """The expense entries with these ids; those that no longer exist are simply not among them."""
        return self._by_ids("expense/entries", ids)

    def reports(self, ids: Sequence[int]) -> list[Raw]:
        """The expense reports with these ids."""
        return self._by_ids("expense/reports", ids)

    def report_audits(self, report_id: int) -> list[Raw]:
        """Who did what to a report, approvals among it."""
        return list(self._wire.pages(f"expense/reports/{int(report_id)}/audits", forward_only=False))

    def approved_entries(
        self, *, statuses: Collection[str] | None, since: dt.date | None = None
    ) -> Iterator[Raw]:
        """Every entry in one of these statuses (None: any) dated on or after `since`, a page at a time."""
        conditions = []
        if statuses is not None:
            conditions.append(f"status in ({','.join(quoted(status) for status in sorted(statuses))})")
        if since is not None:
            conditions.append(f"date >= [{since.isoformat()}T00:00:00Z]")
        params = {"conditions": " and ".join(conditions)} if conditions else {}
        return self._wire.pages("expense/entries", params)

    def tables(self) -> dict[str, list[Raw]]:
        """The site's tables, as mappers.connectwise.to_site wants them."""
        tables = {name: list(self._wire.pages(path)) for name, path in _TABLES.items()}
        tables["time_expense"] = [self._wire.record("GET", "system/myCompany/timeExpense")]
        return tables

    def callbacks(self, containing: str) -> list[Raw]:
        """The registered callbacks whose address contains this text (a site may hold over a thousand)."""
        rows = self._wire.pages("system/callbacks", {"conditions": f"url contains {quoted(containing)}"})
        return [row for row in rows if containing.lower() in str(row.get("url")).lower()]

    def register_callback(self, url: str, description: str) -> Raw:
        """Makes sure that exactly one active callback for expenses leads to `url`, and returns it.

        What is right already stays; one that ConnectWise switched off is switched on again; others that lead
        to the same address but for the query are removed.
        https://developer.connectwise.com/Products/ConnectWise_PSA/Developer_Guide (Callbacks)
        """
        address = url.split("?")[0]
        ours = [row for row in self.callbacks(address) if _leads_to(row, address)]
        kept = next((row for row in ours if row.get("url") == url), None)
        for row in ours:
            if row is not kept:
                self._delete(f"system/callbacks/{int(row['id'])}")
        if kept is None:
            return self._wire.record("POST", "system/callbacks", body=_callback(url, description))
        if kept.get("inactiveFlag"):
            switch_on = [{"op": "replace", "path": "inactiveFlag", "value": False}]
            return self.patch(f"system/callbacks/{int(kept['id'])}", switch_on)
        return kept

    def remove_callbacks(self, containing: str) -> int:
        """Removes every callback whose address contains this text; returns how many there were."""
        rows = self.callbacks(containing)
        for row in rows:
            self._delete(f"system/callbacks/{int(row['id'])}")
        return len(rows)

    def documents(self, entry_id: int) -> list[Raw]:
        """The files and links attached to an entry: its receipts."""
        wanted = {"recordType": "Expense", "recordId": str(int(entry_id))}
        return list(self._wire.pages("system/documents", wanted, forward_only=False))

    def download(self, document_id: int, *, max_bytes: int = 10_000_000) -> Download:
        """One attached file: content, bare name, type. Raises `Refused` for a page or too large a file."""
        path = f"system/documents/{int(document_id)}/download"
        answer = self._wire.call("GET", path, more_headers={"Accept": "*/*"}, max_bytes=max_bytes)
        return as_download(answer)

    def patch(self, path: str, operations: Sequence[Mapping[str, Any]]) -> Raw:
        """Changes fields of one record; returns it as it is then."""
        return self._wire.record("PATCH", path, body=json.dumps(list(operations)).encode())

    def _by_ids(self, path: str, ids: Sequence[int]) -> list[Raw]:
        wanted = sorted({int(each) for each in ids})
        rows: list[Raw] = []
        for start in range(0, len(wanted), IDS_PER_CALL):
            some = ",".join(str(each) for each in wanted[start : start + IDS_PER_CALL])
            rows += self._wire.page(path, {"conditions": f"id in ({some})"})[0]
        return rows

    def _delete(self, path: str) -> None:
        try:
            self._wire.call("DELETE", path)
        except Refused as refusal:
            if refusal.status != 404:  # gone already is what we want
                raise


def _callback(url: str, description: str) -> bytes:
    wanted = {
        "url": url,
        "description": description[:100],
        "objectId": CALLBACK_OBJECT,
        "type": CALLBACK_TYPE,
        "level": CALLBACK_LEVEL,
    }
    return json.dumps(wanted).encode()


def _leads_to(row: Raw, address: str) -> bool:
    """ConnectWise echoes type and level in either case."""
    same = (str(row.get("type")).lower(), str(row.get("level")).lower()) == (CALLBACK_TYPE, CALLBACK_LEVEL)
    return same and str(row.get("url")).split("?")[0] == address
