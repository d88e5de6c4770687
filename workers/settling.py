"""Before a bill is settled: is it still as we posted it, from which account is it paid, and on which day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from errors import NeedsAttention, Skipped
from mappers import documents as words
from mappers.accounts import check_account_currency, check_can_pay, find_account
from mappers.closed_period import on_open_day
from mappers.decision import Decision, decide
from mappers.entry import Entry
from mappers.money import format_money
from models import states
from models.expense import Document
from workers.case import Case
from workers.endings import changed
from workers.outbox import plan_of, plan_text
from workers.work import Work

FRESH_SECONDS = 60  # how long what a ledger said is due may be trusted


def look_before_paying(work: Work, cases: Sequence[Case]) -> None:
    """Reads bills anew that stood at the ledger before this run, or whose due amount we learnt too long
    ago to pay upon: somebody may have paid, voided or mended them."""
    with work.database.read() as session:
        now = work.database.now(session)
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
    found = work.use_ledger(lambda ledger: ledger.look_up(list(plans.values())))
    for case in cases:
        for claim in _claims_to_look_at(case):
            if case.is_open and claim.marker in plans:
                hits = [h for h in found.get(claim.marker, ()) if h.remote_id == claim.remote_id]
                case.trouble = _claim_trouble(claim, hits, to_settle=claim in _claims_to_settle(case))
                claim.due = hits[0].due if hits else None


def claims_in_doubt(case: Case) -> list[Document]:
    """Posted bills and credit notes of which the ledger said another amount than was sent."""
    claims = [d for d in case.documents if d.kind in words.CLAIMS and d.state in states.MADE]
    return [d for d in claims if d.due is not None and d.due != d.amount]


def total_trouble(document: Document, result: words.Result) -> Exception | None:
    """What is wrong when the ledger's own total is another than was sent."""
    if result.total is None or result.total == document.amount:
        return None
    return _total_differs(document, result.total)


def fill_in_what_is_settled(case: Case) -> None:
    """Writes the ids of what stands at the ledger into the documents that settle it. Raises NeedsAttention
    when another amount is due there than was planned to be settled."""
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


def take_newer_account(work: Work, case: Case) -> None:
    """A refused payment goes by the rule as it is now: naming another account there is what cures it."""
    refused = [d for d in case.documents if d.kind in words.MONEY and d.state == states.FAILED]
    for document in refused if case.begun_before else ():
        assert case.entry is not None
        planned, books = plan_of(document), work.books()
        decision = _decide_again(work, case.entry)
        if planned.settles is None or decision.money != document.kind or not decision.account:
            continue
        if planned.also_settles is not None:  # a payment of nothing, from no account
            continue
        account = find_account(books, decision.account)
        if account.id != planned.account:
            check_can_pay(account, traits=work.traits)
            check_account_currency(account, books=books, currency=planned.currency, converts=True)
            moved = replace(planned, account=account.id, account_name=account.name, account_type=account.type)
            document.plan = plan_text(moved)
            document.account, case.decision = account.name, decision


def _decide_again(work: Work, entry: Entry) -> Decision:
    try:
        return decide(entry, settings=work.settings, site=work.site())
    except Skipped as nothing:  # yet its bill is posted
        raise changed(f"After it was posted: {nothing.why}") from None


def move_into_open_books(work: Work, case: Case) -> None:
    """The books may have been closed since the payment was planned."""
    for document in case.documents:
        if document.kind not in words.CLAIMS and document.state not in states.MADE:
            planned = plan_of(document)
            moved = on_open_day(planned, settings=work.settings, books=work.books())
            if moved.date != planned.date:
                document.plan = plan_text(moved)
                case.notes.append(f"moved: {document.kind} from {planned.date} to {moved.date}")


def _claims_to_settle(case: Case) -> list[Document]:
    """The posted bills and credit notes of this expense that a document still to be sent settles."""
    pending = [plan_of(d) for d in case.documents if d.state not in states.MADE]
    settles = {plan.settles for plan in pending}
    return [d for d in case.documents if d.kind in settles and d.state in states.MADE]


def _claims_to_look_at(case: Case) -> list[Document]:
    settled = _claims_to_settle(case)
    return settled + [claim for claim in claims_in_doubt(case) if claim not in settled]


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


def _total_differs(document: Document, total: Decimal) -> NeedsAttention:
    return NeedsAttention(
        "total_differs",
        f"{document.number} was sent as {format_money(document.amount, document.currency)}, and at the "
        f"ledger it is {format_money(total, document.currency)}.",
        "Compare both in the ledger; mend the tax code or the amount, then retry.",
    )
