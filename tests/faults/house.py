"""Our worker and clock in this process, on a real Redis: what a crash leaves can be laid out by hand."""

from __future__ import annotations

import os
from dataclasses import dataclass

import pytest
from redis import Redis
from rq import Queue, SimpleWorker
from rq.job import Job
from rq.serializers import JSONSerializer

from tests.journey.conftest import Journey
from workers import wiring
from workers.clock import Clock
from workers.queue_worker import QueueWorker
from workers.queues import POST, RegisteredJob, bell_key, queue, redis_client


@dataclass
class House:
    """One company and what serves it."""

    journey: Journey
    redis: Redis

    @property
    def queue(self) -> Queue:
        return queue(POST, self.redis)

    def ring(self) -> Job:
        """A callback's ring, and the job that it enqueued."""
        assert self.journey.wiring.bell.ring("acme")
        return self.queue.jobs[-1]

    def tick(self) -> None:
        """The clock rings, once the bell that hung has freed itself (thirty seconds at most)."""
        self.redis.delete(bell_key("workers.jobs.post_expenses", "acme"))
        clock = Clock(self.journey.database, self.journey.wiring.bell, sweep_seconds=300)
        clock.ring_bells()

    def work(self) -> None:
        """Runs all that waits in our queue."""
        worker = SimpleWorker(
            [self.queue], connection=self.redis, serializer=JSONSerializer, job_class=RegisteredJob
        )
        worker.work(burst=True)

    def begin(self, job: Job) -> None:
        """What our worker has told Redis when it dies in the middle of the job."""
        worker = QueueWorker(POST, self.redis)
        self.take()
        worker.prepare_execution(job)
        worker.prepare_job_execution(job, remove_from_intermediate_queue=True)

    def take(self) -> None:
        """What our worker has done when it dies before it begins the job."""
        Queue.dequeue_any(
            [self.queue], None, connection=self.redis, job_class=RegisteredJob, serializer=JSONSerializer
        )


def move_in(journey: Journey, url: str, monkeypatch: pytest.MonkeyPatch) -> House:
    """Our jobs find the journey's parts instead of building them from the environment."""
    monkeypatch.setattr(wiring, "_wiring", (os.getpid(), journey.wiring))
    return House(journey, redis_client(url, fail_fast=False))
