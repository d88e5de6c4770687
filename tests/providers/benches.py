"""One bench per ledger for the contract test: the ledger, the pretend provider behind it, its troubles."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Protocol

import requests

from mappers.accounts import find_tax
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
    TaxShare,
)
from mappers.money import HUNDRED, rounded
from providers.contract import Ledger
from providers.http import make_session
from providers.limiter import QBO as QBO_LIMITS
from providers.limiter import QBO_BATCHES, XERO, Limiter
from providers.qbo import QBO
from providers.xero import Xero
from sandbox.server import Handle

TENANT = "11111111-2222-4333-8444-555555555555"
REALM = "9341453000000001"
DAY = dt.date(2026, 8, 21)


class Bench(Protocol):
    """What the contract test needs beside the ledger."""

    @property
    def ledger(self) -> Ledger: ...

    @property
    def books(self) -> Books: ...

    @property
    def size(self) -> int:
        """How many documents a call takes."""

    @property
    def links_refunds(self) -> bool:
        """Whether a credit note can be paid back."""

    def fault(self, kind: str, *, read: bool = False, **more: Any) -> None:
        """Trouble of this kind for the next write, or read."""

    def complaint(self, words: str, *, code: str) -> Any:
        """The body of an error answer in these words."""

    def expire(self) -> None:
        """Access tokens end now."""

    def count(self, kind: str) -> int:
        """How many documents of this kind the provider really holds."""

    def calls(self) -> int:
        """How many calls it has seen."""


class XeroBench:
    """Xero against the sandbox."""

    size = 50
    links_refunds = True

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

    def fault(self, kind: str, *, read: bool = False, **more: Any) -> None:
        wish = {"system": "xero", "kind": kind, "method": "GET" if read else "PUT", "times": 1, **more}
        self.control("POST", "faults", wish)

    def complaint(self, words: str, *, code: str) -> Any:
        return {"ErrorNumber": 10, "Message": words, "Elements": []}

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


class QBOBench:
    """QuickBooks Online against the sandbox, with the accounts that the tests know."""

    size = 30
    links_refunds = False

    def __init__(self, sandbox: Handle, **company: Any) -> None:
        self.url = sandbox.url
        accounts = [
            {"name": "Entertainment", "number": "420", "type": "Expense"},
            {"name": "Unclaimed", "number": "850", "type": "Other Current Liability"},
            {"name": "Amex 1001", "type": "Credit Card"},
        ]
        tax = [{"name": "INPUT", "rate": "10"}]
        self.configure(accounts=accounts, tax=tax, **company)
        tokens = self.control("POST", "qbo/grants", {"client_id": "sandbox-qbo-client", "realm_id": REALM})
        self.limiter = Limiter(None, provider="qbo", limits=QBO_LIMITS, max_wait_seconds=2)
        self.batches = Limiter(None, provider="qbo-batches", limits=QBO_BATCHES, max_wait_seconds=2)
        self.ledger: Ledger = self.ledger_with(str(tokens["access_token"]))
        self.books = self.ledger.books()

    def ledger_with(self, token: str, *, realm: str = REALM) -> QBO:
        return QBO(
            make_session(),
            api_url=self.url,
            realm_id=realm,
            access_token=token,
            limiter=self.limiter,
            batches=self.batches,
        )

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = requests.request(method, f"{self.url}/_sandbox/{path}", json=body, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def configure(self, **company: Any) -> None:
        self.control("POST", "qbo/companies", {"realm_id": REALM, **company})

    def fault(self, kind: str, *, read: bool = False, **more: Any) -> None:
        self.control("POST", "faults", {"system": "qbo", "kind": kind, "method": "POST", "times": 1, **more})

    def complaint(self, words: str, *, code: str) -> Any:
        error = {"Message": words, "Detail": "", "code": code, "element": ""}
        return {"Fault": {"Error": [error], "type": "ValidationFault"}, "time": "2026-08-21T00:00:00Z"}

    def expire(self) -> None:
        self.control("POST", "qbo/grants/expire", {})

    def state(self, name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.control("GET", f"qbo/{REALM}/state")[name]
        return found

    def balances(self) -> dict[str, Decimal]:
        found = self.control("GET", f"qbo/{REALM}/balances")
        return {name: Decimal(amount) for name, amount in found.items() if Decimal(amount)}

    def count(self, kind: str) -> int:
        names = {
            BILL: "bills",
            CREDIT_NOTE: "vendor_credits",
            PAYMENT: "bill_payments",
            SPEND: "purchases",
            CONTACT: "vendors",
        }
        return len(self.state(names[kind]))

    def calls(self) -> int:
        return int(self.control("GET", "calls?system=qbo")["count"])


BENCHES: dict[str, Callable[[Handle], Bench]] = {"xero": XeroBench, "qbo": QBOBench}


class Paper:
    """Makes documents for one set of books, as a plan would."""

    def __init__(self, books: Books, *, contact: str) -> None:
        self.books = books
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
        code = coded.tax_code or "INPUT"
        tax = find_tax(self.books, code) if self.books.tax_codes else None
        return Line(
            description="Meals",
            amount=Decimal(amount),
            account=coded.id,
            account_code=coded.code,
            tax_code=tax.code if tax else code,
            tax_shares=tuple(
                TaxShare(
                    rate=rate,
                    percent=percent,
                    amount=rounded(Decimal(amount) * percent / (HUNDRED + percent), 2),
                )
                for rate, percent in (tax.rates if tax else ())
            ),
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
            account_type=self.card.type,
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
