"""What people do while a journey is under way: mend the company file, change ConnectWise, work in Xero."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import tomlkit

from mappers.money import format_money
from models.actions import retry_expenses
from models.company import Company
from models.expense import Expense
from tests.journey.conftest import TENANT, Journey

SITE = "/connectwise/acme_f"
REFUSAL = {"ErrorNumber": 10, "Type": "ValidationException", "Message": "A validation exception occurred"}


def set_expenses(journey: Journey, **wanted: Any) -> None:
    """Sets these options of [expenses]; None takes one out."""

    def change(text: str) -> str:
        file = tomlkit.parse(text).unwrap()
        file["expenses"] = {k: v for k, v in (file["expenses"] | wanted).items() if v is not None}
        return tomlkit.dumps(file)

    journey.change_file(change)


def set_company(journey: Journey, **wanted: Any) -> None:
    """Sets these keys of [company]."""
    journey.change_file(lambda text: _changed(text, "company", wanted))


def set_rows(journey: Journey, table: str, *rows: Mapping[str, Any]) -> None:
    """Makes these the rows of a table of the company file."""

    def change(text: str) -> str:
        file = tomlkit.parse(text).unwrap()
        return tomlkit.dumps(file | {table: list(rows)})

    journey.change_file(change)


def add_rows(journey: Journey, table: str, *rows: Mapping[str, Any]) -> None:
    """Appends rows to a table of the company file."""

    def change(text: str) -> str:
        file = tomlkit.parse(text).unwrap()
        return tomlkit.dumps(file | {table: [*file.get(table, []), *rows]})

    journey.change_file(change)


def set_rule(journey: Journey, action: str, *, account: str | None = None) -> None:
    """One rule for the corporate card and everybody."""
    row = {"member": "*", "payment_type": "Corporate Amex", "action": action}
    set_rows(journey, "rules", row | ({"account": account} if account else {}))


def _changed(text: str, table: str, wanted: Mapping[str, Any]) -> str:
    file = tomlkit.parse(text).unwrap()
    return tomlkit.dumps(file | {table: file[table] | dict(wanted)})


def edit(journey: Journey, entry_id: int, **changes: Any) -> None:
    """Edits an entry in ConnectWise, and calls back."""
    journey.control("POST", f"{SITE}/edit", {"entry_id": entry_id, "silent": True} | changes)
    journey.call_back(entry_id)


def delete(journey: Journey, entry_id: int) -> None:
    """Deletes an entry in ConnectWise; no callback."""
    journey.control("POST", f"{SITE}/delete", {"entry_id": entry_id, "silent": True})


def report_of(journey: Journey, entry_id: int) -> int:
    """The id of the entry's expense report in ConnectWise."""
    entries = journey.control("GET", SITE)["entries"]
    return next(int(e["expenseReport"]["id"]) for e in entries if e["id"] == entry_id)


def move_report(journey: Journey, entry_id: int, status: str) -> None:
    """Gives the entry's report (and entries that are not billed yet) a status, and calls back."""
    body = {"report_ids": [report_of(journey, entry_id)], "status": status, "silent": True}
    journey.control("POST", f"{SITE}/unapprove", body)
    journey.call_back(entry_id)


def retry(journey: Journey, *entry_ids: int) -> int:
    """Somebody presses retry, and the worker comes by; how many were taken up."""
    with journey.database.write() as session:
        company = session.get_one(Company, journey.company_id)
        which = Expense.entry_id.in_(entry_ids)
        now = journey.database.now(session)
        taken = retry_expenses(session, company, which, actor="bookkeeper", now=now)
    journey.post()
    return taken


def set_books(journey: Journey, **wanted: Any) -> None:
    """Changes the settings and lists of the pretend Xero organisation."""
    journey.control("POST", "/xero/organisations", {"tenant_id": TENANT} | wanted)


def in_xero(journey: Journey, method: str, path: str, body: Any = None) -> Any:
    """A bookkeeper's own call to Xero's API."""
    token = journey.control("POST", "/xero/grants", {"tenants": [TENANT]})["access_token"]
    answer = journey.http.request(
        method,
        f"{journey.url}/api.xro/2.0{path}",
        json=body,
        headers={"Authorization": f"Bearer {token}", "Xero-Tenant-Id": TENANT, "Accept": "application/json"},
        timeout=30,
    )
    assert answer.ok, answer.text
    return answer.json()


def refuse_payments(journey: Journey, *, words: str = "Payments are resting today", times: int = 1) -> None:
    """Xero refuses the next call that makes payments, in these words."""
    element = {"ValidationErrors": [{"Message": words}]}
    journey.fault(
        system="xero",
        kind="status",
        method="PUT",
        path="/Payments",
        status=400,
        times=times,
        body=REFUSAL | {"Elements": [element]},
    )


def bill_with_payment_refused(journey: Journey, **entry: Any) -> tuple[int, dict[str, Any]]:
    """An expense whose bill stands in Xero while its payment was refused; its entry id and that bill."""
    refuse_payments(journey)
    [entry_id] = journey.add(entry)
    journey.post()
    return entry_id, claim(journey, entry_id)


def claim(journey: Journey, entry_id: int) -> dict[str, Any]:
    """The one bill or credit note of this expense in Xero that is not voided or deleted."""
    state = journey.books()
    rows = [r for r in state["invoices"] if r["InvoiceNumber"] == f"CW-{entry_id}"]
    rows += [r for r in state["credit_notes"] if r["CreditNoteNumber"] == f"CW-{entry_id}"]
    [found] = [row for row in rows if row["Status"] not in ("VOIDED", "DELETED")]
    return found


def payments(journey: Journey, entry_id: int) -> list[dict[str, Any]]:
    """Our live payments and refunds of this expense in Xero."""
    rows = journey.books()["payments"]
    return [r for r in rows if r["Reference"].startswith(f"CW-{entry_id} ") and r["Status"] == "AUTHORISED"]


def made(journey: Journey, entry_id: int) -> list[tuple[str, str, str, str, str | None]]:
    """Our documents of this expense: kind, state, number, amount, account."""
    return [
        (d.kind, d.state, d.number, format_money(d.amount, d.currency), d.account)
        for d in journey.documents(entry_id)
    ]


def balances(journey: Journey) -> dict[str, str]:
    """Double-entry balances by account code (name when it has none); debits are positive."""
    found = journey.balances()
    assert sum(found.values(), Decimal(0)) == 0
    return {code: str(amount) for code, amount in found.items()}


def ending(journey: Journey, entry_id: int) -> tuple[str, str | None]:
    """The expense's state and cause."""
    expense = journey.expense(entry_id)
    return expense.state, expense.cause


def all_of(journey: Journey, entry_ids: Sequence[int]) -> set[str]:
    """The states of these expenses."""
    return {journey.expense(entry_id).state for entry_id in entry_ids}
