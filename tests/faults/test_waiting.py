"""A database that is frozen or killed: nobody waits for ever, and everything goes on by itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import psycopg
import pytest
import requests
from sqlalchemy import make_url, text
from sqlalchemy.exc import OperationalError

from console.failed_jobs import count_failed
from models.company import Company
from models.database import Database
from settings import Settings
from tests.faults.conftest import Rig, wait_until
from tests.faults.servers import crash, frozen
from tests.faults.test_kills import settle
from tests.services import PostgreSQL
from tests.webhooks.conftest import Endpoint, on_the_wire
from tests.webhooks.key_server import KeyServer, serving
from tests.world import add_company, database

__all__ = ["database"]


@pytest.fixture
def server(request: pytest.FixtureRequest, database_kind: str) -> PostgreSQL:
    if database_kind == "sqlite":
        pytest.skip("SQLite is no server that could be frozen")
    found: PostgreSQL = request.getfixturevalue("postgresql")
    return found


@pytest.fixture
def keys() -> Iterator[KeyServer]:
    with serving() as found:
        yield found


@pytest.fixture
def company(database: Database, keys: KeyServer) -> Company:
    with database.write() as session:
        return add_company(session, site=keys.url)


@pytest.fixture
def endpoint(settings: Settings, database: Database, keys: KeyServer, company: Company) -> Iterator[Endpoint]:
    with on_the_wire(settings) as url:
        yield Endpoint(url, keys, database)
    database.engine.dispose()


def statuses(endpoint: Endpoint, number: int, *, to: str) -> list[int]:
    """Sends so many callbacks at once; what each is answered (nothing for one that waits twenty seconds)."""
    got: list[int] = []

    def send(entry_id: int) -> None:
        got.append(endpoint.send(endpoint.message(ID=entry_id), to=to).status_code)

    senders = [threading.Thread(target=send, args=(number,)) for number in range(1, number + 1)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(60)
    return got


def test_a_frozen_database_means_send_it_again_not_wait(endpoint: Endpoint, server: PostgreSQL) -> None:
    assert endpoint.send_message().status_code == 202
    with frozen(server.process.pid):
        assert statuses(endpoint, 40, to="acme") == [429] * 40  # remembered: it waits for the commit
        assert statuses(endpoint, 40, to="bolt") == [429] * 40  # not known yet: it waits for the look-up
    wait_until(lambda: endpoint.send_message().status_code == 202, seconds=20, every=0.5)


def test_a_frozen_database_is_told_by_readyz_and_metrics(endpoint: Endpoint, server: PostgreSQL) -> None:
    with frozen(server.process.pid):
        ready = requests.get(f"{endpoint.url}/readyz", timeout=60)
        metrics = requests.get(f"{endpoint.url}/metrics", timeout=60)
    assert (ready.status_code, list(ready.json()["problems"])) == (503, ["database"])
    assert "expense_relay_database_up 0.0" in metrics.text


def test_a_database_that_crashed_takes_callbacks_again_by_itself(
    endpoint: Endpoint, server: PostgreSQL
) -> None:
    assert endpoint.send_message().status_code == 202
    crash(server)
    body = endpoint.message(ID=2)
    wait_until(lambda: endpoint.send(body).status_code in (200, 202), every=0.2)
    endpoint.database.engine.dispose()
    assert [event.entry_id for event in endpoint.events()] == [4711, 2]


def test_whoever_was_given_up_holds_no_lock(server: PostgreSQL, database_url: str) -> None:
    ours = Database(database_url, patience=0.5)
    with psycopg.connect(database_url.replace("+psycopg", "")) as other:
        other.execute("LOCK TABLE event IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(OperationalError, match="statement timeout"), ours.write() as session:
            session.execute(text("SELECT count(*) FROM expense"))
            session.execute(text("SELECT count(*) FROM event"))
    with ours.write() as session:
        session.execute(text("LOCK TABLE expense IN ACCESS EXCLUSIVE MODE NOWAIT"))
    ours.engine.dispose()


def test_the_address_of_a_database_may_say_more(server: PostgreSQL, database_url: str) -> None:
    url = make_url(database_url).update_query_dict({"options": "-c statement_timeout=7s -c work_mem=8MB"})
    ours = Database(url.render_as_string(hide_password=False), patience=0.5)
    with ours.read() as session:
        said = [session.scalar(text(f"SHOW {name}")) for name in ("statement_timeout", "work_mem")]
        idle = session.scalar(text("SHOW idle_in_transaction_session_timeout"))
    ours.engine.dispose()
    assert (said, idle) == (["7s", "8MB"], "1min")


def post_meanwhile(rig: Rig, trouble: Callable[[], object]) -> None:
    """A worker has bills under way when the trouble comes; each is posted once, and no job failed."""
    rig.start_clock()
    rig.start_worker()
    rig.journey.fault(id="f", system="xero", method="PUT", path="/Invoices", kind="slow", seconds=1, times=1)
    entry_ids = rig.journey.add(*[{"amount": f"{n}.00"} for n in range(1, 6)])
    rig.wait_for_fault("f")
    trouble()
    rig.journey.database.engine.dispose()
    settle(rig, entry_ids)
    rig.journey.assert_posted_once(*entry_ids)
    assert count_failed(rig.journey.wiring.redis) == {"post": 0, "receipts": 0}


def test_a_worker_waits_for_a_frozen_database_and_goes_on(server: PostgreSQL, rig: Rig) -> None:
    def freeze() -> None:
        with frozen(server.process.pid):
            time.sleep(3)  # the answer about the bills has come meanwhile, and can't be recorded

    post_meanwhile(rig, freeze)


def test_a_worker_goes_on_after_the_database_crashed_under_it(server: PostgreSQL, rig: Rig) -> None:
    def crash_and_wait() -> None:
        crash(server)
        wait_until(lambda: is_up(server))

    post_meanwhile(rig, crash_and_wait)


def is_up(server: PostgreSQL) -> bool:
    try:
        server.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True
