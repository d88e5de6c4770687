"""Where the limiter counts: in Redis for all processes together, or in this process when Redis is away."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable
from typing import Protocol

from limits import RateLimitItem, RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis import Redis
from redis.exceptions import LockError, RedisError
from redis.lock import Lock

from providers.day_budget import Day, from_text

PLACE_SECONDS = 15  # a killed worker's place frees itself then; a call under way keeps its own
_DAY_KEPT_SECONDS = 7 * 86_400  # the hour at which its days begin stays known over a quiet week
_MINUTE_SECONDS = 60


class Store(Protocol):
    """Counts, places and waits. `who` is a tenant id, or the limiter's mark for all tenants."""

    def block(self, who: str, seconds: float) -> None:
        """Nobody calls for `who` for so long; a longer wait already there stays."""

    def blocked_for(self, who: str) -> float:
        """Seconds left of such a wait, 0 when there is none."""

    def take_place(self, who: str, places: int) -> Callable[[], None] | None:
        """One of the places in flight: how to give it back, or None when all are taken."""

    def count_call(self, who: str, per_minute: int) -> float:
        """Counts one call and returns 0; or doesn't, and returns the seconds until one is free again."""

    def count_in_second(self, who: str, per_second: int) -> float:
        """The same for the last second."""

    def calls_left(self, who: str, per_minute: int) -> int:
        """How many more calls the last sixty seconds leave room for."""

    def remember(self, who: str, *, day: Day | None, minute_left: int | None) -> None:
        """Keeps what the provider said is left; None keeps nothing."""

    def remembered(self, who: str) -> tuple[Day | None, int | None]:
        """The day and what is left of the minute as last said, None when not known or too old."""


class _Window:
    """Calls within the last sixty seconds, or the last one. A moving window of n never puts more than n into
    the provider's fixed minute, whenever that begins."""

    def __init__(self, storage: RedisStorage | MemoryStorage) -> None:
        self._limiter = MovingWindowRateLimiter(storage)

    def count(self, who: str, item: RateLimitItem) -> float:
        if self._limiter.hit(item, who):
            return 0.0
        return max(0.05, self._limiter.get_window_stats(item, who).reset_time - time.time())

    def left(self, who: str, per_minute: int) -> int:
        return max(0, int(self._limiter.get_window_stats(RateLimitItemPerMinute(per_minute), who).remaining))


class SharedStore:
    """In Redis. Waits are keys that expire, so machines whose clocks differ agree on them."""

    def __init__(self, redis: Redis, *, prefix: str) -> None:
        self._redis = redis
        self._prefix = prefix
        self._made_window: _Window | None = None

    def block(self, who: str, seconds: float) -> None:
        milliseconds = max(1, round(seconds * 1000))
        if milliseconds > self._redis.pttl(self._key("wait", who)):
            self._redis.set(self._key("wait", who), 1, px=milliseconds)

    def blocked_for(self, who: str) -> float:
        return max(0.0, float(self._redis.pttl(self._key("wait", who))) / 1000)

    def take_place(self, who: str, places: int) -> Callable[[], None] | None:
        first = random.randrange(places)  # noqa: S311 - spreads callers, guards nothing
        for step in range(places):
            place = self._key("place", f"{who}:{(first + step) % places}")
            lock = self._redis.lock(place, timeout=PLACE_SECONDS, blocking=False, thread_local=False)
            if lock.acquire():
                return _hold(lock)
        return None

    def count_call(self, who: str, per_minute: int) -> float:
        return self._window().count(who, RateLimitItemPerMinute(per_minute))

    def count_in_second(self, who: str, per_second: int) -> float:
        return self._window().count(who, RateLimitItemPerSecond(per_second))

    def calls_left(self, who: str, per_minute: int) -> int:
        return self._window().left(who, per_minute)

    def remember(self, who: str, *, day: Day | None, minute_left: int | None) -> None:
        with self._redis.pipeline(transaction=False) as pipe:
            if day is not None:
                pipe.set(self._key("day", who), day.to_text(), ex=_DAY_KEPT_SECONDS)
            if minute_left is not None:
                pipe.set(self._key("minute", who), minute_left, ex=_MINUTE_SECONDS)
            pipe.execute()

    def remembered(self, who: str) -> tuple[Day | None, int | None]:
        day, minute = self._redis.mget(self._key("day", who), self._key("minute", who))
        return (None if day is None else from_text(day)), (None if minute is None else int(minute))

    def _window(self) -> _Window:
        if self._made_window is None:
            pool = self._redis.connection_pool
            storage = RedisStorage("redis://", connection_pool=pool, key_prefix=self._prefix)
            self._made_window = _Window(storage)
        return self._made_window

    def _key(self, what: str, who: str) -> str:
        return f"{self._prefix}:{what}:{who}"


class LocalStore:
    """In this process's memory: a helper for the minutes without Redis, so it forgets at exit."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._places: dict[str, threading.BoundedSemaphore] = {}
        self._blocked: dict[str, float] = {}
        self._said: dict[str, tuple[float, Day | None, int | None]] = {}
        self._made_window: _Window | None = None

    def block(self, who: str, seconds: float) -> None:
        with self._lock:
            self._blocked[who] = max(self._blocked.get(who, 0.0), time.monotonic() + seconds)

    def blocked_for(self, who: str) -> float:
        return max(0.0, self._blocked.get(who, 0.0) - time.monotonic())

    def take_place(self, who: str, places: int) -> Callable[[], None] | None:
        with self._lock:
            semaphore = self._places.setdefault(who, threading.BoundedSemaphore(places))
        return semaphore.release if semaphore.acquire(blocking=False) else None

    def count_call(self, who: str, per_minute: int) -> float:
        return self._window().count(who, RateLimitItemPerMinute(per_minute))

    def count_in_second(self, who: str, per_second: int) -> float:
        return self._window().count(who, RateLimitItemPerSecond(per_second))

    def calls_left(self, who: str, per_minute: int) -> int:
        return self._window().left(who, per_minute)

    def remember(self, who: str, *, day: Day | None, minute_left: int | None) -> None:
        with self._lock:
            known = self._said.get(who, (0.0, None, None))[1]
            self._said[who] = (time.monotonic(), known if day is None else day, minute_left)

    def remembered(self, who: str) -> tuple[Day | None, int | None]:
        when, day, minute = self._said.get(who, (0.0, None, None))
        return day, (minute if time.monotonic() - when < _MINUTE_SECONDS else None)

    def _window(self) -> _Window:
        with self._lock:
            if self._made_window is None:
                self._made_window = _Window(MemoryStorage())
            return self._made_window


def _hold(lock: Lock) -> Callable[[], None]:
    """Renews the place as long as the call lasts; returns how to give it back."""
    over = threading.Event()

    def renew() -> None:
        with contextlib.suppress(RedisError):  # gone with Redis, or we stood still for so long
            while not over.wait(PLACE_SECONDS / 3):
                lock.reacquire()

    threading.Thread(target=renew, name="place", daemon=True).start()

    def give_back() -> None:
        over.set()
        _release(lock.release)

    return give_back


def _release(release: Callable[[], None]) -> None:
    with contextlib.suppress(LockError):  # the call outlived its place, and somebody else holds it now
        release()
