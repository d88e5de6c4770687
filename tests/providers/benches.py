"""One bench per ledger for the contract test: the ledger, the pretend provider behind it, its troubles."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Protocol

import requests

from mappers.books import Account, Books
from mappers.documents import (
    BILL,
    CONTACT,
    CREDIT_NOTE,
    PAYMENT,
    REFUND,
    SPEND,
    Document,
    Line,
)
from providers.contract import Ledger
from providers.http import make_session
from providers.limiter import XERO, Limiter
from providers.xero import Xero
from sandbox.server import Handle

TENANT = "11111111-2222-4333-8444-555555555555"
DAY = dt.date(2026, 8, 21)


class Bench(Protocol):
    """What the contract test needs beside the ledger."""

    @property
    def ledger(self) -> Ledger: ...

    @property
    def books(self) -> Books: ...

    def fault(self, kind: str, *, method: str = "PUT", **more: Any) -> None:
        """Trouble of this kind for the next call of this method."""

    def expire(self) -> None:
        """Access tokens end now."""

    def count(self, kind: str) -> int:
        """How many documents of this kind the provider really holds."""

    def calls(self) -> int:
        """How many calls it has seen."""


class XeroBench:
    """Xero against the sandbox."""

    def __init__(self, sandbox: Handle) -> None:
        self.url = sandbox.url
        tokens = self.control("POST", "xero/grants", {"client_id": "sandbox-client"})
        self.token = str(tokens["access_token"])
        self.limiter = Limiter(None, provider="xero", limits=XERO, max_wait_seconds=0.2)
        self.ledger: Ledger = self.ledger_with(self.token)
        self.books = self.ledger.books()

    def ledger_with(self, token: str, *, tenant: str = TENANT) -> Xero:
        return Xero(
            make_session(),
            api_url=self.url,
            tenant_id=tenant,
            access_token=token,
            limiter=self.limiter,
        )

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = requests.request(method, f"{self.url}/_sandbox/{path}", json=body, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def fault(self, kind: str, *, method: str = "PUT", **more: Any) -> None:
        wish = {"system": "xero", "kind": kind, "method": method, "times": 1, **more}
        self.control("POST", "faults", wish)

    def expire(self) -> None:
        self.control("POST", "xero/grants/expire", {})

    def count(self, kind: str) -> int:
        names = {
            BILL: "invoices",
            CREDIT_NOTE: "credit_notes",
            PAYMENT: "payments",
            SPEND: "bank_transactions",
            CONTACT: "contacts",
        }
        return len(self.control("GET", f"xero/{TENANT}/state")[names[kind]])

    def calls(self) -> int:
        return int(self.control("GET", "calls?system=xero")["count"])


BENCHES: dict[str, Callable[[Handle], Bench]] = {"xero": XeroBench}


class Paper:
    """Makes documents for one set of books, as a plan would."""

    def __init__(self, books: Books, *, contact: str) -> None:
        self.contact = contact
        self.cost = account(books, "420")
        self.offset = account(books, "850")
        self.card = account(books, "Amex 1001")

    def bill(self, number: str, amount: str = "120.50", *, kind: str = BILL, **more: Any) -> Document:
        return Document(
            kind=kind,
            number=number,
            date=DAY,
            due_date=DAY,
            currency="AUD",
            amount=Decimal(amount),
            contact=self.contact,
            lines=(self.line(amount, self.cost),),
            **more,
        )

    def credit_note(self, number: str, amount: str = "120.50") -> Document:
        return self.bill(number, amount, kind=CREDIT_NOTE)

    def payment(self, number: str, settles_id: str, amount: str = "120.50") -> Document:
        return self._money(PAYMENT, number, amount, settles=BILL, settles_id=settles_id)

    def refund(self, number: str, settles_id: str, amount: str = "120.50") -> Document:
        return self._money(REFUND, number, amount, settles=CREDIT_NOTE, settles_id=settles_id)

    def spend(self, number: str, amount: str = "120.50", *, kind: str = SPEND) -> Document:
        return self._money(kind, number, amount, lines=(self.line(amount, self.offset),))

    def refund_of_nothing(self, number: str, amount: str = "120.50") -> Document:
        return self.spend(number, amount, kind=REFUND)

    def line(self, amount: str, coded: Account) -> Line:
        return Line(
            description="Meals",
            amount=Decimal(amount),
            account=coded.id,
            account_code=coded.code,
            tax_code=coded.tax_code or "INPUT",
        )

    def _money(self, kind: str, number: str, amount: str, **more: Any) -> Document:
        return Document(
            kind=kind,
            number=number,
            date=DAY,
            currency="AUD",
            amount=Decimal(amount),
            contact=self.contact,
            account=self.card.id,
            account_name=self.card.name,
            memo="jdoe Meals",
            **more,
        )


def account(books: Books, name: str) -> Account:
    return next(each for each in books.accounts if name in (each.code, each.name))


def wanted_contact(name: str, *, number: str | None = None) -> Document:
    return Document(
        kind=CONTACT,
        number=name,
        name=name,
        contact_number=number,
        date=DAY,
        currency="AUD",
        amount=Decimal(0),
    )
