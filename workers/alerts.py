"""Alerts: looking for trouble, and telling people by mail and webhook. Nothing here keeps posting waiting: it
runs on the receipts' queue, whose worker also lives when that of posting does not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from itertools import groupby

import structlog
from redis import Redis
from sqlalchemy.orm import Session

from errors import Retryable
from models.alert import Notice
from models.alerts import recipients, settle_alerts, take_due, tell_failed, tell_sent
from models.backlog import list_backlogs
from models.database import Database
from models.troubles import FAILED_JOBS, NO_WORKER, Matter, find_matters
from workers.alert_channels import Send
from workers.queues import POST, count_failed_jobs, count_workers

IDLE_AFTER = dt.timedelta(minutes=2)
log = structlog.get_logger(__name__)


class Alerts:
    """`senders`: channel to what sends notices of one company to these addresses, or raises Retryable.
    `schedule`: seconds until a notice that could not be sent is tried again."""

    def __init__(
        self, database: Database, redis: Redis, *, senders: Mapping[str, Send], schedule: Sequence[int]
    ) -> None:
        self._database = database
        self._redis = redis
        self._senders = senders
        self._schedule = schedule

    def run(self) -> None:
        """Looks once, then sends what is due."""
        with self._database.write() as session:
            now = self._database.now(session)
            matters = [*find_matters(session, now=now), *self._of_all(session, now=now)]
            settle_alerts(session, matters, channels=list(self._senders), now=now)
        with self._database.write() as session:
            due = take_due(session, now=self._database.now(session))
        for (channel, company_id), notices in groupby(sorted(due, key=_place), key=_place):
            self._send(channel, company_id or None, list(notices))

    def _of_all(self, session: Session, *, now: dt.datetime) -> list[Matter]:
        found = []
        if failed := count_failed_jobs(self._redis):
            text = f"{failed} jobs failed. See them under Jobs, and retry them when their cause is mended."
            found.append(Matter(company_id=None, kind=FAILED_JOBS, text=text))
        waiting = [b for b in list_backlogs(session, now=now) if b.oldest and b.company.paused_at is None]
        is_idle = any(backlog.oldest < now - IDLE_AFTER for backlog in waiting if backlog.oldest)
        if is_idle and not count_workers(self._redis, POST):
            text = "Expenses are due and no worker posts them. Start one as the Procfile says."
            found.append(Matter(company_id=None, kind=NO_WORKER, text=text))
        return found

    def _send(self, channel: str, company_id: int | None, notices: list[Notice]) -> None:
        with self._database.read() as session:
            addresses = recipients(session, company_id)
        why = None
        try:
            if channel not in self._senders:
                raise Retryable(f"Alerts by {channel} are not set up.")
            self._senders[channel](notices, addresses)
        except Retryable as trouble:
            why = str(trouble)
            log.warning("alerts were not sent", channel=channel, why=why)
        with self._database.write() as session:
            now = self._database.now(session)
            if why is None:
                tell_sent(session, notices, now=now)
            else:
                tell_failed(session, notices, why=why, schedule=self._schedule, now=now)


def _place(notice: Notice) -> tuple[str, int]:
    return notice.channel, notice.alert.company_id or 0
