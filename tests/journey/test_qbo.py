"""QuickBooks Online: the decision table in the books, drafts kept here, and exactly once."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from models import states
from models.actions import approve_expense
from models.companies import find_company
from settings import Settings
from tests.journey.conftest import COMPANY_FILE, Journey, open_company
from tests.journey.hands import retry, set_expenses, set_rows
from workers import work
from workers.wiring import Wiring

pytestmark = pytest.mark.one_database

REALM = "9341453000000001"
COST, CARD, BANK = "Meals and Entertainment", "Visa 2002", "Business Cheque"
LIABILITY, CLEARING, PAYABLE = "Unclaimed expenses", "Expense clearing", "Accounts Payable (A/P)"


def company_file(url: str) -> str:
    """Acme with QuickBooks for its ledger."""
    return (
        COMPANY_FILE.replace("{url}", url)
        .replace('company_id = "acme_f"', 'company_id = "acme_q"')
        .replace('provider = "xero"', 'provider = "qbo"')
        .replace("11111111-2222-4333-8444-555555555555", REALM)
        .replace('offset_account = "850"', f'offset_account = "{LIABILITY}"')
        .replace('account = "420"', f'account = "{COST}"')
        .replace('account = "493"', 'account = "Travel"')
        .replace('"INPUT"', '"GST"')
        .replace('account = "Amex 1001"', f'account = "{CARD}"')
    )


@pytest.fixture
def qbo(sandbox_url: str, settings: Settings) -> Iterator[Journey]:
    pointed = dataclasses.replace(
        settings,
        qbo_api_url=sandbox_url,
        qbo_oauth_url=sandbox_url,
        qbo_login_url=sandbox_url,
        qbo_client_id="sandbox-qbo-client",
        qbo_client_secret="sandbox-qbo-secret",
    )
    wiring = Wiring(pointed)
    company_id = open_company(wiring, company_file(sandbox_url), refresh_token="sandbox-qbo-refresh-token")
    yield Journey(sandbox_url, wiring, company_id, site="acme_q")
    wiring.database.engine.dispose()


def balances(qbo: Journey) -> dict[str, Decimal]:
    """What the accounts hold, those with nothing left out."""
    rows = qbo.control("GET", f"/qbo/{REALM}/balances")
    rows = rows.get("balances", rows) if isinstance(rows, dict) else rows
    pairs = rows.items() if isinstance(rows, dict) else [(r["name"], r["balance"]) for r in rows]
    return {name: Decimal(str(held)) for name, held in pairs if Decimal(str(held))}


def kinds(qbo: Journey, entry_id: int) -> list[tuple[str, str]]:
    return [(d.kind, d.state) for d in qbo.documents(entry_id)]


def assert_done(qbo: Journey, entry_id: int) -> None:
    expense = qbo.expense(entry_id)
    assert expense.state == states.DONE, (expense.state, expense.cause, expense.why)


def test_a_card_expense_is_a_bill_paid_by_the_card(qbo: Journey) -> None:
    [entry_id] = qbo.add({"amount": "110.00"})
    qbo.post()
    assert_done(qbo, entry_id)
    assert kinds(qbo, entry_id) == [("bill", "posted"), ("payment", "posted")]
    held = balances(qbo)
    assert (held[COST], held[CARD]) == (Decimal("100.00"), Decimal("-110.00"))
    assert PAYABLE not in held


def test_an_offset_on_a_liability_is_a_journal_and_a_payment_of_nothing(qbo: Journey) -> None:
    [entry_id] = qbo.add({"amount": "110.00", "payment_type": "Company Visa Debit"})
    qbo.post()
    assert_done(qbo, entry_id)
    assert [kind for kind, _ in kinds(qbo, entry_id)] == ["bill", "journal", "payment"]
    held = balances(qbo)
    assert (held[COST], held[LIABILITY]) == (Decimal("100.00"), Decimal("-110.00"))
    assert PAYABLE not in held


def test_a_refund_onto_the_card_is_one_document(qbo: Journey) -> None:
    [entry_id] = qbo.add({"amount": "-55.00"})
    qbo.post()
    assert_done(qbo, entry_id)
    assert kinds(qbo, entry_id) == [("refund", "posted")]
    held = balances(qbo)
    assert (held[COST], held[CARD]) == (Decimal("-50.00"), Decimal("55.00"))


def test_a_personal_purchase_is_owed_by_the_member_and_leaves_the_card(qbo: Journey) -> None:
    [entry_id] = qbo.add({"amount": "40.00", "classification": "Personal"})
    qbo.post()
    assert_done(qbo, entry_id)
    assert [kind for kind, _ in kinds(qbo, entry_id)] == ["credit_note", "spend"]
    held = balances(qbo)
    assert (held[CARD], held[PAYABLE]) == (Decimal("-40.00"), Decimal("40.00"))


def test_an_employees_own_money_is_an_open_bill(qbo: Journey) -> None:
    mine = {"payment_type": "Paid by employee", "classification": "Reimbursable", "amount": "33.00"}
    [entry_id] = qbo.add(mine)
    qbo.post()
    assert_done(qbo, entry_id)
    held = balances(qbo)
    assert (held[COST], held[PAYABLE]) == (Decimal("30.00"), Decimal("-33.00"))


def test_a_draft_waits_here_until_a_person_approves_it(qbo: Journey) -> None:
    set_expenses(qbo, company_paid_as="draft")
    [entry_id] = qbo.add({"amount": "22.00", "payment_type": "Company Visa Debit"})
    qbo.post()
    assert qbo.expense(entry_id).state == states.AWAITING_APPROVAL
    assert balances(qbo) == {}
    with qbo.database.write() as session:
        now = qbo.database.now(session)
        approve_expense(session, find_company(session, "acme"), entry_id, actor="bo", now=now)
    qbo.post()
    assert_done(qbo, entry_id)
    assert balances(qbo)[COST] == Decimal("20.00")


MADE = ("bills", "bill_payments", "vendor_credits", "purchases", "deposits", "journal_entries")
WRITES: dict[str, dict[str, Any]] = {
    "card expense": {"amount": "110.00"},
    "offset by journal": {"amount": "110.00", "payment_type": "Company Visa Debit"},
    "refund onto the card": {"amount": "-55.00"},
    "personal": {"amount": "40.00", "classification": "Personal"},
}


@pytest.mark.parametrize("kind", ["lose_answer", "refuse", "garbage"])
@pytest.mark.parametrize("what", sorted(WRITES))
@pytest.mark.parametrize("skip", range(6))
def test_whatever_happens_to_a_write_there_is_one_of_each(
    qbo: Journey, what: str, kind: str, skip: int
) -> None:
    [entry_id] = qbo.add(WRITES[what])
    qbo.fault(system="qbo", method="POST", path=f"/company/{REALM}", kind=kind, times=1, skip=skip)
    for _ in range(8):
        qbo.post()
        if qbo.expense(entry_id).due_at is None:
            break
        qbo.make_due()
    assert_done(qbo, entry_id)
    state = qbo.control("GET", f"/qbo/{REALM}/state")
    assert sum(len(state[name]) for name in MADE) == len(qbo.documents(entry_id))


def test_one_bad_of_thirty_stops_alone_in_quickbooks_own_words(qbo: Journey) -> None:
    set_rows(qbo, "members", {"identifier": "bchan", "contact": "999999"})
    good = qbo.add(*[{"amount": f"{n}.00"} for n in range(1, 30)])
    [bad] = qbo.add({}, member="bchan")
    qbo.post()
    assert {qbo.expense(entry_id).state for entry_id in good} == {states.DONE}
    refused = qbo.expense(bad)
    assert refused.state == states.NEEDS_ATTENTION
    assert "999999" in (refused.why or "")


def test_three_hundred_at_once_take_few_calls(qbo: Journey) -> None:
    entries = [{"amount": f"{n}.50"} for n in range(1, 201)]
    entries += [{"amount": f"{n}.50", "payment_type": "Company Visa Debit"} for n in range(1, 101)]
    ids = qbo.add(*entries)
    qbo.post()
    assert {qbo.expense(entry_id).state for entry_id in ids} == {states.DONE}
    calls = qbo.control("GET", f"/calls?system=qbo&tenant={REALM}")["count"]
    assert calls / len(ids) <= 0.15


def test_old_lists_are_asked_for_changes_before_they_are_read_again(
    qbo: Journey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "BOOKS_SECONDS", 0)
    time.sleep(1.1)  # changes are told by the second
    first = qbo.wiring.work("acme").books()
    before = qbo.control("GET", f"/calls?system=qbo&tenant={REALM}")["by"]
    assert qbo.wiring.work("acme").books() == first
    after = qbo.control("GET", f"/calls?system=qbo&tenant={REALM}")["by"]
    assert {name: n - before.get(name, 0) for name, n in after.items() if n != before.get(name)} == {
        "GET /cdc": 1
    }


ERROR = {"Message": "A business rule", "Detail": "not today", "code": "6000", "element": ""}
FAULT = json.dumps({"Fault": {"Error": [ERROR], "type": "ValidationFault"}})


def refuse_once(qbo: Journey, path: str) -> None:
    json_answer = {"Content-Type": "application/json"}
    qbo.fault(
        system="qbo",
        method="POST",
        path=path,
        kind="status",
        status=400,
        headers=json_answer,
        body=FAULT,
        times=1,
    )


def test_a_refused_link_of_bill_and_journal_is_made_by_the_retry(qbo: Journey) -> None:
    [entry_id] = qbo.add({"amount": "110.00", "payment_type": "Company Visa Debit"})
    refuse_once(qbo, "/billpayment")
    qbo.post()
    assert qbo.expense(entry_id).state == states.NEEDS_ATTENTION
    retry(qbo, entry_id)
    qbo.post()
    assert_done(qbo, entry_id)
    assert PAYABLE not in balances(qbo)


def test_a_refused_payment_moves_from_the_card_to_the_bank_account_that_the_rule_names_now(
    qbo: Journey,
) -> None:
    [entry_id] = qbo.add({"amount": "110.00"})
    refuse_once(qbo, "/billpayment")
    qbo.post()
    assert qbo.expense(entry_id).state == states.NEEDS_ATTENTION
    qbo.change_file(lambda text: text.replace(f'account = "{CARD}"', f'account = "{BANK}"'))
    retry(qbo, entry_id)
    qbo.post()
    assert_done(qbo, entry_id)
    assert balances(qbo)[BANK] == Decimal("-110.00")
