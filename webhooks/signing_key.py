"""Fetching the signing key that a callback names: without credentials, without redirects, small and quick.

ConnectWise waits five seconds for our answer, so a fetch gets two and a half at the most; keys are kept for
minutes, because their addresses change and old ones expire.
"""

from __future__ import annotations

import ipaddress
import json
import socket
import threading
import time
from collections.abc import Callable
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
import structlog
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

CONNECT_SECONDS, READ_SECONDS, TOTAL_SECONDS = 1.0, 1.5, 2.5
MAX_BYTES = 65_536
KEEP_SECONDS = 300.0
TROUBLE_SECONDS = 1.5  # shorter than the two seconds after which ConnectWise sends again
MAX_KEPT = 1_000
MAX_TRIED = 3
SLOT_SECONDS = 0.25
GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")  # NAT64: the last four bytes are an IPv4 address
FETCHES_AT_ONCE = 2  # of this process: strangers that name ever new keys must not take all its threads

log = structlog.get_logger(__name__)


class KeyUnavailable(Exception):
    """The key server did not answer, or too many fetches run: ConnectWise should send the callback again."""


class KeyRefused(Exception):
    """The key server answered, and not with a key: the callback can't be verified."""


class PrivateAddress(OSError):
    """A public name led to a private address."""


class SigningKeys:
    """Signing keys by address, fetched once and kept for minutes. One per process; safe between threads."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, str]] = {}
        self._troubles: dict[str, tuple[float, KeyUnavailable | KeyRefused]] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()
        self._slots = threading.BoundedSemaphore(FETCHES_AT_ONCE)
        self._public_only = _session(public_only=True)
        self._any_address = _session(public_only=False)

    def fetch(self, key_url: str, *, public_only: bool) -> str:
        """The signing key at this (already pinned) address.

        `public_only`: refuse private addresses, looked at when the connection stands, not by name.
        Raises KeyUnavailable or KeyRefused; those that waited for a fetch that failed share its failure, so
        that a dead key server holds up one thread and not all.
        """
        kept = self._fresh(key_url)
        if kept is not None:
            return kept
        with self._guard:
            lock = self._locks.setdefault(key_url, threading.Lock())
        if not lock.acquire(timeout=TOTAL_SECONDS):
            raise KeyUnavailable("the key server takes too long")
        try:  # a burst of callbacks of one key fetches it once
            return self._fresh(key_url) or self._fetch_and_keep(key_url, public_only=public_only)
        finally:
            lock.release()
            with self._guard:
                self._locks.pop(key_url, None)

    def recent(self, is_own: Callable[[str], bool]) -> list[str]:
        """The last few keys still kept whose address `is_own`."""
        now = time.monotonic()
        with self._guard:
            kept = sorted(self._kept.items(), key=lambda one: one[1][0], reverse=True)
        return [key for url, (until, key) in kept if until > now and is_own(url)][:MAX_TRIED]

    def _fresh(self, key_url: str) -> str | None:
        until, key = self._kept.get(key_url, (0.0, ""))
        if until > time.monotonic():
            return key
        until, trouble = self._troubles.get(key_url, (0.0, None))
        if trouble is not None and until > time.monotonic():
            raise type(trouble)(str(trouble))
        return None

    def _fetch_and_keep(self, key_url: str, *, public_only: bool) -> str:
        try:
            key = self._fetch(key_url, self._public_only if public_only else self._any_address)
        except (KeyUnavailable, KeyRefused) as trouble:
            with self._guard:
                if len(self._troubles) >= MAX_KEPT:
                    self._troubles.clear()
                self._troubles[key_url] = (time.monotonic() + TROUBLE_SECONDS, trouble)
            raise
        self._keep(key_url, key)
        return key

    def _keep(self, key_url: str, key: str) -> None:
        with self._guard:
            if len(self._kept) >= MAX_KEPT:
                self._kept.clear()
            self._kept[key_url] = (time.monotonic() + KEEP_SECONDS, key)

    def _fetch(self, key_url: str, session: requests.Session) -> str:
        if not self._slots.acquire(timeout=SLOT_SECONDS):
            raise KeyUnavailable("too many signing keys are being fetched")
        try:
            return _download(key_url, session)
        finally:
            self._slots.release()


def _download(key_url: str, session: requests.Session) -> str:
    started = time.monotonic()
    try:
        with session.get(
            key_url,
            timeout=(CONNECT_SECONDS, READ_SECONDS),
            allow_redirects=False,
            stream=True,
            headers={"Accept": "application/json"},
        ) as response:
            body = _read_small(response, started=started)
            status = response.status_code
    except (requests.RequestException, HTTPError) as error:
        if _is_private(error):
            raise KeyRefused("the address leads into a private network") from None
        raise KeyUnavailable(type(error).__name__) from None
    if status >= 500 or status == 429:
        raise KeyUnavailable(f"HTTP {status}")
    if status != 200:
        raise KeyRefused(f"HTTP {status}")
    return _key_in(body)


def _read_small(response: requests.Response, *, started: float) -> bytes:
    body = b""
    while chunk := response.raw.read1(8192, decode_content=True):  # what is there, not when 8192 bytes are
        body += chunk
        if len(body) > MAX_BYTES:
            raise KeyRefused("the answer is too large")
        if time.monotonic() - started > TOTAL_SECONDS:
            raise KeyUnavailable("the answer took too long")
    return body


def _key_in(body: bytes) -> str:
    try:
        key = json.loads(body)["signing_key"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise KeyRefused("the answer holds no signing key") from None
    if not isinstance(key, str) or not key:
        raise KeyRefused("the answer holds no signing key")
    return key


def _session(*, public_only: bool) -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # no proxies, no netrc: nothing of this machine's goes along
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    adapter = _PublicAdapter() if public_only else HTTPAdapter(max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def is_public(address: str) -> bool:
    """Whether an IP address is out in the world: not here, not in a private, shared or link-local network,
    and no such address in the clothes of IPv6."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv4Address):
        return found.is_global and not found.is_multicast
    inner = found.ipv4_mapped or (ipaddress.IPv4Address(found.packed[12:]) if found in TRANSLATED else None)
    if inner is not None:
        return is_public(str(inner))
    return found.is_global and found in GLOBAL_UNICAST and found.sixtofour is None


def _checked(sock: socket.socket) -> socket.socket:
    if not is_public(sock.getpeername()[0]):
        sock.close()
        raise PrivateAddress("a public name led to a private address")
    return sock


class _PublicHTTPS(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _checked(super()._new_conn())  # before the first byte, that of TLS included


class _PublicHTTP(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _checked(super()._new_conn())


class _PublicHTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _PublicHTTPS


class _PublicHTTPPool(HTTPConnectionPool):
    ConnectionCls = _PublicHTTP


class _PublicAdapter(HTTPAdapter):
    """Looks at the address when the connection stands: a name that changes its answer changes nothing."""

    def __init__(self) -> None:
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"https": _PublicHTTPSPool, "http": _PublicHTTPPool}


def _is_private(error: BaseException) -> bool:
    seen: BaseException | None = error
    while seen is not None:
        reason = getattr(seen, "reason", None)
        args = [a for a in (*seen.args, reason) if isinstance(a, BaseException)]
        if any(isinstance(a, PrivateAddress) or _is_private(a) for a in args):
            return True
        seen = seen.__cause__
    return isinstance(error, PrivateAddress)
