"""The documents we make, in our own words; a ledger's mapper turns them into its wire."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from decimal import Decimal

BILL, CREDIT_NOTE = "bill", "credit_note"
PAYMENT, REFUND, SPEND = "payment", "refund", "spend"
JOURNAL, RECEIPT, BATCH = "journal", "receipt", "batch"
CONTACT = "contact"  # kept in the outbox like a document; never shown as one

CLAIMS = (BILL, CREDIT_NOTE)  # sent first
MONEY = (PAYMENT, REFUND, SPEND)  # sent after what they settle


@dataclass(frozen=True, kw_only=True)
class TrackingChoice:
    """One tracking option on a line: ids at the ledger."""

    category: str
    option: str


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line, quantity 1. `amount` is gross when the document is inclusive of tax, else net."""

    description: str
    amount: Decimal
    account: str  # Account.id
    tax_code: str | None
    tax_amount: Decimal | None = None  # exactly as typed, when the entry carries taxes
    tracking: tuple[TrackingChoice, ...] = ()
    account_code: str = ""  # Account.code, for ledgers that code lines by it


@dataclass(frozen=True, kw_only=True)
class Document:
    """A document to make. `amount` is its total as the ledger will compute it, always positive.

    A payment or refund `settles` a bill or credit note of the same number; `settles_id` is that one's id at
    the ledger, known once it is posted. A spend, or a refund that settles nothing, carries lines of its own
    (money moves between `account` and the lines' accounts).
    """

    kind: str
    number: str  # CW-4711, CW-4711-2: how a lost answer is found again
    date: dt.date
    currency: str
    amount: Decimal
    contact: str = ""  # the contact's id at the ledger
    due_date: dt.date | None = None
    inclusive: bool = True
    approved: bool = True  # False: a draft
    lines: tuple[Line, ...] = ()
    account: str | None = None  # Account.id that pays or is paid back
    account_name: str | None = None
    settles: str | None = None  # BILL or CREDIT_NOTE
    settles_id: str | None = None
    memo: str = ""
    name: str = ""  # CONTACT only: the contact's name
    contact_number: str | None = None  # CONTACT only: the member's vendor number
    email: str | None = None  # CONTACT only

    @property
    def marker(self) -> str:
        """What matches an answer's element to this document: unique among a company's documents."""
        return f"{self.kind}:{self.number}"

    def settling(self, remote_id: str) -> Document:
        """The same payment, now knowing the id of what it settles."""
        return replace(self, settles_id=remote_id)


@dataclass(frozen=True, kw_only=True)
class Call:
    """One frozen outgoing write: these exact bytes, for these documents (by marker, in body order)."""

    operation: str  # names the endpoint and verb, e.g. "invoices", "payments"
    body: bytes
    markers: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Result:
    """What the ledger says of one document of a call.

    outcome: "posted" | "refused" | "unknown" (the answer doesn't speak of it in a way we can trust).
    """

    marker: str
    outcome: str
    remote_id: str | None = None
    status: str | None = None  # the ledger's own word
    total: Decimal | None = None
    due: Decimal | None = None
    words: tuple[str, ...] = ()  # refusals, the provider's own words
    cause: str | None = None
    to_do: str | None = None


@dataclass(frozen=True, kw_only=True)
class Found:
    """A live document (not voided or deleted) found at the ledger. `approved`: it is not a draft."""

    marker: str
    remote_id: str
    amount: Decimal
    currency: str | None
    date: dt.date | None
    due: Decimal | None = None
    status: str = ""
    approved: bool = True
    reconciled: bool = False
