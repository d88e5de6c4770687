"""Workers that are too slow: their lease ran out, somebody else took over; still there is one of each."""

from __future__ import annotations

import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from errors import RateLimited
from tests.journey.conftest import Journey
from tests.journey.hands import edit
from tests.journey.test_exactly_once import add, age, assert_once, until_settled
from workers.contacts import Contacts
from workers.posting import Posting

Act = Callable[[Any], Any]


def posting_with(journey: Journey, use: Callable[[Act, Act], Any]) -> Posting:
    """A worker whose every call to the ledger for the outbox goes through `use(inner, act)`."""
    work = journey.wiring.work("acme")
    posting = Posting(work)
    posting._outbox._use = lambda act: use(work.use_ledger, act)
    return posting


def lose_a_bill(journey: Journey) -> int:
    entry_id = add(journey, "bill")
    journey.fault(system="xero", method="PUT", path="/Invoices", kind="lose_answer", times=1)
    journey.post()
    return entry_id


def test_a_request_that_waited_for_its_turn_is_judged_by_the_time_of_its_turn(journey: Journey) -> None:
    entries = [lose_a_bill(journey), lose_a_bill(journey)]
    journey.make_due()
    turns: list[int] = []

    def use(inner: Act, act: Act) -> Any:
        answer = inner(act)
        if not turns:
            age(journey, 900)  # the first took so long that the second's key has expired meanwhile
        turns.append(1)
        return answer

    posting_with(journey, use).run()
    for entry_id in entries:
        journey.make_due()
        until_settled(journey, entry_id)
        assert_once(journey, entry_id)


def test_a_slow_worker_takes_nothing_back_that_another_is_sending(journey: Journey) -> None:
    know_the_contact(journey)
    entry_id = add(journey, "bill")
    sent, recorded = threading.Event(), threading.Event()

    def second(inner: Act, act: Act) -> Any:
        answer = inner(act)
        if not sent.is_set():
            sent.set()
            recorded.wait(20)
        return answer

    taker = threading.Thread(target=lambda: posting_with(journey, second).run())

    def first(inner: Act, act: Act) -> Any:
        journey.make_due()
        taker.start()
        sent.wait(20)
        raise RateLimited("not processed", after=1)

    posting_with(journey, first).run()
    recorded.set()
    taker.join(30)
    age(journey, 900)
    journey.make_due()
    until_settled(journey, entry_id)
    assert_once(journey, entry_id)


def test_a_worker_that_was_stopped_before_its_first_byte_sends_nothing_when_it_wakes(
    journey: Journey,
) -> None:
    know_the_contact(journey)
    entry_id = add(journey, "bill")
    slept: list[int] = []

    def use(inner: Act, act: Act) -> Any:
        if not slept:
            slept.append(1)
            journey.make_due()
            until_settled(journey, entry_id)
            age(journey, 900)
        return inner(act)

    posting_with(journey, use).run()
    until_settled(journey, entry_id)
    assert_once(journey, entry_id)


def test_a_slow_worker_does_not_change_the_plan_of_the_one_that_took_over(
    journey: Journey, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry_id = add(journey, "bill")
    slow, other = Posting(journey.wiring.work("acme")), Posting(journey.wiring.work("acme"))
    resolve = Contacts.resolve

    def meanwhile(contacts: Contacts, cases: Any) -> None:
        monkeypatch.setattr(Contacts, "resolve", resolve)
        journey.make_due()
        edit(journey, entry_id, amount="99.00")
        other.run()
        resolve(contacts, cases)

    monkeypatch.setattr(Contacts, "resolve", meanwhile)
    other._send = other._finish = lambda _cases: None  # type: ignore[method-assign,assignment]
    slow.run()
    assert [d.amount for d in journey.documents(entry_id)] == [Decimal("99.00"), Decimal("99.00")]


def know_the_contact(journey: Journey) -> None:
    """So that the first call of the next worker's outbox is the bill's."""
    known = add(journey, "bill")
    journey.post()
    assert_once(journey, known)
