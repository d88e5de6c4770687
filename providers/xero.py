"""Xero as a ledger: documents out, look-ups and reference data in; the promises are in contract.py.

https://developer.xero.com/documentation/api/accounting/overview
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from urllib.parse import quote

import requests

from errors import Refused, Uncertain
from mappers import xero as mapper
from mappers import xero_bills
from mappers.books import Books, Contact
from mappers.documents import BILL, CREDIT_NOTE, REFUND, SPEND, Call, Document, Found, Result, Standing
from providers import xero_wire
from providers.limiter import Limiter
from providers.xero_lookups import LookUps
from providers.xero_wire import Raw, Wire

# operation of a call -> (list in the path and in the envelope, whether unitdp applies: without it unit
# amounts are rounded to two places)
_ENDPOINTS = {
    "invoices": ("Invoices", True),
    "credit_notes": ("CreditNotes", True),
    "payments": ("Payments", False),
    "bank_transactions": ("BankTransactions", True),
    "contacts": ("Contacts", False),
}
# Where a kind's files are; payments have none.
_FILED_AT = {
    BILL: "Invoices",
    CREDIT_NOTE: "CreditNotes",
    SPEND: "BankTransactions",
    REFUND: "BankTransactions",
}


class Xero:
    """One organisation at Xero, spoken to with one access token (30 minutes). A `Ledger`."""

    name = "xero"
    longest_key = 128

    def __init__(
        self,
        session: requests.Session,
        *,
        api_url: str,
        tenant_id: str,
        access_token: str,
        limiter: Limiter,
    ) -> None:
        self._wire = Wire(
            session, api_url=api_url, tenant_id=tenant_id, access_token=access_token, limiter=limiter
        )
        self._look_ups = LookUps(self._wire)

    def books(self) -> Books:
        """The organisation, accounts, tax rates, tracking and currencies, in five calls."""
        return mapper.to_books(
            self._wire.get("Organisation", holding="Organisations"),
            self._wire.get("Accounts", holding="Accounts"),
            self._wire.get("TaxRates", holding="TaxRates"),
            self._wire.get("TrackingCategories", holding="TrackingCategories"),
            self._wire.get("Currencies", holding="Currencies"),
        )

    def changed_since(self, moment: dt.datetime) -> bool:
        """Xero's lists are few calls and have no common record of changes."""
        return True

    def contacts(self, wanted: Sequence[Document]) -> Mapping[str, Sequence[Contact]]:
        return self._look_ups.contacts(wanted)

    def contact(self, contact_id: str) -> Contact | None:
        """Xero would take a contact's number in place of its id: only the id counts here."""
        answer = self._one_at("Contacts", contact_id)
        found = mapper.to_contacts(answer) if answer is not None else []
        return next((each for each in found if each.id.lower() == contact_id.lower()), None)

    def calls(self, documents: Sequence[Document]) -> list[Call]:
        return list(mapper.to_calls(documents))

    def send(self, call: Call, *, key: str) -> list[Result]:
        """PUT creates and never overwrites. With summarizeErrors=false each element is judged alone; the
        default answers 400 for one bad element and keeps the ids of the good ones to itself."""
        path, takes_unitdp = _ENDPOINTS[call.operation]
        params = {"summarizeErrors": "false"} | ({"unitdp": "4"} if takes_unitdp else {})
        answer = self._wire.put(path, call.body, key=key, params=params)
        said = xero_wire.read(answer) if answer.is_good else {path: xero_wire.elements(answer)}
        if not isinstance(said.get(path), list):
            raise Uncertain(
                f"Xero answered {answer.status} without its list of {path}; what was sent will be looked up.",
                answered=True,
                status=answer.status,
            )
        return list(mapper.to_results(call, said))

    def look_up(self, documents: Sequence[Document]) -> Mapping[str, Sequence[Found]]:
        return self._look_ups.documents(documents)

    def state_of(self, documents: Sequence[Document]) -> Mapping[str, Sequence[Found]]:
        """The claims as they are now, by marker, with `due`, `approved` and `status`; for a payment or refund
        the claim that it settles, under its own marker. Absent: voided, deleted or never there."""
        return self._look_ups.states(documents)

    def reconciled(self, remote_ids: Sequence[tuple[str, str]]) -> set[str]:
        """Which of these (kind, id at Xero) are reconciled with a bank line."""
        return self._look_ups.reconciled(remote_ids)

    def bill_id(self, text: str) -> str | None:
        return xero_bills.to_bill_id(text)

    def standing(self, remote_id: str) -> Standing | None:
        """One read, and a second one when it is no invoice."""
        for name in (xero_bills.INVOICES, xero_bills.CREDIT_NOTES):
            answer = self._one_at(name, remote_id)
            found = xero_bills.to_standing(name, answer, remote_id) if answer is not None else None
            if found is not None:
                return found
        return None

    def attachments(self, kind: str, remote_id: str) -> list[tuple[str, int]]:
        """(file name, size in bytes) of each file at a posted document."""
        answer = self._wire.get(
            f"{_FILED_AT[kind]}/{quote(remote_id, safe='')}/Attachments", holding="Attachments"
        )
        return [
            (str(row.get("FileName", "")), int(row.get("ContentLength") or 0))
            for row in answer["Attachments"]
        ]

    def attach(
        self, kind: str, remote_id: str, *, name: str, content: bytes, content_type: str, key: str
    ) -> str:
        """Files one receipt at a posted document and returns its id. Xero takes ten, of 10 MB each.
        https://developer.xero.com/documentation/api/accounting/attachments"""
        path = f"{_FILED_AT[kind]}/{quote(remote_id, safe='')}/Attachments/{quote(name, safe='')}"
        answer = self._wire.put(path, content, key=key, content_type=content_type)
        if not answer.is_good:
            raise xero_wire.refused(answer)
        rows = xero_wire.read(answer).get("Attachments")
        attachment_id = str(rows[0].get("AttachmentID") or "") if isinstance(rows, list) and rows else ""
        if not attachment_id.strip("0-"):
            raise Uncertain(
                f"Xero answered {answer.status} without an attachment's id; its files will be looked at.",
                answered=True,
                status=answer.status,
            )
        return attachment_id

    def link(self, books: Books, document: Document, remote_id: str) -> str | None:
        return mapper.deep_link(books, document.kind, remote_id)

    def _one_at(self, name: str, remote_id: str) -> Raw | None:
        """The answer with the element of this list that has this id; None when none has."""
        try:
            return self._wire.get(f"{name}/{quote(remote_id, safe='')}", holding=name)
        except Refused as refusal:
            if refusal.status == 404:
                return None
            raise
