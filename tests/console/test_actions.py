"""What people may do with expenses: retry one, retry many, ignore; and what the causes tell them first."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from decimal import Decimal

import pytest
from redis import Redis
from sqlalchemy import func, select

from app import create_app
from models.company import Event
from models.database import Database
from models.expense import Expense, History
from settings import Settings
from tests.console.conftest import MORNING, Api, client
from workers.queues import POST, queue

Add = Callable[..., Expense]
ONE = "/companies/acme/expenses/4711"


def waiting_jobs(redis_url: str) -> int:
    with Redis.from_url(redis_url) as redis:
        return queue(POST, redis).count


def states_of(api: Api) -> dict[int, str]:
    rows = api.get("/companies/acme/expenses").json["expenses"]
    return {row["entry_id"]: row["state"] for row in rows}


def test_a_retry_makes_the_expense_due_and_rings(api: Api, add_expense: Add, redis_url: str) -> None:
    add_expense(attempts=5, cause="gave_up", next_attempt_at=MORNING)
    answer = api.post(f"{ONE}/retry")
    assert (answer.status_code, answer.json) == (202, {"status": "queued"})
    assert waiting_jobs(redis_url) == 1
    shape = api.get(ONE).json
    assert (shape["state"], shape["attempts"], shape["next_attempt_at"]) == ("queued", 0, None)
    assert shape["timeline"][-1]["actor"] == "token operator "


def test_a_retry_pressed_twice_is_one_job(api: Api, add_expense: Add, redis_url: str) -> None:
    add_expense()
    assert [api.post(f"{ONE}/retry").status_code for _ in range(2)] == [202, 202]
    assert waiting_jobs(redis_url) == 1


def test_a_retry_while_a_worker_is_at_it_changes_nothing(api: Api, add_expense: Add) -> None:
    add_expense(state="posting", lease="someone")
    assert api.post(f"{ONE}/retry").json == {"status": "in_progress"}
    assert api.get(ONE).json["state"] == "posting"


def test_what_is_done_can_not_be_retried(api: Api, add_expense: Add) -> None:
    add_expense(state="done")
    answer = api.post(f"{ONE}/retry")
    assert answer.status_code == 409
    assert answer.json["cause"] == "nothing_to_retry"
    assert answer.json["to_do"]


def test_a_retry_works_while_redis_is_away(
    settings: Settings, api: Api, add_expense: Add, database: Database
) -> None:
    away = create_app(dataclasses.replace(settings, redis_url="redis://127.0.0.1:1/0"))
    add_expense()
    assert Api(away, api.token).post(f"{ONE}/retry").status_code == 202
    with database.read() as session:
        assert session.scalars(select(Expense.due_at)).one() is not None


def test_ignoring_takes_a_reason_and_keeps_it(api: Api, add_expense: Add) -> None:
    add_expense(cause="account_unknown", to_do="Map it")
    answer = api.post(f"{ONE}/ignore", {"reason": "Private taxi"})
    assert (answer.status_code, answer.json) == (202, {"status": "ignored"})
    shape = api.get(ONE).json
    assert (shape["state"], shape["cause"]) == ("ignored", None)
    assert "Private taxi" in shape["why"]


@pytest.mark.parametrize(
    "body", [None, {}, {"reason": ""}, {"reason": " "}, {"reason": 5}, {"x": 1}, [], "x"]
)
def test_ignoring_without_a_good_reason_is_422(api: Api, add_expense: Add, body: object) -> None:
    add_expense()
    answer = api.post(f"{ONE}/ignore", body)
    assert answer.status_code == 422, answer.text
    assert answer.json["message"]
    assert api.get(ONE).json["state"] == "needs_attention"


def test_what_is_posted_can_not_be_ignored(api: Api, add_expense: Add) -> None:
    add_expense(state="done")
    assert api.post(f"{ONE}/ignore", {"reason": "x"}).json["cause"] == "already_posted"


def test_a_cause_is_released_as_a_whole(api: Api, add_expense: Add, redis_url: str) -> None:
    for entry_id in (1, 2):
        add_expense(entry_id, cause="account_unknown")
    add_expense(3, cause="closed_period", state="held")
    answer = api.post("/companies/acme/retry", {"cause": "account_unknown"})
    assert (answer.status_code, answer.json) == (202, {"queued": 2})
    assert states_of(api) == {1: "queued", 2: "queued", 3: "held"}
    assert waiting_jobs(redis_url) == 1


def test_a_bulk_retry_leaves_alone_what_a_person_ignored(api: Api, add_expense: Add) -> None:
    for entry_id, state in enumerate(("ignored", "skipped", "done", "broken", "held", "queued"), start=1):
        add_expense(entry_id, state=state)
    assert api.post("/companies/acme/retry").json == {"queued": 2}
    assert states_of(api) == {1: "ignored", 2: "skipped", 3: "done", 4: "queued", 5: "queued", 6: "queued"}
    assert api.post("/companies/acme/retry", {"state": "ignored"}).json == {"queued": 1}


def test_a_bulk_retry_of_what_can_not_be_retried_is_422(api: Api) -> None:
    answer = api.post("/companies/acme/retry", {"state": "done"})
    assert answer.status_code == 422
    assert "state" in answer.json["message"]


def test_a_body_of_another_type_never_retries_everything(api: Api, add_expense: Add) -> None:
    add_expense()
    answer = client(api.app).post(
        "/api/v1/companies/acme/retry", data='{"cause": "other"}', headers=api.headers
    )
    assert answer.status_code == 415
    assert api.get(ONE).json["state"] == "needs_attention"


def test_a_bulk_retry_goes_beyond_one_chunk(
    api: Api, add_expense: Add, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.retrying.CHUNK", 2)
    for entry_id in range(1, 6):
        add_expense(entry_id, cause="closed_period", state="held")
    assert api.post("/companies/acme/retry", {"cause": "closed_period", "state": "held"}).json == {
        "queued": 5
    }
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(History).where(History.what == "retry")) == 5


def test_causes_tell_count_money_and_age(api: Api, add_expense: Add) -> None:
    hour = dt.timedelta(hours=1)
    add_expense(1, cause="account_unknown", to_do="Map Taxi", amount=Decimal("100.10"))
    add_expense(
        2, cause="account_unknown", to_do="Map Taxi", amount=Decimal("23.30"), created_at=MORNING - hour
    )
    add_expense(3, cause="account_unknown", to_do="Map Taxi", amount=Decimal("900"), currency="JPY")
    add_expense(4, cause="closed_period", state="held", amount=None, currency=None)
    add_expense(5, cause="account_unknown", state="done")
    add_expense(6)
    assert api.get("/companies/acme/causes").json == [
        {"cause": "account_unknown", "to_do": "Map Taxi", "count": 3, "oldest": "2026-08-22T02:00:00Z",
         "money": {"AUD": "123.40", "JPY": "900"}},
        {"cause": "closed_period", "to_do": None, "count": 1, "oldest": "2026-08-22T03:00:00Z", "money": {}},
    ]  # fmt: skip


def add_event(database: Database, expense: Expense, **more: object) -> int:
    values: dict[str, object] = {"company_id": expense.company_id, "message_id": "m-1", "type": "expense",
                                 "action": "updated", "entry_id": expense.entry_id, "status": "queued",
                                 "body": b"{}", "received_at": MORNING}  # fmt: skip
    with database.write() as session:
        event = Event(**(values | more))
        session.add(event)
    return event.id


def test_events_are_listed_newest_first_by_page(api: Api, add_expense: Add, database: Database) -> None:
    expense = add_expense()
    made = [add_event(database, expense, message_id=f"m-{number}") for number in range(3)]
    first = api.get("/companies/acme/events", limit=2).json
    second = api.get("/companies/acme/events", limit=2, cursor=first["next_cursor"]).json
    assert [row["id"] for row in first["events"] + second["events"]] == made[::-1]
    assert second["next_cursor"] is None
    assert first["events"][0]["received_at"] == "2026-08-22T03:00:00Z"
    assert api.get("/companies/acme/events", entry_id=1).json["events"] == []


def test_a_replayed_event_makes_its_expense_due(
    api: Api, add_expense: Add, database: Database, redis_url: str
) -> None:
    event_id = add_event(database, add_expense())
    answer = api.post(f"/companies/acme/events/{event_id}/replay")
    assert (answer.status_code, answer.json) == (202, {"status": "queued"})
    assert waiting_jobs(redis_url) == 1
    assert api.get("/companies/acme/events").json["events"][0]["replayed_at"] is not None
    assert "replay" in [step["what"] for step in api.get(ONE).json["timeline"]]


def test_replaying_what_is_not_about_an_expense_does_nothing(
    api: Api, add_expense: Add, database: Database, redis_url: str
) -> None:
    event_id = add_event(database, add_expense(), entry_id=None, type="ticket", status="ignored")
    assert api.post(f"/companies/acme/events/{event_id}/replay").json == {"status": "ignored"}
    assert waiting_jobs(redis_url) == 0
    assert api.post("/companies/acme/events/999/replay").status_code == 404
