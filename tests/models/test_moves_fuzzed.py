"""Callbacks, workers, time and people in any order, against a plain model of what must come of it.

Two workers claim, plan, send, lose their leases and come back late. After every step the database holds what
the model says, and nothing is lost: what moves by itself is due, what is done stands at the ledger, and what
may stand there has a live request that will find out.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from errors import NeedsAttention, NotFound, Wait
from models import outbox, states
from models.actions import approve_expense, ignore_expense, retry_expense
from models.claims import Ending, claim_expenses, companies_with_work, finish_expenses, renew_lease
from models.companies import pause_companies, resume_company
from models.company import Company, Event
from models.database import Database
from models.expense import Document, Expense, History, Request
from models.handling import Bill, keep_bill
from models.inbox import replay_event, store_messages, wake_states
from tests.world import message

NOW, LATER = "now", "later"  # due; the third is None, not due at all
SOON, FAR = dt.timedelta(minutes=5), dt.timedelta(hours=5)
LEASE_SECONDS = 3 * 3600
ENTRIES = st.sampled_from((1, 2, 3))
WORKERS = st.sampled_from(("ann", "ben"))
LANDINGS = (states.POSTED, states.DRAFTED, states.FAILED, states.PLANNED)


@dataclass
class ModelRequest:
    """One call that left the house, as the model knows it."""

    entries: set[int]
    state: str
    due: str | None
    lease: str | None


@dataclass
class ModelExpense:
    """One expense and its bill, as the model knows them."""

    state: str = states.QUEUED
    due: str | None = NOW
    lease: str | None = None
    signals: int = 1
    bill: str | None = None
    by_hand: bool = False
    generation: int = 1
    request: int | None = None

    def may_end(self, state: str) -> bool:
        after_posting = self.state in (states.DONE, states.CHANGED)
        if state in (states.IGNORED, states.UNDONE, states.POSTING):
            return False
        if state == states.DONE:
            return self.bill in states.MADE
        if state in (states.SKIPPED, states.AWAITING_APPROVAL):
            return not after_posting and self.bill not in states.OPEN + states.MADE
        return not (state in (states.HELD, states.UNCERTAIN) and self.state == states.DONE)


@dataclass
class Hands:
    """What a worker believes that it holds: entry to the signals seen at the claim, and its requests."""

    claimed: dict[int, int] = field(default_factory=dict)
    requests: set[int] = field(default_factory=set)


class Moves(RuleBasedStateMachine):
    """Drives the real functions and the model side by side."""

    def __init__(self, database: Database, company: Company) -> None:
        super().__init__()
        self.database, self.company = database, company
        self.expenses: dict[int, ModelExpense] = {}
        self.requests: dict[int, ModelRequest] = {}
        self.hands = {"ann": Hands(), "ben": Hands()}
        self.paused = False
        with database.write() as session:
            for table in (History, Document, Request, Expense, Event):
                session.execute(delete(table))
            session.execute(update(Company).values(paused_at=None, wait_until=None))

    # -- from outside ----------------------------------------------------------------------------------

    @rule(data=st.data(), worker=WORKERS, entry=ENTRIES)
    def step(self, data: st.DataObject, worker: str, entry: int) -> None:
        """One of all acts that would change something now: as rules of their own most would lie idle."""
        data.draw(st.sampled_from(self._acts(data, worker, entry)))()

    def _acts(self, data: st.DataObject, worker: str, entry: int) -> list[Callable[[], None]]:
        acts: list[Callable[[], None]] = [
            partial(self.callback, entry, "updated"),
            partial(self.callback, entry, "deleted"),
            self.replay_the_last_callback,
            partial(self.sweep_wakes, entry),
            self.time_passes,
            partial(self.pause_or_resume, not self.paused),
            partial(self.retry, entry),
            partial(self.ignore, entry),
            partial(self.approve, entry),
            partial(self.handle, entry),
        ]
        hands = self.hands[worker]
        due = any(known.due == NOW for known in self.expenses.values())
        acts += [partial(self.claim, worker)] * 3 * due
        acts += [partial(self.plan, worker)] * 2 * bool(hands.claimed)
        acts += [partial(self.send, worker)] * 4 * bool(self._loose(worker))
        acts += [partial(self.end, data, worker)] * 4 * bool(hands.claimed)
        acts += [partial(self.take_up, worker)] * 2 * any(r.due == NOW for r in self.requests.values())
        acts += [partial(self.settle, data, worker)] * 4 * bool(hands.requests)
        return acts + [partial(self.doubt, data, worker)] * 2 * bool(hands.requests)

    @initialize()
    def first_callbacks(self) -> None:
        for entry in (1, 2, 3):
            self.callback(entry, "created")

    def callback(self, entry: int, action: str) -> None:
        with self.database.write() as session:
            store_messages(session, [message(self.company, entry, action=action)])
        self._wake(entry)

    def replay_the_last_callback(self) -> None:
        with self.database.write() as session:
            event = session.scalars(select(Event).order_by(Event.id.desc()).limit(1)).one_or_none()
            if event is None or event.entry_id is None:
                return
            assert replay_event(session, event, now=self.database.now(session))
            entry = event.entry_id
        self._wake(entry)

    def _wake(self, entry: int) -> None:
        if entry not in self.expenses:
            self.expenses[entry] = ModelExpense()
            return
        known = self.expenses[entry]
        known.signals += 1
        if known.lease is None and known.state in states.WOKEN_BY_CALLBACK:
            known.due = NOW

    def sweep_wakes(self, entry: int) -> None:
        with self.database.write() as session:
            wake_states(session, self.company.id, [entry], states.WOKEN_BY_CALLBACK)
        known = self.expenses.get(entry)
        if known and known.lease is None and known.due is None and known.state in states.WOKEN_BY_CALLBACK:
            known.due = NOW

    def time_passes(self) -> None:
        """Every lease runs out, every retry and look-up has its time."""
        with self.database.write() as session:
            past = self.database.now(session) - FAR
            session.execute(update(Expense).where(Expense.due_at.is_not(None)).values(due_at=past))
            session.execute(update(Request).where(Request.due_at.is_not(None)).values(due_at=past))
        for expense in self.expenses.values():
            expense.due = NOW if expense.due else None
        for request in self.requests.values():
            request.due = NOW if request.due else None

    def pause_or_resume(self, pause: bool) -> None:
        with self.database.write() as session:
            now = self.database.now(session)
            if pause:
                pause_companies(session, Company.id == self.company.id, why="lost", now=now)
            else:
                resume_company(session, session.get_one(Company, self.company.id), now=now)
        self.paused = pause

    # -- people ----------------------------------------------------------------------------------------

    def retry(self, entry: int) -> None:
        known = self.expenses.get(entry)
        taken = known is not None and known.lease is None and known.state in states.RETRIABLE
        with self.database.write() as session:
            try:
                now = self.database.now(session)
                assert retry_expense(session, self.company, entry, actor="bo", now=now) == taken
            except (NeedsAttention, NotFound):
                assert not taken
        if known and taken:
            known.state, known.due = states.QUEUED, NOW
            if known.bill in states.OPEN and known.request is not None:
                request = self.requests[known.request]
                request.due = request.due or NOW

    def ignore(self, entry: int) -> None:
        known = self.expenses.get(entry)
        free = known is not None and known.lease is None and known.bill not in states.OPEN
        taken = known is not None and free and known.state != states.DONE
        with self.database.write() as session:
            try:
                now = self.database.now(session)
                ignore_expense(session, self.company, entry, reason="private", actor="bo", now=now)
                assert taken
            except (NeedsAttention, NotFound):
                assert not taken
        if known and taken:
            known.state, known.due = states.IGNORED, None

    def approve(self, entry: int) -> None:
        known = self.expenses.get(entry)
        waits = known is not None and known.lease is None and known.state == states.AWAITING_APPROVAL
        with self.database.write() as session:
            try:
                approve_expense(session, self.company, entry, actor="bo", now=self.database.now(session))
                assert waits
            except (NeedsAttention, NotFound):
                assert not waits
        if known and waits:
            known.state, known.due = states.QUEUED, NOW

    def handle(self, entry: int) -> None:
        """A bill that a person made, one for each expense; said again, it takes the last one's place."""
        known = self.expenses.get(entry)
        free = known is not None and known.lease is None and known.bill not in states.OPEN
        taken = known is not None and free and (known.by_hand or known.bill not in states.MADE)
        with self.database.write() as session:
            try:
                now = self.database.now(session)
                keep_bill(session, self.company, entry, self._bill(entry), actor="bo", now=now)
                assert taken
            except (NeedsAttention, NotFound):
                assert not taken
        if known and taken:
            known.state, known.due = states.DONE, None
            known.bill, known.by_hand, known.generation, known.request = states.POSTED, True, 1, None

    def _bill(self, entry: int) -> Bill:
        known = self.expenses.get(entry, ModelExpense())
        return Bill(
            kind="bill", number=f"CW-{entry}", its_number="", remote_id=f"theirs-{entry}", url=None, plan={},
            amount=Decimal(1), currency="AUD", approved=True, told="it agrees", gate=None, seen={},
            signals=known.signals,
        )  # fmt: skip

    # -- a worker and its expenses ---------------------------------------------------------------------

    def claim(self, worker: str) -> None:
        with self.database.write() as session:
            now = self.database.now(session) + SOON
            rows = claim_expenses(
                session, self.company.id, now=now, lease=worker, seconds=LEASE_SECONDS, limit=50
            )
        due = {entry for entry, known in self.expenses.items() if known.due == NOW}
        assert {row.entry_id for row in rows} == due
        for entry in due:
            known = self.expenses[entry]
            known.lease, known.due = worker, LATER
            known.state = states.POSTING if known.state in (states.QUEUED, states.RETRYING) else known.state
            self.hands[worker].claimed[entry] = known.signals

    def plan(self, worker: str) -> None:
        with self.database.write() as session:
            now = self.database.now(session)
            ours = renew_lease(session, lease=worker, now=now, seconds=LEASE_SECONDS)
            rows = session.scalars(select(Expense).where(Expense.id.in_(ours))).all()
            for row in rows:
                planned = outbox.Planned(kind="bill", number=f"CW-{row.entry_id}", position=0, plan="{}",
                                         amount=Decimal(1), currency="AUD", account=None)  # fmt: skip
                outbox.save_plans(session, company_id=self.company.id, plans={row.id: [planned]}, now=now)
        held = self._held(worker)
        assert {row.entry_id for row in rows} == set(held)
        for known in held.values():
            known.due = LATER
            known.bill = states.PLANNED if known.bill in (None, *states.LOOSE) else known.bill

    def send(self, worker: str) -> None:
        """Freezes one request for all loose bills of what the worker believes to hold."""
        loose = self._loose(worker)
        try:
            with self.database.write() as session:
                request = outbox.freeze_request(
                    session, company_id=self.company.id, operation="post", body=b"", key="k",
                    documents=self._bills(session, loose), lease=worker, seconds=LEASE_SECONDS,
                )  # fmt: skip
        except Wait:
            assert not loose <= set(self._held(worker))
            return
        assert loose <= set(self._held(worker))
        for known in self._held(worker).values():
            known.due = LATER
        for entry in loose:
            self.expenses[entry].bill, self.expenses[entry].request = states.SENT, request.id
        self.requests[request.id] = ModelRequest(loose, states.SENT, LATER, worker)
        self.hands[worker].requests.add(request.id)

    def end(self, data: st.DataObject, worker: str) -> None:
        """In a state that may be true or not."""
        entry = data.draw(st.sampled_from(sorted(self.hands[worker].claimed)))
        state = data.draw(st.sampled_from(states.EXPENSE_STATES))
        if state == states.DONE and self.expenses[entry].bill is None:
            state = states.SKIPPED  # nothing was planned
        signals = self.hands[worker].claimed.pop(entry)
        known = self.expenses[entry]
        ours = known.lease == worker
        after = {states.QUEUED: NOW, states.RETRYING: LATER, states.UNCERTAIN: LATER}.get(state)
        try:
            with self.database.write() as session:
                now = self.database.now(session)
                due_at = {NOW: now, LATER: now + FAR}[after] if after else None
                row = session.scalars(select(Expense.id).where(Expense.entry_id == entry)).one()
                ending = Ending(expense_id=row, signals=signals, state=state, due_at=due_at)
                finish_expenses(session, [ending], lease=worker, now=now)
        except states.IllegalMove:
            assert ours or state not in states.ENDINGS
            assert not known.may_end(state)
            self.hands[worker].claimed[entry] = signals
            return
        if ours:
            assert known.may_end(state)
            woken = state in states.WOKEN_BY_CALLBACK and known.signals > signals
            known.state, known.lease, known.due = state, None, NOW if woken else after

    # -- a worker and its requests ---------------------------------------------------------------------

    def take_up(self, worker: str) -> None:
        with self.database.write() as session:
            now = self.database.now(session) + SOON
            rows = outbox.claim_requests(
                session, self.company.id, now=now, lease=worker, seconds=LEASE_SECONDS, limit=1
            )
        due = {number for number, request in self.requests.items() if request.due == NOW}
        assert {row.id for row in rows} <= due
        assert bool(rows) == bool(due)
        for row in rows:
            self.requests[row.id].lease, self.requests[row.id].due = worker, LATER
            self.hands[worker].requests.add(row.id)

    def settle(self, data: st.DataObject, worker: str) -> None:
        """Answered or found; not processed; or not found and planned anew."""
        state = data.draw(st.sampled_from(LANDINGS))
        self._settle(worker, state, renew=state == states.PLANNED and data.draw(st.booleans()))

    def doubt(self, data: st.DataObject, worker: str) -> None:
        for_a_person = data.draw(st.booleans())
        for number in sorted(self.hands[worker].requests):
            self.hands[worker].requests.remove(number)
            with self.database.write() as session:
                request = session.get_one(Request, number)
                now = self.database.now(session)
                held = outbox.holds_request(session, request, lease=worker) is not None
                due_at = None if for_a_person else now + FAR
                if held:
                    outbox.doubt_request(session, request, outcome="?", due_at=due_at, now=now)
                outbox.wake_owners(session, request)
            known = self.requests[number]
            assert held == (known.lease == worker)
            if held:
                known.state, known.lease = states.UNCERTAIN, None
                known.due = None if for_a_person else LATER
                for expense in self._bills_of(number):
                    expense.bill = states.UNCERTAIN
            self._wake_owners(number)

    def _settle(self, worker: str, state: str, *, renew: bool = False) -> None:
        """As workers/outbox.py does: when the request is no longer ours, only what was made counts."""
        for number in sorted(self.hands[worker].requests):
            self.hands[worker].requests.remove(number)
            with self.database.write() as session:
                request = session.get_one(Request, number)
                now = self.database.now(session)
                held = outbox.holds_request(session, request, lease=worker) is not None
                markers = json.loads(request.markers)
                landings = [outbox.Landing(marker=m, state=state, remote_id="r") for m in markers]
                if held and renew:
                    outbox.renew_generation(session, request, markers, now=now)
                elif held or state in states.MADE:
                    outbox.land_documents(session, request, landings, now=now)
                if held:
                    outbox.close_request(session, request, outcome="settled")
                outbox.wake_owners(session, request)
            self._settled(number, state, held=held, renew=renew)
            self._wake_owners(number)

    def _settled(self, number: int, state: str, *, held: bool, renew: bool) -> None:
        if held or state in states.MADE:
            for expense in self._bills_of(number):
                expense.bill = state
                expense.generation += int(renew or state == states.FAILED)
                expense.request = expense.request if state in states.MADE else None
        if held:
            request = self.requests[number]
            request.state, request.due, request.lease = states.SETTLED, None, None

    def _wake_owners(self, number: int) -> None:
        for entry in self.requests[number].entries:
            known = self.expenses[entry]
            waits = known.state in (states.UNCERTAIN, states.POSTING, states.RETRYING)
            if waits and (known.lease is None or known.due == NOW):
                known.lease, known.due = None, NOW

    def _loose(self, worker: str) -> set[int]:
        """Entries with a bill that this worker would send."""
        return {e for e in self.hands[worker].claimed if self.expenses[e].bill in states.LOOSE}

    def _held(self, worker: str) -> dict[int, ModelExpense]:
        return {entry: known for entry, known in self.expenses.items() if known.lease == worker}

    def _bills_of(self, number: int) -> list[ModelExpense]:
        """The expenses whose bill is still open under this request."""
        known = self.expenses.values()
        return [e for e in known if e.request == number and e.bill in states.OPEN]

    def _bills(self, session: Session, entries: set[int]) -> list[Document]:
        statement = select(Document).join(Expense).where(Expense.entry_id.in_(entries))
        return list(session.scalars(statement))

    # -- what always holds -----------------------------------------------------------------------------

    @invariant()
    def the_database_is_as_the_model_says(self) -> None:
        with self.database.read() as session:
            soon = self.database.now(session) + SOON
            expenses = session.scalars(select(Expense)).all()
            bills = {d.expense_id: d for d in session.scalars(select(Document))}
            requests = session.scalars(select(Request)).all()
            ringing = companies_with_work(session, now=soon)
        for row in expenses:
            known, bill = self.expenses[row.entry_id], bills.get(row.id)
            assert (row.state, row.lease, _due(row.due_at, soon)) == (known.state, known.lease, known.due)
            assert (bill.state if bill else None) == known.bill
            if bill:
                assert (bill.generation, bill.request_id) == (known.generation, known.request)
        found = {row.id: (row.state, row.lease, _due(row.due_at, soon)) for row in requests}
        assert found == {n: (r.state, r.lease, r.due) for n, r in self.requests.items()}
        due = NOW in [e.due for e in self.expenses.values()] + [r.due for r in self.requests.values()]
        assert ringing == (["acme"] if due and not self.paused else [])

    @invariant()
    def nothing_is_lost(self) -> None:
        for known in self.expenses.values():
            assert known.due is not None or known.state not in states.MOVING
            assert known.due is not None or known.lease is None
            assert known.due is None or known.state not in (states.IGNORED, states.UNDONE)

    @invariant()
    def what_is_done_stands_at_the_ledger(self) -> None:
        for known in self.expenses.values():
            assert known.state != states.DONE or known.bill in states.MADE

    @invariant()
    def what_may_stand_there_has_a_live_request(self) -> None:
        for known in self.expenses.values():
            if known.bill in states.OPEN:
                assert known.request is not None
                assert self.requests[known.request].state != states.SETTLED


def _due(due_at: dt.datetime | None, soon: dt.datetime) -> str | None:
    if due_at is None:
        return None
    return NOW if due_at <= soon else LATER


def test_whatever_the_order_nothing_is_lost_and_nothing_made_twice(
    database: Database, company: Company
) -> None:
    run_state_machine_as_test(
        lambda: Moves(database, company),  # type: ignore[arg-type]  # it calls this without arguments
        settings=settings(
            max_examples=24 if database.is_sqlite else 8,
            stateful_step_count=30,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate, Phase.shrink),
        ),
    )
