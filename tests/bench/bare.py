"""What we are measured against: an endpoint that only enqueues, and a worker of jobs that do nothing."""

from __future__ import annotations

import os

from flask import Flask, Response, jsonify, request
from redis import Redis
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer

from workers.queue_worker import QueueWorker


def create_app() -> Flask:
    """The endpoint as RQ's own documentation would have it."""
    app = Flask(__name__, static_folder=None)
    queue = Queue("bare", connection=Redis.from_url(os.environ["REDIS_URL"]), serializer=JSONSerializer)

    @app.post("/callbacks/connectwise/<key>")
    def receive(key: str) -> tuple[Response, int]:
        queue.enqueue("workers.jobs.post_expenses", company=key, length=len(request.get_data()))
        return jsonify(status="queued"), 202

    return app


def do_nothing() -> None:
    """The job."""


def drain(redis_url: str) -> None:
    """Our class of worker empties the queue "bare", whose jobs it would refuse otherwise, and ends."""
    connection = Redis.from_url(redis_url)
    worker = QueueWorker("post", connection)
    worker.job_class = Job
    worker.queues = worker._ordered_queues = [Queue("bare", connection=connection, serializer=JSONSerializer)]
    worker.work(burst=True, logging_level="WARNING")


if __name__ == "__main__":
    drain(os.environ["REDIS_URL"])
