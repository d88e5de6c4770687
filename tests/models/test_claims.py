"""Group commit: who gets which expenses, for how long, and how they are given back."""

from __future__ import annotations

import datetime as dt
import threading
import time
from typing import Any

import pytest
from sqlalchemy import select, text, update

from models import states
from models.actions import ignore_expense, retry_expense
from models.claims import Ending, claim_expenses, companies_with_work, finish_expenses, renew_lease
from models.companies import spare_calls
from models.company import Company
from models.database import Database
from models.expense import Expense
from models.inbox import store_messages
from tests.world import add_company, message


def fill(database: Database, company: Company, entries: int) -> None:
    with database.write() as session:
        store_messages(session, [message(company, entry_id) for entry_id in range(1, entries + 1)])


def claim(database: Database, company: Company, lease: str, **more: Any) -> list[Expense]:
    with database.write() as session:
        now = database.now(session)
        return claim_expenses(
            session, company.id, now=now, lease=lease, seconds=more.pop("seconds", 60), **more
        )


def ending(expense: Expense, **more: object) -> Ending:
    values: dict[str, object] = {"expense_id": expense.id, "signals": expense.signals, "state": states.DONE}
    return Ending(**(values | more))  # type: ignore[arg-type]


def test_a_claim_takes_a_hundred_at_most_and_shows_them_posting(database: Database, company: Company) -> None:
    fill(database, company, 110)
    assert len(claim(database, company, "a")) == 100
    assert len(claim(database, company, "b")) == 10
    with database.read() as session:
        assert set(session.scalars(select(Expense.state))) == {states.POSTING}


def test_no_row_is_ever_claimed_twice(database: Database, company: Company) -> None:
    fill(database, company, 120)
    taken: list[int] = []
    lock = threading.Lock()

    def work(lease: str) -> None:
        while rows := claim(database, company, lease, limit=7):
            with lock:
                taken.extend(row.entry_id for row in rows)

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(taken) == list(range(1, 121))


def test_a_claim_takes_no_more_than_its_limit_however_the_database_plans_it(
    database: Database, company: Company
) -> None:
    fill(database, company, 120)
    with database.write() as session:
        if not database.is_sqlite:
            for way in ("hashagg", "hashjoin", "mergejoin", "sort", "material", "indexscan", "bitmapscan"):
                session.execute(text(f"SET LOCAL enable_{way} = off"))
        now = database.now(session)
        taken = claim_expenses(session, company.id, now=now, lease="a", seconds=60, limit=7)
        assert len(taken) == 7


def test_a_row_stranded_by_a_dead_worker_becomes_due_by_itself(database: Database, company: Company) -> None:
    fill(database, company, 1)
    assert claim(database, company, "dead", seconds=-1)
    assert [row.entry_id for row in claim(database, company, "next")] == [1]


def test_a_callback_during_the_work_makes_the_row_due_again(database: Database, company: Company) -> None:
    fill(database, company, 1)
    [row] = claim(database, company, "a")
    with database.write() as session:
        store_messages(session, [message(company, 1)])
    with database.write() as session:
        finish_expenses(session, [ending(row)], lease="a", now=database.now(session))
    assert [row.entry_id for row in claim(database, company, "b")] == [1]


def test_without_a_callback_a_finished_row_rests(database: Database, company: Company) -> None:
    fill(database, company, 1)
    [row] = claim(database, company, "a")
    with database.write() as session:
        finish_expenses(session, [ending(row)], lease="a", now=database.now(session))
    assert claim(database, company, "b") == []


def test_a_worker_that_lost_its_lease_records_nothing(database: Database, company: Company) -> None:
    fill(database, company, 1)
    [row] = claim(database, company, "slow", seconds=-1)
    claim(database, company, "quick")
    with database.write() as session:
        finish_expenses(session, [ending(row)], lease="slow", now=database.now(session))
    with database.read() as session:
        assert session.scalars(select(Expense.state)).one() == states.POSTING


def test_renewing_tells_which_rows_are_still_ours(database: Database, company: Company) -> None:
    fill(database, company, 2)
    first, second = claim(database, company, "a")
    with database.write() as session:
        session.execute(update(Expense).where(Expense.id == second.id).values(lease="b"))
        now = database.now(session)
        assert renew_lease(session, lease="a", now=now, seconds=60) == {first.id}


def test_the_clock_rings_only_for_companies_that_have_work_and_may_work(database: Database) -> None:
    with database.write() as session:
        companies = {key: add_company(session, key=key) for key in ("busy", "idle", "paused", "waiting")}
        now = database.now(session)
        companies["paused"].paused_at = now
        companies["waiting"].wait_until = now + dt.timedelta(minutes=1)
        for key in ("busy", "paused", "waiting"):
            store_messages(session, [message(companies[key])])
    with database.read() as session:
        assert companies_with_work(session, now=database.now(session) + dt.timedelta(seconds=1)) == ["busy"]


def test_while_calls_are_spared_only_what_is_asked_for_or_begun_has_its_turn(
    database: Database, company: Company
) -> None:
    fill(database, company, 3)
    with database.write() as session:
        now = database.now(session) + dt.timedelta(seconds=1)
        spare_calls(session.get_one(Company, company.id), until=now + dt.timedelta(hours=1))
        assert companies_with_work(session, now=now) == []
        retry_expense(session, company, 1, actor="bo", now=now)
        session.execute(update(Expense).where(Expense.entry_id == 2).values(state=states.UNCERTAIN))
        assert companies_with_work(session, now=now) == ["acme"]
    time.sleep(1)
    assert [row.entry_id for row in claim(database, company, "a", urgent_only=True)] == [1, 2]
    assert [row.entry_id for row in claim(database, company, "b")] == [3]


def test_what_was_asked_for_stays_so_until_it_ends(database: Database, company: Company) -> None:
    fill(database, company, 1)
    with database.write() as session:
        retry_expense(session, company, 1, actor="bo", now=database.now(session))
    for state, is_asked in ((states.RETRYING, True), (states.NEEDS_ATTENTION, False)):
        [row] = claim(database, company, "a")
        with database.write() as session:
            now = database.now(session)
            finish_expenses(session, [ending(row, state=state, due_at=now)], lease="a", now=now)
        with database.read() as session:
            assert (session.get_one(Expense, row.id).asked_at is not None) == is_asked


def test_no_worker_claims_an_expense_while_a_person_ignores_it(database: Database, company: Company) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite has one writer at a time")
    fill(database, company, 1)
    with database.write() as session:
        now = database.now(session)
        ignore_expense(session, company, 1, reason="private", actor="bo", now=now)
        assert claim(database, company, "a") == []
    assert claim(database, company, "b") == []
