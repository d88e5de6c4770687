"""One test for each row of the decision table, and for what stops before it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from errors import NeedsAttention, Skipped
from mappers.company import PaymentTypeRow, Rule
from mappers.decision import decide
from mappers.documents import BILL, CREDIT_NOTE, PAYMENT, REFUND, SPEND
from mappers.entry import ExpenseType, Site
from tests.mappers.world import OWN_MONEY, SETTINGS, SITE, VISA, decision, entry, settings

PERSONAL, REIMBURSABLE = 3, 2


def cause_of(**changes: object) -> str:
    with pytest.raises(NeedsAttention) as trouble:
        decision(entry(**changes))
    assert trouble.value.to_do.endswith((".", "retry."))
    return trouble.value.cause


def test_row_1_what_a_member_paid_becomes_a_bill_to_be_paid_later() -> None:
    made = decision(entry(pays=OWN_MONEY, kind=REIMBURSABLE))
    assert (made.row, made.claim, made.approved, made.money, made.due_days) == (1, BILL, True, None, 14)
    assert made.rule is None


def test_row_1_is_a_draft_when_the_company_wants_drafts() -> None:
    made = decision(entry(pays=OWN_MONEY, kind=REIMBURSABLE), settings(reimbursable_as="draft"))
    assert not made.approved
    assert "draft bill" in made.why


def test_row_2_a_card_expense_is_paid_from_the_rules_account() -> None:
    made = decision(entry())
    assert (made.row, made.rule, made.claim, made.approved) == (2, 3, BILL, True)
    assert (made.money, made.account, made.due_days) == (PAYMENT, "Amex 1001", 0)
    assert made.why == "jdoe pays Corporate Amex from Amex 1001 (rule 3)"


def test_row_3_an_approved_bill_stays_unpaid() -> None:
    made = decision(entry(pays=VISA))
    assert (made.row, made.rule, made.claim, made.approved, made.money) == (3, 2, BILL, True, None)


def test_row_4_a_draft_bill() -> None:
    made = decision(entry(member="bob"))
    assert (made.row, made.rule, made.claim, made.approved, made.money) == (4, 1, BILL, False, None)


def test_row_5_is_paid_from_the_offset_account() -> None:
    made = decision(entry(member="ana"))
    assert (made.row, made.rule, made.approved, made.money, made.account) == (5, 4, True, PAYMENT, "850")


def test_row_5_takes_the_rules_own_offset_account_first() -> None:
    rule = Rule(number=1, member="*", payment_type="*", action="offset_account", account="Clearing")
    assert decision(entry(), settings(rules=(rule,))).account == "Clearing"


@pytest.mark.parametrize(
    ("company_paid_as", "approved", "money"),
    [("offset", True, PAYMENT), ("draft", False, None), ("approved", True, None)],
)
def test_row_6_without_a_rule_follows_company_paid_as(
    company_paid_as: str, approved: bool, money: str | None
) -> None:
    made = decision(entry(), settings(rules=(), company_paid_as=company_paid_as))
    assert (made.row, made.rule, made.approved, made.money) == (6, None, approved, money)
    assert "no rule covers it" in made.why


def test_row_7_a_personal_purchase_is_owed_by_the_member() -> None:
    made = decision(entry(kind=PERSONAL, pays=VISA))
    assert (made.row, made.claim, made.approved, made.cost) == (7, CREDIT_NOTE, True, "offset")
    assert (made.offset, made.money) == ("850", None)


def test_row_7_on_a_card_with_a_payment_rule_also_spends_from_the_card() -> None:
    made = decision(entry(kind=PERSONAL))
    assert (made.claim, made.money, made.account, made.offset) == (CREDIT_NOTE, SPEND, "Amex 1001", "850")


def test_row_7_without_an_offset_account_needs_one() -> None:
    with pytest.raises(NeedsAttention) as trouble:
        decision(entry(kind=PERSONAL), settings(offset_account=None))
    assert trouble.value.cause == "offset_account_missing"


@pytest.mark.parametrize("kind", [1, PERSONAL])
def test_row_8_what_a_member_paid_for_himself_is_skipped(kind: int) -> None:
    with pytest.raises(Skipped, match="nothing is owed"):
        decision(entry(pays=OWN_MONEY, kind=kind))


def test_row_9_paid_by_the_company_yet_reimbursable_is_a_contradiction() -> None:
    assert cause_of(kind=REIMBURSABLE) == "paid_by_company_but_reimbursable"


@pytest.mark.parametrize(
    ("changes", "approved", "money", "account"),
    [
        ({"pays": OWN_MONEY, "kind": REIMBURSABLE}, True, None, None),
        ({}, True, REFUND, "Amex 1001"),
        ({"pays": VISA}, True, None, None),
        ({"member": "bob"}, False, None, None),
        ({"member": "ana"}, True, REFUND, "850"),
    ],
)
def test_row_10_a_refund_mirrors_its_row_with_a_credit_note(
    changes: dict[str, object], approved: bool, money: str | None, account: str | None
) -> None:
    made = decision(entry(amount="-20", **changes))
    assert (made.row, made.claim, made.amount, made.due_days) == (10, CREDIT_NOTE, Decimal("-20"), 0)
    assert (made.approved, made.money, made.account) == (approved, money, account)


def test_row_10_a_refunded_personal_purchase_is_a_bill_and_money_received() -> None:
    made = decision(entry(amount="-20", kind=PERSONAL))
    assert (made.row, made.claim, made.cost, made.offset) == (10, BILL, "offset", "850")
    assert (made.money, made.account) == (REFUND, "Amex 1001")


def test_row_11_nothing_is_posted_for_nothing() -> None:
    with pytest.raises(Skipped, match="zero"):
        decision(entry(amount="0.00"))


def test_a_payment_type_row_overrides_what_connectwise_says() -> None:
    own = (PaymentTypeRow(name="corporate  AMEX", company_paid=False),)
    made = decision(entry(kind=REIMBURSABLE), settings(company={"payment_types": own}))
    assert made.row == 1


def test_the_sites_tables_win_over_the_names_in_the_entry() -> None:
    made = decision(entry(classification="Reimbursable", payment_type="Old name of the Amex"))
    assert made.why == "jdoe pays Corporate Amex from Amex 1001 (rule 3)"


@pytest.mark.parametrize(
    "name", ["non reimbursable", "NONREIMBURSABLE", "Non-Reimbursable", "Non‑Reimbursable"]
)
def test_stock_classifications_are_known_however_they_are_spelt(name: str) -> None:
    assert decision(entry(classification=name, classification_id=99)).row == 2


@pytest.mark.parametrize("name", ["", "Charity"])
def test_an_unknown_classification_needs_a_person(name: str) -> None:
    assert cause_of(classification=name, classification_id=None) == "classification_unknown"


@pytest.mark.parametrize("name", ["", "Bitcoin"])
def test_an_unknown_payment_type_needs_a_person(name: str) -> None:
    assert cause_of(payment_type=name, payment_type_id=None) == "payment_type_unknown"


def test_an_expense_type_that_the_site_does_not_know_may_be_a_distance() -> None:
    assert cause_of(expense_type_id=999) == "expense_type_unknown"


def mileage(amount: str, invoice_amount: str | None) -> object:
    shown = None if invoice_amount is None else Decimal(invoice_amount)
    return entry(
        expense_type="Mileage",
        expense_type_id=31,
        amount=amount,
        invoice_amount=shown,
        pays=OWN_MONEY,
        kind=2,
    )


@pytest.mark.parametrize(
    ("miles", "money"), [("100", "88"), ("12.5", "11"), ("33.3", "29.30"), ("-10", "-8.80")]
)
def test_miles_become_money_when_connectwise_shows_the_same(miles: str, money: str) -> None:
    assert decision(mileage(miles, money)).amount == Decimal(money)  # type: ignore[arg-type]


@pytest.mark.parametrize("shown", [None, "100", "88.01", "96.80"])
def test_miles_with_another_amount_need_a_person(shown: str | None) -> None:
    with pytest.raises(NeedsAttention, match="distance") as trouble:
        decision(mileage("100", shown))  # type: ignore[arg-type]
    assert trouble.value.cause == "mileage_amount_unclear"


def test_miles_without_a_rate_need_a_person() -> None:
    types = {31: ExpenseType(id=31, name="Mileage", mileage=True, rate=None)}
    with pytest.raises(NeedsAttention, match="no rate"):
        decide(mileage("100", "88"), settings=SETTINGS, site=replace(SITE, expense_types=types))  # type: ignore[arg-type]


def test_a_company_that_is_not_ours_is_a_client() -> None:
    assert decision(entry(company_id=250, company="ACME")).charged_to_client
    assert not decision(entry(company_id=1)).charged_to_client
    assert not decision(entry(company_id=None)).charged_to_client


def test_a_billable_account_without_knowing_our_own_company_needs_a_person() -> None:
    site: Site = replace(SITE, own_company_id=None)
    with pytest.raises(NeedsAttention) as trouble:
        decide(entry(), settings=SETTINGS, site=site)
    assert trouble.value.cause == "own_company_unknown"


def test_a_location_is_named_by_the_sites_table() -> None:
    site = replace(SITE, locations={2: "Brisbane"}, departments={7: "Service"})
    made = decide(entry(location_id=2, department_id=7), settings=SETTINGS, site=site)
    assert (made.location, made.department) == ("Brisbane", "Service")
