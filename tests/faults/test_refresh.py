"""Access tokens and real processes: however many need a new one at once, one refresh; and one more when
whoever refreshed was killed."""

from __future__ import annotations

import datetime as dt
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from sqlalchemy import update

from models import states
from models.api_tokens import add_token
from models.company import Company, Connection, Reference
from models.expense import Expense
from tests.faults.conftest import Rig, wait_until
from tests.faults.test_kills import settle
from tests.journey.conftest import TENANT, Journey
from tests.journey.test_batch import BETA, enter_in_beta, states_of
from tests.journey.test_connection import share_a_grant

COMPANIES, BOOKS = ("acme", "beta"), (TENANT, BETA)


def refreshes(journey: Journey) -> int:
    """How often the provider was asked for tokens since the journal was emptied."""
    by: dict[str, int] = journey.control("GET", "/calls?system=identity")["by"]
    return by.get("POST /connect/token", 0)


def met_the_end(journey: Journey) -> set[str]:
    """The books that were asked for with a token that has expired."""
    calls = journey.control("GET", "/calls?system=xero")["calls"]
    return {call["tenant"] for call in calls if call["status"] == 401}


def faults_met(journey: Journey) -> list[str]:
    calls = journey.control("GET", "/calls?system=identity")["calls"]
    return [call["fault"] for call in calls]


def use_both(journey: Journey) -> None:
    """Both companies ask their books for something, so that the token is there."""
    for key in COMPANIES:
        journey.wiring.work(key).books(fresh=True)


def expire(journey: Journey, *, slow: float) -> None:
    """The token expires before its time, so that everybody learns it by a 401; the next refresh takes so
    many seconds. What was read of the books is too old to be used."""
    journey.control("POST", "/xero/grants/expire", {})
    journey.control("DELETE", "/calls")
    journey.fault(id="refresh", system="identity", path="/connect/token", kind="slow", seconds=slow, times=1)
    with journey.database.write() as session:
        long_ago = journey.database.now(session) - dt.timedelta(days=1)
        session.execute(update(Reference).values(fetched_at=long_ago))
        session.execute(update(Company).values(next_care_at=None))


def ask_for_previews(rig: Rig, entry_id: int) -> None:
    """Somebody looks at this expense of both companies at once, until he has his answers."""
    database = rig.journey.database
    with database.write() as session:
        token = add_token(session, "reader", role="viewer", now=database.now(session))

    def is_shown(key: str) -> bool:
        url = f"http://127.0.0.1:{rig.port}/api/v1/companies/{key}/expenses/{entry_id}/preview"
        answer = requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=30)
        assert answer.status_code in (200, 503), answer.text  # 503: tired of waiting for the other's refresh
        return answer.ok

    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda key: wait_until(lambda: is_shown(key)), COMPANIES))


def test_workers_clock_and_web_that_need_a_token_at_once_refresh_once(rig: Rig) -> None:
    journey = rig.journey
    beta = share_a_grant(journey)
    use_both(journey)
    rig.start_web()
    expire(journey, slow=3)
    [entry_id] = journey.add({})
    assert enter_in_beta(journey, beta) == entry_id
    for start in (rig.start_worker, rig.start_worker, rig.start_clock):
        start()
    rig.wait_for_fault("refresh")
    ask_for_previews(rig, entry_id)
    done = dict.fromkeys(COMPANIES, states.DONE)
    wait_until(lambda: states_of(journey, entry_id) == done, every=0.3)
    assert [len(journey.control("GET", f"/xero/{books}/state")["invoices"]) for books in BOOKS] == [1, 1]
    assert refreshes(journey) == 1
    assert met_the_end(journey) == set(BOOKS)


def refreshing_worker(rig: Rig) -> subprocess.Popen[bytes]:
    """A worker in the middle of a refresh: the provider has made new tokens, and the answer is on its way."""
    expire(rig.journey, slow=6)
    worker = rig.start_worker()
    rig.wait_for_fault("refresh")
    return worker


@pytest.mark.one_database
def test_a_worker_killed_in_the_middle_of_a_refresh_costs_one_more(rig: Rig) -> None:
    journey = rig.journey
    journey.wiring.work("acme").books(fresh=True)
    rig.start_clock()
    entry_ids = journey.add({}, {"amount": "7.00"})
    rig.kill(refreshing_worker(rig))
    rig.free_slots()
    with journey.database.write() as session:
        now = journey.database.now(session)
        session.execute(update(Connection).values(refreshing_until=now))  # a minute has passed
        session.execute(update(Expense).where(Expense.lease.is_not(None)).values(due_at=now))
    rig.start_worker()
    settle(rig, entry_ids)
    journey.assert_posted_once(*entry_ids)
    wait_until(lambda: "refresh slow" in faults_met(journey))  # the call that was cut has ended too
    assert refreshes(journey) == 2
