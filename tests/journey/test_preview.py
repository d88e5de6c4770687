"""The preview says what will be made; then exactly that is made."""

from __future__ import annotations

from typing import Any

import pytest

from errors import NotFound
from tests.journey.conftest import Journey
from tests.journey.hands import claim, made, set_books, set_expenses, set_rule
from workers.preview import preview

pytestmark = pytest.mark.one_database


def look(journey: Journey, entry_id: int) -> dict[str, Any]:
    return preview(journey.wiring.work("acme"), entry_id)


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"amount": "-45.00"},
        {"classification": "Personal"},
        {"payment_type": "Paid by employee", "classification": "Reimbursable"},
        {"payment_type": "Company Visa Debit"},
        {"payment_type": "Paid by employee", "classification": "Personal"},
        {"classification": "Reimbursable"},
        {"type": "Software"},
        {"amount": "0"},
        {"currency": "USD"},
        {"date": "2026-06-30"},
    ],
    ids=lambda entry: "-".join(str(value) for value in entry.values()) or "plain",
)
def test_what_is_previewed_is_what_is_made(journey: Journey, entry: dict[str, str]) -> None:
    [entry_id] = journey.add(entry)
    shown = look(journey, entry_id)
    journey.post()
    expense = journey.expense(entry_id)
    seen = (shown["state"], shown["cause"], shown["to_do"], shown["why"], shown["rule"])
    assert seen == (expense.state, expense.cause, expense.to_do, expense.why, expense.rule)
    planned = [(d["kind"], d["number"], d["amount"], d["account"]) for d in shown["documents"]]
    assert planned == [
        (kind, number, amount, account) for kind, _, number, amount, account in made(journey, entry_id)
    ]


def test_a_preview_shows_the_lines_as_they_will_stand_in_xero(journey: Journey) -> None:
    [entry_id] = journey.add({"taxes": [{"type": "GST", "amount": "7.31"}], "notes": "Lunch with Contoso"})
    bill, payment = look(journey, entry_id)["documents"]
    journey.post()
    made_bill = claim(journey, entry_id)
    [line], [made_line] = bill["lines"], made_bill["LineItems"]
    assert line["description"] == made_line["Description"]
    assert line["account"].startswith(f"{made_line['AccountCode']} ")
    assert (line["tax_code"], line["tax_amount"]) == (made_line["TaxType"], "7.31")
    assert (bill["date"], bill["contact"]) == (
        made_bill["DateString"][:10],
        made_bill["Contact"]["ContactID"],
    )
    assert (payment["account"], payment["lines"]) == ("Amex 1001", [])


def test_a_preview_makes_and_remembers_nothing(journey: Journey) -> None:
    [entry_id] = journey.add({}, member="dnguyen")
    before = journey.books()
    shown = look(journey, entry_id)
    assert shown["documents"][0]["contact"] == "(new) Duc Nguyen"
    assert journey.books() == before
    assert (journey.expense(entry_id).state, journey.documents(entry_id)) == ("queued", [])
    assert not [call for call in journey.calls() if not call.startswith("GET ")]


def test_a_preview_tells_what_an_unapproved_entry_waits_for(journey: Journey) -> None:
    [entry_id] = journey.add({}, approve=False)
    shown = look(journey, entry_id)
    journey.post()
    expense = journey.expense(entry_id)
    assert (shown["state"], shown["why"]) == ("held", expense.why)


def test_a_preview_tells_of_closed_books_and_where_the_documents_move(journey: Journey) -> None:
    set_expenses(journey, closed_period="next_open_day")
    set_books(journey, period_lock_date="2026-08-31")
    [entry_id] = journey.add({})
    shown = look(journey, entry_id)
    journey.post()
    assert [d["date"] for d in shown["documents"]] == ["2026-09-01", "2026-09-01"]
    assert shown["why"] == journey.expense(entry_id).why


def test_a_preview_calls_a_draft_a_draft(journey: Journey) -> None:
    set_rule(journey, "draft_bill")
    [entry_id] = journey.add({})
    shown = look(journey, entry_id)
    journey.post()
    assert [d["state"] for d in shown["documents"]] == [d[1] for d in made(journey, entry_id)] == ["draft"]


def test_a_preview_sees_what_was_mended_in_xero_a_moment_ago(journey: Journey) -> None:
    set_rule(journey, "payment_account", account="880")
    [entry_id] = journey.add({})
    assert look(journey, entry_id)["cause"] == "account_cannot_pay"
    set_books(journey, accounts=[{"code": "880", "enable_payments": True}])
    assert (look(journey, entry_id)["state"], look(journey, entry_id)["cause"]) == ("done", None)


def test_an_entry_that_connectwise_does_not_have_has_no_preview(journey: Journey) -> None:
    with pytest.raises(NotFound, match="999999"):
        look(journey, 999_999)
