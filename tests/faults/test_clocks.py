"""Machines whose clocks differ by a minute: leases hold, since only the clock of the database counts."""

from __future__ import annotations

import sys

import pytest

from tests.faults.conftest import ROOT, Rig
from tests.faults.test_kills import assert_once, settle

# A worker (or clock) of ours under another time: everything that Python's clock says is shifted.
SHIFTED = """
import datetime, sys, time
SECONDS = float(sys.argv.pop(1))
now = time.time
time.time = lambda: now() + SECONDS

class Kind(type):
    def __instancecheck__(cls, value):
        return isinstance(value, real)

real = datetime.datetime

class Shifted(real, metaclass=Kind):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(now() + SECONDS, tz)

datetime.datetime = Shifted
from workers.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def start_shifted(rig: Rig, what: str, seconds: int) -> None:
    program = rig.logs / "shifted.py"
    program.write_text(SHIFTED)
    rig.environ["PYTHONPATH"] = str(ROOT)
    rig.start(sys.executable, str(program), str(seconds), what)


def test_a_worker_ahead_takes_nothing_from_one_behind(rig: Rig, database_kind: str) -> None:
    if database_kind == "sqlite":
        pytest.skip("a SQLite file is on one machine, which has one clock")
    rig.environ["LEASE_SECONDS"] = "45"  # by a clock of its own the second worker would find it ended
    start_shifted(rig, "clock", 60)
    start_shifted(rig, "post", -60)
    rig.journey.fault(id="f", system="xero", method="PUT", path="/Invoices", kind="slow", seconds=2, times=1)
    entry_ids = rig.journey.add({}, {"amount": "7.00"})
    rig.wait_for_fault("f")
    start_shifted(rig, "post", 60)
    entry_ids += rig.journey.add({"amount": "8.00"}, {"amount": "-9.00"})
    settle(rig, entry_ids)
    assert_once(rig, entry_ids)
    calls = rig.journey.control("GET", "/calls?system=xero")["calls"]
    assert not any(call["replayed"] for call in calls)
