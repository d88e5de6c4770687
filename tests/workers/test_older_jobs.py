"""What an older or newer version of us left behind, met by this one after a deploy: jobs, bells and rows."""

from __future__ import annotations

import json

import pytest
import redis
from rq import SimpleWorker
from rq.serializers import JSONSerializer
from sqlalchemy import update

from models.company import Company, Reference
from models.expense import Document
from tests.journey.conftest import Journey, journey, sandbox_url
from tests.journey.hands import bill_with_payment_refused, retry
from workers import wiring
from workers.queues import BELL_SECONDS, POST, POST_EXPENSES, Bell, RegisteredJob, queue

__all__ = ["journey", "sandbox_url"]

pytestmark = pytest.mark.one_database


@pytest.fixture
def connection(journey: Journey, monkeypatch: pytest.MonkeyPatch) -> redis.Redis:
    """The journey's Redis; jobs that are run here run for the journey."""
    monkeypatch.setattr(wiring, "current", lambda: journey.wiring)
    return redis.Redis.from_url(journey.wiring.settings.redis_url)


def work_off(connection: redis.Redis) -> None:
    """Everything that waits in the queue, with this version's code."""
    waiting = queue(POST, connection)
    worker = SimpleWorker(
        [waiting], connection=connection, serializer=JSONSerializer, job_class=RegisteredJob
    )
    worker.work(burst=True)


def leave_job(connection: redis.Redis, name: str, **arguments: object) -> str:
    """A job as another version of us put it into the queue; its id."""
    return str(queue(POST, connection).enqueue_call(name, kwargs=arguments, result_ttl=0).id)


@pytest.mark.parametrize(
    "arguments",
    [
        {"company": "acme", "entry_ids": [1, 2], "reason": "of a newer version"},
        {"company": "acme"},
    ],
    ids=["more arguments", "fewer arguments"],
)
def test_a_job_with_other_arguments_does_its_work(
    journey: Journey, connection: redis.Redis, arguments: dict[str, object]
) -> None:
    [entry_id] = journey.add({})
    leave_job(connection, POST_EXPENSES, **arguments)
    work_off(connection)
    journey.assert_posted_once(entry_id)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("workers.jobs.post_expense", {"company": "acme", "entry_id": 4711}),
        (POST_EXPENSES, {"company_id": 1}),
        (POST_EXPENSES, {"company": "gone"}),
    ],
    ids=["a name that is gone", "arguments of long ago", "a company that is gone"],
)
def test_a_job_that_means_nothing_any_more_stops_no_other(
    journey: Journey, connection: redis.Redis, name: str, arguments: dict[str, object]
) -> None:
    [entry_id] = journey.add({})
    leave_job(connection, name, **arguments)
    leave_job(connection, POST_EXPENSES, company="acme")
    work_off(connection)
    journey.assert_posted_once(entry_id)
    assert queue(POST, connection).count == 0


@pytest.mark.parametrize("left", ["an older form", "", "[1, 2]"])
def test_a_bell_of_another_form_is_only_a_bell(journey: Journey, connection: redis.Redis, left: str) -> None:
    [entry_id] = journey.add({})
    connection.set("bell:acme", left, ex=BELL_SECONDS)
    bell = Bell(connection)
    assert not bell.ring("acme")
    leave_job(connection, POST_EXPENSES, company="acme")
    work_off(connection)
    journey.assert_posted_once(entry_id)
    assert bell.ring("acme")


def test_a_bell_that_is_no_text_at_all_frees_itself_when_it_is_answered(
    journey: Journey, connection: redis.Redis
) -> None:
    [entry_id] = journey.add({})
    connection.rpush("bell:acme", "a list")
    leave_job(connection, POST_EXPENSES, company="acme")
    work_off(connection)
    journey.assert_posted_once(entry_id)
    assert Bell(connection).ring("acme")


def test_a_plan_of_an_older_version_is_paid_by_this_one(journey: Journey) -> None:
    entry_id, _ = bill_with_payment_refused(journey)
    thin = ("also_settles", "also_settles_id", "settles_amount", "account_type", "payable", "memo", "email")
    for document in journey.documents(entry_id):
        plan = {name: value for name, value in json.loads(document.plan).items() if name not in thin}
        keep(journey, document, json.dumps(plan | {"of_a_newer_version": True}))
    retry(journey, entry_id)
    journey.assert_posted_once(entry_id)


def keep(journey: Journey, document: Document, plan: str) -> None:
    with journey.database.write() as session:
        session.execute(update(Document).where(Document.id == document.id).values(plan=plan))


def test_settings_of_an_older_version_take_the_new_defaults(journey: Journey) -> None:
    with journey.database.write() as session:
        company = session.get_one(Company, journey.company_id)
        company.settings = "\n".join(line for line in company.settings.splitlines() if "receipts" not in line)
    [entry_id] = journey.add({})
    journey.post()
    journey.assert_posted_once(entry_id)


@pytest.mark.parametrize("name", ["books", "site"])
def test_lists_that_another_version_kept_otherwise_are_read_anew(journey: Journey, name: str) -> None:
    [first] = journey.add({})
    journey.post()
    with journey.database.write() as session:
        session.execute(update(Reference).where(Reference.name == name).values(data='{"of_another": 1}'))
    [entry_id] = journey.add({"amount": "7.00"})
    journey.post()
    journey.assert_posted_once(first, entry_id)
