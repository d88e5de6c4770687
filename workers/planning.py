"""From an entry to its documents: decide, find contacts, plan, commit the plan before anything is sent."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy.orm import Session

from errors import Wait
from mappers import documents as words
from mappers.connectwise import fingerprint
from mappers.decision import decide
from mappers.gate import check_gate
from mappers.money import format_money
from mappers.plan import explain
from mappers.plan import plan as plan_documents
from models import outbox as memory
from models import states
from models.claims import record_readings, renew_lease
from models.history import note_steps
from workers.case import DATABASE_AWAY, Case, each, record
from workers.contacts import Contacts
from workers.endings import awaiting, columns_of
from workers.outbox import Outbox, plan_text
from workers.work import Work

# Troubles that newer reference data may cure.
STALE_BOOKS = frozenset(
    ("account_unknown", "account_archived", "account_cannot_pay", "account_cannot_be_coded", "tax_unmapped",
     "tax_unknown", "currency_missing", "tracking_unmapped", "closed_period")
)  # fmt: skip
STALE_SITE = frozenset(("classification_unknown", "payment_type_unknown", "expense_type_unmapped"))


def plan_cases(work: Work, outbox: Outbox, cases: Sequence[Case]) -> None:
    """Plans the documents of these expenses, of which nothing stands at the ledger yet, and commits that.
    What can't be planned keeps its trouble; at a ledger without drafts a draft ends `awaiting_approval`."""
    if cases:
        _Planning(work, Contacts(work, outbox)).run(cases)


def again_with_newer(
    cases: Iterable[Case],
    causes: Collection[str],
    refresh: Callable[[], object],
    step: Callable[[Case], None],
) -> None:
    """What reference data of an hour ago made impossible is tried once more with data of now."""
    stale = [c for c in cases if getattr(c.trouble, "cause", None) in causes and not _is_routine(c)]
    if not stale:
        return
    refresh()
    for case in stale:
        case.trouble = None
    each(stale, step)


def _is_routine(case: Case) -> bool:
    """Held, and looked at again by a sweep: that must not cost the day's calls to the ledger."""
    return case.expense.state == states.HELD


@dataclass
class _Planning:
    work: Work
    contacts: Contacts
    plans: dict[int, tuple[words.Document, ...]] = field(default_factory=dict)

    def run(self, cases: Sequence[Case]) -> None:
        each(cases, self._decide)
        again_with_newer(cases, STALE_SITE, lambda: self.work.site(fresh=True), self._decide)
        self._find_contacts([case for case in cases if case.is_open])
        each(cases, self._plan)
        again_with_newer(cases, STALE_BOOKS, lambda: self.work.books(fresh=True), self._plan)
        planned = [case for case in cases if case.is_open]
        record(self.work.database, planned, self._commit)
        for case in planned:
            if case.is_open:
                case.is_recorded = True
                self._keep_drafts_here(case)

    def _decide(self, case: Case) -> None:
        assert case.entry is not None
        check_gate(case.entry, case.report, settings=self.work.settings)
        case.decision = decide(case.entry, settings=self.work.settings, site=self.work.site())

    def _find_contacts(self, cases: Sequence[Case]) -> None:
        try:
            self.contacts.resolve(cases)
        except DATABASE_AWAY:
            raise
        except Exception:  # a name that can't be kept stops its own expenses, not their neighbours
            each(cases, lambda case: self.contacts.resolve([case]))

    def _plan(self, case: Case) -> None:
        assert case.entry is not None
        assert case.decision is not None
        made = self.plans[case.expense.id] = plan_documents(
            case.entry,
            case.decision,
            contact=self.contacts.of(case.entry),
            settings=self.work.settings,
            books=self.work.books(),
            posting=case.expense.posting,
            traits=self.work.traits,
            force_approved=case.expense.approved == fingerprint(case.entry),
        )
        case.decision = replace(case.decision, why=explain(case.entry, case.decision, made))

    def _commit(self, session: Session, cases: Sequence[Case]) -> None:
        work = self.work
        now = work.database.now(session)
        ours = renew_lease(session, lease=work.lease, now=now, seconds=work.lease_seconds)
        if any(case.expense.id not in ours for case in cases):
            raise Wait("The lease ran out while the batch was being prepared.", after=1)
        plans: dict[int | None, list[memory.Planned]] = {
            case.expense.id: [_planned(d, position) for position, d in enumerate(self.plans[case.expense.id])]
            for case in cases
        }
        memory.save_plans(session, company_id=work.company_id, plans=plans, now=now)
        record_readings(session, {case.expense.id: columns_of(case) for case in cases}, lease=work.lease)
        steps = [
            (case.expense.id, "planned: " + ", ".join(map(_in_words, self.plans[case.expense.id])))
            for case in cases
        ]
        note_steps(session, steps, company_id=work.company_id, at=now)

    def _keep_drafts_here(self, case: Case) -> None:
        made = self.plans[case.expense.id]
        if not self.work.traits.has_drafts and not all(d.approved for d in made):
            case.verdict = awaiting(case)


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
