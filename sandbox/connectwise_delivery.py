"""How ConnectWise PSA delivers callbacks: signed, five seconds, two more tries for four statuses, no more.

The signature is Base64(HMAC-SHA256(key = SHA256(signing key), message = body)) in `x-content-signature`.
"""

from __future__ import annotations

import base64
import hashlib
import heapq
import hmac
import http.client
import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from urllib.parse import urlsplit

from sandbox.web import Json

RETRIED = (404, 409, 419, 429)
MODES = ("on", "off", "duplicate", "shuffled", "held")
KEPT_TRIES = 100_000


@dataclass
class Message:
    """One callback message to one address; it stays the same on every try."""

    message_id: str
    callback_id: int
    entry_id: int
    action: str
    url: str
    body: bytes
    signature: str
    tries: int = 0


def sign(body: bytes, *, signing_key: str) -> str:
    """The x-content-signature of `body`."""
    key = hashlib.sha256(signing_key.encode()).digest()
    return base64.b64encode(hmac.new(key, body, hashlib.sha256).digest()).decode()


@dataclass
class Delivery:
    """The outgoing messages of one site, sent by a few threads in the order in which they fall due."""

    mode: str = "on"
    workers: int = 4
    timeout_seconds: float = 5.0
    retry_delays: list[float] = field(default_factory=lambda: [2.0, 4.0])
    shuffle_seconds: float = 0.5
    report: Callable[[Message, bool], None] | None = None
    tries: list[Json] = field(default_factory=list)
    _held: list[Message] = field(default_factory=list)
    _due: list[tuple[float, int, Message]] = field(default_factory=list)
    _busy: int = 0
    _closed: bool = False
    _threads: list[threading.Thread] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _order: itertools.count[int] = field(default_factory=itertools.count)
    _random: Random = field(default_factory=lambda: Random(11))

    def configure(self, wish: Json) -> None:
        """Set mode, workers, time-out and retry delays; raises ValueError for what is unknown."""
        known = {"mode", "workers", "timeout_seconds", "retry_delays", "shuffle_seconds", "disable_after"}
        if set(wish) - known:
            raise ValueError(f"delivery knows only {', '.join(sorted(known))}")
        if wish.get("mode", self.mode) not in MODES:
            raise ValueError(f"delivery mode must be one of {', '.join(MODES)}")
        self.mode = wish.get("mode", self.mode)
        self.workers = int(wish.get("workers", self.workers))
        self.timeout_seconds = float(wish.get("timeout_seconds", self.timeout_seconds))
        self.shuffle_seconds = float(wish.get("shuffle_seconds", self.shuffle_seconds))
        self.retry_delays = [float(delay) for delay in wish.get("retry_delays", self.retry_delays)]

    def post(self, message: Message) -> None:
        """Send a message the way the mode says."""
        if self.mode == "off":
            return
        if self.mode == "held":
            with self._changed:
                self._held.append(message)
            return
        delay = self._random.uniform(0, self.shuffle_seconds) if self.mode == "shuffled" else 0.0
        for _ in range(2 if self.mode == "duplicate" else 1):
            self._schedule(replace(message), delay=delay)

    def release(self) -> int:
        """Send what was held; how many messages."""
        with self._changed:
            held, self._held = self._held, []
        for message in held:
            self._schedule(message, delay=0.0)
        return len(held)

    def waiting(self) -> Json:
        """How many messages wait, are on their way, and are held."""
        with self._changed:
            return {"waiting": len(self._due), "sending": self._busy, "held": len(self._held)}

    def wait(self, *, timeout_seconds: float) -> bool:
        """Whether everything was delivered or given up within the time; held messages do not count."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._due and not self._busy, timeout=timeout_seconds)

    def close(self) -> None:
        """Drop what waits and end the threads."""
        with self._changed:
            self._closed = True
            self._due.clear()
            self._changed.notify_all()

    def _schedule(self, message: Message, *, delay: float) -> None:
        with self._changed:
            heapq.heappush(self._due, (time.monotonic() + delay, next(self._order), message))
            while len(self._threads) < self.workers:
                thread = threading.Thread(target=self._work, daemon=True, name="sandbox-callbacks")
                self._threads.append(thread)
                thread.start()
            self._changed.notify_all()

    def _take(self) -> Message | None:
        with self._changed:
            while not self._closed:
                pause = self._due[0][0] - time.monotonic() if self._due else None
                if pause is not None and pause <= 0:
                    self._busy += 1
                    return heapq.heappop(self._due)[2]
                self._changed.wait(pause)
            return None

    def _work(self) -> None:
        while (message := self._take()) is not None:
            try:
                self._try(message)
            finally:
                with self._changed:
                    self._busy -= 1
                    self._changed.notify_all()

    def _try(self, message: Message) -> None:
        started = time.perf_counter()
        status, trouble = _send(message, timeout_seconds=self.timeout_seconds)
        attempt = message.tries
        message.tries += 1
        if len(self.tries) < KEPT_TRIES:
            self.tries.append(
                {
                    "message_id": message.message_id,
                    "callback_id": message.callback_id,
                    "entry_id": message.entry_id,
                    "action": message.action,
                    "url": message.url,
                    "try": attempt + 1,
                    "status": status,
                    "error": trouble,
                    "ms": round((time.perf_counter() - started) * 1000, 2),
                }
            )
        delivered = status is not None and 200 <= status < 300
        if not delivered and status in RETRIED and attempt < len(self.retry_delays):
            self._schedule(message, delay=self.retry_delays[attempt])
        elif self.report is not None:
            self.report(message, delivered)


def _send(message: Message, *, timeout_seconds: float) -> tuple[int | None, str | None]:
    """Status of the answer, or None and what went wrong; redirects are not followed."""
    parts = urlsplit(message.url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=timeout_seconds)
    try:
        headers = {"Content-Type": "application/json", "x-content-signature": message.signature}
        target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        connection.request("POST", target, body=message.body, headers=headers)
        reply = connection.getresponse()
        reply.read()
        return reply.status, None
    except (OSError, http.client.HTTPException) as trouble:
        return None, f"{type(trouble).__name__}: {trouble}"
    finally:
        connection.close()
