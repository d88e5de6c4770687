"""Keeps all processes together inside a provider's limits: calls a minute, calls in flight, waits asked for.

The counts live in Redis, so that any number of workers on any number of machines share them. Redis is only a
help here: when it is down or slow each process limits itself for a while, and the provider's own 429 is
obeyed as ever.
"""

from __future__ import annotations

import datetime as dt
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypedDict, TypeVar

import structlog
from limits.errors import StorageError
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from errors import RateLimited
from providers.day_budget import RESERVE, Day, after_answer, after_refusal
from providers.http import rate_limit_wait, retry_after
from providers.limiter_stores import LocalStore, SharedStore, Store

APP = "*"  # the place of the waits and calls that count over all tenants
_MINUTE_NEARLY_SPENT = 1
_PAUSE_WHEN_SPENT = 5.0  # when the minute ends is not told before the 429; look again soon

T = TypeVar("T")

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """A provider's limits, each a little under what it allows. `app_per_minute` counts over all tenants."""

    per_minute: int
    in_flight: int
    app_per_minute: int | None = None
    per_second: int | None = None


# https://developer.xero.com/documentation/guides/oauth2/limits/ : 60 a minute and 5 in flight per
# organisation, 10,000 a minute per app.
XERO = Limits(per_minute=58, in_flight=5, app_per_minute=9_500)
# https://developer.intuit.com/app/developer/qbo/docs/learn/limits-and-throttles : per company 500 a minute
# and ten a second. Of batches 40 a minute are taken, counted beside.
QBO = Limits(per_minute=450, in_flight=8, per_second=8)
QBO_BATCHES = Limits(per_minute=38, in_flight=8)
# ConnectWise throttles by load, from about 1,000 a minute on, and asks for little parallelism.
CONNECTWISE = Limits(per_minute=600, in_flight=8)


class Budget(TypedDict):
    """What is left for a tenant; instants are UTC. The day's parts are None until the provider told them.
    `day_reserve` of the day's calls are left alone by routine work."""

    minute_left: int
    day_left: int | None
    day_reserve: int | None
    day_ends_at: dt.datetime | None
    blocked_until: dt.datetime | None


class Limiter:
    """One provider's limits, shared by all processes that use the same Redis.

    `redis` should fail fast (see `fast_redis`): a call to a provider waits at most one of its time-outs.
    """

    def __init__(
        self,
        redis: Redis | None,
        *,
        provider: str,
        limits: Limits,
        max_wait_seconds: float = 2.0,
        retry_redis_seconds: float = 5.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.provider = provider
        self.limits = limits
        self.max_wait_seconds = max_wait_seconds
        self._shared = SharedStore(redis, prefix=f"limit:{provider}") if redis is not None else None
        self._local = LocalStore()
        self._retry_redis_seconds = retry_redis_seconds
        self._shared_again_at = 0.0
        self._sleep = sleep

    @contextmanager
    def slot(self, tenant: str, *, max_wait_seconds: float | None = None) -> Iterator[None]:
        """Holds one of the tenant's places in flight for the time of one call.

        Raises `RateLimited` when the call would have to wait longer than `max_wait_seconds`; its `after` says
        how long, in seconds. Nothing was sent then.
        """
        patience = self.max_wait_seconds if max_wait_seconds is None else max_wait_seconds
        give_back = self._enter(tenant, give_up_at=time.monotonic() + patience)
        try:
            yield
        finally:
            give_back()

    def told(self, tenant: str, headers: Mapping[str, str], status: int) -> None:
        """Takes in what the provider said with an answer, so that the company's other jobs know it too."""
        minute = _number(headers, "X-MinLimit-Remaining")
        if status == 429:
            after, scope = rate_limit_wait(headers)
            self._try(lambda store: store.block(APP if scope == "app" else tenant, after))
        elif minute is not None and minute < _MINUTE_NEARLY_SPENT:
            self._try(lambda store: store.block(tenant, _PAUSE_WHEN_SPENT))
        self._try(lambda store: _remember(store, tenant, headers, status, minute_left=minute))

    def budget(self, tenant: str) -> Budget:
        """What is left now, for the console and for jobs that can wait."""
        return self._try(lambda store: self._budget(store, tenant))

    def spare_until(self, tenant: str) -> dt.datetime | None:
        """Until when routine work must leave the tenant's ledger alone, so that people's retries still go
        today; None when it may go on."""
        day, _ = self._try(lambda store: store.remembered(tenant))
        return _instant(day.spare_until(time.time())) if day is not None else None

    def _budget(self, store: Store, tenant: str) -> Budget:
        now = time.time()
        wait = max(store.blocked_for(tenant), store.blocked_for(APP))
        own = store.calls_left(tenant, self.limits.per_minute)
        day, told = store.remembered(tenant)
        return Budget(
            minute_left=own if told is None else max(0, min(own, told)),
            day_left=day.left_at(now) if day else None,
            day_reserve=RESERVE if day else None,
            day_ends_at=_instant(day.end_after(now)) if day else None,
            blocked_until=_instant(now + wait) if wait > 0 else None,
        )

    def _enter(self, tenant: str, *, give_up_at: float) -> Callable[[], None]:
        while True:
            wait, give_back = self._try(lambda store: self._ask(store, tenant))
            if give_back is not None:
                return give_back
            if time.monotonic() + wait > give_up_at:
                after = max(1.0, wait)  # a place may be free at once, but don't come back in a storm
                raise RateLimited(
                    f"{self.provider}'s limit for this company is used up for now; nothing was sent, "
                    f"it goes on in {after:.0f} s.",
                    after=after,
                )
            self._sleep(wait)

    def _ask(self, store: Store, tenant: str) -> tuple[float, Callable[[], None] | None]:
        """(0, how to give the place back), or (seconds until it is worth asking again, None)."""
        wait = max(store.blocked_for(tenant), store.blocked_for(APP))
        if wait > 0:
            return wait, None
        taken = store.take_place(tenant, self.limits.in_flight)
        if taken is None:
            return random.uniform(0.05, 0.15), None  # noqa: S311 - spreads callers, guards nothing
        give_back = self._forgiving(taken)
        try:
            wait = self._count(store, tenant)
        except BaseException:
            give_back()
            raise
        if wait > 0:
            give_back()
            return wait, None
        return 0.0, give_back

    def _count(self, store: Store, tenant: str) -> float:
        second, app = self.limits.per_second, self.limits.app_per_minute
        if second is not None and (wait := store.count_in_second(tenant, second)) > 0:
            return wait
        if app is not None and (wait := store.count_call(APP, app)) > 0:
            return wait
        return store.count_call(tenant, self.limits.per_minute)

    def _forgiving(self, give_back: Callable[[], None]) -> Callable[[], None]:
        def quietly() -> None:
            try:
                give_back()
            except RedisError as error:  # the place frees itself when its time is over
                self._redis_is_gone(error)

        return quietly

    def _try(self, act: Callable[[Store], T]) -> T:
        """On Redis; when that fails, in this process alone, and Redis is left in peace for some seconds."""
        if self._shared is not None and time.monotonic() >= self._shared_again_at:
            try:
                return act(self._shared)
            except (RedisError, StorageError, OSError) as error:
                self._redis_is_gone(error)
        return act(self._local)

    def _redis_is_gone(self, error: Exception) -> None:
        if self._shared_again_at == 0.0:
            _log.warning("limiter_alone", provider=self.provider, reason=type(error).__name__)
        self._shared_again_at = time.monotonic() + self._retry_redis_seconds


def fast_redis(url: str, *, timeout_seconds: float = 0.5) -> Redis:
    """A Redis client that gives up quickly and never retries, as the limiter wants it."""
    return Redis.from_url(
        url,
        socket_timeout=timeout_seconds,
        socket_connect_timeout=timeout_seconds,
        retry=Retry(NoBackoff(), 0),
    )


def _remember(
    store: Store, tenant: str, headers: Mapping[str, str], status: int, *, minute_left: int | None
) -> None:
    day_left, now = _number(headers, "X-DayLimit-Remaining"), time.time()
    day: Day | None = None
    if status == 429 and headers.get("X-Rate-Limit-Problem", "").lower().startswith("day"):
        told = retry_after(headers)
        day = after_refusal(seconds=told, now=now) if told is not None else None
    elif day_left is not None:
        day = after_answer(store.remembered(tenant)[0], left=day_left, now=now)
    if day is not None or minute_left is not None:
        store.remember(tenant, day=day, minute_left=minute_left)


def _instant(seconds: float | None) -> dt.datetime | None:
    return None if seconds is None else dt.datetime.fromtimestamp(seconds, dt.UTC)


def _number(headers: Mapping[str, str], name: str) -> int | None:
    text = headers.get(name, "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
