"""Starts a worker of one queue (`python -m workers post`) or the clock (`python -m workers clock`)."""

from __future__ import annotations

import os
import sys

import structlog
from redis.exceptions import RedisError
from sqlalchemy.orm import configure_mappers

from errors import Problems
from logs import set_up_logging
from settings import Settings, read_settings
from workers.clock import Clock
from workers.queue_worker import QueueWorker
from workers.queues import QUEUES, redis_client
from workers.wiring import Wiring


def main(arguments: list[str]) -> int:
    """Runs until told to stop. Exit status 2: wrong usage or settings."""
    if len(arguments) != 1 or arguments[0] not in (*QUEUES, "clock"):
        sys.stderr.write(f"usage: python -m workers {'|'.join((*QUEUES, 'clock'))}\n")
        return 2
    try:
        settings = read_settings(os.environ)
    except Problems as problems:
        sys.stderr.write(f"{problems}\n")
        return 2
    set_up_logging(settings)
    if arguments[0] == "clock":
        wiring = Wiring(settings)
        Clock(wiring.database, wiring.bell, sweep_seconds=settings.sweep_interval).run()
        return 0
    return work(settings, arguments[0])


def work(settings: Settings, name: str) -> int:
    """Works until told to stop. Exit status 1 when Redis made it stop: a supervisor starts it again."""
    import workers.jobs  # noqa: F401 - loaded before the fork, so that no job pays for it

    configure_mappers()
    try:
        worker = QueueWorker(name, redis_client(settings.redis_url, fail_fast=False))
        worker.work(with_scheduler=False, logging_level=settings.log_level)
    except (RedisError, OSError) as error:
        structlog.get_logger(__name__).error("worker stopped: Redis is away", error=type(error).__name__)
        return 1
    return 0 if worker.was_asked_to_stop else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
