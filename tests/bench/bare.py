"""What the callback endpoint is measured against: checks nothing, stores nothing, enqueues once, answers."""

from __future__ import annotations

import os

from flask import Flask, Response, jsonify, request
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer


def create_app() -> Flask:
    """The endpoint as RQ's own documentation would have it."""
    app = Flask(__name__, static_folder=None)
    queue = Queue("bare", connection=Redis.from_url(os.environ["REDIS_URL"]), serializer=JSONSerializer)

    @app.post("/callbacks/connectwise/<key>")
    def receive(key: str) -> tuple[Response, int]:
        queue.enqueue("workers.jobs.post_expenses", company=key, length=len(request.get_data()))
        return jsonify(status="queued"), 202

    return app
