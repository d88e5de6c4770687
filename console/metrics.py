"""Prometheus metrics, counted when they are asked for: the database and Redis know, nothing is kept here.

An answer stands for some seconds, however many ask. What has ended is counted more rarely: it is nearly
everything, and counting a million of them takes a good part of a second.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterable, Iterator

import structlog
from flask import Blueprint, Response, current_app
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from console.failed_jobs import count_failed
from console.jobs import count_waiting, list_workers
from console.services import Services
from models.backlog import (
    count_open_requests,
    count_paused,
    count_states,
    list_backlogs,
    list_connections,
)
from models.company import Connection
from models.states import ENDED, EXPENSE_STATES
from workers.queues import QUEUES

STANDS_SECONDS = 10.0
ENDED_STANDS_SECONDS = 300.0

_MOVING = tuple(state for state in EXPENSE_STATES if state not in ENDED)

log = structlog.get_logger(__name__)
blueprint = Blueprint("metrics", __name__)


@blueprint.get("/metrics")
def metrics() -> Response:
    """Prometheus text."""
    found: CollectorRegistry = current_app.extensions["metrics"]
    return Response(generate_latest(found), content_type=CONTENT_TYPE_LATEST)


def registry(services: Services) -> CollectorRegistry:
    """A registry whose one collector asks the database and Redis."""
    made = CollectorRegistry(auto_describe=False)
    made.register(_Relay(services))
    return made


class _Relay(Collector):
    """Counts at most once in STANDS_SECONDS, whoever asks."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lock = threading.Lock()
        self._until = 0.0
        self._last: list[Metric] = []
        self._ended_until = 0.0
        self._last_ended: dict[str, int] = {}

    def describe(self) -> Iterable[Metric]:
        return ()  # else registering would count already

    def collect(self) -> Iterable[Metric]:
        with self._lock:
            if time.monotonic() >= self._until:
                self._last = [*self._database(), *self._redis()]
                self._until = time.monotonic() + STANDS_SECONDS
            return self._last

    def _database(self) -> Iterator[Metric]:
        up = 1
        try:
            yield from list(self._count())
        except SQLAlchemyError as error:
            log.warning("metrics without the database", error=type(error).__name__)
            up = 0
        yield _gauge("database_up", "1 when the database answered", up)

    def _count(self) -> Iterator[Metric]:
        database = self._services.database
        with database.read() as session:
            now = database.now(session)
            by_state = count_states(session, _MOVING) | self._ended(session)
            backlogs = list_backlogs(session, now=now)
            oldest = min((b.oldest for b in backlogs if b.oldest is not None), default=now)
            states = GaugeMetricFamily(f"{_PREFIX}expenses", "Expenses by state", labels=["state"])
            for state in EXPENSE_STATES:
                states.add_metric([state], by_state.get(state, 0))
            yield states
            yield _gauge("expenses_due", "Expenses that a worker must look at", sum(b.due for b in backlogs))
            age = max(0.0, (now - oldest).total_seconds())
            yield _gauge("oldest_due_seconds", "How long the longest-waiting due expense waits", age)
            yield _gauge(
                "open_requests", "Outgoing writes to be taken up again", count_open_requests(session)
            )
            yield _gauge("companies", "Companies", len(backlogs))
            yield _gauge("companies_paused", "Paused companies", count_paused(session))
            yield from _connections(list_connections(session), now=now)

    def _ended(self, session: Session) -> dict[str, int]:
        if time.monotonic() >= self._ended_until:
            self._last_ended = count_states(session, ENDED)
            self._ended_until = time.monotonic() + ENDED_STANDS_SECONDS
        return self._last_ended

    def _redis(self) -> Iterator[Metric]:
        up = 1
        try:
            yield from list(self._count_jobs())
        except (RedisError, OSError) as error:
            log.warning("metrics without Redis", error=type(error).__name__)
            up = 0
        yield _gauge("redis_up", "1 when Redis answered", up)

    def _count_jobs(self) -> Iterator[Metric]:
        redis = self._services.redis
        waiting = GaugeMetricFamily(f"{_PREFIX}jobs_waiting", "RQ jobs waiting, by queue", labels=["queue"])
        failed = GaugeMetricFamily(f"{_PREFIX}jobs_failed", "RQ jobs that failed, by queue", labels=["queue"])
        workers = GaugeMetricFamily(f"{_PREFIX}workers", "RQ workers, by queue", labels=["queue"])
        seen = list_workers(redis)
        in_waiting, in_failed = count_waiting(redis), count_failed(redis)
        for name in QUEUES:
            waiting.add_metric([name], in_waiting[name])
            failed.add_metric([name], in_failed[name])
            workers.add_metric([name], sum(name in worker.queues for worker in seen))
        yield from (waiting, failed, workers)


def _connections(found: list[Connection], *, now: dt.datetime) -> Iterator[Metric]:
    lost = sum(connection.lost_at is not None for connection in found)
    yield _gauge("connections_lost", "Connections that a person must make again", lost)
    ends = [c.refresh_ends_at for c in found if c.lost_at is None and c.refresh_ends_at is not None]
    if ends:
        left = (min(ends) - now).total_seconds()
        yield _gauge("connection_ends_seconds", "Until the first connection ends, if it is not used", left)


_PREFIX = "expense_relay_"


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(_PREFIX + name, text, value=value)
