"""What would be made of an entry now, and why. Reads; posts nothing and stores nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from errors import Held, NeedsAttention, NotFound, Skipped
from mappers import documents as words
from mappers.connectwise import to_entry
from mappers.decision import Decision, decide
from mappers.entry import Entry
from mappers.gate import check_gate
from mappers.mapping import choose_contact, fixed_contact, wanted_contact
from mappers.money import format_money
from mappers.plan import explain, plan
from models import states
from workers.planning import STALE_BOOKS, STALE_SITE
from workers.reading import read_entries, read_reports
from workers.work import Work

NEW_CONTACT = "(new)"

T = TypeVar("T")


def preview(work: Work, entry_id: int) -> dict[str, Any]:
    """{"entry_id", "state", "cause", "to_do", "why", "rule", "documents": […]}: the state it would be given,
    and the documents that would be made. Raises NotFound when ConnectWise doesn't have the entry, and what
    reading from either side raises."""
    raw = read_entries(work.connectwise, [entry_id]).get(entry_id)
    if raw is None:
        raise NotFound(f"ConnectWise has no expense entry {entry_id}.")
    entry = to_entry(raw)
    shown: dict[str, Any] = {"entry_id": entry_id, "cause": None, "to_do": None, "why": None, "rule": None}
    shown |= {"documents": [], "state": states.DONE}
    try:
        decision = _with_newer(work, lambda: _decide(work, entry))
        shown["rule"] = decision.rule
        documents = _with_newer(work, lambda: _plan(work, entry, decision))
    except Skipped as trouble:
        return shown | {"state": states.SKIPPED, "why": trouble.why}
    except Held as trouble:
        said = {"cause": trouble.cause, "to_do": trouble.to_do, "why": trouble.why}
        return shown | said | {"state": states.HELD}
    except NeedsAttention as trouble:
        said = {"cause": trouble.cause, "to_do": trouble.to_do, "why": trouble.why}
        return shown | said | {"state": states.NEEDS_ATTENTION}
    return shown | {
        "why": explain(entry, decision, documents),
        "documents": [show_document(work, document) for document in documents],
    }


def _with_newer(work: Work, step: Callable[[], T]) -> T:
    """Like posting: what our copy of the lists makes impossible is tried once more with lists of now."""
    try:
        return step()
    except (NeedsAttention, Held) as trouble:
        if trouble.cause in STALE_BOOKS:
            work.books(fresh=True)
        elif trouble.cause in STALE_SITE:
            work.site(fresh=True)
        else:
            raise
    return step()


def _decide(work: Work, entry: Entry) -> Decision:
    report = read_reports(work.connectwise, [entry], settings=work.settings).get(entry.report_id or 0)
    check_gate(entry, report, settings=work.settings)
    return decide(entry, settings=work.settings, site=work.site())


def _plan(work: Work, entry: Entry, decision: Decision) -> tuple[words.Document, ...]:
    contact = _contact(work, entry)
    return plan(
        entry, decision, contact=contact, settings=work.settings, books=work.books(), traits=work.traits
    )


def _contact(work: Work, entry: Entry) -> str:
    fixed = fixed_contact(entry, work.settings)
    if fixed is not None:
        return fixed
    wanted = wanted_contact(entry, settings=work.settings, site=work.site())
    candidates = work.use_ledger(lambda ledger: ledger.contacts([wanted]))
    found = choose_contact(wanted, candidates.get(wanted.marker, ()))
    return found.id if found else f"{NEW_CONTACT} {wanted.name}"


def show_document(work: Work, document: words.Document) -> dict[str, Any]:
    """A planned document as people and programs see it."""
    accounts = {account.id: account for account in work.books().accounts}

    def named(account_id: str) -> str:
        account = accounts.get(account_id)
        return f"{account.code} {account.name}".strip() if account else account_id

    return {
        "kind": document.kind,
        "state": "planned" if document.approved else "draft",
        "number": document.number,
        "date": document.date.isoformat(),
        "due_date": document.due_date.isoformat() if document.due_date else None,
        "contact": document.contact,
        "amount": format_money(document.amount, document.currency),
        "currency": document.currency,
        "account": document.account_name,
        "memo": document.memo or None,
        "lines": [
            {
                "description": line.description,
                "account": named(line.account),
                "tax_code": line.tax_code,
                "amount": format_money(line.amount, document.currency),
                "tax_amount": None
                if line.tax_amount is None
                else format_money(line.tax_amount, document.currency),
            }
            for line in document.lines
        ],
    }
