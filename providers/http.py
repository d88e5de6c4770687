"""One HTTP exchange with a provider, and the only place that says what its trouble means.

A read that gets no answer may simply be repeated; a write that gets none may have happened. Every provider
goes through `exchange` and `refuse_trouble`, so that this difference is decided once.
"""

from __future__ import annotations

import datetime as dt
import json
import random
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
import structlog
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from errors import RateLimited, Refused, Retryable, Trouble, Uncertain

CONNECT_SECONDS, READ_SECONDS = 5.0, 30.0
WHOLE_ANSWER_SECONDS = 60.0  # a read time-out counts between bytes: this one ends an answer that drips
LONGEST_WAIT_SECONDS = 2 * 86_400.0  # no provider's limit is longer than a day
MAX_ANSWER_BYTES = 32 * 1024 * 1024

_CORRELATION_HEADERS = ("Xero-Correlation-Id", "x-cw-request-id", "intuit_tid")
_UNSENT = (NewConnectionError, NameResolutionError, ConnectTimeoutError, ssl.SSLCertVerificationError)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back: the status, the headers (names in any case) and the whole body."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def is_good(self) -> bool:
        return 200 <= self.status < 300


def make_session(*, pool: int = 10) -> requests.Session:
    """A session that keeps connections and nothing else: no environment proxies or netrc, no cookies (they
    would travel from one company's call to the next one's), no retries of its own."""
    session = requests.Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers["User-Agent"] = "Expense-Relay"
    adapter = HTTPAdapter(pool_connections=pool, pool_maxsize=pool, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def exchange(
    session: requests.Session,
    method: str,
    url: str,
    *,
    provider: str,
    headers: Mapping[str, str],
    params: Mapping[str, str] | None = None,
    data: bytes | Mapping[str, str] | None = None,
    write: bool = False,
    max_bytes: int = MAX_ANSWER_BYTES,
    read_seconds: float = READ_SECONDS,
) -> Answer:
    """Sends one request and reads its whole answer, whatever its status. Redirects are not followed.
    `read_seconds`: how long the answer may be silent.

    Without a whole answer raises `Retryable` (a read, or a write that certainly never left), `Refused` (a
    read whose answer is larger than `max_bytes`) or `Uncertain` (a write that may have arrived). Logs
    method, path, status, milliseconds and the provider's correlation id; never the query, headers or body.
    """
    started = time.monotonic()
    record = _log.bind(provider=provider, method=method, path=urlsplit(url).path)
    try:
        with session.request(
            method,
            url,
            params=params,
            data=data,
            headers=dict(headers),
            timeout=(CONNECT_SECONDS, read_seconds),
            allow_redirects=False,
            stream=True,
        ) as response:
            body = _read(response, deadline=started + WHOLE_ANSWER_SECONDS, max_bytes=max_bytes)
    except (requests.RequestException, _Cut) as error:
        record.warning("provider_silent", reason=type(error).__name__, ms=_milliseconds(started))
        raise _silence(error, provider=provider, write=write) from None
    record.info(
        "provider_call",
        status=response.status_code,
        ms=_milliseconds(started),
        correlation_id=_correlation_id(response.headers),
    )
    return Answer(status=response.status_code, headers=response.headers, body=body)


def refuse_trouble(answer: Answer, *, provider: str, write: bool = False) -> None:
    """Raises for the statuses that mean the same everywhere: 429, 408, 425, 5xx and redirects.

    2xx and the other 4xx pass: what those say is the provider's own language.
    """
    status = answer.status
    if status == 429:
        raise rate_limited(answer.headers, provider=provider)
    if status in (408, 425):
        raise Retryable(f"{provider} was not ready to take the call ({status}); it will be sent again.")
    if status >= 500:
        if write:
            raise Uncertain(
                f"{provider} answered {status}: what was sent may or may not have been made. "
                "It will be looked up before anything is sent again.",
                answered=True,
                status=status,
            )
        raise Retryable(
            f"{provider} is in trouble ({status}); it will be asked again.", after=retry_after(answer.headers)
        )
    if status < 200 or 300 <= status < 400:
        raise Refused(
            f"{provider} answered {status}, which points elsewhere; credentials are not sent elsewhere. "
            "Check the provider's address in the settings.",
            status=status,
        )


def read_json(answer: Answer, *, provider: str, write: bool = False) -> Any:
    """The answer's JSON with every number that has a decimal point as Decimal.

    An unreadable good answer raises `Uncertain` after a write and `Retryable` after a read.
    """
    try:
        text = answer.body.decode("utf-8-sig", "replace")  # ConnectWise has been seen to send broken UTF-8
        return json.loads(text, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        words = f"{provider} answered {answer.status} with something that is not JSON"
        if write:
            raise Uncertain(
                f"{words}: what was sent may or may not have been made. It will be looked up.",
                answered=True,
                status=answer.status,
            ) from None
        raise Retryable(f"{words}; it will be asked again.") from None


def rate_limited(headers: Mapping[str, str], *, provider: str) -> RateLimited:
    """What a 429 asks for. The day's limit can ask for hours; concurrent and app-wide ones say nothing."""
    after, scope = rate_limit_wait(headers)
    problem = headers.get("X-Rate-Limit-Problem", "")
    limit = f" (limit: {problem})" if problem else ""
    return RateLimited(
        f"{provider} asks us to slow down{limit}; the call was not processed; again in {after:.0f} s.",
        after=after,
        scope=scope,
    )


def rate_limit_wait(headers: Mapping[str, str]) -> tuple[float, str]:
    """Seconds to wait after a 429 and who must wait: "tenant" or "app".

    Xero names the limit in X-Rate-Limit-Problem (minute, day, concurrent, appminute) and gives Retry-After
    only for the first two. https://developer.xero.com/documentation/guides/oauth2/limits/
    """
    problem = headers.get("X-Rate-Limit-Problem", "").lower()
    scope = "app" if problem.startswith("app") else "tenant"
    told = retry_after(headers)
    if told is not None:
        return told, scope
    if scope == "app":
        return random.uniform(5.0, 15.0), scope  # noqa: S311 - spreads callers, guards nothing
    if problem.startswith("concurrent"):
        return random.uniform(0.25, 2.0), scope  # noqa: S311
    return (3600.0 if problem.startswith("day") else 30.0), scope


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Retry-After in seconds, whether it was given as seconds or as a date; None when absent or nonsense."""
    text = headers.get("Retry-After", "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_WAIT_SECONDS)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    seconds = (moment - dt.datetime.now(dt.UTC)).total_seconds()
    return min(max(0.0, seconds), LONGEST_WAIT_SECONDS)


class _Cut(Exception):
    """The answer began and could not be read to its end within our bounds."""


class _TooLarge(_Cut):
    pass


def _read(response: requests.Response, *, deadline: float, max_bytes: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    for part in response.iter_content(64 * 1024):
        size += len(part)
        if size > max_bytes:
            raise _TooLarge(f"more than {max_bytes:,} bytes")
        if time.monotonic() > deadline:
            raise _Cut("too slow")
        parts.append(part)
    return b"".join(parts)


def _silence(error: Exception, *, provider: str, write: bool) -> Trouble:
    """The exception's text is left out: it can carry addresses with personal text, and says little more."""
    if _never_left(error):
        return Retryable(f"{provider} could not be reached ({_reason(error)}); nothing was sent.")
    if isinstance(error, _TooLarge) and not write:
        return Refused(f"{provider} answered with {error}, which is more than we take.", status=413)
    if not write:
        return Retryable(f"{provider} gave no whole answer ({_reason(error)}); it will be asked again.")
    return Uncertain(
        f"{provider} gave no whole answer ({_reason(error)}): what was sent may or may not have been made. "
        "It will be looked up before anything is sent again."
    )


def _reason(error: Exception) -> str:
    if isinstance(error, _Cut):
        return str(error)
    if isinstance(error, requests.Timeout):
        return "time-out"
    if isinstance(error, requests.exceptions.SSLError):
        return "TLS trouble"
    return "connection refused or unknown host" if _never_left(error) else "connection cut"


def _never_left(error: BaseException) -> bool:
    """True when no byte of the request can have reached the provider: no connection was ever made."""
    return isinstance(error, requests.ConnectTimeout) or any(
        isinstance(cause, _UNSENT) for cause in _causes(error)
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception and what is wrapped in it: requests keeps urllib3's in args, urllib3 in `reason`.

    Not `__context__`: that can be an older trouble which the caller was handling when it called us.
    """
    waiting: list[BaseException] = [error]
    seen: set[int] = set()
    while waiting:
        cause = waiting.pop()
        if id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        inner = [getattr(cause, "reason", None), *cause.args, cause.__cause__]
        waiting.extend(each for each in inner if isinstance(each, BaseException))


def _correlation_id(headers: Mapping[str, str]) -> str | None:
    return next((headers[name] for name in _CORRELATION_HEADERS if name in headers), None)


def _milliseconds(started: float) -> int:
    return round((time.monotonic() - started) * 1000)


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")
