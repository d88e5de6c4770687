"""Whether all that a company needs is well: its books, ConnectWise, the callback, workers, calls left."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import structlog
from redis import Redis
from redis.exceptions import RedisError

from console.jobs import list_workers
from console.services import Services
from models.company import Company
from workers.queues import POST

SWEPT_LATE = dt.timedelta(hours=1)
ENDS_SOON = dt.timedelta(days=14)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Sign:
    """One thing that should be well: what, the word for how it is, its look, and more about it. `at`: when it
    was last seen or will end, after the words `text`."""

    name: str
    word: str
    look: str
    text: str = ""
    at: dt.datetime | None = None


def look_at_health(services: Services, company: Company, *, now: dt.datetime) -> list[Sign]:
    """Every sign, well or not."""
    return [
        _books(company, now=now),
        _connectwise(company, now=now),
        _callback(company),
        *_behind_redis(services, company),
    ]


def is_redis_there(redis: Redis) -> bool:
    """Whether Redis answers: without it nobody is told to post."""
    try:
        return bool(redis.ping())
    except (RedisError, OSError) as error:
        log.warning("nothing is posted now: Redis is away", error=type(error).__name__)
        return False


def _books(company: Company, *, now: dt.datetime) -> Sign:
    name = {"xero": "Xero", "qbo": "QuickBooks"}[company.provider]
    connection = company.connection
    if connection is None:
        text = "Connect the company to its books, then everything goes on."
        return Sign(name=name, word="Not connected", look="act", text=text)
    if connection.lost_at is not None:
        return Sign(name=name, word="Lost", look="bad", text=connection.lost_why or "Connect it again.")
    ends = connection.refresh_ends_at
    if ends is not None and ends < now + ENDS_SOON:
        return Sign(name=name, word="Ends soon", look="act", text="Connect it again before", at=ends)
    return Sign(name=name, word="Connected", look="good", text="Unused it would end" if ends else "", at=ends)


def _connectwise(company: Company, *, now: dt.datetime) -> Sign:
    swept = company.swept_at
    if swept is None:
        return Sign(name="ConnectWise", word="Not read yet", look="over", text="The next sweep reads it.")
    if swept < now - SWEPT_LATE:
        return Sign(name="ConnectWise", word="Silent", look="bad", text="Last read", at=swept)
    return Sign(name="ConnectWise", word="Read", look="good", text="Last read", at=swept)


def _callback(company: Company) -> Sign:
    state, seen = company.callback_state, company.callback_checked_at
    if state is None:
        text = "Expenses come by the sweep. Registered, it brings them at once."
        return Sign(name="Callback", word="Not registered", look="over", text=text)
    if state == "active":
        return Sign(name="Callback", word="On", look="good", text="Last looked at", at=seen)
    text = "Expenses come by the sweep only; register it again. Last looked at"
    return Sign(name="Callback", word=state.capitalize(), look="bad", text=text, at=seen)


def _behind_redis(services: Services, company: Company) -> list[Sign]:
    try:
        return [_workers(services), _calls(services, company)]
    except (RedisError, OSError) as error:
        log.warning("workers and budget can't be seen: Redis is away", error=type(error).__name__)
        text = "Redis does not answer. What is due waits in the database until it does."
        return [Sign(name="Workers", word="Unknown", look="act", text=text)]


def _workers(services: Services) -> Sign:
    count = sum(POST in worker.queues for worker in list_workers(services.redis))
    if count == 0:
        text = "Nobody posts: start a worker as the Procfile says."
        return Sign(name="Workers", word="None", look="bad", text=text)
    return Sign(name="Workers", word=f"{count} running", look="good")


def _calls(services: Services, company: Company) -> Sign:
    name = "Calls left"
    if not company.tenant_id:
        return Sign(name=name, word="Not known yet", look="over")
    left = services.budget(company.provider, company.tenant_id)
    if left["blocked_until"] is not None:
        word = "None for now"
        return Sign(
            name=name, word=word, look="act", text="The ledger asks to wait until", at=left["blocked_until"]
        )
    minute = f"{left['minute_left']:,} this minute"
    if left["day_left"] is None:
        return Sign(name=name, word=minute, look="good")
    low = left["day_left"] <= left["day_reserve"]
    text = f"{minute}. The last {left['day_reserve']:,} are kept for what people ask for"
    text += ", until" if left["day_ends_at"] else "."
    word = f"{left['day_left']:,} today"
    return Sign(name=name, word=word, look="act" if low else "good", text=text, at=left["day_ends_at"])
