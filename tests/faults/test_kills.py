"""SIGKILL to a job's parent alone, and to workers in a burst, Redis flushed: one of each, and nobody had to
act. Each moment of each write: test_kill_points.py."""

from __future__ import annotations

import time
from typing import Any

import redis

from models import states
from tests.faults.conftest import Rig, wait_until
from tests.journey.test_exactly_once import documents_of


def settle(rig: Rig, entry_ids: list[int], *, seconds: float = 90) -> None:
    """Waits until every expense is done, whoever does it."""

    def done() -> bool:
        return all(rig.journey.expense(entry_id).state == states.DONE for entry_id in entry_ids)

    try:
        wait_until(done, seconds=seconds, every=0.3)
    except AssertionError:
        left = [rig.journey.expense(e) for e in entry_ids]
        raise AssertionError(
            "\n".join(f"{e.entry_id} {e.state} {e.cause} {e.why}" for e in left if e.state != states.DONE)
            + rig.log_text()
        ) from None


def assert_once(rig: Rig, entry_ids: list[int]) -> None:
    for entry_id in entry_ids:
        for document in rig.journey.documents(entry_id):
            kind = document.kind.replace("_", " ")
            assert len(documents_of(rig.journey, kind, entry_id)) == 1, (entry_id, kind)
    names = [contact["Name"] for contact in rig.journey.books()["contacts"]]
    assert len(names) == len(set(names))


def test_a_killed_parent_whose_job_lives_on_doubles_nothing(rig: Rig) -> None:
    rig.start_clock()
    worker = rig.start_worker()
    rig.journey.fault(id="f", system="xero", method="PUT", path="/Invoices", kind="slow", seconds=5, times=1)
    entry_ids = rig.journey.add({}, {"amount": "7.00"})
    rig.wait_for_fault("f")
    rig.kill(worker, family=False)
    rig.start_worker()
    settle(rig, entry_ids)
    assert_once(rig, entry_ids)


def test_a_burst_of_callbacks_survives_kills_and_a_flushed_redis(rig: Rig) -> None:
    register_callback(rig)
    rig.start_web()
    rig.start_clock()
    workers = [rig.start_worker(), rig.start_worker()]
    entry_ids = approve_with_callbacks(rig, 60)
    for number in range(3):
        time.sleep(0.7)
        rig.kill(workers[number % 2])
        workers[number % 2] = rig.start_worker()
        if number == 1:
            with redis.Redis.from_url(rig.environ["REDIS_URL"]) as client:
                client.flushall()
    settle_known(rig, entry_ids)
    rig.journey.assert_posted_once(*entry_ids)


def register_callback(rig: Rig) -> None:
    connectwise = rig.journey.wiring.work("acme").connectwise
    connectwise.register_callback(
        f"{rig.environ['PUBLIC_URL']}/callbacks/connectwise/acme?recordId=", "tests"
    )


def approve_with_callbacks(rig: Rig, count: int) -> list[int]:
    """Real signed callbacks, one for each entry of a report that is approved at once."""
    entry: dict[str, Any] = {
        "type": "Meals",
        "payment_type": "Corporate Amex",
        "classification": "Non-Reimbursable",
        "date": "2026-08-21",
        "currency": "AUD",
    }
    entries = [entry | {"amount": f"{n}.25"} for n in range(1, count + 1)]
    report = {"member": "jdoe", "date_start": "2026-08-17", "date_end": "2026-08-23", "entries": entries}
    made = rig.journey.control("POST", "/connectwise/acme_f/expenses", {"reports": [report], "submit": True})
    rig.journey.control("POST", "/connectwise/acme_f/approve", {"all": True, "tier": 2})
    ids: list[int] = made["reports"][0]["entry_ids"]
    return ids


def settle_known(rig: Rig, entry_ids: list[int]) -> None:
    """Waits until every callback has brought its expense, then until all are done."""
    from sqlalchemy import func, select

    from models.expense import Expense

    def known() -> bool:
        with rig.journey.database.read() as session:
            return session.scalar(select(func.count()).select_from(Expense)) == len(entry_ids)

    wait_until(known, seconds=30)
    settle(rig, entry_ids)
