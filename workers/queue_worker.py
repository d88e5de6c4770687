"""RQ's forking worker for one of our queues, with what RQ leaves undone when Redis or a worker goes away.

What RQ does in each case, and what we make of it: docs/queue.md.
"""

from __future__ import annotations

from contextlib import suppress

from redis import Redis
from redis.client import Pipeline
from rq import Worker
from rq.exceptions import NoSuchJobError
from rq.registry import FailedJobRegistry
from rq.serializers import JSONSerializer
from rq.worker_registration import register

from workers.queues import RegisteredJob, queue

SEEN_SECONDS = 45  # a worker not heard of for so long is no longer counted; an idle one beats every thirty
MONITOR_SECONDS = 5
MAINTENANCE_SECONDS = 30
MOST_FAILED = 1000  # failed jobs that are kept per queue, the latest


class QueueWorker(Worker):
    """One queue, no scheduler: RQ loses jobs otherwise (docs/adr/0007)."""

    max_connection_wait_time = 5.0  # RQ's minute would be added to each long outage of Redis

    def __init__(self, name: str, connection: Redis) -> None:
        super().__init__(
            [queue(name, connection)],
            connection=connection,
            serializer=JSONSerializer,
            job_class=RegisteredJob,
            worker_ttl=SEEN_SECONDS,
            job_monitoring_interval=MONITOR_SECONDS,
            maintenance_interval=MAINTENANCE_SECONDS,
            log_job_description=False,
        )

    @property
    def was_asked_to_stop(self) -> bool:
        """Whether a signal ended it, and not trouble with Redis."""
        return self._shutdown_requested_date is not None

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """As RQ's, but a dead worker is forgotten sooner; and each beat says anew who this is, which RQ does
        only at the start: it would never be seen again when Redis was emptied or came back without data."""
        seconds = min(timeout or SEEN_SECONDS, SEEN_SECONDS)
        if pipeline is not None:
            super().heartbeat(seconds, pipeline)
            return
        with self.connection.pipeline() as beat:
            super().heartbeat(seconds, beat)
            beat.hset(self.key, mapping=self.serialize() | {"state": self.get_state()})
            register(self, beat)
            beat.execute()

    def clean_registries(self) -> None:
        """RQ's maintenance, and then ours: a job that fails every few seconds must not fill Redis."""
        super().clean_registries()  # type: ignore[no-untyped-call]
        for one in self.queues:
            drop_oldest_failed(one.failed_job_registry)


def drop_oldest_failed(registry: FailedJobRegistry, *, keep: int = MOST_FAILED) -> None:
    """Deletes the oldest jobs of a failed registry, so that `keep` are left."""
    for job_id in registry.get_job_ids(0, -keep - 1, cleanup=False):
        with suppress(NoSuchJobError):  # only its name was left
            registry.remove(job_id, delete_job=True)
