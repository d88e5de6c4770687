"""The order of events for a batch of expenses, list in and list out:

read afresh → gate → decide → contacts → plan → commit the plan → send bills → record → send payments →
record.

Nothing is sent inside a database transaction, and one expense's trouble never stops its neighbours.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from errors import Held, NeedsAttention, Paused, RateLimited, Retryable, Skipped, Trouble, Wait
from mappers import documents as words
from mappers.accounts import check_account_currency, check_can_pay, find_account
from mappers.changes import describe_changes
from mappers.closed_period import on_open_day
from mappers.connectwise import fingerprint, to_entry
from mappers.decision import Decision, decide
from mappers.entry import Entry, Report
from mappers.exact import parse, to_bytes
from mappers.gate import check_gate
from mappers.money import format_money
from mappers.plan import explain
from mappers.plan import plan as plan_documents
from models import outbox as memory
from models import states
from models.claims import BATCH, Ending, claim_expenses, finish_expenses, record_reading, renew_lease
from models.companies import make_wait, pause_companies
from models.company import Company
from models.expense import Document, Expense
from models.history import note
from models.receipts import expect_receipts
from workers.contacts import Contacts, forget_contact
from workers.outbox import Outbox, Sending, plan_of, plan_text
from workers.policy import Verdict, is_bug, judge
from workers.reading import read_entries, read_reports
from workers.work import Work

BATCHES, JOB_SECONDS = 6, 120.0  # then ring again: no company holds a worker for long
FRESH_SECONDS = 60  # how long what a ledger said is due may be trusted
LAG_SECONDS = 5.0  # an entry that ConnectWise doesn't show yet

# Troubles that newer reference data may cure.
STALE_BOOKS = frozenset(
    ("account_unknown", "account_archived", "account_cannot_pay", "account_cannot_be_coded", "tax_unmapped",
     "tax_unknown", "currency_missing", "tracking_unmapped", "closed_period")
)  # fmt: skip
LOST_CONTACT = frozenset(("contact_archived", "contact_missing"))
STALE_SITE = frozenset(("classification_unknown", "payment_type_unknown", "expense_type_unmapped"))

DATABASE_AWAY = (OperationalError, InterfaceError)

log = structlog.get_logger(__name__)


@dataclass
class Case:
    """One expense of the batch on its way."""

    expense: Expense
    documents: list[Document] = field(default_factory=list)
    raw: dict[str, Any] | None = None
    entry: Entry | None = None
    decision: Decision | None = None
    trouble: Exception | None = None
    verdict: Verdict | None = None  # an ending that needs no judging
    notes: list[str] = field(default_factory=list)
    begun_before: bool = False  # documents of an earlier run stand at the ledger

    @property
    def is_open(self) -> bool:
        """Whether this expense still goes on to the next step."""
        return self.trouble is None and self.verdict is None

    @property
    def has_begun(self) -> bool:
        """Whether a document of it exists at the ledger."""
        return any(d.state in states.MADE for d in self.documents)


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
        for _ in range(BATCHES):
            expenses = self._claim()
            if not expenses:
                return False
            self._run_batch(expenses)
            if time.monotonic() - started > JOB_SECONDS:
                break
        return True

    def _claim(self) -> list[Expense]:
        work = self._work
        with work.database.write() as session:
            now = work.database.now(session)
            company = session.get_one(Company, work.company_id, populate_existing=True)
            if company.paused_at or (company.wait_until and company.wait_until > now):
                return []
            return claim_expenses(
                session, work.company_id, now=now, lease=work.lease, seconds=work.lease_seconds, limit=BATCH
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
        self._each(cases, self._compare_with_posted, begun=True)
        fresh = [case for case in cases if case.is_open and not case.has_begun]
        self._decide_and_plan(fresh)
        self._send(cases)
        self._send_what_met_closed_books(cases)

    # -- reading ---------------------------------------------------------------------------------------

    def _load_documents(self, cases: Sequence[Case]) -> None:
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
            case.verdict = _parked(case, due, now=now)

    def _read(self, cases: Sequence[Case]) -> None:
        """Reads entries and reports afresh: a callback has no authority over amounts or approval."""
        wanted = [case for case in cases if case.is_open]
        if not wanted:
            return
        raw = read_entries(self._work.connectwise, [case.expense.entry_id for case in wanted])
        for case in wanted:
            case.raw = raw.get(case.expense.entry_id)
        self._each(wanted, self._take_in)
        self._reports: dict[int, Report] = {}
        together = [case for case in wanted if case.is_open]
        try:
            self._read_reports(*together)
        except Trouble:
            raise
        except Exception:  # a report that can't be read stops its own expenses, not their neighbours
            self._each(together, self._read_reports)

    def _read_reports(self, *cases: Case) -> None:
        entries = [case.entry for case in cases if case.entry]
        self._reports |= read_reports(self._work.connectwise, entries, settings=self._work.settings)

    def _take_in(self, case: Case) -> None:
        if case.raw is None or case.expense.deleted:
            raise self._gone(case)
        case.entry = to_entry(case.raw)

    def _gone(self, case: Case) -> Exception:
        if case.has_begun:
            return _changed("It was deleted in ConnectWise after it was posted.")
        if case.raw is None and not case.expense.deleted and case.expense.attempts == 0:
            return Retryable("ConnectWise doesn't show this entry (yet).", after=LAG_SECONDS)
        return Skipped("It was deleted in ConnectWise before anything was posted.")

    def _gate(self, entry: Entry) -> None:
        report = self._reports.get(entry.report_id) if entry.report_id is not None else None
        check_gate(entry, report, settings=self._work.settings)

    def _compare_with_posted(self, case: Case) -> None:
        """An expense with documents at the ledger must still be what was posted."""
        assert case.entry is not None
        try:
            self._gate(case.entry)
        except (Held, Skipped) as gate:
            raise _changed(f"After it was posted: {gate.why}") from None
        if fingerprint(case.entry) != case.expense.fingerprint:
            raise _changed(_what_changed(case))
        case.begun_before = True
        if all(d.state in states.MADE for d in case.documents) and not _claims_in_doubt(case):
            case.verdict = _done(case)

    # -- deciding and planning -------------------------------------------------------------------------

    def _decide_and_plan(self, cases: list[Case]) -> None:
        if not cases:
            return
        self._each(cases, self._decide)
        self._again_with_newer(cases, STALE_SITE, lambda: self._work.site(fresh=True), self._decide)
        contacts = Contacts(self._work, self._outbox)
        self._find_contacts(contacts, [case for case in cases if case.is_open])
        plans: dict[int, tuple[words.Document, ...]] = {}

        def plan(case: Case) -> None:
            made = plans[case.expense.id] = self._plan(case, contacts)
            assert case.entry is not None
            assert case.decision is not None
            case.decision = replace(case.decision, why=explain(case.entry, case.decision, made))

        self._each(cases, plan)
        self._again_with_newer(cases, STALE_BOOKS, lambda: self._work.books(fresh=True), plan)
        self._commit_plans([case for case in cases if case.is_open], plans)

    def _find_contacts(self, contacts: Contacts, cases: Sequence[Case]) -> None:
        try:
            contacts.resolve(cases)
        except DATABASE_AWAY:
            raise
        except Exception:  # a name that can't be kept stops its own expenses, not their neighbours
            self._each(cases, lambda case: contacts.resolve([case]))

    def _decide(self, case: Case) -> None:
        assert case.entry is not None
        self._gate(case.entry)
        case.decision = decide(case.entry, settings=self._work.settings, site=self._work.site())

    def _plan(self, case: Case, contacts: Contacts) -> tuple[words.Document, ...]:
        assert case.entry is not None
        assert case.decision is not None
        return plan_documents(
            case.entry,
            case.decision,
            contact=contacts.of(case.entry),
            settings=self._work.settings,
            books=self._work.books(),
            posting=case.expense.posting,
            traits=self._work.traits,
            force_approved=case.expense.approved == fingerprint(case.entry),
        )

    def _again_with_newer(
        self, cases: Iterable[Case], causes: Collection[str], refresh: Any, step: Any
    ) -> None:
        """What reference data of an hour ago made impossible is tried once more with data of now."""
        stale = [
            case for case in cases if getattr(case.trouble, "cause", None) in causes and not _is_routine(case)
        ]
        if not stale:
            return
        refresh()
        for case in stale:
            case.trouble = None
        self._each(stale, step)

    def _commit_plans(self, cases: list[Case], plans: dict[int, tuple[words.Document, ...]]) -> None:
        def commit(session: Session, some: Sequence[Case]) -> None:
            now = self._work.database.now(session)
            ours = renew_lease(session, lease=self._work.lease, now=now, seconds=self._work.lease_seconds)
            for case in some:
                if case.expense.id not in ours:
                    raise Wait("The lease ran out while the batch was being prepared.", after=1)
                planned = [_planned(d, position) for position, d in enumerate(plans[case.expense.id])]
                memory.save_plan(
                    session,
                    company_id=self._work.company_id,
                    expense_id=case.expense.id,
                    planned=planned,
                    now=now,
                )
                record_reading(session, case.expense.id, _seen(case), lease=self._work.lease)

        self._record(cases, commit)
        for case in cases:
            if case.is_open:
                made = plans[case.expense.id]
                case.notes.append("planned: " + ", ".join(_in_words(d) for d in made))
                if not self._work.traits.has_drafts and not all(d.approved for d in made):
                    case.verdict = _awaiting(case)

    def _record(self, cases: Sequence[Case], record: Callable[[Session, Sequence[Case]], None]) -> None:
        """In one transaction; when something of a case can't be recorded, each in one of its own, so that it
        stops alone."""
        try:
            with self._work.database.write() as session:
                record(session, cases)
        except DATABASE_AWAY:
            raise
        except Exception as error:
            if len(cases) == 1:
                cases[0].trouble = error
            else:
                for case in cases:
                    self._record([case], record)

    # -- sending ---------------------------------------------------------------------------------------

    def _send(self, cases: Sequence[Case]) -> None:
        self._load_documents([case for case in cases if case.is_open])
        self._send_stage(cases, words.CLAIMS)
        self._load_documents([case for case in cases if case.is_open])
        self._look_before_paying(cases)
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
        self._decide_and_plan([case for case in late if not case.has_begun])
        self._send(late)

    def _send_stage(self, cases: Sequence[Case], kinds: Sequence[str]) -> bool:
        rows = self._to_send(cases, kinds)
        self._absorb(cases, self._outbox.send(rows, self._work.offline_ledger().calls))
        return bool(rows)

    def _send_what_settles(self, cases: Sequence[Case], kinds: Sequence[str]) -> None:
        waiting = [case for case in cases if self._to_send([case], kinds)]
        self._each(waiting, self._take_newer_account)
        self._each(waiting, self._fill_in_what_is_settled)
        self._each(waiting, self._move_into_open_books)
        newer = {"closed_period"}, lambda: self._work.books(fresh=True), self._move_into_open_books
        self._again_with_newer([case for case in waiting if case.begun_before], *newer)
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
                        case.trouble = _total_trouble(document, result)

    def _forget_lost_contact(self, document: Document, trouble: Exception) -> None:
        """A remembered contact that was archived or merged since is looked up anew by the next try."""
        if getattr(trouble, "cause", None) in LOST_CONTACT:
            with self._work.database.write() as session:
                forget_contact(session, self._work.company_id, plan_of(document).contact)

    def _look_before_paying(self, cases: Sequence[Case]) -> None:
        """Reads bills anew that stood at the ledger before this run, or whose due amount we learnt too long
        ago to pay upon: somebody may have paid, voided or mended them."""
        with self._work.database.read() as session:
            now = self._work.database.now(session)
        oldest = now - dt.timedelta(seconds=FRESH_SECONDS)
        stale = [
            claim
            for case in cases
            if case.is_open
            for claim in _claims_to_look_at(case)
            if case.begun_before or claim.seen_at is None or claim.seen_at < oldest
        ]
        if not stale:
            return
        plans = {claim.marker: plan_of(claim) for claim in stale}
        found = self._work.use_ledger(lambda ledger: ledger.look_up(list(plans.values())))
        for case in cases:
            for claim in _claims_to_look_at(case):
                if case.is_open and claim.marker in plans:
                    hits = [h for h in found.get(claim.marker, ()) if h.remote_id == claim.remote_id]
                    case.trouble = _claim_trouble(claim, hits, to_settle=claim in _claims_to_settle(case))
                    claim.due = hits[0].due if hits else None

    def _fill_in_what_is_settled(self, case: Case) -> None:
        made = {document.kind: document for document in case.documents if document.state in states.MADE}
        for document in case.documents:
            plan = plan_of(document)
            if plan.settles is None or document.state in states.MADE:
                continue
            claim = made[plan.settles]
            assert claim.remote_id is not None
            if claim.due is not None and claim.due != plan.clears:
                raise _settled_already(claim)
            also = made.get(plan.also_settles or "")
            document.plan = plan_text(plan.settling(claim.remote_id, also=also.remote_id if also else None))

    def _take_newer_account(self, case: Case) -> None:
        """A refused payment goes by the rule as it is now: naming another account there is what cures it."""
        refused = [d for d in case.documents if d.kind in words.MONEY and d.state == states.FAILED]
        for document in refused if case.begun_before else ():
            assert case.entry is not None
            planned, books = plan_of(document), self._work.books()
            decision = decide(case.entry, settings=self._work.settings, site=self._work.site())
            if planned.settles is None or decision.money != document.kind or not decision.account:
                continue
            if planned.also_settles is not None:  # a payment of nothing, from no account
                continue
            account = find_account(books, decision.account)
            if account.id != planned.account:
                check_can_pay(account, traits=self._work.traits)
                check_account_currency(account, books=books, currency=planned.currency, converts=True)
                moved = replace(
                    planned, account=account.id, account_name=account.name, account_type=account.type
                )
                document.plan = plan_text(moved)
                document.account, case.decision = account.name, decision

    def _move_into_open_books(self, case: Case) -> None:
        """The books may have been closed since the payment was planned."""
        for document in case.documents:
            if document.kind not in words.CLAIMS and document.state not in states.MADE:
                planned = plan_of(document)
                moved = on_open_day(planned, settings=self._work.settings, books=self._work.books())
                if moved.date != planned.date:
                    document.plan = plan_text(moved)
                    case.notes.append(f"moved: {document.kind} from {planned.date} to {moved.date}")

    # -- ending ----------------------------------------------------------------------------------------

    def _each(self, cases: Iterable[Case], step: Any, *, begun: bool | None = None) -> None:
        """Runs a step for every case still open; its trouble is its own."""
        for case in cases:
            if case.is_open and (begun is None or case.has_begun == begun):
                try:
                    step(case)
                except Exception as error:
                    case.trouble = error

    def _finish(self, cases: Sequence[Case]) -> None:
        work = self._work
        for trouble in {id(c.trouble): c.trouble for c in cases if c.trouble is not None}.values():
            if is_bug(trouble):
                self._bugs.append(trouble)
            self._tell_company(trouble)

        def finish(session: Session, some: Sequence[Case]) -> None:
            now = work.database.now(session)
            verdicts = {case.expense.id: self._verdict(case, now=now) for case in some}
            endings = [_ending(case, verdicts[case.expense.id]) for case in some]
            finish_expenses(session, endings, lease=work.lease, now=now)
            self._expect_receipts(session, some, verdicts, now=now)
            for case in some:
                self._note(session, case, verdicts[case.expense.id], now=now)

        before = {id(case.trouble) for case in cases}
        self._record(cases, finish)
        for case in cases:
            if case.trouble is not None and id(case.trouble) not in before:
                self._bugs.append(case.trouble)
                case.entry, case.decision, case.verdict, case.notes = None, None, None, []
                self._record([case], finish)

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

    def _verdict(self, case: Case, *, now: dt.datetime) -> Verdict:
        if case.verdict is not None:
            return case.verdict
        if case.trouble is None:
            return _done(case)
        if isinstance(case.trouble, _Changed):
            return Verdict(state=states.CHANGED, cause="changed_after_posting", why=case.trouble.why,
                           to_do=case.trouble.to_do)  # fmt: skip
        return judge(
            case.trouble,
            now=now,
            attempts=case.expense.attempts,
            schedule=self._work.retry_schedule,
            subject=f"{self._work.key}/{case.expense.entry_id}",
        )

    def _note(self, session: Any, case: Case, verdict: Verdict, *, now: dt.datetime) -> None:
        texts = list(case.notes)
        if (verdict.state, verdict.why) != (case.expense.state, case.expense.why):
            texts.append(f"{verdict.state}: {verdict.why or ''}".rstrip(": "))
        for text in texts:
            what, _, rest = text.partition(": ")
            note(session, company_id=self._work.company_id, expense_id=case.expense.id, at=now,
                 actor="worker", what=what, text=rest)  # fmt: skip

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


def _is_routine(case: Case) -> bool:
    """Held, and looked at again by a sweep: that must not cost the day's calls to the ledger."""
    return case.expense.state == states.HELD


def _refused(case: Case) -> bool:
    """Whether the ledger itself refused a document of this expense."""
    return isinstance(case.trouble, NeedsAttention)


class _Changed(NeedsAttention):
    """Edited or un-approved in ConnectWise after it was posted."""


def _changed(why: str) -> _Changed:
    return _Changed("changed_after_posting", why, "Undo what was posted or change it back in ConnectWise.")


def _what_changed(case: Case) -> str:
    assert case.entry is not None
    before = to_entry(parse(case.expense.entry.encode())) if case.expense.entry else None
    return f"It was edited in ConnectWise after it was posted: {describe_changes(before, case.entry)}."


def _parked(case: Case, due: Any, *, now: dt.datetime) -> Verdict:
    times = [due.get(d.request_id) for d in case.documents if d.state in states.OPEN]
    if any(time is None for time in times):
        return Verdict(
            state=states.NEEDS_ATTENTION,
            cause="unclear_at_ledger",
            why="What the ledger holds under this number is not equal to what was sent.",
            to_do="Compare the documents of this number in the ledger, remove the wrong one, then retry.",
        )
    soon = max([time for time in times if time is not None], default=now)
    return Verdict(
        state=states.UNCERTAIN,
        why="A document may or may not exist at the ledger; it is being looked up.",
        due_at=max(soon, now) + dt.timedelta(seconds=1),
        attempts=case.expense.attempts,
    )


def _awaiting(case: Case) -> Verdict:
    """A draft at a ledger that has none: kept here, in full, until a person approves it."""
    return Verdict(
        state=states.AWAITING_APPROVAL,
        why=case.decision.why if case.decision else None,
        to_do="Look at the documents; approve the expense, and they are posted.",
    )


def _done(case: Case) -> Verdict:
    why = case.decision.why if case.decision else case.expense.decision
    return Verdict(state=states.DONE, why=why)


def _ending(case: Case, verdict: Verdict) -> Ending:
    return Ending(
        expense_id=case.expense.id,
        signals=case.expense.signals,
        state=verdict.state,
        cause=verdict.cause,
        to_do=verdict.to_do,
        why=verdict.why,
        due_at=verdict.due_at,
        attempts=verdict.attempts,
        seen=_seen(case),
    )


def _seen(case: Case) -> dict[str, Any]:
    """The columns that show the entry as last read; what was posted stays what it was."""
    entry = case.entry
    if entry is None or isinstance(case.trouble, _Changed):
        return {}
    seen: dict[str, Any] = {
        "entry": to_bytes(case.raw).decode(),
        "member": entry.member,
        "payment_type": entry.payment_type or None,
        "classification": entry.classification or None,
        "expense_type": entry.expense_type,
        "amount": _amount(case, entry),
        "currency": entry.currency,
        "date": entry.date,
    }
    if case.decision is not None:
        seen |= {"rule": case.decision.rule, "decision": case.decision.why, "fingerprint": fingerprint(entry)}
    return seen


def _amount(case: Case, entry: Entry) -> Decimal | None:
    """The money: what was posted or decided. An entry's own amount may be a distance."""
    if case.decision is not None:
        return case.decision.amount
    return case.expense.amount if case.has_begun else entry.amount


def _planned(document: words.Document, position: int) -> memory.Planned:
    return memory.Planned(
        kind=document.kind,
        number=document.number,
        position=position,
        plan=plan_text(document),
        amount=document.amount,
        currency=document.currency,
        account=document.account_name,
    )


def _in_words(document: words.Document) -> str:
    draft = "" if document.approved else "draft "
    source = f" from {document.account_name}" if document.account_name else ""
    return f"{draft}{document.kind} {format_money(document.amount, document.currency)}{source}"


def _claims_to_settle(case: Case) -> list[Document]:
    """The posted bills and credit notes of this expense that a document still to be sent settles."""
    pending = [plan_of(d) for d in case.documents if d.state not in states.MADE]
    settles = {plan.settles for plan in pending}
    return [d for d in case.documents if d.kind in settles and d.state in states.MADE]


def _claims_in_doubt(case: Case) -> list[Document]:
    """Those of which the ledger said another amount than was sent."""
    claims = [d for d in case.documents if d.kind in words.CLAIMS and d.state in states.MADE]
    return [d for d in claims if d.due is not None and d.due != d.amount]


def _claims_to_look_at(case: Case) -> list[Document]:
    settled = _claims_to_settle(case)
    return settled + [claim for claim in _claims_in_doubt(case) if claim not in settled]


def _claim_trouble(claim: Document, hits: Sequence[words.Found], *, to_settle: bool) -> Exception | None:
    if not hits:
        return NeedsAttention(
            "bill_gone",
            f"{claim.number} was posted, and now the ledger has it voided or deleted.",
            "Undo the voiding in the ledger, or ignore this expense with a reason.",
        )
    if hits[0].amount != claim.amount:
        return _total_differs(claim, hits[0].amount)
    if not to_settle:
        return None
    if not hits[0].approved:
        return NeedsAttention(
            "bill_not_approved",
            f"{claim.number} is a draft at the ledger ({hits[0].status}), so it can't be paid.",
            "Approve it in the ledger, then retry.",
        )
    return _settled_already(claim) if hits[0].due != claim.amount else None


def _settled_already(claim: Document) -> NeedsAttention:
    return NeedsAttention(
        "already_settled",
        f"{claim.number} over {format_money(claim.amount, claim.currency)} has another amount due at the "
        "ledger: somebody paid, credited or changed it before we did.",
        "Look at the payments on it; remove the one that is wrong and retry, or ignore this expense.",
    )


def _total_trouble(document: Document, result: words.Result) -> Exception | None:
    if result.total is None or result.total == document.amount:
        return None
    return _total_differs(document, result.total)


def _total_differs(document: Document, total: Decimal) -> NeedsAttention:
    return NeedsAttention(
        "total_differs",
        f"{document.number} was sent as {format_money(document.amount, document.currency)}, and at the "
        f"ledger it is {format_money(total, document.currency)}.",
        "Compare both in the ledger; mend the tax code or the amount, then retry.",
    )
