"""Xero's Idempotency-Key (https://developer.xero.com/documentation/guides/idempotent-requests/idempotency).

The first answer, good, refused or an internal error, is repeated for six minutes; then the key is forgotten.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.web import Reply, Request
from sandbox.xero_wire import refuse

KEPT_SECONDS = 360
LONGEST = 128
METHODS = ("POST", "PUT", "PATCH")


@dataclass
class _Answered:
    at: float
    fingerprint: str
    reply: Reply


@dataclass
class Keys:
    """The keys of one organisation."""

    _answers: dict[str, _Answered] = field(default_factory=dict)

    def through(self, request: Request, *, now: float, act: Callable[[], Reply]) -> Reply:
        """The kept answer for the request's key, else the answer of `act`, kept when the request names a key.

        Raises Refused (400) for a key that is too long or was used with a different request.
        """
        key = request.headers.get("idempotency-key")
        if key is None or request.method not in METHODS:
            return act()
        if not 1 <= len(key) <= LONGEST:
            raise refuse(f"Idempotency Key must be between 1 and {LONGEST} characters")
        fingerprint = _fingerprint(request)
        answered = self._answers.get(key)
        if answered is None or now - answered.at >= KEPT_SECONDS:
            reply = act()
            self._answers.pop(key, None)  # to the end: the oldest stay in front
            self._answers[key] = _Answered(now, fingerprint, reply)
            return reply
        if answered.fingerprint != fingerprint:
            raise refuse(f"Idempotency Key: {key} is used with a different request")
        request.notes["replayed"] = True
        return answered.reply

    def forget_old(self, *, now: float) -> None:
        """Drop what is past its six minutes."""
        while self._answers:
            oldest = next(iter(self._answers))
            if now - self._answers[oldest].at < KEPT_SECONDS:
                return
            del self._answers[oldest]


def _fingerprint(request: Request) -> str:
    url = f"{request.method} {request.path}?{request.raw_query}\n".encode()
    return hashlib.sha256(url + request.body).hexdigest()
