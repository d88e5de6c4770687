"""Alive, ready, counted, and safe in a browser."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families
from redis import Redis
from sqlalchemy import text

from app import create_app
from models.company import Company, Connection
from models.database import Database
from models.expense import Expense
from settings import Settings, read_settings
from tests.console.conftest import MORNING, Api, client
from workers.queues import POST, POST_EXPENSES, enqueue, queue

AWAY = "redis://127.0.0.1:1/0"


def metrics(app: Flask) -> dict[tuple[str, ...], float]:
    page = client(app).get("/metrics").text
    return {
        (sample.name.removeprefix("expense_relay_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def test_a_living_process_says_so_whatever_is_away(settings: Settings) -> None:
    app = create_app(dataclasses.replace(settings, redis_url=AWAY))
    assert client(app).get("/healthz").status_code == 200


def test_ready_when_database_tables_and_redis_are_there(app: Flask) -> None:
    answer = client(app).get("/readyz")
    assert (answer.status_code, answer.json) == (200, {"status": "ready"})


def test_not_ready_names_redis(settings: Settings) -> None:
    answer = client(create_app(dataclasses.replace(settings, redis_url=AWAY))).get("/readyz")
    assert answer.status_code == 503
    assert list(answer.json["problems"]) == ["redis"]


def test_not_ready_names_missing_migrations(app: Flask, database: Database) -> None:
    with database.write() as session:
        session.execute(text("DELETE FROM alembic_version"))
    answer = client(app).get("/readyz")
    assert answer.status_code == 503
    assert "db upgrade" in answer.json["problems"]["migrations"]


def test_a_version_that_is_older_than_its_tables_is_still_ready(app: Flask, database: Database) -> None:
    with database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = 'of a newer version'"))
    assert client(app).get("/readyz").status_code == 200


@pytest.mark.parametrize("url", ["sqlite:////proc/no.db", "postgresql+psycopg://x@/relay?host=/nowhere"])
def test_not_ready_names_the_database(url: str, redis_url: str, tmp_path: Path) -> None:
    environ = {"EXPENSE_RELAY_ENV": "development", "DATABASE_URL": url, "REDIS_URL": redis_url}
    answer = client(create_app(read_settings(environ, root=tmp_path))).get("/readyz")
    assert answer.status_code == 503
    assert list(answer.json["problems"]) == ["database"]


def test_metrics_count_expenses_jobs_and_companies(
    app: Flask, add_expense: Callable[..., Expense], redis_url: str
) -> None:
    add_expense(1, due_at=MORNING)
    add_expense(2, state="done")
    with Redis.from_url(redis_url) as redis:
        enqueue(redis, POST_EXPENSES, company="acme")
    found = metrics(app)
    assert (found[("expenses", "done")], found[("expenses", "needs_attention")]) == (1, 1)
    assert (found[("expenses_due",)], found[("companies",)], found[("companies_paused",)]) == (1, 1, 0)
    assert found[("oldest_due_seconds",)] > 0
    assert (found[("jobs_waiting", "post")], found[("workers", "post")], found[("redis_up",)]) == (1, 0, 1)


def test_metrics_tell_when_the_first_connection_ends(app: Flask, acme: Company, database: Database) -> None:
    with database.write() as session:
        now = database.now(session)
        ends = now + dt.timedelta(days=10)
        session.get_one(Company, acme.id).connection = Connection(
            provider="xero", refresh_token="sealed", refresh_ends_at=ends
        )
        session.add(Connection(provider="xero", refresh_token="of nobody", refresh_ends_at=now))
    found = metrics(app)
    assert found[("connections_lost",)] == 0
    assert 863_000 < found[("connection_ends_seconds",)] <= 864_000


def test_metrics_come_without_redis_too(settings: Settings) -> None:
    found = metrics(create_app(dataclasses.replace(settings, redis_url=AWAY)))
    assert (found[("redis_up",)], found[("database_up",)]) == (0, 1)
    assert ("jobs_waiting", "post") not in found


@pytest.mark.parametrize("path", ["/", "/api/v1/docs", "/api/v1/companies", "/nowhere", "/static/relay.css"])
def test_every_answer_carries_the_safe_headers(app: Flask, path: str) -> None:
    headers = client(app).get(path).headers
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cache-Control"]


def test_the_docs_fetch_nothing_from_elsewhere(app: Flask) -> None:
    page = client(app).get("/api/v1/docs").text
    assert "http" not in page
    assert "<script>" not in page and "onload" not in page
    for path in ("/api/v1/docs/swagger-ui.css", "/api/v1/docs/swagger-ui-bundle.js", "/static/docs.js"):
        assert path in page
        assert client(app).get(path).status_code == 200
    assert client(app).get("/api/v1/docs/index.html").status_code == 404


def test_the_queue_shows_depth_failed_jobs_and_companies(
    api: Api, add_expense: Callable[..., Expense], redis_url: str
) -> None:
    add_expense(due_at=MORNING)
    with Redis.from_url(redis_url) as redis:
        enqueue(redis, POST_EXPENSES, company="acme")
        one = queue(POST, redis)
        job = one.jobs[0]
        one.remove(job)
        one.failed_job_registry.add(job, ttl=60)
        enqueue(redis, POST_EXPENSES, company="acme")
    shape = api.get("/queue").json
    assert shape["depth"] == {"expenses": 1, "jobs": {"post": 1, "receipts": 0}}
    assert shape["oldest_age_seconds"] > 0
    assert [(row["company"], row["job"]) for row in shape["failed_jobs"]] == [("acme", "post_expenses")]
    [company] = shape["companies"]
    assert (company["company"], company["due"], company["paused"]) == ("acme", 1, False)
    unknown = dict.fromkeys(("day_left", "day_reserve", "day_ends_at", "blocked_until"))
    assert company["budget_left"] == {"minute_left": 58, **unknown}


def test_the_queue_tells_what_it_can_without_redis(settings: Settings, api: Api) -> None:
    away = create_app(dataclasses.replace(settings, redis_url=AWAY))
    shape = Api(away, api.token).get("/queue").json
    assert shape["depth"] == {"expenses": 0, "jobs": None}
    assert shape["workers"] is None
    assert [row["company"] for row in shape["companies"]] == ["acme"]


def test_a_session_is_kept_in_its_cookie(app: Flask) -> None:
    browser = client(app)
    with browser.session_transaction() as session:
        session["seen"] = "yes"
    with browser.session_transaction() as session:
        assert session["seen"] == "yes"
    with client(app).session_transaction() as session:
        assert "seen" not in session
