"""Xero's wire: headers, paging, the length of an address, and what its refusals of a whole call mean.

https://developer.xero.com/documentation/api/accounting/overview
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import requests

from errors import Paused, Refused, Retryable, Unauthorised, Uncertain
from providers.http import Answer, exchange, read_json, refuse_trouble
from providers.limiter import Limiter

PROVIDER = "Xero"
MAX_URL = 2_000
PAGE_SIZE = 1_000
_SAFE = ",()"  # need no percent sign in a query; left as they are, fifty ids fit into one address
_KEY_REUSED = "used with a different request"

Raw = dict[str, Any]


class Wire:
    """Calls to one organisation (tenant) with one access token, inside the limiter's bounds."""

    def __init__(
        self,
        session: requests.Session,
        *,
        api_url: str,
        tenant_id: str,
        access_token: str,
        limiter: Limiter,
    ) -> None:
        self._session = session
        self._base = f"{api_url.rstrip('/')}/api.xro/2.0/"
        self._tenant_id = tenant_id
        self._limiter = limiter
        self._headers = {
            "Authorization": f"Bearer {access_token}",
            "xero-tenant-id": tenant_id,
            "Accept": "application/json",
        }

    def get(self, path: str, params: Mapping[str, str] | None = None, *, holding: str) -> Raw:
        """The answer to one read; it certainly holds the list of this name, whose elements are objects."""
        answer = self._exchange("GET", path, params or {})
        if not answer.is_good:
            raise refused(answer)
        said = _envelope(answer, write=False)
        some = said.get(holding)
        if not isinstance(some, list) or not all(isinstance(each, dict) for each in some):
            raise Retryable(f"{PROVIDER} answered {path} without its list; it will be asked again.")
        return said

    def rows(self, path: str, params: Mapping[str, str]) -> list[Raw]:
        """All elements of a list, page after page. Only paged lists carry lines and payments."""
        found: list[Raw] = []
        for page in range(1, 1_000):
            paging = {"page": str(page), "pageSize": str(PAGE_SIZE)}
            some = self.get(path, {**params, **paging}, holding=path)[path]
            found += some
            if len(some) < PAGE_SIZE:
                return found
        raise Retryable(f"{PROVIDER}'s pages of {path} do not end; it will be asked again.")

    def put(
        self,
        path: str,
        body: bytes,
        *,
        key: str,
        params: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Answer:
        """Sends these bytes under this idempotency key; returns a good answer, or a 400 that names elements.

        https://developer.xero.com/documentation/guides/idempotent-requests/idempotency
        """
        more = {"Idempotency-Key": key, "Content-Type": content_type}
        answer = self._exchange("PUT", path, params or {}, body=body, more=more)
        if answer.is_good or (answer.status == 400 and elements(answer)):
            return answer
        raise refused(answer)

    def _exchange(
        self,
        method: str,
        path: str,
        params: Mapping[str, str],
        *,
        body: bytes | None = None,
        more: Mapping[str, str] | None = None,
    ) -> Answer:
        write = body is not None
        with self._limiter.slot(self._tenant_id):
            answer = exchange(
                self._session,
                method,
                self._url(path, params),
                provider=PROVIDER,
                headers={**self._headers, **(more or {})},
                data=body,
                write=write,
            )
        self._limiter.told(self._tenant_id, answer.headers, answer.status)
        refuse_trouble(answer, provider=PROVIDER, write=write)
        if answer.status in (401, 403):
            raise _not_allowed(answer)
        return answer

    def _url(self, path: str, params: Mapping[str, str]) -> str:
        query = urlencode(params, quote_via=quote, safe=_SAFE)
        url = f"{self._base}{path}" + (f"?{query}" if query else "")
        if len(url) > MAX_URL:
            raise ValueError(f"an address of {len(url)} characters is longer than {MAX_URL}")
        return url


def groups(pieces: Sequence[str], *, joint: str, room: int = 1_700) -> Iterator[list[str]]:
    """The pieces in as few groups as fit into an address each, joined by `joint`.

    `room` is what is left of MAX_URL beside the origin, the path and the other parameters.
    """
    group: list[str] = []
    used = 0
    for piece in pieces:
        size = len(quote(piece + joint, safe=_SAFE))
        if group and used + size > room:
            yield group
            group, used = [], 0
        group.append(piece)
        used += size
    if group:
        yield group


def read(answer: Answer) -> Raw:
    """The JSON of an answer to a write; a 400's `Elements` included. Raises `Uncertain` when unreadable."""
    return _envelope(answer, write=True)


def elements(answer: Answer) -> list[Raw]:
    """The elements that a 400 speaks of; empty when there are none (then the whole call was refused)."""
    said = _said(answer).get("Elements")
    return [each for each in said if isinstance(each, dict)] if isinstance(said, list) else []


def refused(answer: Answer) -> Refused | Uncertain:
    """A whole call refused, in Xero's words. A key reused for other bytes tells nothing about the first
    ones, so that is `Uncertain`."""
    words = _words(_said(answer))
    if any(_KEY_REUSED in word.lower() for word in words):
        return Uncertain(
            "Xero has seen this idempotency key with another request; what that one made will be looked up.",
            answered=True,
            status=answer.status,
        )
    said = " ".join(words) or "It gave no reason."
    return Refused(f"Xero refused the call ({answer.status}). {said}", words=words, status=answer.status)


def _not_allowed(answer: Answer) -> Unauthorised | Paused:
    """401 is a stale token; unless a scope is missing, which no fresh token of the same consent cures."""
    said = " ".join(_words(_said(answer)))
    scope_missing = "insufficient" in answer.headers.get("WWW-Authenticate", "").lower()
    if answer.status == 401 and not scope_missing:
        return Unauthorised("Xero wants a fresh access token; the call was not processed.")
    return Paused(
        f"Xero doesn't allow this ({answer.status}). {said} The connection was removed, or lacks a right: "
        "connect the company to Xero again as a user who may do this."
    )


def _envelope(answer: Answer, *, write: bool) -> Raw:
    found = read_json(answer, provider=PROVIDER, write=write)
    if isinstance(found, dict):
        return found
    words = f"{PROVIDER} answered {answer.status} with something else than its envelope"
    if write:
        raise Uncertain(f"{words}; what was sent will be looked up.", answered=True, status=answer.status)
    raise Retryable(f"{words}; it will be asked again.")


def _said(answer: Answer) -> Raw:
    """What an error answer says, {} when it is no JSON (an HTML or XML page)."""
    try:
        found = read_json(answer, provider=PROVIDER)
    except Retryable:
        return {}
    return found if isinstance(found, dict) else {}


def _words(said: Raw) -> tuple[str, ...]:
    """The texts of an error: validation errors wherever they sit, else Message, Detail or Title."""
    deep = [word for each in said.get("Elements") or [] for word in _validation_words(each)]
    tops = [said.get(name) for name in ("Message", "Detail", "Title")]
    plain = [str(text) for text in tops if text][:1]
    return tuple(dict.fromkeys(word[:500] for word in [*deep, *plain]))


def _validation_words(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _validation_words(each)
    if not isinstance(value, dict):
        return
    for each in value.get("ValidationErrors") or []:
        text = each.get("Message") or each.get("Description") if isinstance(each, dict) else None
        if text:
            yield str(text)
    for name, inner in value.items():
        if name != "ValidationErrors":
            yield from _validation_words(inner)
