"""Short chaos runs on both databases, and an auditor that sees each sort of wrong in doctored books."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from bin.demo_month.month import OWN, VISA
from bin.demo_month.quickbooks import LIABILITY
from settings import ROOT
from tests.chaos import plan
from tests.chaos.audit import AMOUNT, CLAIMED, DOUBLED, MISSING, OTHER, Finding, audit
from tests.chaos.due import due
from tests.chaos.entries import Entry, shown
from tests.chaos.machine import DATABASES
from tests.world import NOON

SECONDS, SEED, WAIT_SECONDS = 20, 1, 400
CLEAN = "missing 0 · doubled 0 · wrong amount 0 · wrongly claimed done 0 · otherwise wrong 0"


@pytest.fixture(scope="module")
def runs() -> Iterator[dict[str, subprocess.Popen[str]]]:
    """A short run on each kind of database, beside each other."""
    command = [sys.executable, "-m", "tests.chaos", "--seed", str(SEED), "--minutes", str(SECONDS / 60)]
    started = {
        kind: subprocess.Popen(
            [*command, "--database", kind],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for kind in DATABASES
    }
    yield started
    for process in started.values():
        process.terminate()
        process.wait(WAIT_SECONDS)


@pytest.mark.timeout(WAIT_SECONDS + 60)
@pytest.mark.parametrize("kind", DATABASES)
def test_a_short_run_loses_and_doubles_nothing(runs: dict[str, subprocess.Popen[str]], kind: str) -> None:
    said = runs[kind].communicate(timeout=WAIT_SECONDS)[0]
    assert runs[kind].returncode == 0, said[-6000:]
    assert said.splitlines()[-1] == CLEAN
    figures = {name: int(figure) for name, figure in re.findall(r"^  (\S.*?) {2,}(\d+)$", said, re.M)}
    struck = (f"faults struck: {kind}" for kind in ("lose_answer", "status", "status_after", "rate_limit"))
    for what in (*plan.TROUBLES, *struck, "callbacks sent", "of them not taken at that try", "expenses done"):
        assert figures.get(what, 0) > 0, f"{what} never came\n{said[-6000:]}"


def test_the_same_seed_gives_the_same_timetable_and_another_seed_another() -> None:
    def timetable(seed: int) -> list[str]:
        people = plan.people(seed, seconds=60, rate=5, today=NOON.date())
        return [str(act) for act in sorted([*people, *plan.trouble(seed, seconds=60)])]

    assert timetable(1) == timetable(1) != timetable(2)


# -- the auditor ---------------------------------------------------------------------------------------


def entry_row(entry_id: int = 4711, **changes: Any) -> dict[str, Any]:
    """An approved meal on the company's Amex, as ConnectWise shows it."""
    return {
        "id": entry_id, "member": {"identifier": "jdoe"}, "type": {"name": "Meals"}, "amount": 12.5,
        "paymentMethod": {"name": "Corporate Amex"}, "classification": {"name": "Non-Reimbursable"},
        "date": "2026-08-21T00:00:00Z", "status": "ApprovedByTierTwo", "expenseReport": {"id": 101},
    } | changes  # fmt: skip


class Auditable:
    """One company at Xero with one expense, everything as it must be; a test spoils something."""

    def __init__(self) -> None:
        self.entry = entry_row()
        self.site: dict[str, Any] = {
            "reports": [{"id": 101, "status": "ApprovedByTierTwo"}],
            "entries": [self.entry],
        }
        self.bill = {
            "InvoiceNumber": "CW-4711", "Status": "PAID", "Total": "12.50", "AmountDue": "0.00",
            "TotalTax": "1.14", "Contact": {"Name": "Jo Doe"}, "DateString": "2026-08-21",
            "LineItems": [{"AccountCode": "420"}],
        }  # fmt: skip
        self.payment = {
            "PaymentID": "p-1", "PaymentType": "ACCPAYPAYMENT", "Status": "AUTHORISED", "Amount": "12.50",
            "Reference": "CW-4711 jdoe", "DateString": "2026-08-21", "Account": {"Name": "Amex 1001"},
        }  # fmt: skip
        self.state: dict[str, list[dict[str, Any]]] = {
            "invoices": [self.bill], "credit_notes": [], "payments": [self.payment],
            "bank_transactions": [], "contacts": [{"Name": "Jo Doe"}],
        }  # fmt: skip
        self.claim: dict[str, Any] = {"state": "done", "cause": None, "why": "so it is"}
        self.ever = {4711: {shown(self.entry)}}

    def audit(self) -> list[Finding]:
        return audit(self.site, self.state, ledger="xero", ever=self.ever, claims={4711: self.claim})

    def take_back(self) -> None:
        self.entry["status"] = self.site["reports"][0]["status"] = "PendingApproval"

    def stop(self, state: str, cause: str | None = None) -> None:
        self.claim = {"state": state, "cause": cause, "why": "so it is"}

    def edit(self) -> None:
        self.entry["amount"] = 99
        self.ever[4711].add(shown(self.entry))


def spoil_no_payment(books: Auditable) -> None:
    books.state["payments"].clear()


def spoil_second_bill(books: Auditable) -> None:
    books.state["invoices"].append(books.bill)


def spoil_second_contact(books: Auditable) -> None:
    books.state["contacts"].append({"Name": "Jo Doe"})


def spoil_second_receipt(books: Auditable) -> None:
    books.state["attachments"] = [{"FileName": "CW-4711-901-receipt.pdf"}] * 2


def spoil_bill_amount(books: Auditable) -> None:
    books.bill["Total"] = "12.51"


def spoil_payment_amount(books: Auditable) -> None:
    books.payment["Amount"] = "12.49"


def spoil_half_paid(books: Auditable) -> None:
    books.bill["AmountDue"] = "6.25"


def spoil_account(books: Auditable) -> None:
    books.payment["Account"] = {"Name": "Visa Debit 2002"}


def spoil_stranger(books: Auditable) -> None:
    books.state["invoices"].append(books.bill | {"InvoiceNumber": "CW-9999"})


def spoil_needlessly_stopped(books: Auditable) -> None:
    books.stop("needs_attention", "gave_up")


def spoil_never_ended(books: Auditable) -> None:
    books.stop("retrying")


def spoil_done_though_taken_back(books: Auditable) -> None:
    books.take_back()


def spoil_done_though_edited(books: Auditable) -> None:
    books.edit()


def spoil_doubled_before_it_changed(books: Auditable) -> None:
    books.edit()
    books.stop("changed")
    books.state["payments"].append(books.payment)


SPOILS: dict[Callable[[Auditable], None], set[str]] = {
    spoil_no_payment: {MISSING, CLAIMED},
    spoil_second_bill: {DOUBLED, CLAIMED},
    spoil_second_contact: {DOUBLED},
    spoil_second_receipt: {DOUBLED},
    spoil_bill_amount: {AMOUNT, CLAIMED},
    spoil_payment_amount: {AMOUNT, CLAIMED},
    spoil_half_paid: {AMOUNT, CLAIMED},
    spoil_account: {OTHER, CLAIMED},
    spoil_stranger: {OTHER},
    spoil_needlessly_stopped: {OTHER},
    spoil_never_ended: {OTHER},
    spoil_done_though_taken_back: {OTHER, CLAIMED},
    spoil_done_though_edited: {AMOUNT, CLAIMED},
    spoil_doubled_before_it_changed: {DOUBLED},
}


def test_the_auditor_finds_nothing_wrong_in_good_books() -> None:
    assert Auditable().audit() == []


@pytest.mark.parametrize("spoil", SPOILS, ids=lambda spoil: spoil.__name__.removeprefix("spoil_"))
def test_the_auditor_sees_what_is_wrong(spoil: Callable[[Auditable], None]) -> None:
    books = Auditable()
    spoil(books)
    found = books.audit()
    assert {finding.sort for finding in found} == SPOILS[spoil], found


def test_an_approved_expense_that_nobody_knows_is_missing() -> None:
    books = Auditable()
    books.site["entries"].append(entry_row(4712))
    assert {finding.sort for finding in books.audit()} == {MISSING, OTHER}


def test_what_was_taken_back_or_changed_after_posting_may_stand_before_a_person() -> None:
    taken_back, edited = Auditable(), Auditable()
    taken_back.take_back()
    edited.edit()
    for books in (taken_back, edited):
        books.stop("changed", "changed_after_posting")
        assert books.audit() == []


@pytest.mark.parametrize(
    ("changes", "ledger", "claim", "money", "journal"),
    [
        ({}, "xero", "bill", "payment", None),
        ({"amount": Decimal(-5)}, "qbo", None, "refund", None),
        ({"payment": VISA, "member": "dnguyen"}, "qbo", "bill", "payment", LIABILITY),
        ({"payment": VISA, "member": "bchan"}, "xero", "bill", None, None),
        ({"classed": "Personal"}, "xero", "credit_note", "spend", None),
        ({"classed": "Personal", "amount": Decimal(-5)}, "qbo", "bill", "refund", None),
        ({"payment": OWN, "classed": "Reimbursable"}, "qbo", "bill", None, None),
        ({"payment": OWN}, "qbo", None, None, None),
    ],
)  # fmt: skip
def test_what_is_due_follows_the_decision_table(
    changes: dict[str, Any], ledger: str, claim: str | None, money: str | None, journal: str | None
) -> None:
    entry: Entry = replace(shown(entry_row()), **changes)
    wanted = due(entry, ledger=ledger)
    assert (wanted.claim, wanted.money, wanted.journal) == (claim, money, journal)
