"""Many expenses at once: one's trouble is its own, and companies never mix."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from sqlalchemy import select

from mappers.company_file import dump, load, load_text
from models.company import Company, Connection
from models.expense import Expense
from models.inbox import wake_expenses
from tests.journey.conftest import COMPANY_FILE, TENANT, Journey
from tests.journey.hands import add_rows, all_of, claim, ending, payments, retry, set_books
from tests.world import NOON
from workers.posting import Posting

ONE = pytest.mark.one_database
BETA = "22222222-2222-4333-8444-555555555555"


def know_the_books(journey: Journey) -> None:
    """Posts something, so that the books are read and remembered."""
    journey.add({"amount": "1.00"})
    journey.post()


@ONE
def test_one_bad_of_fifty_stops_none_of_the_others(journey: Journey) -> None:
    know_the_books(journey)
    set_books(journey, accounts=[{"code": "493", "status": "ARCHIVED"}])
    entries: list[dict[str, Any]] = [{"amount": f"{n}.00"} for n in range(1, 51)]
    entries[17]["type"] = "Travel"
    ids = journey.add(*entries)
    journey.post()
    bad = ids.pop(17)
    journey.assert_posted_once(*ids)
    assert ending(journey, bad) == ("needs_attention", "account_archived")
    words = journey.documents(bad)[0].words or ""
    assert "archived" in words
    assert journey.expense(bad).why == words
    assert payments(journey, bad) == []
    set_books(journey, accounts=[{"code": "493", "status": "ACTIVE"}])
    retry(journey, bad)
    journey.assert_posted_once(*ids, bad)


@ONE
def test_every_expense_of_a_batch_gets_its_own_ending(journey: Journey) -> None:
    wishes: list[dict[str, Any]] = [
        {},
        {"type": "Software"},
        {"currency": "USD"},
        {"amount": "0"},
        {"classification": "Reimbursable"},
        {"date": "2026-06-30"},
        {"taxes": [{"type": "GST", "amount": "500.00"}]},
        {"amount": "-12.00"},
    ]
    ids = journey.add(*wishes)
    journey.post()
    assert [ending(journey, entry_id) for entry_id in ids] == [
        ("done", None),
        ("needs_attention", "expense_type_unmapped"),
        ("needs_attention", "currency_missing"),
        ("skipped", None),
        ("needs_attention", "paid_by_company_but_reimbursable"),
        ("skipped", None),
        ("needs_attention", "tax_amount_unclear"),
        ("done", None),
    ]


@ONE
def test_a_refused_payment_keeps_its_neighbours_paid(journey: Journey) -> None:
    know_the_books(journey)
    set_books(journey, accounts=[{"code": "850", "enable_payments": False}])
    card, offset = journey.add({}, {"payment_type": "Company Visa Debit"})
    journey.post()
    journey.assert_posted_once(card)
    assert ending(journey, offset) == ("needs_attention", "account_cannot_pay")
    assert claim(journey, offset)["Status"] == "AUTHORISED"
    set_books(journey, accounts=[{"code": "850", "enable_payments": True}])
    retry(journey, offset)
    journey.assert_posted_once(card, offset)


@ONE
def test_an_answer_in_another_order_is_matched_by_number(journey: Journey) -> None:
    set_books(journey, shuffle_answers=True)
    ids = journey.add(*[{"amount": f"{n}.00"} for n in range(1, 31)])
    journey.post()
    journey.assert_posted_once(*ids)
    ledger = {b["InvoiceNumber"]: b["InvoiceID"] for b in journey.books()["invoices"]}
    ours = {d.number: d.remote_id for i in ids for d in journey.documents(i) if d.kind == "bill"}
    assert ours == ledger


def test_more_than_one_call_takes_is_sent_in_several(journey: Journey) -> None:
    ids = [i for _ in range(2) for i in journey.add(*[{"amount": f"{n}.10"} for n in range(1, 31)])]
    journey.post()
    assert all_of(journey, ids) == {"done"}
    state = journey.books()
    assert Counter(b["Status"] for b in state["invoices"]) == {"PAID": 60}
    assert len(state["payments"]) == 60
    calls = journey.calls()
    assert (calls["PUT /Invoices"], calls["PUT /Payments"]) == (2, 2)


@ONE
def test_a_worker_with_a_long_queue_gives_the_turn_to_others(
    journey: Journey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.posting.JOB_SECONDS", 0.001)
    first = journey.add(*[{"amount": "0"} for _ in range(110)])
    assert Posting(journey.wiring.work("acme")).run() is True
    assert Counter(journey.expense(i).state for i in first) == {"skipped": 100, "queued": 10}
    monkeypatch.undo()
    assert Posting(journey.wiring.work("acme")).run() is False


def add_beta(journey: Journey) -> int:
    """A second company with its own ConnectWise site and its own books."""
    member = {"identifier": "jdoe", "first_name": "Jo", "last_name": "Doe"}
    keys = {"public_key": "betaPublic", "private_key": "betaPrivate", "client_id": "beta"}
    journey.control("POST", "/connectwise/beta_f", {"name": "Beta", "members": [member]} | keys)
    journey.control("POST", "/xero/organisations", {"tenant_id": BETA, "name": "Beta"})
    tokens = journey.control("POST", "/xero/grants", {"tenants": [BETA]})
    text = COMPANY_FILE.replace("{url}", journey.url).replace(TENANT, BETA)
    text = text.replace('key = "acme"', 'key = "beta"').replace("acme_f", "beta_f")
    loaded, _ = load(load_text(text))
    sealer = journey.wiring.sealer
    company = Company(
        key="beta",
        name="Beta",
        settings=dump(loaded),
        cw_site=journey.url,
        cw_company_id="beta_f",
        cw_secrets=sealer.seal_mapping(keys),
        provider="xero",
        tenant_id=BETA,
        connection=Connection(
            provider="xero", refresh_token=sealer.seal(tokens["refresh_token"]), seed_hash="beta"
        ),
        created_at=NOON,
        updated_at=NOON,
    )
    with journey.database.write() as session:
        session.add(company)
        session.flush()
        return company.id


def enter_in_beta(journey: Journey, company_id: int) -> int:
    entry = {"type": "Meals", "payment_type": "Corporate Amex", "classification": "Non-Reimbursable"}
    entry |= {"amount": "77.00", "date": "2026-08-21", "currency": "AUD"}
    report = {"member": "jdoe", "entries": [entry]}
    [made] = journey.control("POST", "/connectwise/beta_f/expenses", {"reports": [report]})["reports"]
    journey.control("POST", "/connectwise/beta_f/approve", {"all": True, "silent": True})
    entry_id = int(made["entry_ids"][0])
    with journey.database.write() as session:
        wake_expenses(session, {(company_id, entry_id): False})
    return entry_id


def states_of(journey: Journey, entry_id: int) -> dict[str, str]:
    with journey.database.read() as session:
        rows = select(Company.key, Expense.state).join(Expense, Expense.company_id == Company.id)
        found = session.execute(rows.where(Expense.entry_id == entry_id))
        return {row.key: row.state for row in found}


def test_companies_with_the_same_entry_number_never_mix(journey: Journey) -> None:
    beta = add_beta(journey)
    [ours] = journey.add({})
    theirs = enter_in_beta(journey, beta)
    assert ours == theirs
    journey.post()
    assert states_of(journey, ours) == {"acme": "done", "beta": "queued"}
    Posting(journey.wiring.work("beta")).run()
    assert states_of(journey, ours) == {"acme": "done", "beta": "done"}
    bills = {
        tenant: [b["Total"] for b in journey.control("GET", f"/xero/{tenant}/state")["invoices"]]
        for tenant in (TENANT, BETA)
    }
    assert bills == {TENANT: [120.5], BETA: [77.0]}


@ONE
def test_one_companys_lost_connection_stops_only_that_company(journey: Journey) -> None:
    beta = add_beta(journey)
    journey.control("POST", "/xero/grants/revoke", {"refresh_token": "sandbox-refresh-token"})
    [ours] = journey.add({})
    enter_in_beta(journey, beta)
    journey.post()
    Posting(journey.wiring.work("beta")).run()
    assert states_of(journey, ours) == {"acme": "queued", "beta": "done"}


@ONE
def test_a_refused_payment_goes_by_the_rule_as_it_is_when_somebody_retries(journey: Journey) -> None:
    know_the_books(journey)
    set_books(journey, accounts=[{"code": "850", "enable_payments": False}])
    [entry_id] = journey.add({"payment_type": "Company Visa Debit"})
    journey.post()
    assert ending(journey, entry_id) == ("needs_attention", "account_cannot_pay")
    rule = {"member": "*", "payment_type": "Company Visa Debit", "action": "payment_account"}
    add_rows(journey, "rules", rule | {"account": "Amex 1001"})
    retry(journey, entry_id)
    journey.assert_posted_once(entry_id)
    assert [d.account for d in journey.documents(entry_id)] == [None, "Amex 1001"]
