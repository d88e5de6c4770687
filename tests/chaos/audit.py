"""The auditor: it compares what ConnectWise approved with what the ledger holds, and asks our public API only
which expenses it claims to be done. It knows nothing of our database and imports nothing of our program.

Its demands are those of docs/reliability.md: each approved expense has exactly its documents, or stands in
front of a person with a reason that ConnectWise's own record explains.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bin.demo_month.books import PAID, Books, Claim, Money, QuickBooks, XeroBooks
from bin.demo_month.month import NAMES, Due
from tests.chaos.due import due
from tests.chaos.entries import Entry, shown

MISSING, DOUBLED, AMOUNT, CLAIMED = "missing", "doubled", "wrong amount", "wrongly claimed done"
OTHER = "otherwise wrong"
SORTS = (MISSING, DOUBLED, AMOUNT, CLAIMED, OTHER)
APPROVED = {"ApprovedByTierOne", "ApprovedByTierTwo"}
AT_REST = ("held", "skipped", "awaiting_approval", "needs_attention")  # rightly so, when nothing was approved
NUMBERED = {"invoices": "InvoiceNumber", "credit_notes": "CreditNoteNumber", "payments": "Reference",
            "bank_transactions": "Reference", "bills": "DocNumber", "vendor_credits": "DocNumber",
            "bill_payments": "DocNumber", "purchases": "DocNumber", "deposits": "DocNumber",
            "journal_entries": "DocNumber"}  # fmt: skip

Row = Mapping[str, Any]
State = Mapping[str, Sequence[Row]]


@dataclass(frozen=True)
class Finding:
    """Something that is not as it must be; `sort` is one of SORTS."""

    sort: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Case:
    """One entry: what it is in ConnectWise now (None: deleted), whether that stands approved now, everything
    that it ever was while approved, and what our API says of it (None: it is not known)."""

    number: str
    ledger: str
    now: Entry | None
    approved: bool
    ever: Collection[Entry]
    claim: Row | None

    @property
    def state(self) -> str | None:
        return self.claim["state"] if self.claim else None


def audit(
    site: Row, state: State, *, ledger: str, ever: Mapping[int, Collection[Entry]], claims: Mapping[int, Row]
) -> list[Finding]:
    """Whatever is wrong with one company's books and our claims about them.

    `site` and `state`: the sandbox's dump of ConnectWise and of the ledger; `ever`: what each entry was while
    it stood approved; `claims`: our API's expenses by entry id.
    """
    cases = _cases(site, ledger=ledger, ever=ever, claims=claims)
    books, nothing = _by_number(state, ledger), _books({}, ledger)
    found = [finding for case in cases for finding in _look(case, books.pop(case.number, nothing))]
    found += [Finding(OTHER, f"{number} in the books belongs to no expense") for number in books]
    return [*found, *_twice(state)]


def _cases(
    site: Row, *, ledger: str, ever: Mapping[int, Collection[Entry]], claims: Mapping[int, Row]
) -> Iterator[Case]:
    reports = {report["id"]: report["status"] for report in site["reports"]}
    rows = {row["id"]: row for row in site["entries"]}
    for entry_id in sorted({*rows, *ever, *claims}):
        row = rows.get(entry_id)
        yield Case(
            number=f"CW-{entry_id}",
            ledger=ledger,
            now=shown(row) if row else None,
            approved=row is not None and {row["status"], reports[row["expenseReport"]["id"]]} <= APPROVED,
            ever=ever.get(entry_id, ()),
            claim=claims.get(entry_id),
        )


def _by_number(state: State, ledger: str) -> dict[str, Books]:
    """The books, a small one for each number."""
    parts: defaultdict[str, defaultdict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for sort, field in NUMBERED.items():
        for row in state.get(sort, ()):
            parts[str(row.get(field)).split(" ")[0]][sort].append(row)
    return {number: _books(part, ledger) for number, part in parts.items()}


def _books(part: State, ledger: str) -> Books:
    whole = {sort: part.get(sort, ()) for sort in NUMBERED}
    return XeroBooks(whole) if ledger == "xero" else QuickBooks(whole)


def _twice(state: State) -> Iterator[Finding]:
    """Contacts, and receipts at a document, each of which has a name of its own."""
    contacts = (row.get("Name") or row["DisplayName"] for row in _rows(state, "contacts", "vendors"))
    receipts = (row["FileName"] for row in _rows(state, "attachments", "attachables"))
    for name, times in Counter([*contacts, *receipts]).items():
        if times > 1:
            yield Finding(DOUBLED, f"{name} is there {times} times")


def _rows(state: State, *sorts: str) -> list[Row]:
    return [row for sort in sorts for row in state.get(sort, ())]


def _look(case: Case, books: Books) -> list[Finding]:
    """An entry that stands approved, and never was anything else, must have its documents and its ending.
    One that was changed or taken back since may stand before a person, with what it was then."""
    if not case.approved or case.now is None:
        return _taken_back(case, books)
    wanted = due(case.now, ledger=case.ledger)
    found = [*_compare(case, books, case.now), *_ending(case, wanted)]
    if found and case.state == "changed" and set(case.ever) != {case.now}:
        return _taken_back(case, books)
    return _with_claim(case, found)


def _taken_back(case: Case, books: Books) -> list[Finding]:
    if case.state == "changed":
        tries = [list(_compare(case, books, was, unfinished=True)) for was in case.ever]
        return min(tries, key=len, default=[_other(case, "was posted, and never was approved")])
    found = list(_compare(case, books, None))
    if case.state == "done":
        found.append(Finding(CLAIMED, f"{case.number} is claimed to be done, and does not stand approved"))
    elif case.state not in (*AT_REST, None):
        found.append(_other(case, f"is left {_state(case)}"))
    return found


def _ending(case: Case, wanted: Due) -> Iterator[Finding]:
    cause = case.claim["cause"] if case.claim else None
    if (case.state, cause) != (wanted.state, wanted.cause):
        yield _other(case, f"should be {wanted.state}, is {_state(case)}")


def _with_claim(case: Case, found: list[Finding]) -> list[Finding]:
    wrong = [finding.text for finding in found]
    if case.state == "done" and found:
        return [*found, Finding(CLAIMED, f"{case.number} is claimed to be done: {'; '.join(wrong)}")]
    return found


def _compare(case: Case, books: Books, entry: Entry | None, *, unfinished: bool = False) -> Iterator[Finding]:
    """What stands in the books against what must stand there for `entry` (None: nothing). `unfinished`: what
    is not there yet is no fault."""
    wanted = due(entry, ledger=case.ledger) if entry else Due(row="none", state="held")
    stands: dict[str, Sequence[Claim | Money]] = {
        "bill": books.claims("bill", case.number),
        "credit note": books.claims("credit_note", case.number),
        "payment": books.money(case.number),
        "journal": books.journals(case.number),
    }
    claimed = wanted.claim if wanted.status != "KEPT" else None
    must = {
        "bill": claimed == "bill",
        "credit note": claimed == "credit_note",
        "payment": bool(wanted.money),
        "journal": bool(wanted.journal),
    }
    for sort, documents in stands.items():
        yield from _count(case, sort, len(documents), int(must[sort]), unfinished=unfinished)
        if entry and must[sort] and len(documents) == 1:
            yield from _document(case, sort, documents[0], entry, wanted, unfinished=unfinished)


def _count(case: Case, sort: str, found: int, wanted: int, *, unfinished: bool) -> Iterator[Finding]:
    if found < wanted and not unfinished:
        yield Finding(MISSING, f"{case.number} has no {sort}; it is {_state(case)}")
    elif found > wanted == 1:
        yield Finding(DOUBLED, f"{case.number} has {found} of {sort}")
    elif found > wanted:
        yield _other(case, f"has {found} of {sort} that nothing asked for; it is {_state(case)}")


def _document(
    case: Case, sort: str, document: Claim | Money, entry: Entry, wanted: Due, *, unfinished: bool
) -> Iterator[Finding]:
    amount = abs(entry.amount)
    if isinstance(document, Claim):
        pairs: dict[str, tuple[object, object]] = {"amount": (document.total, amount)}
        pairs |= {"contact": (document.contact, NAMES[entry.member])}
        if not unfinished:
            settled = amount if wanted.status == PAID else Decimal(0)
            pairs |= {"amount paid": (document.paid, settled), "status": (document.status, wanted.status)}
    else:
        is_link = wanted.journal and sort == "payment"  # a payment of nothing, which links bill and journal
        pairs = {"amount": (document.amount, Decimal(0) if is_link else amount)}
        kind, account = ("journal", wanted.journal) if sort == "journal" else (wanted.money, wanted.account)
        pairs |= {"kind": (document.kind, kind), "account": (document.account, account)}
    for name, (is_now, must) in {**pairs, "date": (document.date, entry.date)}.items():
        if is_now != must:
            text = f"{case.number}: {name} of its {sort} should be {must}, is {is_now}"
            yield Finding(AMOUNT if "amount" in name else OTHER, text)


def _other(case: Case, text: str) -> Finding:
    return Finding(OTHER, f"{case.number} {text}")


def _state(case: Case) -> str:
    if case.claim is None:
        return "unknown to our API"
    cause = f" ({case.claim['cause']})" if case.claim["cause"] else ""
    return f"{case.state}{cause}: {case.claim['why']}"


def verdict(found: Sequence[Finding]) -> str:
    """One line: how many of each sort."""
    count = Counter(finding.sort for finding in found)
    return " · ".join(f"{sort} {count[sort]}" for sort in SORTS)
