"""Finding at Xero what is there already: lost answers by number, claims before they are paid, contacts.

Filters: https://developer.xero.com/documentation/api/accounting/requests-and-responses#retrieving-resources
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from mappers import xero as mapper
from mappers.books import Contact
from mappers.documents import BILL, CLAIMS, CONTACT, CREDIT_NOTE, PAYMENT, REFUND, SPEND, Document, Found
from mappers.words import folded
from providers.xero_wire import Raw, Wire, groups

_SETTLING_REFUND = "refund of a credit note"  # a payment at Xero; a refund of nothing is a bank transaction

FoundByMarker = dict[str, Sequence[Found]]


class LookUps:
    """Reads only; each list of fifty needs one or two calls."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._ways: Mapping[str, Callable[[Sequence[Document]], Mapping[str, Sequence[Found]]]] = {
            BILL: self._bills,
            CREDIT_NOTE: self._credit_notes,
            PAYMENT: self._payments,
            _SETTLING_REFUND: self._refunds,
            SPEND: self._bank_transactions,
            CONTACT: self._same_named,
        }

    def documents(self, documents: Sequence[Document]) -> FoundByMarker:
        """What carries these documents' numbers now, by marker. What was voided or deleted is not found."""
        found: FoundByMarker = {}
        for way, look in self._ways.items():
            some = [each for each in documents if _way_to(each) == way]
            if some:
                found.update({marker: hits for marker, hits in look(some).items() if hits})
        return found

    def states(self, documents: Sequence[Document]) -> FoundByMarker:
        """The claims as they are now; for a payment or refund the claim it settles, under its own marker."""
        known = [each for each in documents if each.kind in CLAIMS or each.settles_id]
        claims = {each.marker: _claim_of(each) for each in known}
        found = self._by_id([claim for claim in claims.values() if claim.settles_id])
        found |= self.documents([claim for claim in claims.values() if not claim.settles_id])
        states: FoundByMarker = {}
        for marker, claim in claims.items():
            hits = [hit for hit in found.get(claim.marker, ()) if _is_meant(claim, hit)]
            if hits:
                states[marker] = hits
        return states

    def reconciled(self, remote_ids: Sequence[tuple[str, str]]) -> set[str]:
        """Which of these (kind, id at Xero) are reconciled. A refund may be of either sort at Xero."""
        done: set[str] = set()
        for path, name, kinds in (
            ("Payments", "PaymentID", (PAYMENT, REFUND)),
            ("BankTransactions", "BankTransactionID", (SPEND, REFUND)),
        ):
            wanted = [remote_id for kind, remote_id in remote_ids if kind in kinds]
            rows = self._rows_by_id(path, name, wanted)
            done |= {str(row.get(name)) for row in rows if row.get("IsReconciled") is True}
        return done & {remote_id for _, remote_id in remote_ids}

    def contacts(self, wanted: Sequence[Document]) -> dict[str, Sequence[Contact]]:
        """Candidates by marker, active ones first: those with the wanted number, else those of the name
        (the same but for case and spaces)."""
        tests = [f'AccountNumber=="{each.contact_number}"' for each in wanted if each.contact_number]
        names = [each.name for each in wanted]
        known = mapper.to_contacts({"Contacts": self._contact_rows(names, also=tests)})
        known = sorted(known, key=lambda contact: not contact.active)
        candidates: dict[str, Sequence[Contact]] = {}
        for each in wanted:
            numbered = [one for one in known if one.number and one.number == each.contact_number]
            named = [one for one in known if one not in numbered and folded(one.name) == folded(each.name)]
            has_active = any(one.active for one in numbered)
            candidates[each.marker] = numbered if has_active else named + numbered
        return candidates

    def _bills(self, documents: Sequence[Document]) -> Mapping[str, Sequence[Found]]:
        """InvoiceNumbers= is short enough for fifty in one call; a comma would split a number there."""
        numbers = _numbers(documents)
        plain = [number for number in numbers if "," not in number]
        odd = [_equal("InvoiceNumber", number) for number in numbers if "," in number]
        rows = self._rows_where("Invoices", 'Type=="ACCPAY"', odd)
        for some in groups(plain, joint=","):
            rows += self._wire.rows("Invoices", {"InvoiceNumbers": ",".join(some), "where": 'Type=="ACCPAY"'})
        return mapper.to_found(BILL, {"Invoices": rows}, documents)

    def _credit_notes(self, documents: Sequence[Document]) -> Mapping[str, Sequence[Found]]:
        wanted = [_equal("CreditNoteNumber", number) for number in _numbers(documents)]
        rows = self._rows_where("CreditNotes", 'Type=="ACCPAYCREDIT"', wanted)
        return mapper.to_found(CREDIT_NOTE, {"CreditNotes": rows}, documents)

    def _payments(self, documents: Sequence[Document]) -> Mapping[str, Sequence[Found]]:
        """A bill carries its live payments. One that knows no bill yet can't have been sent."""
        rows = self._bills_by_id(each.settles_id for each in documents if each.settles_id)
        return mapper.to_found(PAYMENT, {"Invoices": rows}, documents)

    def _refunds(self, documents: Sequence[Document]) -> Mapping[str, Sequence[Found]]:
        rows = self._rows_where("Payments", 'Status=="AUTHORISED"', _references(documents))
        return mapper.to_found(REFUND, {"Payments": rows}, documents)

    def _bank_transactions(self, documents: Sequence[Document]) -> Mapping[str, Sequence[Found]]:
        rows = self._rows_where("BankTransactions", 'Status=="AUTHORISED"', _references(documents))
        found: FoundByMarker = {}
        for kind in (SPEND, REFUND):
            some = [each for each in documents if each.kind == kind]
            found |= mapper.to_found(kind, {"BankTransactions": rows}, some)
        return found

    def _same_named(self, documents: Sequence[Document]) -> Mapping[str, Sequence[Found]]:
        rows = self._contact_rows([each.name for each in documents])
        return mapper.to_found(CONTACT, {"Contacts": rows}, documents)

    def _contact_rows(self, names: Sequence[str], *, also: Sequence[str] = ()) -> list[Raw]:
        """Each contact once, archived ones too. A name that a filter can't hold is searched for instead."""
        everyone = {"includeArchived": "true"}
        tests = [*also, *(_equal("Name", name) for name in sorted(set(names)) if not _is_odd(name))]
        rows = self._rows_where("Contacts", "", tests, more=everyone)
        for name in sorted({name for name in names if _is_odd(name)}):
            rows += self._wire.rows("Contacts", {**everyone, "searchTerm": _searchable(name)})
        return list({str(row.get("ContactID")): row for row in rows}.values())

    def _by_id(self, claims: Sequence[Document]) -> FoundByMarker:
        found: FoundByMarker = {}
        bills = [claim for claim in claims if claim.kind == BILL]
        notes = [claim for claim in claims if claim.kind == CREDIT_NOTE]
        if bills:
            rows = self._bills_by_id(str(bill.settles_id) for bill in bills)
            found |= mapper.to_found(BILL, {"Invoices": rows}, bills)
        if notes:
            rows = self._rows_by_id("CreditNotes", "CreditNoteID", [str(note.settles_id) for note in notes])
            found |= mapper.to_found(CREDIT_NOTE, {"CreditNotes": rows}, notes)
        return found

    def _bills_by_id(self, ids: Iterable[str | None]) -> list[Raw]:
        rows: list[Raw] = []
        for some in groups(sorted({each for each in ids if each}), joint=",", room=1_870):
            rows += self._wire.rows("Invoices", {"IDs": ",".join(some)})
        return rows

    def _rows_by_id(self, path: str, name: str, ids: Sequence[str]) -> list[Raw]:
        return self._rows_where(path, "", [f'{name}==guid("{each}")' for each in sorted(set(ids))])

    def _rows_where(
        self, path: str, always: str, wanted: Sequence[str], *, more: Mapping[str, str] | None = None
    ) -> list[Raw]:
        """Rows for which `always` holds and any of `wanted`."""
        rows: list[Raw] = []
        for some in groups(wanted, joint=" OR "):
            either = " OR ".join(some)
            where = f"{always} AND ({either})" if always else either
            rows += self._wire.rows(path, {**(more or {}), "where": where})
        return rows


def _way_to(document: Document) -> str:
    if document.kind == REFUND:
        return _SETTLING_REFUND if document.settles else SPEND
    return document.kind


def _claim_of(document: Document) -> Document:
    """The claim itself, or what this payment settles (it has the same number and a known id)."""
    return document if document.kind in CLAIMS else replace(document, kind=document.settles or BILL)


def _is_meant(claim: Document, hit: Found) -> bool:
    """Two claims may carry one number; a payment means the one it settles."""
    return claim.settles_id is None or claim.settles_id.lower() == hit.remote_id.lower()


def _numbers(documents: Sequence[Document]) -> list[str]:
    return sorted({each.number for each in documents})


def _references(documents: Sequence[Document]) -> list[str]:
    """By their beginning: text may follow the number. A null reference would fail StartsWith."""
    return [f"(Reference!=null AND Reference.StartsWith({_text(number)}))" for number in _numbers(documents)]


def _equal(name: str, value: str) -> str:
    return f"{name}=={_text(value)}"


def _text(value: str) -> str:
    if _is_odd(value):
        raise ValueError(f"{value[:60]!r} can't be part of a filter")
    return f'"{value}"'


def _is_odd(text: str) -> bool:
    """Quotes and backslashes have no documented escape in a filter; very long names fill the address."""
    return '"' in text or "\\" in text or len(text) > 120


def _searchable(name: str) -> str:
    """The longest plain part of a name, for `searchTerm`; the whole name is compared afterwards."""
    return max(name.replace("\\", '"').split('"'), key=len).strip()[:60]
