"""RQ as its manual shows it, beside ours: a queue of its own, pickled jobs that write a line each."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import psutil
from redis import Redis
from rq import Queue, SimpleWorker, Worker
from rq.job import Job

NAME = "bare"


def write_line(path: str) -> None:
    """The side effect of a bare job: a line for each run."""
    with Path(path).open("a") as file:
        file.write("done\n")


def write_line_and_lose_redis(path: str, pid: int) -> None:
    """The work is done, and cannot be told to Redis any more (the first time)."""
    write_line(path)
    if count_runs(Path(path)) == 1:
        psutil.Process(pid).kill()
        psutil.Process(pid).wait(10)


def fail() -> None:
    raise RuntimeError("as a plain bug does")


def count_runs(path: Path) -> int:
    return len(path.read_text().splitlines()) if path.exists() else 0


def bare_queue(client: Redis, name: str = NAME) -> Queue:
    return Queue(name, connection=client)


def begin(client: Redis, job: Job) -> None:
    """What a worker has told Redis when it dies in the middle of the job."""
    queue = bare_queue(client)
    worker = Worker([queue], connection=client)
    Queue.dequeue_any([queue], None, connection=client)
    worker.prepare_execution(job)
    worker.prepare_job_execution(job, remove_from_intermediate_queue=True)


def run_all(client: Redis) -> None:
    """Works until the queue is empty."""
    worker = SimpleWorker([bare_queue(client)], connection=client)
    try:
        worker.work(burst=True)
    finally:
        listening: Any = worker.pubsub_thread
        if listening:  # else it looks for a lost Redis as long as we live
            listening.stop()


def is_nowhere(client: Redis, queue: Queue, job: Job) -> bool:
    """Whether Redis has the job's data and nothing that would ever run it."""
    places = [
        queue.started_job_registry,
        queue.failed_job_registry,
        queue.scheduled_job_registry,
        queue.deferred_job_registry,
    ]
    lists = [*queue.job_ids, *queue.intermediate_queue.get_job_ids()]
    return (
        bool(client.exists(job.key))
        and job.id not in lists
        and not any(job.id in place.get_job_ids(cleanup=False) for place in places)
    )


if __name__ == "__main__":
    found = Redis.from_url(sys.argv[1])
    Worker([bare_queue(found)], connection=found).work(with_scheduler=True)
