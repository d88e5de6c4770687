"""A new version is put in place in the middle of a burst: nobody is refused, all is posted, and once."""

from __future__ import annotations

import signal
import subprocess
from typing import Any

import pytest
import requests
from sqlalchemy import select

from models.expense import Expense, Request
from models.migrate import upgrade
from tests.faults.conftest import Rig, wait_until
from tests.faults.test_kills import approve_with_callbacks, register_callback, settle_known
from tests.models.test_migrations import Newer, columns, newer

__all__ = ["newer"]

BURST = 60


def deliveries(rig: Rig) -> list[dict[str, Any]]:
    """Every try of ConnectWise to deliver a callback."""
    tries: list[dict[str, Any]] = rig.journey.control("GET", "/connectwise/acme_f/deliveries")["deliveries"]
    return tries


def wait_for_deliveries(rig: Rig, count: int) -> None:
    wait_until(lambda: len(deliveries(rig)) >= count, every=0.02)


def end(*processes: subprocess.Popen[bytes], times: int = 1) -> list[int]:
    """SIGTERM, as a supervisor does; the exit statuses."""
    for process in processes:
        for _ in range(times):
            process.send_signal(signal.SIGTERM)
    return [process.wait(60) for process in processes]


def start_second_web(rig: Rig) -> subprocess.Popen[bytes]:
    """One more on the same port; it takes its share once it is up."""
    process = rig.start_web()
    wait_until(lambda: rig.log_text().count("Booting worker") >= 2 * int(rig.environ["WEB_CONCURRENCY"]))
    for _ in range(24):  # each on a connection of its own: the kernel gives it to one of both
        assert requests.get(f"http://127.0.0.1:{rig.port}/healthz", timeout=60).ok
    return process


@pytest.mark.one_database
def test_a_web_process_that_is_told_to_go_resets_no_callback(rig: Rig) -> None:
    rig.environ["WEB_CONCURRENCY"] = "1"
    rig.journey.control("POST", "/connectwise/acme_f", {"delivery": {"timeout_seconds": 60, "workers": 8}})
    register_callback(rig)
    first = rig.start_web()
    start_second_web(rig)
    with requests.Session() as kept_alive:  # a proxy keeps its connections open
        for _ in range(4):
            kept_alive.get(f"http://127.0.0.1:{rig.port}/healthz", timeout=60)
        approve_with_callbacks(rig, BURST)
        wait_for_deliveries(rig, 20)
        end(first)
        rig.journey.control("POST", "/connectwise/acme_f/wait", {"timeout_seconds": 60})
    tries = deliveries(rig)
    assert [t for t in tries if t["status"] != 202] == []
    assert len(tries) >= BURST


def test_workers_told_to_go_in_a_burst_leave_nothing_behind(rig: Rig) -> None:
    register_callback(rig)
    rig.start_web()
    rig.start_clock()
    worker = start_slowly(rig, "asked once")
    entry_ids = approve_with_callbacks(rig, BURST)
    rig.wait_for_fault("asked once")
    assert end(worker) == [0]
    assert held(rig) == []
    entry_ids += approve_with_callbacks(rig, 5)
    worker = start_slowly(rig, "asked twice")
    rig.wait_for_fault("asked twice")
    end(worker, times=2)
    rig.start_worker()
    settle_known(rig, entry_ids)
    rig.journey.assert_posted_once(*entry_ids)


def start_slowly(rig: Rig, name: str) -> subprocess.Popen[bytes]:
    """A worker whose first call that makes payments takes a while."""
    rig.journey.fault(
        id=name, system="xero", method="PUT", path="/Payments", kind="slow", seconds=1.5, times=1
    )
    return rig.start_worker()


def held(rig: Rig) -> list[int]:
    """The entries that a worker holds, and requests whose outcome nobody knows."""
    with rig.journey.database.read() as session:
        expenses = session.scalars(select(Expense.entry_id).where(Expense.lease.is_not(None)))
        requests_open = session.scalars(select(Request.id).where(Request.due_at.is_not(None)))
        return [*expenses, *requests_open]


def test_the_tables_change_while_everything_runs(rig: Rig, newer: Newer) -> None:
    register_callback(rig)
    rig.start_web()
    rig.start_clock()
    rig.start_worker()
    entry_ids = approve_with_callbacks(rig, BURST)
    wait_for_deliveries(rig, 10)
    newer()
    upgrade(rig.journey.database)
    entry_ids += approve_with_callbacks(rig, 5)
    settle_known(rig, entry_ids)
    rig.journey.assert_posted_once(*entry_ids)
    refused = [t for t in deliveries(rig) if t["status"] not in (200, 202, 429)]
    assert refused == []
    assert requests.get(f"http://127.0.0.1:{rig.port}/readyz", timeout=60).status_code == 200
    assert "project" in columns(rig.journey.database)
