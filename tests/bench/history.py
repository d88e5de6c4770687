"""What a claim, a callback and the pages cost with a thousand expenses of history and with a million."""

from __future__ import annotations

import datetime as dt
import statistics
import time
import uuid
from collections.abc import Callable, Mapping

from sqlalchemy import text

from models.claims import claim_expenses, companies_with_work
from models.company import Company
from models.database import Database
from models.inbox import Message, store_messages
from models.queries import Filter, list_causes, list_expenses
from tests.bench import report, servers
from tests.world import add_company

SMALL, LARGE = 1_000, 1_000_000
REPEATS = 60
BATCH = 50
FIRST_NEW = 10_000_000  # entry ids above all of history's

# 1 in 100 needs attention, the rest is done; one event each. The sequence is each database's own.
SERIES = {
    "sqlite": "(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < :rows)"
    " SELECT n FROM s)",
    "postgresql": "(SELECT generate_series(1, :rows) AS n)",
}
# Expense n was last changed n seconds before 2026, in the form that each database keeps instants in.
INSTANTS = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%S.000000', '2026-01-01', '-' || n || ' seconds')",
    "postgresql": "timestamptz '2026-01-01 00:00:00+00' - n * interval '1 second'",
}
EXPENSES = """
INSERT INTO expense (company_id, entry_id, state, cause, signals, deleted, attempts, posting, receipt_checks,
    entry, member, payment_type, classification, expense_type, amount, currency, created_at, updated_at)
SELECT :company, n, CASE WHEN n % 100 = 0 THEN 'needs_attention' ELSE 'done' END,
    CASE WHEN n % 100 = 0 THEN 'unmapped_expense_type' END, 1, :no, 0, 1, 0,
    '{"id": 1, "amount": 120.5, "notes": "lunch with a client, as every Thursday"}', 'jdoe', 'Corporate Amex',
    'NonReimbursable', 'Meals', 1205000, 'AUD', INSTANT, INSTANT
FROM SERIES AS numbers
"""
EVENTS = """
INSERT INTO event (company_id, message_id, type, action, entry_id, status, body, received_at)
SELECT :company, 'old-' || n, 'expense', 'updated', n, 'queued', :body, INSTANT FROM SERIES AS numbers
"""

Act = Callable[[], None]


def run() -> None:
    """Measures on both kinds of database, the small and the large one in turn. Raises Failed."""
    for kind in servers.KINDS:
        with servers.database(kind) as small_url, servers.database(kind) as large_url:
            small, large = History(small_url, SMALL), History(large_url, LARGE)
            costs = _measure(small, large)
            small.database.engine.dispose()
            large.database.engine.dispose()
        _print(kind, costs)


class History:
    """A company with so many expenses behind it."""

    def __init__(self, url: str, rows: int) -> None:
        self.database = Database(url)
        self.next_entry = FIRST_NEW
        self.rows = rows
        with self.database.write() as session:
            self.company: Company = add_company(session)
        self._fill(rows)

    def acts(self) -> Mapping[str, Act]:
        """What is measured, by name. A claim finds fifty due expenses, which `prepare` makes."""
        return {
            "claim of fifty": self.claim,
            "one callback": self.call_back,
            "clock's query": self.clock,
            "API: first page": self.page,
            "API: a page far down": self.far_page,
            "API: causes": self.causes,
        }

    def prepare(self) -> None:
        with self.database.write() as session:
            store_messages(session, [self._message() for _ in range(BATCH)])

    def claim(self) -> None:
        with self.database.write() as session:
            now = self.database.now(session)
            claimed = claim_expenses(session, self.company.id, now=now, lease=uuid.uuid4().hex, seconds=3600)
        report.check("expenses claimed", len(claimed), BATCH)

    def call_back(self) -> None:
        with self.database.write_at_once() as session:
            report.check("new callbacks", store_messages(session, [self._message()]), [True])

    def clock(self) -> None:
        with self.database.read() as session:
            companies_with_work(session, now=self.database.now(session))

    def page(self) -> None:
        with self.database.read() as session:
            list_expenses(session, self.company.id, Filter(), limit=50)

    def far_page(self) -> None:
        place = (dt.datetime(2026, 1, 1, tzinfo=dt.UTC) - dt.timedelta(seconds=self.rows // 2), 0)
        with self.database.read() as session:
            list_expenses(session, self.company.id, Filter(state="done"), limit=50, after=place)

    def causes(self) -> None:
        with self.database.read() as session:
            list_causes(session, self.company.id)

    def forget_due(self) -> None:
        """Nothing is due any more: the next claim finds what `prepare` makes, and only that."""
        with self.database.write() as session:
            session.execute(text("UPDATE expense SET due_at = NULL, lease = NULL WHERE due_at IS NOT NULL"))

    def _message(self) -> Message:
        self.next_entry += 1
        return Message(
            company_id=self.company.id,
            message_id=uuid.uuid4().hex,
            status="queued",
            body=b"x" * 900,
            type="expense",
            action="updated",
            entry_id=self.next_entry,
        )

    def _fill(self, rows: int) -> None:
        kind = "sqlite" if self.database.is_sqlite else "postgresql"
        with self.database.write() as session:
            for statement in (EXPENSES, EVENTS):
                made = statement.replace("SERIES", SERIES[kind]).replace("INSTANT", INSTANTS[kind])
                given = {"company": self.company.id, "rows": rows, "no": False, "body": b"x" * 200}
                session.execute(text(made), {k: v for k, v in given.items() if f":{k}" in made})
        with self.database.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))


def _measure(small: History, large: History) -> dict[str, tuple[float, float]]:
    """Median milliseconds of each act, with little and with much history."""
    times: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in small.acts()}
    for _ in range(REPEATS):
        for number, history in enumerate((small, large)):
            history.forget_due()
            history.prepare()
            for name, act in history.acts().items():
                times[name][number].append(_milliseconds(act))
    return {name: (statistics.median(a), statistics.median(b)) for name, (a, b) in times.items()}


def _milliseconds(act: Act) -> float:
    started = time.perf_counter()
    act()
    return (time.perf_counter() - started) * 1000


def _print(kind: str, costs: dict[str, tuple[float, float]]) -> None:
    report.table(
        f"history, {kind}: {REPEATS} times in turn, median ms",
        ("what", f"{SMALL:,} expenses", f"{LARGE:,} expenses", "ratio"),
        [[name, f"{a:.2f}", f"{b:.2f}", f"{b / a:.2f}"] for name, (a, b) in costs.items()],
    )
    for name in ("claim of fifty", "one callback"):
        few, many = costs[name]
        report.verdict(f"{name}, {kind}, a million / a thousand", many / few, at_most=1.3)
