"""From an approved entry to a bill and its payment, over the real wire of the sandbox."""

from __future__ import annotations

from models import states
from models.queries import timeline
from tests.journey.conftest import TENANT, Journey
from workers.sweep import look_for_reconciled


def test_anas_taxi_becomes_a_bill_paid_from_the_card(journey: Journey) -> None:
    [taxi] = journey.add({"type": "Travel", "amount": "55.00"})
    journey.post()
    journey.assert_posted_once(taxi)
    bill, payment = journey.documents(taxi)
    assert (bill.kind, bill.number, payment.kind, payment.account) == (
        "bill",
        f"CW-{taxi}",
        "payment",
        "Amex 1001",
    )


def test_the_story_is_told_in_the_order_in_which_it_happened(journey: Journey) -> None:
    [entry_id] = journey.add({})
    journey.post()
    with journey.database.read() as session:
        told = [(step.what, step.actor) for step in timeline(session, journey.expense(entry_id))]
    assert (told[0], told[-1]) == (("planned", "worker"), ("done", "worker"))
    assert told[1:3] == [("posted", "ledger")] * 2


def test_fifty_expenses_are_two_writes(journey: Journey) -> None:
    ids = journey.add(*[{"amount": f"{n}.10"} for n in range(1, 51)])
    journey.post()
    journey.assert_posted_once(*ids)
    calls = journey.calls()
    assert (calls["PUT /Invoices"], calls["PUT /Payments"]) == (1, 1)


def test_an_unapproved_expense_is_held_and_posted_once_approved(journey: Journey) -> None:
    [entry_id] = journey.add({}, approve=False)
    journey.post()
    assert journey.expense(entry_id).state == states.HELD
    journey.control("POST", "/connectwise/acme_f/approve", {"all": True, "tier": 2, "silent": True})
    journey.call_back(entry_id)
    journey.post()
    journey.assert_posted_once(entry_id)


def test_a_payment_that_found_its_bank_line_is_shown_reconciled(journey: Journey) -> None:
    paid, unmatched = journey.add({"amount": "31.00"}, {"amount": "32.00"})
    journey.post()
    line = {"account": "Amex 1001", "date": "2026-08-21", "amount": "-31.00", "payee": "Cafe"}
    journey.control("POST", f"/bank/{TENANT}/lines", {"lines": [line]})
    journey.control("POST", f"/bank/{TENANT}/reconcile")
    assert look_for_reconciled(journey.wiring.work("acme")) == 1
    assert [d.reconciled for d in journey.documents(paid)] == [False, True]
    assert [d.reconciled for d in journey.documents(unmatched)] == [False, False]
