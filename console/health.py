"""Is the process alive, and can it serve? For load balancers; neither tells anything of companies."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify
from redis.exceptions import RedisError
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from console.services import Services, services
from models.migrate import is_current

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    """200 while the process lives."""
    return jsonify(status="alive")


@blueprint.get("/readyz")
def readyz() -> Response:
    """200 when everything needed answers, else 503 naming what does not."""
    problems = find_problems(services())
    if not problems:
        return jsonify(status="ready")
    response = jsonify(status="not ready", problems=problems)
    response.status_code = 503
    return response


def find_problems(ours: Services) -> dict[str, str]:
    """What keeps us from serving, by part: "database", "migrations", "redis"."""
    problems = {}
    try:
        with ours.database.read() as session:
            session.execute(select(1))
        if not is_current(ours.database):
            problems["migrations"] = "The database's tables are not current: run `bin/manage db upgrade`."
    except SQLAlchemyError:
        problems["database"] = "The database does not answer."
    try:
        ours.redis.ping()
    except (RedisError, OSError):
        problems["redis"] = "Redis does not answer; callbacks are stored all the same."
    return problems
