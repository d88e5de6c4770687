"""What every ledger can do. One contract test (tests/providers/test_contract.py) runs against each of them.

Adding a ledger = one provider, one mapper, one row in `LEDGERS` (workers/wiring.py), one row in that test.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Protocol

from mappers.books import Books, Contact
from mappers.documents import Call, Document, Found, Result, Standing


class Ledger(Protocol):
    """One organisation's books at one provider, spoken to with one access token.

    Every method may raise, and nothing else: `Retryable` (no answer to a read, 5xx on a read),
    `RateLimited` (429, or our own limiter: not processed), `Unauthorised` (401: not processed; refresh
    and call again), `Paused` (403: the connection lacks a right or is gone), `Refused` (a 4xx for the
    whole call). `send` may also raise `Uncertain`: the write may or may not have happened.
    """

    name: str  # "xero", "qbo"
    longest_key: int  # characters of an idempotency key that `send` and `attach` take

    def books(self) -> Books:
        """The organisation, its accounts, tax codes, tracking and lock dates, read now."""

    def changed_since(self, moment: dt.datetime) -> bool:
        """Whether those lists may have changed since then (UTC); True where that can't be told more cheaply
        than by reading them. Tax codes may be left out: read the books anew once a day all the same."""

    def contacts(self, wanted: Sequence[Document]) -> Mapping[str, Sequence[Contact]]:
        """Candidates for each wanted contact (kind CONTACT), by marker: those whose number is the wanted
        `contact_number`, else those of exactly the same `name` (active first, archived ones included)."""

    def contact(self, contact_id: str) -> Contact | None:
        """The contact with this id, or None."""

    def calls(self, documents: Sequence[Document]) -> list[Call]:
        """Groups documents of any kinds into frozen calls within the provider's sizes. Pure."""

    def send(self, call: Call, *, key: str) -> list[Result]:
        """Sends these exact bytes once under this key; one Result per marker, matched by number."""

    def look_up(self, documents: Sequence[Document]) -> Mapping[str, Sequence[Found]]:
        """Live documents at the ledger that carry these documents' numbers, by marker (absent = none).

        Bills by type and number; payments through what they settle (`settles_id`) and their reference;
        spends by reference; contacts by name. One that does not settle what it should is not `whole`."""

    def bill_id(self, text: str) -> str | None:
        """The id of a bill in what a person typed or pasted: the id itself, or the address of the bill's
        page; None when there isn't exactly one. Pure."""

    def standing(self, remote_id: str) -> Standing | None:
        """The bill, credit note, or money spent or received without one, that has this id, whoever made it,
        also when it was voided; None when there is none (any more). Other things may be told as such."""

    def attachments(self, kind: str, remote_id: str) -> Sequence[tuple[str, int]]:
        """(file name, size in bytes) of each file at a posted document."""

    def attach(
        self, kind: str, remote_id: str, *, name: str, content: bytes, content_type: str, key: str
    ) -> str:
        """Files one receipt at a posted document; its id. A write: may raise `Uncertain`."""

    def reconciled(self, remote_ids: Sequence[tuple[str, str]]) -> set[str]:
        """Which of these (kind, id at the ledger) are reconciled with a bank line."""

    def link(self, books: Books, document: Document, remote_id: str) -> str | None:
        """The address of a posted document in the ledger's own pages, or None. Pure."""
