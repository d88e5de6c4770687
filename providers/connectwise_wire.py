"""ConnectWise's wire: headers, the moving codebase, paging, and what its refusals mean.

REST API guide: https://developer.connectwise.com/Products/ConnectWise_PSA/Developer_Guide
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from requests.utils import parse_header_links

from errors import Paused, Refused, Retryable, Uncertain
from providers import connectwise_site as place
from providers.http import MAX_ANSWER_BYTES, Answer, exchange, read_json, refuse_trouble
from providers.limiter import Limiter

PROVIDER = place.PROVIDER
API_VERSION = "2025.1"  # models are pinned; ConnectWise keeps a version for 12 months after a breaking change
MAX_PAGE = 1_000
MAX_URL = 2_000
_JSON = f"application/vnd.connectwise.com+json; version={API_VERSION}"

Raw = dict[str, Any]

# What an API member's security role must allow, by the beginning of the path.
_RIGHTS = (
    ("expense/", "to inquire on all expenses (Time & Expense module)"),
    ("system/members", "to inquire on all members (System module)"),
    ("system/callbacks", "to add, edit, delete and inquire on callbacks (System module)"),
    ("system/documents", "to inquire on attachments"),
    ("system/", "to inquire on the setup tables (System module)"),
)


class Wire:
    """Calls to one site's API with one set of keys. `codebase` is None until it was asked for."""

    def __init__(
        self,
        session: requests.Session,
        *,
        login: str,
        origin: str,
        company_id: str,
        keys: str,
        client_id: str,
        codebase: str | None,
        limiter: Limiter | None,
    ) -> None:
        self._session = session
        self._login, self._origin, self._company_id = login, origin, company_id
        self._limiter = limiter
        self.codebase = codebase
        credentials = base64.b64encode(f"{company_id}+{keys}".encode()).decode()
        self._headers = {"Authorization": f"Basic {credentials}", "clientId": client_id}

    def pages(
        self, path: str, params: Mapping[str, str] | None = None, *, forward_only: bool = True
    ) -> Iterator[Raw]:
        """Every row of a list, a page of 1,000 at a time.

        Forward-only pages ask for ids above the last one, so that rows which come and go shift nothing.
        """
        step = {} if forward_only else {"page": "1"}
        while True:
            rows, link = self.page(path, {**(params or {}), **step}, forward_only=forward_only)
            yield from rows
            following = self._next_step(rows, link, step)
            if following is None:
                return
            if following == step:
                raise Retryable(f"{PROVIDER}'s pages of {path} don't move on; it will be asked again.")
            step = following

    def page(
        self, path: str, params: Mapping[str, str], *, forward_only: bool = True
    ) -> tuple[list[Raw], str]:
        """One page of a list, and the answer's Link header."""
        more = {"pagination-type": "forward-only"} if forward_only else {}
        answer = self.call("GET", path, params={**params, "pageSize": str(MAX_PAGE)}, more_headers=more)
        rows = read_json(answer, provider=PROVIDER)
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise Retryable(
                f"{PROVIDER} answered {path} with something that is not a list; asked again later."
            )
        return rows, answer.headers.get("Link", "")

    def record(self, method: str, path: str, *, body: bytes | None = None) -> Raw:
        """The one record that the call reads or makes."""
        answer = self.call(method, path, body=body)
        write = method != "GET"
        found = read_json(answer, provider=PROVIDER, write=write)
        if not isinstance(found, dict):
            words = f"{PROVIDER} answered {path} with something that is not a record"
            if write:
                raise Uncertain(f"{words}; look there before doing it again.", answered=True)
            raise Retryable(f"{words}; it will be asked again.")
        return found

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: bytes | None = None,
        more_headers: Mapping[str, str] | None = None,
        max_bytes: int = MAX_ANSWER_BYTES,
    ) -> Answer:
        """One call. A 404 may mean that an upgrade moved the codebase: that is asked for once more."""
        headers = {**self._headers, "Accept": _JSON, **(more_headers or {})}
        if body is not None:
            headers["Content-Type"] = "application/json"
        known = self.codebase
        answer = self._exchange(method, path, params, body, headers, max_bytes)
        if answer.status == 404 and known is not None and self._codebase_moved(known):
            answer = self._exchange(method, path, params, body, headers, max_bytes)
        _refuse(answer, path, company_id=self._company_id)
        return answer

    def _exchange(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        body: bytes | None,
        headers: Mapping[str, str],
        max_bytes: int,
    ) -> Answer:
        write = method != "GET"
        url = _bounded(f"{self._origin}/{self._known_codebase()}apis/3.0/{path}", params)
        with self._slot():
            answer = exchange(
                self._session,
                method,
                url,
                provider=PROVIDER,
                headers=headers,
                data=body,
                write=write,
                max_bytes=max_bytes,
            )
        if self._limiter is not None:
            self._limiter.told(self._company_id, answer.headers, answer.status)
        refuse_trouble(answer, provider=PROVIDER, write=write)
        return answer

    def _slot(self) -> AbstractContextManager[None]:
        return nullcontext() if self._limiter is None else self._limiter.slot(self._company_id)

    def _known_codebase(self) -> str:
        if self.codebase is None:
            self.codebase = place.discover(self._session, login=self._login, company_id=self._company_id).path
        return self.codebase

    def _codebase_moved(self, known: str) -> bool:
        self.codebase = None
        return self._known_codebase() != known

    def _next_step(self, rows: Sequence[Raw], link: str, step: Mapping[str, str]) -> dict[str, str] | None:
        """The parameters of the next page, or None at the end.

        Only the number is taken from the Link header, and only when it names our own host: the address we
        call is always ours. Some lists send no Link; then the last row (or the page) counts.
        """
        if not rows:
            return None
        told = self._told_step(link)
        if told is not None or len(rows) < MAX_PAGE:
            return told
        if "page" in step:
            return {"page": str(int(step["page"]) + 1)}
        return {"pageId": str(max(int(row["id"]) for row in rows))}

    def _told_step(self, link: str) -> dict[str, str] | None:
        for each in parse_header_links(link):
            parts = urlsplit(each.get("url", ""))
            ours = f"{parts.scheme}://{parts.netloc}".lower() in (self._origin, self._login)
            if each.get("rel") == "next" and ours:
                query = parse_qs(parts.query)
                for name in ("pageId", "page"):
                    if name in query and query[name][-1].isdecimal():
                        return {name: query[name][-1]}
        return None


def quoted(text: str) -> str:
    """A string in a `conditions` parameter. How a quote inside one is escaped is nowhere documented."""
    if '"' in text or "\\" in text:
        raise ValueError("a quote or backslash can't be asked for")
    return f'"{text}"'


def _bounded(url: str, params: Mapping[str, str] | None) -> str:
    whole = requests.Request("GET", url, params=params).prepare().url or url
    if len(whole) > MAX_URL:
        raise ValueError(f"an address of {len(whole)} characters is more than {PROVIDER} takes ({MAX_URL})")
    return whole


def _refuse(answer: Answer, path: str, *, company_id: str) -> None:
    """Raises for what is neither good nor trouble that passes."""
    if answer.is_good:
        return
    words = _words(answer)
    said = f" It said: {' '.join(words)}" if words else ""
    if answer.status == 401:
        raise Paused(
            f"{PROVIDER} refused the API keys of {company_id}.{said} They may have been deleted, or the API "
            "member made inactive: make new keys there, and save them under Connections or by file."
        )
    if answer.status == 403:
        right = next((right for start, right in _RIGHTS if path.startswith(start)), f"for {path}")
        raise Paused(
            f"The security role of {company_id}'s API member in {PROVIDER} lacks the right {right}.{said} "
            "Add it to the role there, then test the connection."
        )
    raise Refused(
        f"{PROVIDER} refused {path} ({answer.status}).{said}" + _hint(answer.status),
        words=words,
        status=answer.status,
    )


def _hint(status: int) -> str:
    if status != 404:
        return ""
    return " It isn't there, or (on the cloud) the keys are not valid for this site."


def _words(answer: Answer) -> tuple[str, ...]:
    """ConnectWise's own words: `message` and each of `errors[].message` (which may be null)."""
    try:
        said = read_json(answer, provider=PROVIDER)
    except Retryable:
        return ()
    if not isinstance(said, dict):
        return ()
    inner = said.get("errors")
    rows = [said, *(row for row in inner if isinstance(row, dict))] if isinstance(inner, list) else [said]
    return tuple(str(row["message"])[:500] for row in rows if row.get("message"))
