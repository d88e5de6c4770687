"""QuickBooks Online's wire: addresses, queries, paging, and what its refusals of a whole call mean.

https://developer.intuit.com/app/developer/qbo/docs/develop/rest-api-features
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any
from urllib.parse import quote

import requests

from errors import Paused, Refused, Retryable, Unauthorised, Uncertain
from mappers.exact import to_bytes as to_body
from mappers.qbo_refusals import Fault, to_fault
from providers.http import READ_SECONDS, Answer, exchange, read_json, refuse_trouble
from providers.limiter import Limiter

PROVIDER = "QuickBooks"
MINOR_VERSION = "75"  # older ones are ignored since August 2025
PAGE_SIZE = 1_000
# Intuit ends a call after 120 seconds; a worker's hold on its expenses could not wait for that. A write that
# takes longer is uncertain, and is looked up.
WRITE_SECONDS = 60.0
THROTTLED, STALE_TOKEN = "3001", "3200"
GONE = frozenset(("120", "3100", "6190"))  # no right any more, wrong company, subscription lapsed
_QUIET_SECONDS = 60.0  # what Intuit asks for after a 429, without saying so in a header

Raw = dict[str, Any]


class Wire:
    """Calls to one company (realm) with one access token, inside the limiters' bounds."""

    def __init__(
        self,
        session: requests.Session,
        *,
        api_url: str,
        realm_id: str,
        access_token: str,
        limiter: Limiter,
        batches: Limiter,
    ) -> None:
        self._session = session
        self._base = f"{api_url.rstrip('/')}/v3/company/{quote(realm_id, safe='')}/"
        self._realm_id = realm_id
        self._limiter = limiter
        self._batches = batches
        self._headers = {"Authorization": f"Bearer {access_token}", "Accept": "application/json"}

    def rows(self, entity: str, where: str = "", *, start: int = 1) -> list[Raw]:
        """All rows of a query, page after page. Reads are metered: one call for each thousand."""
        found: list[Raw] = []
        while True:
            statement = page(entity, where, start=start)
            said = self._read(
                "POST", "query", data=statement.encode(), more={"Content-Type": "application/text"}
            )
            some = rows_in(said, entity)
            found += some
            if len(some) < PAGE_SIZE:
                return found
            start += PAGE_SIZE

    def lists(self, wheres: Mapping[str, str], *, optional: Sequence[str] = ()) -> dict[str, list[Raw]]:
        """The rows of several lists, by entity, in one call as long as none has a thousand. `optional` ones
        are empty where the company does not have them."""
        items = [{"bId": entity[:10], "Query": page(entity, where)} for entity, where in wheres.items()]
        body = to_body({"BatchItemRequest": items})
        said = self._read("POST", "batch", data=body, more={"Content-Type": "application/json"})
        answers = said.get("BatchItemResponse")
        by_id = {str(each.get("bId")): each for each in answers} if isinstance(answers, list) else {}
        found: dict[str, list[Raw]] = {}
        for entity, where in wheres.items():
            item = by_id.get(entity[:10])
            fault = to_fault(item)
            if item is None or (fault and entity not in optional):
                raise Retryable(f"{PROVIDER} did not answer with its {entity} list; it will be asked again.")
            found[entity] = [] if fault else rows_in(item, entity)
            if len(found[entity]) == PAGE_SIZE:
                found[entity] += self.rows(entity, where, start=PAGE_SIZE + 1)
        return found

    def changes(self, entities: Sequence[str], *, since: str) -> list[Raw]:
        """What changed in these lists since then, deletions included; at most a thousand objects.

        https://developer.intuit.com/app/developer/qbo/docs/learn/explore-the-quickbooks-online-api/change-data-capture
        """
        said = self._read("GET", "cdc", params={"entities": ",".join(entities), "changedSince": since})
        answers = said.get("CDCResponse")
        if not isinstance(answers, list):
            raise Retryable(f"{PROVIDER} answered without its list of changes; it will be asked again.")
        parts = [part for each in answers for part in each.get("QueryResponse", []) if isinstance(part, dict)]
        return [row for part in parts for entity in entities for row in part.get(entity, [])]

    def post(
        self,
        path: str,
        body: bytes,
        *,
        key: str,
        content_type: str = "application/json",
        faults_pass: bool = False,
    ) -> Raw:
        """Sends these bytes under this `requestid` and returns the envelope. `faults_pass`: the envelope may
        be a fault about the one document sent, else a fault refuses the whole call.

        https://developer.intuit.com/app/developer/qbo/docs/learn/learn-basic-field-definitions
        """
        more = {"Content-Type": content_type}
        answer = self._exchange("POST", path, params={"requestid": key}, data=body, more=more, write=True)
        fault = to_fault(_said(answer))
        if fault is not None and not faults_pass:
            raise _refused(answer, fault)
        if fault is None and not answer.is_good:
            raise _refused(answer, None)
        return _envelope(answer, write=True)

    def _read(self, method: str, path: str, **more: Any) -> Raw:
        answer = self._exchange(method, path, **more)
        fault = to_fault(_said(answer))
        if fault is not None or not answer.is_good:
            raise _refused(answer, fault)
        return _envelope(answer, write=False)

    def _exchange(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        data: bytes | None = None,
        more: Mapping[str, str] | None = None,
        write: bool = False,
    ) -> Answer:
        with ExitStack() as slots:
            slots.enter_context(self._limiter.slot(self._realm_id))
            if path == "batch":
                slots.enter_context(self._batches.slot(self._realm_id))
            answer = exchange(
                self._session,
                method,
                f"{self._base}{path}",
                provider=PROVIDER,
                params={**(params or {}), "minorversion": MINOR_VERSION},
                headers={**self._headers, **(more or {})},
                data=data,
                write=write,
                read_seconds=WRITE_SECONDS if write else READ_SECONDS,
            )
        answer = _as_told(answer)
        self._limiter.told(self._realm_id, answer.headers, answer.status)
        refuse_trouble(answer, provider=PROVIDER, write=write)
        _refuse_fault(answer, write=write)
        return answer


def page(entity: str, where: str = "", *, start: int = 1) -> str:
    """One page of a query. The order must be fixed, or a page could miss what moved to the one before."""
    order = "" if entity in ("CompanyInfo", "Preferences") else " ORDERBY Id"
    condition = f" WHERE {where}" if where else ""
    words = ("SELECT * FROM", f"{entity}{condition}{order}", "STARTPOSITION", f"{start}")
    return " ".join((*words, "MAXRESULTS", f"{PAGE_SIZE}"))


def text(value: str) -> str:
    """A value in a query."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def any_of(name: str, values: Sequence[str]) -> str:
    """The condition that a field has one of these values."""
    return f"{name} IN ({', '.join(map(text, values))})"


def rows_in(said: Mapping[str, Any], entity: str) -> list[Raw]:
    """The rows of a query's answer; without any, the answer lacks the list."""
    response = said.get("QueryResponse")
    some = response.get(entity) if isinstance(response, dict) else None
    return [row for row in some if isinstance(row, dict)] if isinstance(some, list) else []


def _as_told(answer: Answer) -> Answer:
    """A throttled call as a 429 that says how long to wait; an older gateway said it with 403. A block of the
    month's reads looks the same: it shows in that the company waits again and again."""
    fault = to_fault(_said(answer)) if answer.status in (403, 429) else None
    if answer.status != 429 and not (fault and THROTTLED in fault.codes):
        return answer
    headers = dict(answer.headers.items())
    if "retry-after" not in (name.lower() for name in headers):
        headers["Retry-After"] = str(int(_QUIET_SECONDS + random.uniform(0, 10)))  # noqa: S311 - spreads callers
    return Answer(status=429, headers=requests.structures.CaseInsensitiveDict(headers), body=answer.body)


def _refuse_fault(answer: Answer, *, write: bool) -> None:
    """Raises for what concerns the connection or leaves the outcome open, whatever its status: a 200 may
    carry a fault."""
    fault = to_fault(_said(answer))
    codes = fault.codes if fault else ()
    said = " ".join(fault.words) if fault else ""
    if answer.status == 401 or STALE_TOKEN in codes:
        raise Unauthorised("QuickBooks wants a fresh access token; the call was not processed.")
    if answer.status == 403 or any(code in GONE for code in codes):
        raise Paused(
            f"QuickBooks doesn't allow this ({answer.status}). {said} The connection was removed, lost its "
            "right, or the subscription lapsed: connect the company to QuickBooks again as its administrator."
        )
    if fault is None or not fault.is_unclear:
        return
    if write:
        raise Uncertain(
            f"QuickBooks failed inside ({said or answer.status}): what was sent may or may not have been"
            " made. It will be looked up before anything is sent again.",
            answered=True,
            status=answer.status,
        )
    raise Retryable(f"QuickBooks failed inside ({said or answer.status}); it will be asked again.")


def _refused(answer: Answer, fault: Fault | None) -> Refused:
    words = fault.words if fault else _plain(_said(answer))
    said = " ".join(words) or "It gave no reason."
    return Refused(
        f"QuickBooks refused the call ({answer.status}). {said}", words=words, status=answer.status
    )


def _plain(said: Raw) -> tuple[str, ...]:
    return tuple(str(said[name])[:500] for name in ("Message", "message", "error") if said.get(name))[:1]


def _envelope(answer: Answer, *, write: bool) -> Raw:
    found = read_json(answer, provider=PROVIDER, write=write)
    if isinstance(found, dict):
        return found
    words = f"{PROVIDER} answered {answer.status} with something else than its envelope"
    if write:
        raise Uncertain(f"{words}; what was sent will be looked up.", answered=True, status=answer.status)
    raise Retryable(f"{words}; it will be asked again.")


def _said(answer: Answer) -> Raw:
    """What an answer says, {} when it is no JSON (an HTML or XML page)."""
    try:
        found = read_json(answer, provider=PROVIDER)
    except Retryable:
        return {}
    return found if isinstance(found, dict) else {}
