"""Plans: numbers, days, lines and totals, and what is stopped before it is sent."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import Held, NeedsAttention
from mappers.books import Books
from mappers.company import Rule
from mappers.documents import BILL, CREDIT_NOTE, PAYMENT, REFUND, SPEND, Document
from mappers.entry import EntryTax
from mappers.plan import explain, number_of
from mappers.stored import (
    books_from_json,
    books_to_json,
    decision_from_json,
    decision_to_json,
    document_from_json,
    document_to_json,
    entry_from_json,
    entry_to_json,
    report_from_json,
    report_to_json,
    site_from_json,
    site_to_json,
)
from tests.mappers.world import (
    BOOKS,
    CONTACT_ID,
    DAY,
    ENTRY,
    OWN_MONEY,
    REPORT,
    SITE,
    VISA,
    decision,
    documents,
    entry,
    settings,
)


def cause_of(*given: Any, **more: Any) -> str:
    with pytest.raises(NeedsAttention) as trouble:
        documents(*given, **more)
    return trouble.value.cause


def gst(amount: str) -> tuple[EntryTax, ...]:
    return (EntryTax(name="GST", amount=Decimal(amount)),)


def test_a_card_expense_is_a_bill_and_its_payment_in_full() -> None:
    bill, payment = documents(entry())
    assert (bill.kind, bill.number, bill.amount, bill.date, bill.due_date) == (
        BILL,
        "CW-4711",
        Decimal("120.50"),
        DAY,
        DAY,
    )
    assert (payment.kind, payment.number, payment.amount, payment.date) == (
        PAYMENT,
        "CW-4711",
        bill.amount,
        DAY,
    )
    assert (payment.settles, payment.settles_id, payment.account_name) == (BILL, None, "Amex 1001")
    assert bill.contact == payment.contact == CONTACT_ID


def test_a_second_posting_has_a_number_of_its_own() -> None:
    assert {document.number for document in documents(entry(), posting=2)} == {"CW-4711-2"}
    assert number_of(7) == "CW-7"


def test_only_reimbursable_bills_are_due_later() -> None:
    (bill,) = documents(entry(pays=OWN_MONEY, kind=2))
    assert (bill.date, bill.due_date) == (DAY, dt.date(2026, 9, 4))


def test_a_line_tells_the_bookkeeper_what_it_is() -> None:
    of = entry(notes="Lunch\nwith\x00 the <vendor> " + "x" * 1000)
    (line,) = documents(of)[0].lines
    assert line.description.startswith("Meals - Jo Doe (jdoe) - Lunch with the <vendor> xxx")
    assert line.description.endswith("… - ConnectWise expense 4711")
    assert len(line.description) < 400


def test_a_refund_settles_its_credit_note() -> None:
    note, refund = documents(entry(amount="-20"))
    assert (note.kind, note.amount, note.due_date, note.lines[0].amount) == (
        CREDIT_NOTE,
        Decimal(20),
        None,
        Decimal(20),
    )
    assert (refund.kind, refund.settles, refund.lines, refund.amount) == (
        REFUND,
        CREDIT_NOTE,
        (),
        Decimal(20),
    )


def test_a_personal_purchase_goes_through_the_offset_account_without_tax() -> None:
    note, spend = documents(entry(kind=3))
    assert (note.kind, spend.kind, spend.settles, spend.account_name) == (
        CREDIT_NOTE,
        SPEND,
        None,
        "Amex 1001",
    )
    assert note.lines == spend.lines
    assert (note.lines[0].account_code, note.lines[0].tax_code) == ("850", "BASEXCLUDED")
    assert note.amount == spend.amount == Decimal("120.50")


def test_a_refunded_personal_purchase_receives_money_that_settles_nothing() -> None:
    bill, received = documents(entry(kind=3, amount="-20"))
    assert (bill.kind, received.kind, received.settles) == (BILL, REFUND, None)
    assert received.lines == bill.lines


def test_a_personal_purchase_entered_net_is_owed_with_its_tax() -> None:
    by = settings(inclusive_of_tax=False)
    note, spend = documents(entry(kind=3, amount="100"), by)
    assert note.amount == spend.amount == Decimal("110.00")
    typed, _ = documents(entry(kind=3, amount="100", taxes=gst("9.99")), by)
    assert typed.amount == Decimal("109.99")


def test_gross_amounts_make_an_inclusive_bill_of_that_total() -> None:
    bill = documents(entry(taxes=gst("9.10")))[0]
    assert (bill.inclusive, bill.amount, bill.lines[0].tax_amount) == (
        True,
        Decimal("120.50"),
        Decimal("9.10"),
    )


def test_net_amounts_make_an_exclusive_bill_and_the_payment_pays_the_total() -> None:
    bill, payment = documents(entry(amount="100.05"), settings(inclusive_of_tax=False))
    assert (bill.inclusive, bill.lines[0].amount) == (False, Decimal("100.05"))
    assert bill.amount == payment.amount == Decimal("110.06")


def test_a_refund_with_tax_turns_both_positive() -> None:
    note = documents(entry(amount="-110", taxes=gst("-10")))[0]
    assert (note.lines[0].amount, note.lines[0].tax_amount) == (Decimal("110.00"), Decimal("10.00"))


@pytest.mark.parametrize(("amount", "tax"), [("110", "-10"), ("-110", "10"), ("110", "110.01")])
def test_a_tax_that_does_not_fit_its_amount_needs_a_person(amount: str, tax: str) -> None:
    assert cause_of(entry(amount=amount, taxes=gst(tax))) == "tax_amount_unclear"


@pytest.mark.parametrize(("amount", "currency"), [("10.005", "AUD"), ("10.5", "JPY"), ("1.234", "KWD")])
def test_an_amount_that_the_ledger_would_round_needs_a_person(amount: str, currency: str) -> None:
    books = replace(BOOKS, currencies=("AUD", "JPY", "KWD"))
    assert cause_of(entry(amount=amount, currency=currency), books=books) == "amount_not_in_cents"


def test_a_currency_that_the_books_do_not_have_needs_a_person() -> None:
    assert cause_of(entry(currency="CHF")) == "currency_missing"


def test_an_entry_without_a_currency_is_in_the_base_currency() -> None:
    assert {document.currency for document in documents(entry(currency=None))} == {"AUD"}


def paid_from(account: str, **changes: Any) -> tuple[Document, ...]:
    rule = Rule(number=1, member="*", payment_type="*", action="payment_account", account=account)
    return documents(entry(**changes), settings(rules=(rule,)))


def test_a_foreign_bill_is_paid_from_the_base_currency_or_its_own() -> None:
    assert paid_from("Amex 1001", currency="USD")[1].currency == "USD"
    assert paid_from("US Visa", currency="USD")[1].account_name == "US Visa"
    assert paid_from("US Visa")[1].currency == "AUD"


def test_a_personal_purchase_cannot_be_spent_in_another_currency_than_the_cards() -> None:
    with pytest.raises(NeedsAttention) as trouble:
        paid_from("US Visa", kind=3)
    assert trouble.value.cause == "account_currency_differs"


def test_a_personal_purchase_needs_a_bank_account_or_card() -> None:
    with pytest.raises(NeedsAttention) as trouble:
        paid_from("850", kind=3)
    assert trouble.value.cause == "account_not_a_bank"


CLOSED: Books = replace(BOOKS, locked_until=DAY)


def test_closed_books_hold_the_expense_and_say_until_when() -> None:
    with pytest.raises(Held, match="2026-08-21") as held:
        documents(entry(), books=CLOSED)
    assert held.value.cause == "closed_period"


def test_the_day_after_the_lock_is_open() -> None:
    assert documents(entry(date=DAY + dt.timedelta(days=1)), books=CLOSED)[0].date == dt.date(2026, 8, 22)


def test_next_open_day_moves_bill_and_payment_and_says_so() -> None:
    bill, payment = documents(entry(), settings(closed_period="next_open_day"), CLOSED)
    assert bill.date == payment.date == bill.due_date == dt.date(2026, 8, 22)
    assert "dated 2026-08-21" in bill.lines[0].description
    assert "dated 2026-08-21" in payment.memo


@pytest.mark.parametrize(
    ("policy", "more"),
    [
        ("next_open_day", "; dated 2026-08-22, because the books were closed on 2026-08-21"),
        ("draft", "; a draft for now, because the books are closed on 2026-08-21"),
    ],
)
def test_the_why_line_tells_what_a_closed_period_did(policy: str, more: str) -> None:
    by, of = settings(closed_period=policy), entry()
    made = decision(of, by)
    assert explain(of, made, documents(of, by, CLOSED)) == made.why + more
    assert explain(of, made, documents(of, by)) == made.why


def test_the_draft_policy_leaves_an_unpaid_draft() -> None:
    (bill,) = documents(entry(), settings(closed_period="draft"), CLOSED)
    assert (bill.approved, bill.date) == (False, DAY)


def test_an_unmapped_account_stops_the_plan() -> None:
    assert cause_of(entry(expense_type="Gadgets")) == "expense_type_unmapped"
    with pytest.raises(NeedsAttention) as trouble:
        paid_from("493")
    assert trouble.value.cause == "account_cannot_pay"


def test_an_approved_bill_stays_alone() -> None:
    assert [document.kind for document in documents(entry(pays=VISA))] == [BILL]


@given(
    amount=st.decimals(Decimal("-99999.99"), Decimal("99999.99"), places=2).filter(bool),
    inclusive=st.booleans(),
    kind=st.sampled_from([1, 3]),
    member=st.sampled_from(["jdoe", "ana", "bob"]),
)
def test_every_document_is_positive_and_money_equals_its_claim(
    amount: Decimal, inclusive: bool, kind: int, member: str
) -> None:
    made = documents(entry(amount=amount, kind=kind, member=member), settings(inclusive_of_tax=inclusive))
    assert all(document.amount == made[0].amount > 0 for document in made)
    assert not inclusive or made[0].amount == abs(amount)
    assert len({document.marker for document in made}) == len(made)


def test_what_is_stored_comes_back_exactly() -> None:
    made = [*documents(entry(taxes=gst("9.10"))), *documents(entry(kind=3), settings(tracking=()))]
    assert [document_from_json(json.loads(json.dumps(document_to_json(d)))) for d in made] == made
    assert books_from_json(json.loads(json.dumps(books_to_json(CLOSED)))) == CLOSED
    assert site_from_json(json.loads(json.dumps(site_to_json(SITE)))) == SITE
    assert entry_from_json(json.loads(json.dumps(entry_to_json(ENTRY)))) == ENTRY
    assert report_from_json(report_to_json(REPORT)) == REPORT
    assert decision_from_json(json.loads(json.dumps(decision_to_json(decision(ENTRY))))) == decision(ENTRY)


def test_older_and_newer_rows_are_read_as_far_as_they_go() -> None:
    row = document_to_json(documents(entry())[0]) | {"colour": "red"}
    del row["memo"]
    assert document_from_json(row) == replace(documents(entry())[0], memo="")
