"""The order of events for a batch of expenses, list in and list out:

read afresh → gate → decide → contacts → plan → commit the plan → send bills → record → send payments →
record.

Nothing is sent inside a database transaction, and one expense's trouble never stops its neighbours.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from errors import Held, NeedsAttention, Paused, RateLimited, Retryable, Skipped, Trouble
from mappers import documents as words
from mappers.connectwise import fingerprint, to_entry
from mappers.gate import check_gate
from models import outbox as memory
from models import states
from models.claims import claim_expenses, finish_expenses
from models.companies import make_wait, pause_companies, spare_calls
from models.company import Company
from models.expense import Document, Expense
from models.handling import gate_then
from models.history import note_steps
from models.receipts import expect_receipts
from workers.case import Case, each, record
from workers.contacts import forget_contact
from workers.endings import changed, done, ending_of, is_as_recorded, parked, verdict_on, what_changed
from workers.outbox import Outbox, Sending, plan_of
from workers.planning import again_with_newer, plan_cases
from workers.policy import Verdict, is_bug
from workers.reading import read_entries, read_reports
from workers.settling import (
    claims_in_doubt,
    fill_in_what_is_settled,
    look_before_paying,
    move_into_open_books,
    take_newer_account,
    total_trouble,
)
from workers.work import Work

JOB_SECONDS = 15.0  # then ring again: no company holds a worker for long
LAG_SECONDS = 5.0  # an entry that ConnectWise doesn't show yet

LOST_CONTACT = frozenset(("contact_archived", "contact_missing"))


class Posting:
    """Posts the due expenses of one company."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._outbox = Outbox(
            work.database,
            company_id=work.company_id,
            tenant=work.settings.ledger.tenant_id or work.key,
            lease=work.lease,
            lease_seconds=work.lease_seconds,
            books=work.books,
            use=work.use_ledger,
            offline=work.offline_ledger(),
        )
        self._bugs: list[Exception] = []
        self.has_receipts = False  # something was posted whose receipts must be looked for

    def run(self) -> bool:
        """Takes up open requests, then posts up to a few batches. True when more is due.

        Raises the first bug met, after every expense has its ending: RQ's failed registry keeps it.
        """
        more = self._run_batches()
        bugs = self._bugs + self._outbox.bugs
        if bugs:
            raise bugs[0]
        return more

    def _run_batches(self) -> bool:
        try:
            self._outbox.recover()
        except (Retryable, Paused) as trouble:
            self._tell_company(trouble)
            return False
        started = time.monotonic()
        while time.monotonic() - started < JOB_SECONDS:
            expenses = self._claim()
            if not expenses:
                return False
            self._run_batch(expenses)
        return True

    def _claim(self) -> list[Expense]:
        work = self._work
        spare_until = work.spare_until()
        with work.database.write() as session:
            now = work.database.now(session)
            company = session.get_one(Company, work.company_id, populate_existing=True)
            if company.paused_at or (company.wait_until and company.wait_until > now):
                return []
            spare_calls(company, until=spare_until)
            return claim_expenses(
                session,
                work.company_id,
                now=now,
                lease=work.lease,
                seconds=work.lease_seconds,
                urgent_only=spare_until is not None,
            )

    def _run_batch(self, expenses: list[Expense]) -> None:
        cases = [Case(expense) for expense in expenses]
        try:
            self._post(cases)
        except Exception as error:
            for case in cases:
                if case.is_open:
                    case.trouble = error
        self._finish(cases)

    def _post(self, cases: list[Case]) -> None:
        self._load_documents(cases)
        self._park_uncertain(cases)
        self._read(cases)
        each(cases, self._compare_with_posted, begun=True)
        plan_cases(self._work, self._outbox, [c for c in cases if c.is_open and not c.has_begun])
        self._send(cases)
        self._send_what_met_closed_books(cases)

    # -- reading ---------------------------------------------------------------------------------------

    def _load_documents(self, cases: Sequence[Case]) -> None:
        if not cases:
            return
        with self._work.database.read() as session:
            found = memory.documents_of(session, [case.expense.id for case in cases])
        for case in cases:
            case.documents = found[case.expense.id]

    def _park_uncertain(self, cases: Sequence[Case]) -> None:
        """Expenses with a document whose outcome is open wait until its request has been taken up."""
        waiting = [c for c in cases if any(d.state in states.OPEN for d in c.documents)]
        if not waiting:
            return
        with self._work.database.read() as session:
            due = memory.requests_due(session, [d for c in waiting for d in c.documents])
            now = self._work.database.now(session)
        for case in waiting:
            case.verdict = parked(case, due, now=now)

    def _read(self, cases: Sequence[Case]) -> None:
        """Reads entries and reports afresh: a callback has no authority over amounts or approval."""
        wanted = [case for case in cases if case.is_open]
        if not wanted:
            return
        raw = read_entries(self._work.connectwise, [case.expense.entry_id for case in wanted])
        for case in wanted:
            case.raw = raw.get(case.expense.entry_id)
        each(wanted, self._take_in)
        together = [case for case in wanted if case.is_open]
        try:
            self._read_reports(*together)
        except Trouble:
            raise
        except Exception:  # a report that can't be read stops its own expenses, not their neighbours
            each(together, self._read_reports)

    def _read_reports(self, *cases: Case) -> None:
        entries = [case.entry for case in cases if case.entry]
        reports = read_reports(self._work.connectwise, entries, settings=self._work.settings)
        for case in cases:
            case.report = reports.get(case.entry.report_id or 0) if case.entry else None

    def _take_in(self, case: Case) -> None:
        if case.raw is None or case.expense.deleted:
            raise self._gone(case)
        case.entry = to_entry(case.raw)

    def _gone(self, case: Case) -> Exception:
        if case.has_begun:
            return changed("It was deleted in ConnectWise after it was posted.")
        if case.raw is None and not case.expense.deleted and case.expense.attempts == 0:
            return Retryable("ConnectWise doesn't show this entry (yet).", after=LAG_SECONDS)
        return Skipped("It was deleted in ConnectWise before anything was posted.")

    def _compare_with_posted(self, case: Case) -> None:
        """An expense with documents at the ledger must still be what was posted."""
        assert case.entry is not None
        try:
            check_gate(case.entry, case.report, settings=self._work.settings)
        except (Held, Skipped) as gate:
            if gate_then(case.documents) is None:  # else a person was ahead of it, with a bill of their own
                raise changed(f"After it was posted: {gate.why}") from None
        if fingerprint(case.entry) != case.expense.fingerprint:
            raise changed(what_changed(case))
        case.begun_before = True
        case.is_recorded = is_as_recorded(case)
        if all(d.state in states.MADE for d in case.documents) and not claims_in_doubt(case):
            case.verdict = done(case)

    # -- sending ---------------------------------------------------------------------------------------

    def _send(self, cases: Sequence[Case]) -> None:
        self._load_documents([case for case in cases if case.is_open])
        self._send_stage(cases, words.CLAIMS)
        self._load_documents([case for case in cases if case.is_open])
        look_before_paying(self._work, cases)
        self._send_what_settles(cases, (words.JOURNAL,))
        self._send_what_settles(cases, words.MONEY)

    def _send_what_met_closed_books(self, cases: Sequence[Case]) -> None:
        """Books closed after we last read their lock dates: what was refused for that follows the company's
        policy like all else."""
        late = [c for c in cases if getattr(c.trouble, "cause", None) == "closed_period" and _refused(c)]
        if not late:
            return
        self._work.books(fresh=True)
        for case in late:
            case.trouble = None
        self._load_documents(late)
        plan_cases(self._work, self._outbox, [case for case in late if not case.has_begun])
        self._send(late)

    def _send_stage(self, cases: Sequence[Case], kinds: Sequence[str]) -> bool:
        rows = self._to_send(cases, kinds)
        self._absorb(cases, self._outbox.send(rows, self._work.offline_ledger().calls))
        return bool(rows)

    def _send_what_settles(self, cases: Sequence[Case], kinds: Sequence[str]) -> None:
        waiting = [case for case in cases if self._to_send([case], kinds)]
        each(waiting, partial(take_newer_account, self._work))
        each(waiting, fill_in_what_is_settled)
        move = partial(move_into_open_books, self._work)
        each(waiting, move)
        begun = [case for case in waiting if case.begun_before]
        again_with_newer(begun, {"closed_period"}, lambda: self._work.books(fresh=True), move)
        if self._send_stage(waiting, kinds):
            self._load_documents([case for case in waiting if case.is_open])

    def _to_send(self, cases: Sequence[Case], kinds: Sequence[str]) -> list[Document]:
        loose = (states.PLANNED, states.FAILED)
        return [
            document
            for case in cases
            if case.is_open
            for document in case.documents
            if document.kind in kinds and document.state in loose
        ]

    def _absorb(self, cases: Sequence[Case], sending: Sending) -> None:
        for case in cases:
            for document in case.documents:
                result = sending.results.get(document.marker)
                trouble = sending.troubles.get(document.marker)
                if trouble is not None and case.is_open:
                    case.trouble = trouble
                    self._forget_lost_contact(document, trouble)
                elif result is not None and result.outcome == "posted":
                    case.notes.append(f"posted: {document.kind} {document.number} ({result.status})")
                    if case.is_open:
                        case.trouble = total_trouble(document, result)

    def _forget_lost_contact(self, document: Document, trouble: Exception) -> None:
        """A remembered contact that was archived or merged since is looked up anew by the next try."""
        if getattr(trouble, "cause", None) in LOST_CONTACT:
            with self._work.database.write() as session:
                forget_contact(session, self._work.company_id, plan_of(document).contact)

    # -- ending ----------------------------------------------------------------------------------------

    def _finish(self, cases: Sequence[Case]) -> None:
        work = self._work
        for trouble in {id(c.trouble): c.trouble for c in cases if c.trouble is not None}.values():
            if is_bug(trouble):
                self._bugs.append(trouble)
            self._tell_company(trouble)

        def finish(session: Session, some: Sequence[Case]) -> None:
            now = work.database.now(session)
            verdicts = {case.expense.id: verdict_on(work, case, now=now) for case in some}
            endings = [ending_of(case, verdicts[case.expense.id]) for case in some]
            finish_expenses(session, endings, lease=work.lease, now=now)
            self._expect_receipts(session, some, verdicts, now=now)
            steps = [
                (case.expense.id, step) for case in some for step in _steps(case, verdicts[case.expense.id])
            ]
            note_steps(session, steps, company_id=work.company_id, at=now)

        before = {id(case.trouble) for case in cases}
        record(work.database, cases, finish)
        for case in cases:
            if case.trouble is not None and id(case.trouble) not in before:
                self._bugs.append(case.trouble)
                case.entry, case.decision, case.verdict, case.notes = None, None, None, []
                record(work.database, [case], finish)

    def _expect_receipts(
        self, session: Any, cases: Sequence[Case], verdicts: dict[int, Verdict], *, now: dt.datetime
    ) -> None:
        if not self._work.settings.expenses.attach_receipts:
            return
        posted = [
            case.expense.id
            for case in cases
            if verdicts[case.expense.id].state == states.DONE and case.expense.state != states.DONE
        ]
        expect_receipts(session, posted, now=now)
        self.has_receipts = self.has_receipts or bool(posted)

    def _tell_company(self, trouble: Exception | None) -> None:
        """A lost connection pauses the whole company; a 429 makes it wait."""
        work = self._work
        which = Company.id == work.company_id
        with work.database.write() as session:
            now = work.database.now(session)
            if isinstance(trouble, Paused):
                pause_companies(session, which, why=str(trouble), now=now)
            elif isinstance(trouble, RateLimited):
                if trouble.scope == "app":
                    which = Company.provider == work.settings.ledger.provider
                until = now + dt.timedelta(seconds=max(1.0, trouble.after or 0))
                make_wait(session, which, until=until, why=str(trouble))


def _refused(case: Case) -> bool:
    """Whether the ledger itself refused a document of this expense."""
    return isinstance(case.trouble, NeedsAttention)


def _steps(case: Case, verdict: Verdict) -> list[str]:
    """What the expense's story tells of this run."""
    if (verdict.state, verdict.why) == (case.expense.state, case.expense.why):
        return case.notes
    return [*case.notes, f"{verdict.state}: {verdict.why or ''}".rstrip(": ")]
