"""A bill that a person made in the ledger themself stands for an expense, once it was looked at there.

may it be given one? → which id? → look at the ledger → read the entry afresh → compare → keep

Nothing is sent. Both sides are read outside of a transaction; at the end it is asked again whether it may be.
"""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError

from errors import Held, NeedsAttention, NotFound, Paused, Skipped
from mappers.connectwise import fingerprint, to_entry
from mappers.documents import Standing
from mappers.entry import Entry
from mappers.exact import to_bytes
from mappers.gate import check_gate
from mappers.handled import Wanted, check_standing, tell_standing, to_document, wanted_bill
from mappers.stored import document_to_json
from models.company import Company
from models.expense import Expense
from models.handling import Bill, keep_bill, look_at
from workers.reading import read_entries, read_reports
from workers.work import Work


def handle(work: Work, entry_id: int, bill: str, *, actor: str) -> None:
    """The expense is done by the bill that this text names, an id or a link. Raises NotFound, NeedsAttention
    when the expense can't be given a bill or this bill can't stand for it, and what reading from either side
    raises; then nothing is changed."""
    before = _look_at(work, entry_id)
    standing = _find(work, bill)
    raw, entry = _read(work, entry_id)
    books = work.books()
    wanted = wanted_bill(entry, settings=work.settings, site=work.site(), books=books, traits=work.traits)
    check_standing(wanted, standing, books=books)
    document = to_document(wanted, standing, entry_id=entry_id, posting=before.posting)
    made = Bill(
        kind=document.kind,
        number=document.number,
        its_number=standing.number,
        remote_id=standing.remote_id,
        url=work.offline_ledger().link(books, document, standing.remote_id),
        plan=document_to_json(document),
        amount=document.amount,
        currency=document.currency,
        approved=document.approved,
        told=tell_standing(wanted, standing),
        gate=_gate(work, entry),
        seen=_columns(raw, entry, wanted),
        signals=before.signals,
    )
    with work.database.write() as session:
        company = session.get_one(Company, work.company_id)
        keep_bill(session, company, entry_id, made, actor=actor, now=work.database.now(session))


def _look_at(work: Work, entry_id: int) -> Expense:
    with work.database.read() as session:
        company = session.get_one(Company, work.company_id)
        if company.paused_at is not None:
            raise Paused(company.paused_why or "The connection was lost.")
        return look_at(session, company, entry_id)


def _find(work: Work, bill: str) -> Standing:
    name = work.traits.name
    bill_id = work.offline_ledger().bill_id(bill)
    if bill_id is None:
        raise NeedsAttention(
            "bill_id_unreadable",
            f"This is neither the id of a bill in {name} nor the address of a bill's page.",
            f"Open the bill in {name} and paste the address that the browser shows.",
        )
    standing = work.use_ledger(lambda ledger: ledger.standing(bill_id))
    if standing is None:
        raise NeedsAttention(
            "bill_not_found",
            f"{name} has no bill and no credit note with the id {bill_id} in the books of this company.",
            "Look whether it was deleted or made in other books, and name the id of one that stands there.",
        )
    return standing


def _read(work: Work, entry_id: int) -> tuple[dict[str, Any], Entry]:
    raw = read_entries(work.connectwise, [entry_id]).get(entry_id)
    if raw is None:
        raise NotFound(f"ConnectWise has no expense entry {entry_id} (any more), so nothing can be compared.")
    try:
        return raw, to_entry(raw)
    except ValidationError:
        raise NeedsAttention(
            "entry_unreadable",
            f"What ConnectWise says of entry {entry_id} can't be read, so nothing can be compared.",
            "Ignore the expense, and name the bill as the reason.",
        ) from None


def _gate(work: Work, entry: Entry) -> str | None:
    """Why it could not be posted now. A person may be ahead of the approval: its lack is no change later."""
    report = read_reports(work.connectwise, [entry], settings=work.settings).get(entry.report_id or 0)
    try:
        check_gate(entry, report, settings=work.settings)
    except (Held, Skipped) as gate:
        return gate.why
    return None


def _columns(raw: dict[str, Any], entry: Entry, wanted: Wanted) -> dict[str, Any]:
    """What the entry was when it was compared: what is edited later shows against it."""
    return {
        "entry": to_bytes(raw).decode(),
        "member": entry.member,
        "payment_type": entry.payment_type or None,
        "classification": entry.classification or None,
        "expense_type": entry.expense_type,
        "amount": wanted.money,
        "currency": entry.currency,
        "date": entry.date,
        "fingerprint": fingerprint(entry),
    }
