"""The clock rings for what is due, once, however many clocks there are."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from sqlalchemy import create_engine, update
from structlog.testing import capture_logs

from models.company import Company
from models.database import Database
from models.expense import Expense, Request, Tick
from models.inbox import store_messages
from tests.world import message
from workers.clock import Clock
from workers.queues import ATTACH_RECEIPTS, CARE_FOR_COMPANY, LOOK_FOR_ALERTS, POST_EXPENSES, SWEEP_COMPANY


@dataclass
class Rings:
    """A bell that only remembers; `works` is whether Redis does."""

    works: bool = True
    rung: list[tuple[str, str]] = field(default_factory=list)

    def ring(self, company: str, *, job: str = POST_EXPENSES) -> bool:
        if self.works:
            self.rung.append((company, job.rpartition(".")[2]))
        return self.works

    @property
    def for_acme(self) -> list[str]:
        return [job for company, job in self.rung if company == "acme"]


def clock(database: Database, bell: Rings, *, sweep_seconds: int = 300) -> Clock:
    return Clock(database, bell, sweep_seconds=sweep_seconds)  # type: ignore[arg-type]


def name(job: str) -> str:
    return job.rpartition(".")[2]


def later(database: Database, seconds: int) -> None:
    """Time passes for every tick and every round."""
    with database.write() as session:
        then = database.now(session) - dt.timedelta(seconds=seconds)
        session.execute(update(Tick).values(until=then))


def test_a_lost_bell_is_rung_within_one_tick(database: Database, company: Company) -> None:
    with database.write() as session:
        store_messages(session, [message(company)])
    bell = Rings()
    clock(database, bell).tick()
    assert ("acme", name(POST_EXPENSES)) in bell.rung


def test_an_open_request_whose_worker_died_is_rung_for(database: Database, company: Company) -> None:
    with database.write() as session:
        now = database.now(session)
        session.add(
            Request(company_id=company.id, operation="invoices", body=b"{}", markers="[]", key="k",
                    state="sent", first_sent_at=now, due_at=now)
        )  # fmt: skip
    bell = Rings()
    clock(database, bell).ring_bells()
    assert bell.rung == [("acme", name(POST_EXPENSES))]


def test_due_receipts_are_rung_for_on_their_own_queue(database: Database, company: Company) -> None:
    with database.write() as session:
        store_messages(session, [message(company)])
        now = database.now(session)
        session.execute(update(Expense).values(due_at=None, receipts_due_at=now))
    bell = Rings()
    clock(database, bell).ring_bells()
    assert bell.rung == [("acme", name(ATTACH_RECEIPTS))]


def test_two_clocks_ring_no_more_often_than_one(database: Database, company: Company) -> None:
    with database.write() as session:
        store_messages(session, [message(company)])
    bell = Rings()
    first, second = clock(database, bell), clock(database, bell)
    first.tick()
    second.tick()
    jobs = {("acme", name(job)) for job in (POST_EXPENSES, SWEEP_COMPANY, CARE_FOR_COMPANY)}
    assert sorted(bell.rung) == sorted({*jobs, ("*", name(LOOK_FOR_ALERTS))})


def test_another_clock_goes_on_when_the_first_has_died(database: Database, company: Company) -> None:
    with database.write() as session:
        store_messages(session, [message(company)])
    bell = Rings()
    clock(database, bell).tick()
    later(database, 1)
    bell.rung.clear()
    clock(database, bell).tick()
    assert bell.for_acme == [name(POST_EXPENSES)]


def test_a_round_is_not_lost_while_redis_is_away(database: Database, company: Company) -> None:
    bell = Rings(works=False)
    clock(database, bell).tick()
    bell.works = True
    later(database, 1)
    clock(database, bell).tick()
    assert ("acme", name(SWEEP_COMPANY)) in bell.rung


def test_each_company_is_swept_once_per_interval(database: Database, company: Company) -> None:
    bell = Rings()
    for _ in range(3):
        clock(database, bell, sweep_seconds=300).tick()
        later(database, 1)
    assert [job for _, job in bell.rung].count(name(SWEEP_COMPANY)) == 1


def test_for_a_paused_company_only_its_care_is_rung_for(database: Database, company: Company) -> None:
    with database.write() as session:
        store_messages(session, [message(company)])
        session.execute(update(Company).values(paused_at=database.now(session)))
    bell = Rings()
    clock(database, bell).tick()
    assert bell.for_acme == [name(CARE_FOR_COMPANY)]


def test_a_database_away_is_told_once_and_so_is_its_return(database: Database, company: Company) -> None:
    some = clock(database, Rings())
    there, away = database._writing, create_engine("sqlite:////nowhere/at/all").execution_options()
    with capture_logs() as told:
        database._writing = away
        for _ in range(3):
            some.tick()
        database._writing = there
        some.tick()
        some.tick()
    assert [line["event"] for line in told] == ["The database is away", "The database is there again"]
