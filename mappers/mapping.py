"""What an entry becomes in the books of this company: its contact here, accounts and tax in accounts.py.

The one address for mapping: the names of accounts.py that others need are offered here as well.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

from errors import NeedsAttention
from mappers.accounts import (
    check_can_code,
    check_can_pay,
    cost_account,
    find_account,
    find_tax,
    tax_of,
    tracking_of,
)
from mappers.books import Contact
from mappers.company import CompanySettings
from mappers.documents import CONTACT, Document
from mappers.entry import Entry, Member, Site
from mappers.facts import PERSONAL
from mappers.words import folded, one_line, stock_word

__all__ = [
    "check_can_code",
    "check_can_pay",
    "choose_contact",
    "cost_account",
    "find_account",
    "find_tax",
    "fixed_contact",
    "tax_of",
    "tracking_of",
    "wanted_contact",
    "wanted_contacts",
]

MEMBER = "member"
_LONGEST_NAME = 255


def fixed_contact(entry: Entry, settings: CompanySettings) -> str | None:
    """The contact id that a [[members]] row ties this entry's member to; None when none does.

    A single payee takes the place of every member, except for a personal purchase, which the member owes."""
    if not _is_for_member(entry, settings):
        return None
    for row in settings.members:
        if folded(row.identifier) == folded(entry.member):
            return row.contact
    return None


def wanted_contact(entry: Entry, *, settings: CompanySettings, site: Site) -> Document:
    """The contact this entry needs (kind CONTACT): `number` is the member's identifier or the payee's name,
    `contact_number` the member's vendor number."""
    if not _is_for_member(entry, settings, site=site):
        payee = _name(settings.expenses.payee)
        return _contact(number=payee, name=payee)
    member = site.members.get(entry.member) or next(
        (m for m in site.members.values() if folded(m.identifier) == folded(entry.member)), None
    )
    return _member_contact(
        member or Member(identifier=entry.member, name=entry.member_name, vendor_number=None, email=None)
    )


def wanted_contacts(*, settings: CompanySettings, site: Site) -> tuple[Document, ...]:
    """The contacts that every active member's expenses would need, without those a [[members]] row ties."""
    if folded(settings.expenses.payee) != MEMBER:
        payee = _name(settings.expenses.payee)
        return (_contact(number=payee, name=payee),)
    tied = {folded(row.identifier) for row in settings.members}
    return tuple(
        _member_contact(member)
        for member in site.members.values()
        if member.active and folded(member.identifier) not in tied
    )


def choose_contact(wanted: Document, candidates: Sequence[Contact]) -> Contact | None:
    """The active candidate with the wanted number, else of exactly the wanted name; None: it must be made.

    Raises NeedsAttention `contact_ambiguous` or `contact_archived`."""
    numbered = [c for c in candidates if wanted.contact_number and c.number == wanted.contact_number]
    named = [c for c in candidates if folded(c.name) == folded(wanted.name)]
    for found in (numbered, named):
        active = [contact for contact in found if contact.active]
        if len(active) == 1:
            return active[0]
        if active:
            raise _contact_trouble("contact_ambiguous", wanted, f"{len(active)} contacts fit {wanted.name}")
    if numbered or named:
        raise _contact_trouble("contact_archived", wanted, f"The contact {wanted.name} is archived")
    return None


def _name(text: str) -> str:
    """A name that ledgers take: one line, no angle brackets."""
    return one_line(text.translate(str.maketrans("<>", "  ")), most=_LONGEST_NAME)


def _contact_trouble(cause: str, wanted: Document, what: str) -> NeedsAttention:
    number = f" (account number {wanted.contact_number})" if wanted.contact_number else ""
    first = (
        f'Restore "{wanted.name}" in the books' if cause == "contact_archived" else "Merge them in the books"
    )
    return NeedsAttention(
        cause,
        f"{what}{number} in the books.",
        f"{first}, or tie {wanted.number} to a contact by a [[members]] row of the company file, then retry.",
    )


def _is_for_member(entry: Entry, settings: CompanySettings, *, site: Site | None = None) -> bool:
    if folded(settings.expenses.payee) == MEMBER:
        return True
    table = site.classifications if site else {}
    name = table.get(entry.classification_id or 0) or entry.classification
    return stock_word(name) == PERSONAL


def _member_contact(member: Member) -> Document:
    return _contact(
        number=member.identifier,
        name=_name(member.name) or member.identifier,
        contact_number=member.vendor_number,
        email=member.email,
    )


def _contact(
    *, number: str, name: str, contact_number: str | None = None, email: str | None = None
) -> Document:
    return Document(
        kind=CONTACT,
        number=number,
        name=name,
        contact_number=contact_number,
        email=email,
        date=dt.date.min,  # a contact has no day
        currency="",
        amount=Decimal(0),
    )
