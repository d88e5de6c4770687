"""429 of every kind: the company waits as told, with all its jobs; others only when the whole app must."""

from __future__ import annotations

from typing import Any

import pytest

from models import states
from models.company import Company
from tests.journey.conftest import TENANT, Journey
from tests.journey.test_batch import BETA, add_beta, enter_in_beta, states_of
from tests.journey.test_qbo import REALM, assert_done, qbo
from workers.posting import Posting

__all__ = ["qbo"]

pytestmark = pytest.mark.one_database


def limit(journey: Journey, problem: str, **more: Any) -> None:
    """Xero's next answer to our company about bills."""
    fault = {"system": "xero", "tenant": TENANT, "method": "PUT", "path": "/Invoices", "kind": "rate_limit"}
    journey.fault(**fault, problem=problem, times=1, **more)


def waits(journey: Journey) -> float:
    """For how many seconds the company still waits."""
    with journey.database.read() as session:
        company = session.get_one(Company, journey.company_id)
        assert company.wait_until is not None
        return (company.wait_until - journey.database.now(session)).total_seconds()


@pytest.mark.parametrize("problem", ["minute", "day", "concurrent", "appminute"])
@pytest.mark.parametrize("told", [None, 45])
def test_only_a_limit_of_the_whole_app_makes_other_companies_wait(
    journey: Journey, problem: str, told: int | None
) -> None:
    beta = add_beta(journey)
    limit(journey, problem, retry_after=told)
    [ours] = journey.add({})
    theirs = enter_in_beta(journey, beta)
    journey.post()
    assert waits(journey) > (told or 1) - 30
    Posting(journey.wiring.work("beta")).run()
    waited = problem == "appminute"
    assert states_of(journey, theirs)["beta"] == (states.QUEUED if waited else states.DONE)
    journey.control("DELETE", "/faults")
    journey.wiring.redis.flushall()  # a minute passes in the limiter as well
    journey.make_due()
    for company in ("acme", "beta"):
        Posting(journey.wiring.work(company)).run()
    assert states_of(journey, ours) == {"acme": states.DONE, "beta": states.DONE}
    for tenant in (TENANT, BETA):
        assert len(journey.control("GET", f"/xero/{tenant}/state")["payments"]) == 1


@pytest.mark.parametrize("told", [None, 90])
def test_a_throttled_quickbooks_company_waits_with_all_its_jobs(qbo: Journey, told: int | None) -> None:
    [entry_id] = qbo.add({"amount": "110.00"})
    qbo.fault(system="qbo", method="POST", path=f"{REALM}/bill", kind="rate_limit", retry_after=told, times=1)
    qbo.post()
    expense = qbo.expense(entry_id)
    assert (expense.state, expense.attempts) == (states.RETRYING, 0)
    assert waits(qbo) > (told or 60) - 30
    calls = qbo.control("GET", "/calls?system=qbo")["count"]
    [other] = qbo.add({"amount": "7.00"})
    qbo.post()
    assert qbo.control("GET", "/calls?system=qbo")["count"] == calls
    qbo.wiring.redis.flushall()
    qbo.make_due()
    qbo.post()
    assert_done(qbo, entry_id)
    assert_done(qbo, other)
