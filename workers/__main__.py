"""Starts a worker of one queue (`python -m workers post`) or the clock (`python -m workers clock`)."""

from __future__ import annotations

import os
import sys

import structlog
from redis.exceptions import RedisError
from rq import Worker
from rq.serializers import JSONSerializer

from errors import Problems
from logs import set_up_logging
from settings import Settings, read_settings
from workers.clock import Clock
from workers.queues import QUEUES, RegisteredJob, queue, redis_client
from workers.wiring import Wiring

WORKER_TTL_SECONDS = 45
MONITOR_SECONDS = 5
MAINTENANCE_SECONDS = 30


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
    """One queue per worker (RQ loses jobs otherwise, see docs/adr/0007), forking, without RQ's scheduler."""
    import workers.jobs  # noqa: F401 - loaded before the fork, so that no job pays for it

    connection = redis_client(settings.redis_url, fail_fast=False)
    try:
        worker = Worker(
            [queue(name, connection)],
            connection=connection,
            serializer=JSONSerializer,
            job_class=RegisteredJob,
            worker_ttl=WORKER_TTL_SECONDS,
            job_monitoring_interval=MONITOR_SECONDS,
            maintenance_interval=MAINTENANCE_SECONDS,
            log_job_description=False,
        )
        worker.work(with_scheduler=False, logging_level=settings.log_level)
    except (RedisError, OSError) as error:
        structlog.get_logger(__name__).error("worker stopped: Redis is away", error=type(error).__name__)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
