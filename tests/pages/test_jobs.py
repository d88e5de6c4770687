"""The jobs page: queues, workers, failed jobs with their traceback, put back or deleted by hand."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page
from redis import Redis
from rq import SimpleWorker
from sqlalchemy import select

from console.failed_jobs import count_failed, delete_jobs, list_failed
from console.jobs import list_workers
from models.company import Company
from models.database import Database
from models.expense import History
from settings import Settings
from tests.pages.conftest import People
from tests.pages.looks import look_at
from workers.queue_worker import QueueWorker
from workers.queues import POST, POST_EXPENSES, enqueue, queue, redis_client

TRACE = 'Traceback (most recent call last):\n  File "posting.py", line 1\nValueError: <b>no</b> such thing'


@pytest.fixture
def redis(settings: Settings) -> Redis:
    return redis_client(settings.redis_url, fail_fast=True)


def fail(redis: Redis, count: int = 1, trace: str = TRACE) -> list[str]:
    """Jobs that failed with this traceback, as RQ leaves them."""
    one, ids = queue(POST, redis), []
    for _ in range(count):
        enqueue(redis, POST_EXPENSES, company="acme")
        job = one.jobs[0]
        one.remove(job)
        one.failed_job_registry.add(job, ttl=60, exc_string=trace)
        with redis.pipeline() as telling:
            job._handle_failure(trace, pipeline=telling)
            telling.execute()
        ids.append(job.id)
    return ids


def counted(client: Redis, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What goes to Redis from here on: one element a round trip."""
    trips: list[Any] = []
    connection = client.connection_pool.connection_class
    send = connection.send_packed_command

    def count(*arguments: Any, **more: Any) -> Any:
        trips.append(arguments)
        return send(*arguments, **more)

    monkeypatch.setattr(connection, "send_packed_command", count)
    return trips


def test_a_failed_job_stands_there_with_its_whole_traceback_as_text(
    person: People, acme: Company, redis: Redis
) -> None:
    [job_id] = fail(redis)
    page = person("viewer").get("/jobs").text
    assert html.escape(TRACE, quote=True).replace("&#x27;", "&#39;").replace("&quot;", "&#34;") in page
    assert job_id in page and "Post expenses of acme" in page and "Delete" not in page


@pytest.mark.parametrize(("what", "left", "word"), [("retry", 1, "put back"), ("delete", 0, "deleted")])
def test_an_admin_presses_for_one_or_all_and_the_history_names_who(
    person: People, database: Database, acme: Company, redis: Redis, what: str, left: int, word: str
) -> None:
    ids, admin = fail(redis, 3), person("admin")
    assert (
        f"1 failed job was {word}" in admin.post(f"/jobs/{what}", {"job": ids[0]}, follow_redirects=True).text
    )
    assert (count_failed(redis)[POST], queue(POST, redis).count) == (2, left)
    assert admin.post(f"/jobs/{what}", {"job": ids[0]}).status_code == 404
    assert "Nothing was chosen" in admin.post(f"/jobs/{what}", follow_redirects=True).text
    admin.post(f"/jobs/{what}", {"all": "yes"})
    assert (count_failed(redis)[POST], queue(POST, redis).count) == (0, 3 * left)
    with database.read() as session:
        told = session.execute(select(History.actor, History.text).where(History.what == "jobs")).all()
    assert [actor for actor, _ in told] == [admin.email] * 2 and ids[0] in told[0].text


@pytest.mark.parametrize(("role", "companies"), [("operator", []), ("viewer", []), ("admin", ["acme"])])
def test_only_admins_of_all_companies_press(
    person: People, acme: Company, redis: Redis, role: str, companies: Sequence[str]
) -> None:
    [job_id], somebody = fail(redis), person(role, companies)
    assert somebody.get("/jobs").status_code == (403 if companies else 200)
    assert [somebody.post(f"/jobs/{what}", {"job": job_id}).status_code for what in ("retry", "delete")] == [
        403
    ] * 2
    assert count_failed(redis)[POST] == 1


def test_hundreds_of_failed_jobs_come_by_page_in_few_round_trips(
    person: People, acme: Company, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(redis, 60)
    trips = counted(redis, monkeypatch)
    assert len(list_failed(redis, most=50)) == 50 and len(trips) == 3
    viewer = person("viewer")
    shown = [viewer.get(f"/jobs?skip={skip}").text.count("<article") for skip in (0, 25, 50, 75)]
    assert shown == [25, 25, 10, 0]


def test_what_is_left_of_a_job_whose_data_is_gone_can_be_deleted(redis: Redis) -> None:
    [job_id] = fail(redis)
    redis.delete(f"rq:job:{job_id}", f"rq:results:{job_id}")
    assert [(job.id, job.job, job.trace) for job in list_failed(redis, most=5)] == [(job_id, "gone", None)]
    assert delete_jobs(redis, []) == [job_id] and count_failed(redis)[POST] == 0


def test_a_worker_is_told_with_what_it_does_and_looking_leaves_our_patience(redis: Redis) -> None:
    worker = QueueWorker(POST, redis_of(redis))
    worker.register_birth()  # type: ignore[no-untyped-call]
    enqueue(worker.connection, POST_EXPENSES, company="acme")
    job = worker.queues[0].jobs[0]
    worker.prepare_execution(job)
    worker.heartbeat()
    [seen] = list_workers(redis)
    assert (seen.name, seen.queues, seen.job, seen.company) == (worker.name, [POST], "post_expenses", "acme")
    assert redis.connection_pool.connection_kwargs["socket_timeout"] == 1.0


def test_redis_away_is_said_and_the_rest_is_shown(person: People, app: Flask, acme: Company) -> None:
    viewer, admin = person("viewer"), person("admin")
    away = redis_client("redis://127.0.0.1:1/0", fail_fast=True)
    app.extensions["console"] = replace(app.extensions["console"], redis=away)
    assert "Redis does not answer" in viewer.get("/jobs").text
    assert "Acme MSP" in viewer.get("/jobs").text
    assert "Redis does not answer" in admin.post("/jobs/retry", {"all": "yes"}, follow_redirects=True).text


def test_the_piece_is_sent_only_when_it_changed(person: People, acme: Company, redis: Redis) -> None:
    viewer = person("viewer")
    version = viewer.get("/jobs").text.partition('{"version": "')[2].partition('"')[0]
    answers = {viewer.get(f"/jobs/now?version={version}").status_code for _ in range(2)}
    fail(redis)
    assert 204 in answers and viewer.get(f"/jobs/now?version={version}").status_code == 200


def test_the_page_looks_well(page: Page, acme: Company, redis: Redis) -> None:
    page.goto("/jobs")
    look_at(page, "jobs-empty")
    worker = SimpleWorker([queue(POST, redis_of(redis))], connection=redis_of(redis))
    worker.register_birth()  # type: ignore[no-untyped-call]
    fail(redis, 2)
    page.reload()
    page.locator("summary", has_text="ValueError").first.click()
    look_at(page, "jobs")


def redis_of(redis: Redis) -> Redis:
    """A connection as workers have it: RQ makes it patient."""
    options = dict(redis.connection_pool.connection_kwargs)
    return Redis.from_url(f"unix://{options['path']}")
