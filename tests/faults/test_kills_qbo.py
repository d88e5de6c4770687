"""SIGKILL to real workers at every write to QuickBooks, journal and payment of nothing included."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faults.conftest import Rig
from tests.faults.test_kills import settle
from tests.journey.test_qbo import MADE, REALM

OFFSET = {"payment_type": "Company Visa Debit"}
# Every write: the endpoint and an expense, by a member, that needs it.
WRITES: dict[str, tuple[dict[str, Any], str]] = {
    "/vendor": ({}, "bchan"),
    "/bill": ({}, "jdoe"),
    "/billpayment": ({"amount": "7.00"}, "jdoe"),
    "/journalentry": (OFFSET, "jdoe"),
    "/purchase": ({"amount": "-30.00"}, "jdoe"),
    "/vendorcredit": ({"classification": "Personal"}, "jdoe"),
}


@pytest.mark.one_database
@pytest.mark.parametrize("moment", ["slow_before", "slow"], ids=["before the act", "after the act"])
def test_a_worker_killed_at_each_write_to_quickbooks_leaves_one_of_each(qbo_rig: Rig, moment: str) -> None:
    rig, qbo = qbo_rig, qbo_rig.journey
    rig.start_clock()
    worker = rig.start_worker()
    entry_ids: list[int] = []
    for path, (entry, member) in WRITES.items():
        qbo.fault(id=path, system="qbo", method="POST", path=path, kind=moment, seconds=2.0, times=1)
        entry_ids += qbo.add(entry, member=member)
        rig.wait_for_fault(path)
        rig.kill(worker)
        rig.free_slots()
        worker = rig.start_worker()
        settle(rig, entry_ids)  # alone, so that the next write is a call of its own and no batch
    state = qbo.control("GET", f"/qbo/{REALM}/state")
    planned = sum(len(qbo.documents(entry_id)) for entry_id in entry_ids)
    assert sum(len(state[name]) for name in MADE) == planned
    names = [vendor["DisplayName"] for vendor in state["vendors"]]
    assert len(names) == len(set(names)) == 2
