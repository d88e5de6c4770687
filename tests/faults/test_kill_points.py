"""Every write to Xero and ConnectWise, killed at every moment: one of each, and nobody had to act."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from tests.faults.conftest import Rig
from tests.faults.kill_rig import ROUNDS, KillRig, Spending, points_of
from tests.faults.killing import MOMENTS
from tests.journey.conftest import TENANT
from tests.journey.hands import SITE, set_books
from tests.journey.test_exactly_once import PERSONAL, REFUND
from tests.journey.test_receipts import filed
from tests.shape.writes import outgoing_writes

XERO, CONNECTWISE, QUICKBOOKS = ("xero", "xero_identity"), ("connectwise",), ("qbo", "qbo_identity")
ALERTS = ("alert_hook",)  # told once or more: test_kill_alert.py
SPENDINGS = (
    Spending(
        member="new{n}",
        entries=({"amount": "120.50"},),
        documents=(("invoices", "120.50"), ("payments", "120.50")),
        receipts=3,
    ),
    Spending(
        entries=(REFUND, PERSONAL | {"amount": "40.00"}),
        documents=(
            *(("credit_notes", "30.00"), ("payments", "30.00")),
            *(("credit_notes", "40.00"), ("bank_transactions", "40.00")),
        ),
    ),
)
LISTS = ("invoices", "credit_notes", "payments", "bank_transactions")
REGISTER, REMOVE = "bin.management callback register acme", "bin.management callback remove acme"


def test_every_client_that_writes_has_its_kill_test() -> None:
    clients = {write.partition(".")[0] for write in outgoing_writes()}
    assert clients == {*XERO, *CONNECTWISE, *QUICKBOOKS, *ALERTS}


@pytest.mark.timeout(600)
def test_killed_at_every_moment_of_every_write_to_xero_there_is_one_of_each(rig: Rig) -> None:
    kills = KillRig(rig)
    set_books(rig.journey, limits={"minute": None, "concurrent": None, "day": None})
    members = [{"identifier": f"new{n}", "first_name": "New", "last_name": f"Member {n}"} for n in ROUNDS]
    rig.journey.control("POST", SITE, {"members": members})
    kills.connect(f"xero acme tenant={TENANT}")
    kills.run("workers post and workers receipts")
    kills.spend_until_struck(SPENDINGS, points_of(*XERO, without=["xero_identity.give_up"]))
    assert_books(kills)
    strike_callback(kills)
    kills.connect_and_disconnect(f"xero acme tenant={TENANT}")
    assert kills.struck() == points_of(*XERO, *CONNECTWISE)


def assert_books(kills: KillRig) -> None:
    """The ledger holds what was spent, each document once, and nothing else."""
    state = kills.journey.books()
    held = Counter((name, amount(row)) for name in LISTS for row in state[name])
    assert held == kills.documents
    assert len(filed(kills.journey)) == kills.receipts
    names = [contact["Name"] for contact in state["contacts"]]
    assert len(names) == len(set(names))


def amount(row: dict[str, Any]) -> str:
    return f"{Decimal(str(row['Total'] if 'Total' in row else row['Amount'])):.2f}"


def strike_callback(kills: KillRig) -> None:
    """Registered and removed by hand, again and again; then switched on by the worker after ConnectWise
    switched it off, again and again."""
    kills.wait(kills.run(" then ".join([REGISTER, REMOVE] * len(MOMENTS) + [REGISTER])))
    for _ in MOMENTS:
        switch_off(kills)
        kills.wait(lambda: is_on(kills), care=True)


def is_on(kills: KillRig) -> bool:
    """Whether exactly one active callback leads to us."""
    rows = kills.journey.wiring.work("acme").connectwise.callbacks(kills.rig.environ["PUBLIC_URL"])
    return [bool(row.get("inactiveFlag")) for row in rows] == [False]


def switch_off(kills: KillRig) -> None:
    """As ConnectWise does after three days of failures."""
    connectwise = kills.journey.wiring.work("acme").connectwise
    [row] = connectwise.callbacks(kills.rig.environ["PUBLIC_URL"])
    off = [{"op": "replace", "path": "inactiveFlag", "value": True}]
    connectwise.patch(f"system/callbacks/{row['id']}", off)
