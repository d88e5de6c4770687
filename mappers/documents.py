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
STAGES = (CLAIMS, (JOURNAL,), MONEY)  # each is sent when the one before it stands at the ledger


@dataclass(frozen=True, kw_only=True)
class TrackingChoice:
    """One tracking option on a line: ids at the ledger."""

    category: str
    option: str


@dataclass(frozen=True, kw_only=True)
class TaxShare:
    """The part of a line's tax that goes to one rate of its tax code, for ledgers that keep tax by rate."""

    rate: str  # the rate's id at the ledger
    percent: Decimal
    amount: Decimal


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
    tax_shares: tuple[TaxShare, ...] = ()  # empty where the ledger works the tax out from the code alone


@dataclass(frozen=True, kw_only=True)
class Document:
    """A document to make. `amount` is its total as the ledger will compute it, always positive.

    A payment or refund `settles` a bill or credit note of the same number; `settles_id` is that one's id at
    the ledger, known once it is posted. A spend, or a refund that settles nothing, carries lines of its own
    (money moves between `account` and the lines' accounts).

    Where no payment can be made from an account, a journal takes the claim over to it: from the `payable`
    account, with the contact, to `account`. A payment of nothing (`amount` 0) then links the two: it settles
    the claim and `also_settles` the journal, `settles_amount` of each.
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
    also_settles: str | None = None  # JOURNAL
    also_settles_id: str | None = None
    settles_amount: Decimal | None = None  # None: `amount`
    account_type: str = ""  # Account.type of `account`
    payable: str = ""  # Account.id of accounts payable, where the ledger must be told
    memo: str = ""
    name: str = ""  # CONTACT only: the contact's name
    contact_number: str | None = None  # CONTACT only: the member's vendor number
    email: str | None = None  # CONTACT only

    @property
    def marker(self) -> str:
        """What matches an answer's element to this document: unique among a company's documents."""
        return f"{self.kind}:{self.number}"

    @property
    def clears(self) -> Decimal:
        """How much of what it settles is due no more once it is made."""
        return self.amount if self.settles_amount is None else self.settles_amount

    def settling(self, remote_id: str, *, also: str | None = None) -> Document:
        """The same payment or journal, now knowing the id of what it settles, and of what it also settles."""
        return replace(self, settles_id=remote_id, also_settles_id=also)


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
    """A live document (not voided or deleted) found at the ledger. `approved`: it is not a draft. `whole`: it
    settles what it was sent to settle; False is a payment that the ledger made without its links. `contact`:
    the id of whose it is, where the ledger says."""

    marker: str
    remote_id: str
    amount: Decimal
    currency: str | None
    date: dt.date | None
    due: Decimal | None = None
    status: str = ""
    approved: bool = True
    reconciled: bool = False
    whole: bool = True
    contact: str | None = None


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A document as it stands at the ledger now, looked up by its id, whoever made it.

    `kind` is BILL, CREDIT_NOTE, SPEND or REFUND, or "" for what is none of them; `what` is what people call
    it there. `total` has its `tax` in it. `due`: what is still to be paid, None where nothing can be. `live`:
    neither voided nor deleted. `account_type`: as in `Document`."""

    remote_id: str
    kind: str
    what: str
    number: str
    total: Decimal
    tax: Decimal
    currency: str | None
    date: dt.date | None
    contact: str = ""  # the contact's id
    contact_name: str = ""
    due: Decimal | None = None
    live: bool = True
    approved: bool = True
    account_type: str = ""
