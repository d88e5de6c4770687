"""Every write to QuickBooks, killed at every moment, batches included: one of each, and nobody had to act."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from tests.faults.conftest import Rig
from tests.faults.kill_rig import ROUNDS, KillRig, Spending, points_of
from tests.faults.test_kill_points import QUICKBOOKS
from tests.journey.conftest import Journey
from tests.journey.hands import add_rows
from tests.journey.test_qbo import BANK, REALM

# One after the other, so that a document alone is a call of its own; the last two go together, in batches.
SPENDINGS = (
    Spending(
        member="new{n}",
        entries=({"amount": "12.50"},),
        documents=(("bills", "12.50"), ("bill_payments", "12.50")),
        receipts=3,
    ),
    Spending(
        member="clash{n}",
        entries=({"amount": "6.00"},),
        documents=(("bills", "6.00"), ("bill_payments", "6.00")),
    ),
    Spending(
        entries=({"amount": "110.00", "payment_type": "Company Visa Debit"},),
        documents=(("bills", "110.00"), ("journal_entries", "110.00"), ("bill_payments", "0.00")),
    ),
    Spending(
        entries=({"amount": "40.00", "classification": "Personal"},),
        documents=(("vendor_credits", "40.00"), ("purchases", "40.00")),
    ),
    Spending(entries=({"amount": "-55.00"},), documents=(("purchases", "55.00"),)),
    Spending(member="asmith", entries=({"amount": "-44.00"},), documents=(("deposits", "44.00"),)),
    Spending(
        entries=({"amount": "7.00"}, {"amount": "8.00"}),
        documents=(
            *(("bills", "7.00"), ("bill_payments", "7.00")),
            *(("bills", "8.00"), ("bill_payments", "8.00")),
        ),
    ),
)
LISTS = ("bills", "bill_payments", "journal_entries", "vendor_credits", "purchases", "deposits")


@pytest.mark.timeout(600)
def test_killed_at_every_moment_of_every_write_to_quickbooks_there_is_one_of_each(qbo_rig: Rig) -> None:
    kills = KillRig(qbo_rig)
    set_up(qbo_rig.journey)
    kills.connect(f"qbo acme realm={REALM}")
    kills.run("workers post and workers receipts")
    kills.spend_until_struck(SPENDINGS, points_of(*QUICKBOOKS, without=["qbo_identity.revoke"]))
    assert_books(kills)
    kills.connect_and_disconnect(f"qbo acme realm={REALM}")
    assert kills.struck() == points_of(*QUICKBOOKS)


def set_up(qbo: Journey) -> None:
    """No limits; members unknown to QuickBooks, half of them with a customer's name; refunds to the bank."""
    members = [
        {"identifier": f"{kind}{n}", "first_name": kind.title(), "last_name": f"Member {n}"}
        for kind in ("new", "clash")
        for n in ROUNDS
    ]
    qbo.control("POST", "/connectwise/acme_q", {"members": members})
    customers = [{"name": f"Clash Member {n}"} for n in ROUNDS]
    limits = {"minute": None, "second": None, "batches": None}
    qbo.control("POST", "/qbo/companies", {"realm_id": REALM, "customers": customers, "limits": limits})
    rule = {"member": "asmith", "payment_type": "Corporate Amex", "action": "payment_account"}
    add_rows(qbo, "rules", rule | {"account": BANK})


def assert_books(kills: KillRig) -> None:
    """The ledger holds what was spent, each document once, and nothing else."""
    state = kills.journey.control("GET", f"/qbo/{REALM}/state")
    held = Counter((name, amount(row)) for name in LISTS for row in state[name])
    assert held == kills.documents
    assert len(state["attachables"]) == kills.receipts
    names = [vendor["DisplayName"] for vendor in state["vendors"]]
    assert len(names) == len(set(names))


def amount(row: dict[str, Any]) -> str:
    """What a transaction comes to; of a journal entry, one of its two sides."""
    total = row["TotalAmt"] if "TotalAmt" in row else row["Line"][0]["Amount"]
    return f"{Decimal(str(total)):.2f}"
