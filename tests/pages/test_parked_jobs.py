"""Jobs that RQ keeps for later, as they may lie in a real Redis: ours, a stranger's, and what is no job."""

from __future__ import annotations

import datetime as dt
import html
import json
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page
from redis import Redis
from rq import Queue
from rq.job import Job
from sqlalchemy import select

from console.failed_jobs import delete_jobs, list_failed, retry_jobs
from console.parked_jobs import list_parked
from models.company import Company
from models.database import Database
from models.expense import History
from tests.pages.conftest import People
from tests.pages.looks import look_at
from tests.pages.test_jobs import counted, fail, redis
from workers.queues import LOOK_FOR_ALERTS, POST, POST_EXPENSES, RECEIPTS, queue

__all__ = ["redis"]
pytestmark = pytest.mark.one_database

EVIL = "<img src=x onerror=alert(1)>"


def schedule(redis: Redis, minutes: int = 5, job: str = POST_EXPENSES, on: str = POST, **more: Any) -> str:
    """What somebody's `enqueue_in` leaves in the scheduled registry."""
    kwargs = {"company": "acme"} | more
    made = queue(on, redis).enqueue_in(dt.timedelta(minutes=minutes, seconds=30), job, kwargs=kwargs)
    return str(made.id)


def defer(redis: Redis) -> str:
    """A job that waits for another one."""
    first = queue(POST, redis).enqueue(POST_EXPENSES, kwargs={"company": "acme"})
    made = queue(POST, redis).enqueue(POST_EXPENSES, kwargs={"company": "acme"}, depends_on=first)
    queue(POST, redis).remove(first)
    return str(made.id)


def plant(redis: Redis, data: bytes | None, job_id: str = "planted", at: float = 4e9) -> str:
    """An entry of the scheduled registry with a body that RQ didn't write."""
    redis.zadd(queue(POST, redis).scheduled_job_registry.key, {job_id: at})
    if data is not None:
        redis.hset(Job.key_for(job_id), "data", data)
    return job_id


def test_without_any_the_page_says_who_keeps_the_time(person: People, acme: Company, redis: Redis) -> None:
    text = person("viewer").get("/jobs").text
    assert "Nothing waits in RQ" in text and "the clock keeps time in the database" in text


def test_scheduled_and_deferred_jobs_say_when_they_are_due(
    person: People, acme: Company, redis: Redis
) -> None:
    ids = [schedule(redis), schedule(redis, -180), defer(redis)]
    text = person("viewer").get("/jobs").text
    assert all(job_id in text for job_id in ids) and text.count("Post expenses of acme") == 3
    for said in ("in 5 min", "for 2 h already", "when another job has ended"):
        assert said in text
    assert "Enqueue now" not in text and "Delete" not in text


def test_an_admin_puts_one_on_its_queue_as_a_job_of_ours_and_the_history_names_who(
    person: People, database: Database, acme: Company, redis: Redis
) -> None:
    job_id, admin = schedule(redis), person("admin")
    said = admin.post("/jobs/parked/enqueue", {"job": job_id}, follow_redirects=True).text
    assert "1 waiting job was put on the queue." in said
    [job] = queue(POST, redis).jobs
    assert (job.func_name, job.kwargs, job.id != job_id) == (POST_EXPENSES, {"company": "acme"}, True)
    assert list_parked(redis, most=5).count == 0 and not redis.exists(Job.key_for(job_id))
    assert admin.post("/jobs/parked/enqueue", {"job": job_id}).status_code == 404
    with database.read() as session:
        [told] = session.execute(select(History.actor, History.text).where(History.what == "jobs"))
    assert told.actor == admin.email and job_id in told.text


def test_one_or_all_are_deleted(person: People, acme: Company, redis: Redis) -> None:
    ids, admin = [schedule(redis), schedule(redis, on=RECEIPTS), defer(redis)], person("admin")
    admin.post("/jobs/parked/delete", {"job": ids[0]})
    assert [job.id for job in list_parked(redis, most=5).jobs] == ids[1:]
    assert "Nothing was chosen" in admin.post("/jobs/parked/delete", follow_redirects=True).text
    assert (
        "2 waiting jobs were deleted."
        in admin.post("/jobs/parked/delete", {"all": "yes"}, follow_redirects=True).text
    )
    assert not any(redis.keys(f"rq:job:*{job_id}*") for job_id in ids)
    assert list_parked(redis, most=5).count == 0


@pytest.mark.parametrize(("role", "companies"), [("operator", []), ("viewer", []), ("admin", ["acme"])])
def test_only_admins_of_all_companies_press(
    person: People, acme: Company, redis: Redis, role: str, companies: Sequence[str]
) -> None:
    job_id, somebody = schedule(redis), person(role, companies)
    for what in ("enqueue", "delete"):
        assert somebody.post(f"/jobs/parked/{what}", {"job": job_id}).status_code == 403
    assert list_parked(redis, most=5).count == 1


class Bomb:
    """Leaves a mark wherever somebody unpickles it."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


def test_a_strangers_job_is_shown_never_unpickled_and_can_only_be_deleted(
    person: People, acme: Company, redis: Redis, tmp_path: Path
) -> None:
    strange = Queue(POST, connection=redis).enqueue_in(
        dt.timedelta(minutes=5), "os.system", Bomb(tmp_path / "mark")
    )
    other = schedule(redis, job="os.system")
    displaced = schedule(redis, job=LOOK_FOR_ALERTS)  # ours, but not of this queue
    admin = person("admin")
    text = admin.get("/jobs").text
    assert "Unreadable" in text and "System of acme" in text and "Enqueue now" not in text
    for job_id in (strange.id, other, displaced):
        assert admin.post("/jobs/parked/enqueue", {"job": job_id}).status_code == 409
    assert queue(POST, redis).count == 0 and list_parked(redis, most=5).count == 3
    admin.post("/jobs/parked/delete", {"all": "yes"})
    assert list_parked(redis, most=5).count == 0 and not (tmp_path / "mark").exists()


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (None, "Gone"),
        (b"\xff\x00", "Unreadable"),
        (b"[" * 100_000, "Unreadable"),
        (b'{"a": 1}', "Unreadable"),
        (json.dumps([EVIL, None, [], {"company": EVIL}]).encode(), html.escape(EVIL)),
        (json.dumps([7, 8, 9, 10]).encode(), "Unreadable"),
        (pickle.dumps(["x", None, (), {}]), "Unreadable"),
    ],
)
def test_whatever_lies_there_is_shown_as_text_and_can_be_deleted(
    person: People, acme: Company, redis: Redis, data: bytes | None, shown: str
) -> None:
    plant(redis, data, job_id=f"{EVIL}:x", at=1e300)
    admin = person("admin")
    text = admin.get("/jobs").text
    assert shown in text and "<img" not in text and "at a time that no calendar has" in text
    admin.post("/jobs/parked/delete", {"job": f"{EVIL}:x"})
    assert list_parked(redis, most=5).count == 0


def test_a_job_that_is_no_hash_and_an_id_that_is_no_text_break_nothing(
    person: People, acme: Company, redis: Redis
) -> None:
    plant(redis, None)
    redis.set(Job.key_for("planted"), "a text")
    redis.zadd(queue(POST, redis).scheduled_job_registry.key, {b"\xff\xfe": 4e9})
    admin = person("admin")
    assert "Unreadable" in admin.get("/jobs").text
    admin.post("/jobs/parked/delete", {"all": "yes"})
    assert list_parked(redis, most=5).count == 0


def test_failed_jobs_of_strangers_are_shown_kept_by_retry_and_deleted(redis: Redis) -> None:
    [broken, status] = fail(redis, 2)
    redis.hset(Job.key_for(broken), "data", b"\xff")
    redis.hset(Job.key_for(status), "status", "no such status")
    redis.delete(f"rq:results:{status}")
    redis.xadd(f"rq:results:{status}", {"exc_string": "not packed"})
    assert {job.job for job in list_failed(redis, most=5)} == {"unreadable", "post_expenses"}
    assert status not in retry_jobs(redis, [])
    delete_jobs(redis, [])
    assert list_failed(redis, most=5) == []


def test_thousands_are_counted_and_the_first_are_shown_in_two_round_trips(
    person: People, acme: Company, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis.zadd(queue(POST, redis).scheduled_job_registry.key, {f"job-{n}": n for n in range(3000)})
    trips = counted(redis, monkeypatch)
    found = list_parked(redis, most=25)
    assert (found.count, [job.id for job in found.jobs][:2]) == (3000, ["job-0", "job-1"])
    assert len(found.jobs) == 25 and len(trips) == 2
    assert "And 2,975 more." in person("viewer").get("/jobs").text


def test_waiting_jobs_look_well(page: Page, acme: Company, redis: Redis) -> None:
    schedule(redis)
    schedule(redis, job="os.system")
    defer(redis)
    page.goto("/jobs")
    look_at(page, "jobs-parked")
