"""Money to the cent and tax as it was typed, from the entry to what Xero makes of it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.journey.conftest import Journey
from tests.journey.hands import (
    SITE,
    add_rows,
    balances,
    claim,
    ending,
    in_xero,
    made,
    payments,
    retry,
    set_books,
    set_expenses,
    set_rule,
)

pytestmark = pytest.mark.one_database

DONE = ("done", None)


def post(journey: Journey, **entry: object) -> int:
    [entry_id] = journey.add(entry)
    journey.post()
    return entry_id


def test_a_gross_amount_holds_its_tax(journey: Journey) -> None:
    bill = claim(journey, post(journey, amount="120.50"))
    assert bill["LineAmountTypes"] == "Inclusive"
    assert (bill["SubTotal"], bill["TotalTax"], bill["Total"]) == (109.55, 10.95, 120.5)


def test_a_net_amount_gets_its_tax_on_top_and_the_payment_pays_both(journey: Journey) -> None:
    set_expenses(journey, inclusive_of_tax=False)
    entry_id = post(journey, amount="100.05")
    bill = claim(journey, entry_id)
    assert bill["LineAmountTypes"] == "Exclusive"
    assert (bill["SubTotal"], bill["TotalTax"], bill["Total"]) == (100.05, 10.01, 110.06)
    assert [p["Amount"] for p in payments(journey, entry_id)] == [110.06]
    assert journey.expense(entry_id).amount == Decimal("100.05")


def test_awkward_amounts_are_posted_to_the_cent(journey: Journey) -> None:
    amounts = ["0.01", "0.05", "0.99", "33.33", "99.99", "1234.57", "0.10", "1000000.01"]
    ids = journey.add(*[{"amount": amount} for amount in amounts])
    journey.post()
    journey.assert_posted_once(*ids)
    assert [f"{claim(journey, entry_id)['Total']:.2f}" for entry_id in ids] == amounts


def test_tax_is_sent_exactly_as_the_member_typed_it(journey: Journey) -> None:
    entry_id = post(journey, amount="120.50", taxes=[{"type": "GST", "amount": "7.31"}])
    bill = claim(journey, entry_id)
    assert (bill["SubTotal"], bill["TotalTax"], bill["Total"]) == (113.19, 7.31, 120.5)
    assert balances(journey) == {"420": "113.19", "820": "7.31", "Amex 1001": "-120.50"}


def test_typed_tax_comes_on_top_of_a_net_amount(journey: Journey) -> None:
    set_expenses(journey, inclusive_of_tax=False)
    entry_id = post(journey, amount="100.00", taxes=[{"type": "GST", "amount": "9.99"}])
    assert claim(journey, entry_id)["Total"] == 109.99
    journey.assert_posted_once(entry_id)


def test_the_tax_of_a_refund_is_turned_round_with_it(journey: Journey) -> None:
    post(journey, amount="-120.50", taxes=[{"type": "GST", "amount": "-7.31"}])
    assert balances(journey) == {"420": "-113.19", "820": "-7.31", "Amex 1001": "120.50"}


def test_several_taxes_of_one_code_are_added(journey: Journey) -> None:
    taxes = [{"type": "GST", "amount": "3.00"}, {"type": "GST", "amount": "4.50"}]
    assert claim(journey, post(journey, taxes=taxes))["TotalTax"] == 7.5


def test_taxes_of_different_codes_need_a_person(journey: Journey) -> None:
    journey.control("POST", SITE, {"tax_types": [{"name": "GST"}, {"name": "Capital GST"}]})
    add_rows(journey, "taxes", {"name": "Capital GST", "code": "CAPEXINPUT"})
    taxes = [{"type": "GST", "amount": "3.00"}, {"type": "Capital GST", "amount": "4.50"}]
    entry_id = post(journey, taxes=taxes)
    assert ending(journey, entry_id) == ("needs_attention", "several_taxes")
    assert "Capital GST, GST" in (journey.expense(entry_id).why or "")


def test_a_tax_without_a_code_is_named(journey: Journey) -> None:
    journey.control("POST", SITE, {"tax_types": [{"name": "GST"}, {"name": "Tourism levy"}]})
    entry_id = post(journey, taxes=[{"type": "Tourism levy", "amount": "3.00"}])
    assert ending(journey, entry_id) == ("needs_attention", "tax_unmapped")
    assert '"Tourism levy"' in (journey.expense(entry_id).to_do or "")


def test_an_account_without_tax_gets_none(journey: Journey) -> None:
    add_rows(journey, "expense_types", {"name": "Software", "account": "404"})
    entry_id = post(journey, type="Software")
    [line] = claim(journey, entry_id)["LineItems"]
    assert (line["TaxType"], line["TaxAmount"]) == ("EXEMPTEXPENSES", 0)
    assert balances(journey) == {"404": "120.50", "Amex 1001": "-120.50"}


def test_a_currency_that_the_books_lack_is_named_and_posted_once_it_is_there(journey: Journey) -> None:
    entry_id = post(journey, currency="USD")
    assert ending(journey, entry_id) == ("needs_attention", "currency_missing")
    assert "USD" in (journey.expense(entry_id).to_do or "")
    set_books(journey, currencies=["AUD", "USD"])
    retry(journey, entry_id)
    journey.assert_posted_once(entry_id)


def test_a_foreign_expense_is_billed_in_its_currency_and_paid_in_full(journey: Journey) -> None:
    set_books(journey, currencies=["AUD", "USD"], rates={"USD": "0.50"})
    entry_id = post(journey, currency="USD")
    journey.assert_posted_once(entry_id)
    bill = claim(journey, entry_id)
    assert (bill["CurrencyCode"], bill["Total"], bill["AmountDue"]) == ("USD", 120.5, 0)
    assert balances(journey) == {"420": "219.10", "820": "21.90", "Amex 1001": "-241.00"}


def test_an_amount_finer_than_a_cent_is_stopped_before_sending(journey: Journey) -> None:
    entry_id = post(journey, amount="10.005")
    assert ending(journey, entry_id) == ("needs_attention", "amount_not_in_cents")
    assert journey.books()["invoices"] == []


def raise_tax(journey: Journey) -> None:
    """The rate of GST changes in Xero after we read it."""
    post(journey, amount="1.00")
    set_books(journey, tax_rates=[{"tax_type": "INPUT", "name": "GST on Expenses", "rate": "15"}])


def test_a_total_that_the_ledger_computes_otherwise_is_shown_with_both_figures(journey: Journey) -> None:
    set_expenses(journey, inclusive_of_tax=False)
    raise_tax(journey)
    entry_id = post(journey, amount="100.00")
    assert ending(journey, entry_id) == ("needs_attention", "total_differs")
    why = journey.expense(entry_id).why or ""
    assert "110.00" in why
    assert "115.00" in why
    assert payments(journey, entry_id) == []


def test_a_total_that_differs_stays_so_until_it_is_mended(journey: Journey) -> None:
    set_expenses(journey, inclusive_of_tax=False)
    raise_tax(journey)
    entry_id = post(journey, amount="100.00")
    retry(journey, entry_id)
    assert ending(journey, entry_id) == ("needs_attention", "total_differs")
    bill = claim(journey, entry_id)
    line = bill["LineItems"][0] | {"TaxAmount": 10}
    in_xero(journey, "POST", f"/Invoices/{bill['InvoiceID']}", {"LineItems": [line]})
    retry(journey, entry_id)
    journey.assert_posted_once(entry_id)
    assert [p["Amount"] for p in payments(journey, entry_id)] == [110.0]


def test_an_unpaid_bill_whose_total_differs_is_not_forgotten_by_the_next_callback(journey: Journey) -> None:
    set_expenses(journey, inclusive_of_tax=False)
    set_rule(journey, "approved_bill")
    raise_tax(journey)
    entry_id = post(journey, amount="100.00")
    assert ending(journey, entry_id) == ("needs_attention", "total_differs")
    journey.call_back(entry_id)
    journey.post()
    assert ending(journey, entry_id) == ("needs_attention", "total_differs")


def test_a_distance_is_posted_as_the_money_it_is_worth(journey: Journey) -> None:
    add_rows(journey, "expense_types", {"name": "Mileage", "account": "449", "tax": "INPUT"})
    entry_id = post(journey, type="Mileage", amount="125")
    journey.assert_posted_once(entry_id)
    assert made(journey, entry_id)[0][3] == "110.00"
    assert journey.expense(entry_id).amount == Decimal("110.00")


def test_a_distance_stays_money_when_it_is_looked_at_again(journey: Journey) -> None:
    add_rows(journey, "expense_types", {"name": "Mileage", "account": "449", "tax": "INPUT"})
    entry_id = post(journey, type="Mileage", amount="125")
    journey.call_back(entry_id)
    journey.post()
    assert journey.expense(entry_id).amount == Decimal("110.00")


def test_a_distance_marked_up_for_the_client_needs_a_person(journey: Journey) -> None:
    add_rows(journey, "expense_types", {"name": "Mileage", "account": "449", "tax": "INPUT"})
    entry_id = post(journey, type="Mileage", amount="125", invoice_amount="150.00")
    assert ending(journey, entry_id) == ("needs_attention", "mileage_amount_unclear")
    why = journey.expense(entry_id).why or ""
    assert "110.00" in why
    assert "150.00" in why
