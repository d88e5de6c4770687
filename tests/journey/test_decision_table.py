"""Every row of the decision table, from ConnectWise to the double entry in the books.

The expense is 120.50 AUD gross: 109.55 of cost on 420 and 10.95 of GST on 820. Accounts payable is 800, the
offset account 850.
"""

from __future__ import annotations

import pytest

from tests.journey.conftest import Journey
from tests.journey.hands import (
    add_rows,
    balances,
    claim,
    ending,
    made,
    payments,
    set_expenses,
    set_rows,
    set_rule,
)

pytestmark = pytest.mark.one_database

DONE, SKIPPED = ("done", None), ("skipped", None)
COST = {"420": "109.55", "820": "10.95"}
COST_BACK = {"420": "-109.55", "820": "-10.95"}
BY_EMPLOYEE = {"payment_type": "Paid by employee", "classification": "Reimbursable"}


def post(journey: Journey, **entry: str) -> int:
    [entry_id] = journey.add(entry)
    journey.post()
    return entry_id


def test_row_1_the_employee_is_owed_a_bill_due_in_two_weeks(journey: Journey) -> None:
    entry_id = post(journey, **BY_EMPLOYEE)
    assert ending(journey, entry_id) == DONE
    assert made(journey, entry_id) == [("bill", "posted", f"CW-{entry_id}", "120.50", None)]
    bill = claim(journey, entry_id)
    assert (bill["Status"], bill["AmountDue"], bill["DueDateString"][:10]) == (
        "AUTHORISED",
        120.5,
        "2026-09-04",
    )
    assert balances(journey) == COST | {"800": "-120.50"}


def test_row_1_reimbursements_may_be_drafts(journey: Journey) -> None:
    set_expenses(journey, reimbursable_as="draft")
    entry_id = post(journey, **BY_EMPLOYEE)
    assert ending(journey, entry_id) == DONE
    assert made(journey, entry_id) == [("bill", "draft", f"CW-{entry_id}", "120.50", None)]
    assert claim(journey, entry_id)["Status"] == "DRAFT"
    assert balances(journey) == {}


def test_row_2_the_card_of_the_rule_pays_the_bill_on_the_day_of_the_expense(journey: Journey) -> None:
    entry_id = post(journey)
    number = f"CW-{entry_id}"
    assert made(journey, entry_id) == [
        ("bill", "posted", number, "120.50", None),
        ("payment", "posted", number, "120.50", "Amex 1001"),
    ]
    assert claim(journey, entry_id)["Status"] == "PAID"
    [payment] = payments(journey, entry_id)
    assert (payment["Amount"], payment["Account"]["Name"]) == (120.5, "Amex 1001")
    assert balances(journey) == COST | {"Amex 1001": "-120.50"}
    assert journey.expense(entry_id).why == "jdoe pays Corporate Amex from Amex 1001 (rule 1)"


def test_row_3_an_approved_bill_stays_unpaid(journey: Journey) -> None:
    set_rule(journey, "approved_bill")
    entry_id = post(journey)
    assert ending(journey, entry_id) == DONE
    assert made(journey, entry_id) == [("bill", "posted", f"CW-{entry_id}", "120.50", None)]
    bill = claim(journey, entry_id)
    assert (bill["Status"], bill["DueDateString"][:10]) == ("AUTHORISED", "2026-08-21")
    assert balances(journey) == COST | {"800": "-120.50"}


def test_row_4_a_draft_bill_moves_no_balance(journey: Journey) -> None:
    set_rule(journey, "draft_bill")
    entry_id = post(journey)
    assert ending(journey, entry_id) == DONE
    assert made(journey, entry_id) == [("bill", "draft", f"CW-{entry_id}", "120.50", None)]
    assert claim(journey, entry_id)["Status"] == "DRAFT"
    assert balances(journey) == {}


def test_row_5_the_offset_account_pays_the_bill(journey: Journey) -> None:
    set_rule(journey, "offset_account")
    entry_id = post(journey)
    number = f"CW-{entry_id}"
    assert made(journey, entry_id) == [
        ("bill", "posted", number, "120.50", None),
        ("payment", "posted", number, "120.50", "Unclaimed expenses"),
    ]
    assert claim(journey, entry_id)["Status"] == "PAID"
    assert balances(journey) == COST | {"850": "-120.50"}


def test_row_5_a_rule_may_name_its_own_offset_account(journey: Journey) -> None:
    set_rule(journey, "offset_account", account="Visa Debit 2002")
    entry_id = post(journey)
    assert made(journey, entry_id)[1][4] == "Visa Debit 2002"
    assert balances(journey) == COST | {"092": "-120.50"}


@pytest.mark.parametrize(
    ("company_paid_as", "status", "moved"),
    [
        ("offset", "PAID", COST | {"850": "-120.50"}),
        ("draft", "DRAFT", {}),
        ("approved", "AUTHORISED", COST | {"800": "-120.50"}),
    ],
)
def test_row_6_without_a_rule_the_companys_default_decides(
    journey: Journey, company_paid_as: str, status: str, moved: dict[str, str]
) -> None:
    set_expenses(journey, company_paid_as=company_paid_as)
    entry_id = post(journey, payment_type="Company Visa Debit")
    assert ending(journey, entry_id) == DONE
    assert journey.expense(entry_id).rule is None
    assert claim(journey, entry_id)["Status"] == status
    assert balances(journey) == moved


def test_row_7_a_personal_purchase_on_the_card_is_owed_by_the_employee(journey: Journey) -> None:
    entry_id = post(journey, classification="Personal")
    number = f"CW-{entry_id}"
    assert ending(journey, entry_id) == DONE
    assert made(journey, entry_id) == [
        ("credit_note", "posted", number, "120.50", None),
        ("spend", "posted", number, "120.50", "Amex 1001"),
    ]
    note = claim(journey, entry_id)
    assert (note["Status"], note["TotalTax"], note["RemainingCredit"]) == ("AUTHORISED", 0, 120.5)
    # The card line and the claim on the employee; the offset account comes out even.
    assert balances(journey) == {"800": "120.50", "Amex 1001": "-120.50"}


def test_row_7_without_a_payment_account_the_credit_note_stands_alone(journey: Journey) -> None:
    set_rule(journey, "offset_account")
    entry_id = post(journey, classification="Personal")
    assert made(journey, entry_id) == [("credit_note", "posted", f"CW-{entry_id}", "120.50", None)]
    assert balances(journey) == {"800": "120.50", "850": "-120.50"}


def test_row_7_a_personal_purchase_given_back_turns_everything_round(journey: Journey) -> None:
    entry_id = post(journey, classification="Personal", amount="-120.50")
    number = f"CW-{entry_id}"
    assert made(journey, entry_id) == [
        ("bill", "posted", number, "120.50", None),
        ("refund", "posted", number, "120.50", "Amex 1001"),
    ]
    [received] = journey.books()["bank_transactions"]
    assert (received["Type"], received["Total"]) == ("RECEIVE", 120.5)
    assert balances(journey) == {"800": "-120.50", "Amex 1001": "120.50"}


@pytest.mark.parametrize("classification", ["Non-Reimbursable", "Personal"])
def test_row_8_what_an_employee_paid_for_himself_is_skipped(journey: Journey, classification: str) -> None:
    entry_id = post(journey, payment_type="Paid by employee", classification=classification)
    assert ending(journey, entry_id) == SKIPPED
    assert journey.expense(entry_id).why == "jdoe paid it and it is not reimbursable: nothing is owed."
    assert made(journey, entry_id) == []
    assert journey.calls() == {}


def test_row_9_paid_by_the_company_and_reimbursable_contradict_each_other(journey: Journey) -> None:
    entry_id = post(journey, classification="Reimbursable")
    assert ending(journey, entry_id) == ("needs_attention", "paid_by_company_but_reimbursable")
    assert journey.expense(entry_id).to_do
    assert made(journey, entry_id) == []
    assert journey.books()["invoices"] == []


def test_row_9_a_payment_type_row_says_who_really_paid(journey: Journey) -> None:
    add_rows(journey, "payment_types", {"name": "Corporate Amex", "company_paid": False})
    entry_id = post(journey, classification="Reimbursable")
    assert ending(journey, entry_id) == DONE
    assert made(journey, entry_id) == [("bill", "posted", f"CW-{entry_id}", "120.50", None)]


def test_row_10_a_refund_onto_the_card_is_a_credit_note_paid_back(journey: Journey) -> None:
    entry_id = post(journey, amount="-120.50")
    number = f"CW-{entry_id}"
    assert ending(journey, entry_id) == DONE
    assert made(journey, entry_id) == [
        ("credit_note", "posted", number, "120.50", None),
        ("refund", "posted", number, "120.50", "Amex 1001"),
    ]
    assert claim(journey, entry_id)["Status"] == "PAID"
    assert balances(journey) == COST_BACK | {"Amex 1001": "120.50"}


@pytest.mark.parametrize(
    ("action", "status", "moved"),
    [
        ("approved_bill", "AUTHORISED", COST_BACK | {"800": "120.50"}),
        ("draft_bill", "DRAFT", {}),
        ("offset_account", "PAID", COST_BACK | {"850": "120.50"}),
    ],
)
def test_row_10_a_refund_follows_the_rule_as_a_purchase_does(
    journey: Journey, action: str, status: str, moved: dict[str, str]
) -> None:
    set_rule(journey, action)
    entry_id = post(journey, amount="-120.50")
    assert ending(journey, entry_id) == DONE
    assert claim(journey, entry_id)["Status"] == status
    assert balances(journey) == moved


def test_row_10_money_given_back_to_an_employee_is_a_credit_note(journey: Journey) -> None:
    entry_id = post(journey, **BY_EMPLOYEE, amount="-120.50")
    assert made(journey, entry_id) == [("credit_note", "posted", f"CW-{entry_id}", "120.50", None)]
    assert balances(journey) == COST_BACK | {"800": "120.50"}


def test_row_11_nothing_is_posted_for_nothing(journey: Journey) -> None:
    entry_id = post(journey, amount="0.00")
    assert ending(journey, entry_id) == SKIPPED
    assert journey.expense(entry_id).why == "Its amount is zero: there is nothing to post."
    assert made(journey, entry_id) == []


def test_the_most_specific_rule_of_the_day_is_taken(journey: Journey) -> None:
    set_rows(
        journey,
        "rules",
        {"member": "*", "payment_type": "*", "action": "draft_bill"},
        {"member": "jdoe", "payment_type": "Corporate Amex", "action": "approved_bill", "to": "2026-08-20"},
        {"member": "jdoe", "payment_type": "*", "action": "payment_account", "account": "090"},
    )
    before = post(journey, date="2026-08-20")
    after = post(journey, date="2026-08-21")
    assert (journey.expense(before).rule, journey.expense(after).rule) == (2, 3)
    assert (claim(journey, before)["Status"], claim(journey, after)["Status"]) == ("AUTHORISED", "PAID")
