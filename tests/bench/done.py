"""Ten thousand callbacks of work already done, through the worker, beside RQ draining jobs that do nothing.

Each callback is of another expense: the worker reads all of them from ConnectWise, in hundreds, compares them
with what was posted, and finds nothing to do. Both sides run the same class of worker, one process. Ten times
the same, and the worker's memory is that of a hundred thousand expenses.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

import psutil
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer
from sqlalchemy import func, insert, select

from bin.service import Service
from mappers.connectwise import fingerprint, to_entry
from mappers.documents import BILL, PAYMENT
from mappers.exact import to_bytes
from models import states
from models.companies import find_company
from models.expense import Document, Expense
from settings import read_settings
from tests.bench import report, servers
from tests.bench.overhead import Posting
from tests.bench.pretend import CREDENTIALS
from tests.world import NOON
from workers.reading import read_entries
from workers.wiring import Wiring

EXPENSES, PER_REPORT, JOBS = 10_000, 50, 2_000
ROUNDS = 10  # of memory
AT_ONCE = 500  # entries read, rows made
WHY = "jdoe pays Corporate Amex from Amex 1001 (rule 1)"
PATIENCE_SECONDS = 600.0


def run() -> None:
    """Measures on each kind of database. Raises Failed when an expense doesn't stay done."""
    rows, ratios = [], {}
    for kind in servers.KINDS:
        with (
            servers.database(kind) as url,
            servers.folder() as place,
            Service(place, CREDENTIALS | {"DATABASE_URL": url}) as service,
        ):
            posting = Posting(service, url)
            ids = _enter_done(posting, service)
            ours, bare = EXPENSES / _look_again(posting, ids), _drain(service)
            posting.database.engine.dispose()
        ratios[kind] = ours / bare
        rows += [[f"{kind}: callbacks of work done", f"{ours:.0f}"], [f"{kind}: bare RQ jobs", f"{bare:.0f}"]]
    report.table(f"done: {EXPENSES:,} callbacks, {JOBS:,} jobs, one worker", ("", "a second"), rows)
    for kind, ratio in ratios.items():
        report.verdict(f"callbacks of work done / bare RQ jobs, {kind}", ratio, at_least=20)


def run_for_memory() -> None:
    """A hundred thousand expenses through one worker: its memory, and that of its jobs, as they go by."""
    with (
        servers.database("sqlite") as url,
        servers.folder() as place,
        Service(place, CREDENTIALS | {"DATABASE_URL": url}) as service,
    ):
        posting = Posting(service, url)
        ids = _enter_done(posting, service)
        service.start("clock", sys.executable, "-m", "workers", "clock")  # ConnectWise's minute runs out
        rows: list[list[str]] = []
        sizes: list[float] = []
        for number in range(1, ROUNDS + 1):
            _look_again(posting, ids)
            worker = psutil.Process(posting.worker.pid)
            sizes.append(max(posting.largest_job, worker.memory_info().rss / 2**20))
            rows.append([f"{number * EXPENSES:,}", f"{worker.memory_info().rss / 2**20:.1f}",
                         f"{posting.largest_job:.1f}"])  # fmt: skip
            posting.largest_job = 0.0
        posting.database.engine.dispose()
    report.table("memory of the worker, MB", ("expenses", "worker", "its largest job"), rows)
    report.verdict(
        "worker's memory at the end / after a fifth", sizes[-1] / sizes[ROUNDS // 5 - 1], at_most=1.1
    )


def _enter_done(posting: Posting, service: Service) -> list[int]:
    """Expenses that are posted already, as ConnectWise and our tables would have them."""
    posting.post(PER_REPORT)  # the worker is warm then
    ids = posting.sandbox.enter(EXPENSES, per_report=PER_REPORT)
    posting.sandbox.approve(silent=True)
    _remember_as_done(posting, Wiring(read_settings(service.environ)), ids)
    return ids


def _look_again(posting: Posting, ids: Sequence[int]) -> float:
    """Seconds from the bell until a callback about each was found to change nothing. That they came and were
    stored is not in it, as enqueueing is not in the bare jobs' time."""
    with posting.database.read() as session:
        before = session.scalar(select(func.sum(Expense.signals))) or 0
    posting.wake(list(ids))
    began = time.monotonic()
    posting.ring()
    posting.wait_until_done()
    seconds = time.monotonic() - began
    with posting.database.read() as session:
        after = session.scalar(select(func.sum(Expense.signals))) or 0
    report.check("expenses looked at again", after - before, len(ids))
    return seconds


def _remember_as_done(posting: Posting, wiring: Wiring, ids: Sequence[int]) -> None:
    """The rows that posting them would have left."""
    connectwise = wiring.work("acme").connectwise
    for start in range(0, len(ids), AT_ONCE):
        raws = read_entries(connectwise, list(ids[start : start + AT_ONCE]))
        entries = [to_entry(raw) for raw in raws.values()]
        read = {number: to_bytes(raw).decode() for number, raw in raws.items()}
        with posting.database.write() as session:
            company = find_company(session, "acme").id
            same = {"company_id": company, "created_at": NOON, "updated_at": NOON}
            expenses = [
                same
                | {"entry_id": e.id, "entry": read[e.id], "fingerprint": fingerprint(e)}
                | {"state": states.DONE, "why": WHY, "decision": WHY, "rule": 1}
                | {"member": e.member, "payment_type": e.payment_type, "expense_type": e.expense_type}
                | {"classification": e.classification, "amount": e.amount, "currency": e.currency}
                | {"date": e.date}
                for e in entries
            ]
            made = session.execute(insert(Expense).returning(Expense.id, Expense.entry_id), expenses).all()
            paper = same | {"plan": "{}", "amount": entries[0].amount, "currency": "AUD"}
            paper |= {"state": states.POSTED}
            documents = [
                paper | {"expense_id": expense_id, "kind": kind, "number": f"CW-{entry_id}"}
                for expense_id, entry_id in made
                for kind in (BILL, PAYMENT)
            ]
            session.execute(insert(Document), documents)
    wiring.database.engine.dispose()


def _drain(service: Service) -> float:
    """Jobs a second that the same class of worker drains when they do nothing."""
    with Redis.from_url(service.environ["REDIS_URL"]) as connection:
        queue = Queue("bare", connection=connection, serializer=JSONSerializer)
        for _ in range(JOBS):
            queue.enqueue("tests.bench.bare.do_nothing", result_ttl=0)
        began = time.monotonic()
        bare = service.start("bare", sys.executable, "-m", "tests.bench.bare")
        bare.wait(PATIENCE_SECONDS)
        seconds = time.monotonic() - began
        report.check("jobs left", queue.count, 0)
    return JOBS / seconds
