"""Finding the contact of each expense at the ledger, and making those that are missing, exactly once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from errors import NeedsAttention, Trouble, Wait
from mappers import documents as words
from mappers.entry import Entry
from mappers.mapping import choose_contact, fixed_contact, wanted_contact
from models import outbox as memory
from models import states
from models.expense import Document
from workers.outbox import Outbox, plan_text
from workers.work import Work


class HasEntry(Protocol):
    @property
    def entry(self) -> Entry | None: ...


@dataclass
class Contacts:
    """The contacts of one batch: `resolve` first, then ask `of`."""

    work: Work
    outbox: Outbox

    def __post_init__(self) -> None:
        self._ids: dict[str, str] = {}
        self._troubles: dict[str, Exception] = {}

    def of(self, entry: Entry) -> str:
        """The contact's id at the ledger; raises what stood in the way of finding or making it."""
        fixed = fixed_contact(entry, self.work.settings)
        if fixed is not None:
            return fixed
        marker = self._wanted(entry).marker
        if marker in self._troubles:
            raise self._troubles[marker]
        return self._ids[marker]

    def _wanted(self, entry: Entry) -> words.Document:
        return wanted_contact(entry, settings=self.work.settings, site=self.work.site())

    def resolve(self, cases: Sequence[HasEntry]) -> None:
        """Remembered, else found at the ledger, else made. One trouble belongs to one contact."""
        entries = [c.entry for c in cases if c.entry and fixed_contact(c.entry, self.work.settings) is None]
        wanted = {w.marker: w for w in map(self._wanted, entries)}
        rows = self._remember(list(wanted.values()))
        unknown = [w for marker, w in wanted.items() if self._is_unknown(marker, rows)]
        if not unknown:
            return
        try:
            self._find_or_make(unknown)
        except Trouble as trouble:
            left = {w.marker for w in unknown} - self._ids.keys() - self._troubles.keys()
            self._troubles |= dict.fromkeys(left, trouble)

    def _is_unknown(self, marker: str, rows: Mapping[str, Document]) -> bool:
        row = rows.get(marker)
        if row is not None and row.state in states.OPEN:
            self._troubles[marker] = self._being_made(row)
            return False
        return marker not in self._ids

    def _being_made(self, row: Document) -> Trouble:
        with self.work.database.read() as session:
            due = memory.requests_due(session, [row])
        if due.get(row.request_id or 0) is not None:
            return Wait("The contact is just being made at the ledger.", after=3)
        return NeedsAttention(
            "unclear_at_ledger",
            f"Whether the ledger made the contact {row.number} could not be found out.",
            "Look at the contacts of that name in the ledger, then retry.",
        )

    def _remember(self, wanted: Sequence[words.Document]) -> dict[str, Document]:
        with self.work.database.read() as session:
            found = session.scalars(
                select(Document)
                .where(Document.company_id == self.work.company_id, Document.kind == words.CONTACT)
                .where(Document.number.in_([w.number for w in wanted]))
            ).all()
        rows = {row.marker: row for row in found}
        made = {m: row.remote_id for m, row in rows.items() if row.state == states.POSTED and row.remote_id}
        self._ids |= made
        return rows

    def _find_or_make(self, wanted: Sequence[words.Document]) -> None:
        candidates = self.work.use_ledger(lambda ledger: ledger.contacts(wanted))
        missing: list[words.Document] = []
        for document in wanted:
            try:
                contact = choose_contact(document, candidates.get(document.marker, ()))
            except Trouble as trouble:
                self._troubles[document.marker] = trouble
                continue
            if contact is None:
                missing.append(document)
            else:
                self._ids[document.marker] = contact.id
        self._save(wanted)
        if missing:
            self._make(missing)

    def _save(self, wanted: Sequence[words.Document]) -> None:
        """Remembers what was found by id, and plans what must be made."""
        planned = [
            memory.Planned(
                kind=words.CONTACT,
                number=w.number,
                position=0,
                plan=plan_text(w),
                amount=Decimal(0),
                currency="",
                account=None,
            )
            for w in wanted
            if w.marker not in self._troubles
        ]
        with self.work.database.write() as session:
            now = self.work.database.now(session)
            memory.save_plans(session, company_id=self.work.company_id, plans={None: planned}, now=now)
            for w in wanted:
                if w.marker in self._ids:
                    remember_contact(
                        session, self.work.company_id, w.number, remote_id=self._ids[w.marker], now=now
                    )

    def _make(self, missing: Sequence[words.Document]) -> None:
        rows = self._remember(missing)
        loose = [row for row in rows.values() if row.state in (states.PLANNED, states.FAILED)]
        sending = self.outbox.send(loose, self.work.offline_ledger().calls)
        for document in missing:
            result = sending.results.get(document.marker)
            if result is not None and result.outcome == "posted" and result.remote_id:
                self._ids[document.marker] = result.remote_id
            elif document.marker in sending.troubles:
                self._troubles[document.marker] = sending.troubles[document.marker]
            elif document.marker not in self._ids:
                self._troubles[document.marker] = Wait("The contact is just being made.", after=3)


def remember_contact(
    session: Session, company_id: int, number: str, *, remote_id: str, now: dt.datetime
) -> None:
    """Writes down the id of a contact that was found, unless it is just being made."""

    statement = select(Document).where(
        Document.company_id == company_id, Document.kind == words.CONTACT, Document.number == number
    )
    row = session.scalars(statement).one_or_none()
    if row is not None and row.state in (states.PLANNED, states.FAILED):
        row.state, row.remote_id, row.updated_at = states.POSTED, remote_id, now


def forget_contact(session: Session, company_id: int, remote_id: str) -> None:
    """The ledger refuses this contact (archived, merged): look it up anew next time."""

    statement = select(Document).where(
        Document.company_id == company_id, Document.kind == words.CONTACT, Document.remote_id == remote_id
    )
    for row in session.scalars(statement):
        row.state, row.remote_id = states.PLANNED, None
        row.generation += 1  # made anew it is another write, never an old answer under the old key
