"""The pretend Xero's arithmetic, against random input and against what the real one answered."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox import bank
from sandbox.web import Request, dump
from sandbox.xero_balances import balances
from sandbox.xero_banking import create as spend
from sandbox.xero_call import Call, Invalid
from sandbox.xero_documents import CREDIT_NOTE, INVOICE, create, update
from sandbox.xero_organisation import Organisation
from sandbox.xero_payments import create_payment, delete_payment
from sandbox.xero_totals import line_tax, totals
from tests.sandbox import oracles

CENT = Decimal("0.01")
AMOUNTS = st.decimals("0.01", "99999.99", places=2)
RATES = st.sampled_from([Decimal(0), Decimal(5), Decimal("9.5"), Decimal(10), Decimal(15), Decimal(20)])
recorded = pytest.mark.skipif(
    not oracles.XERO_RECORDINGS.exists(), reason="no recordings of the real Xero here"
)


@given(amount=AMOUNTS, rate=RATES)
def test_the_tax_inside_a_gross_amount_leaves_a_net_that_bears_it(amount: Decimal, rate: Decimal) -> None:
    tax = line_tax(amount, rate=rate, line_amount_types="Inclusive")
    assert tax == tax.quantize(CENT)
    assert abs((amount - tax) * rate / 100 - tax) <= CENT


@given(
    lines=st.lists(st.tuples(AMOUNTS, RATES), max_size=8),
    kind=st.sampled_from(["Inclusive", "Exclusive", "NoTax"]),
)
def test_sums_are_those_of_the_lines_to_the_cent(lines: list[tuple[Decimal, Decimal]], kind: str) -> None:
    pairs = [(amount, line_tax(amount, rate=rate, line_amount_types=kind)) for amount, rate in lines]
    found = totals(pairs, line_amount_types=kind)
    assert found.sub_total + found.total_tax == found.total
    amounts = sum((amount for amount, _ in pairs), Decimal(0))
    assert amounts == (found.total if kind == "Inclusive" else found.sub_total)


def test_halves_are_rounded_up() -> None:
    assert line_tax(Decimal("0.05"), rate=Decimal(10), line_amount_types="Exclusive") == Decimal("0.01")
    assert line_tax(Decimal("-0.05"), rate=Decimal(10), line_amount_types="Exclusive") == Decimal("-0.01")


@given(amount=st.decimals("-9999999999.99", "9999999999.99", places=2))
def test_money_survives_the_wire_exactly(amount: Decimal) -> None:
    assert json.loads(dump({"a": amount}), parse_float=Decimal)["a"] == amount


def recorded_invoices() -> list[Any]:
    text = (oracles.XERO_RECORDINGS / "invoices.json").read_text()
    invoices: list[Any] = json.loads(text, parse_float=Decimal)["Invoices"]
    return invoices


@recorded
def test_every_recorded_invoice_has_the_sums_that_we_work_out() -> None:
    for invoice in recorded_invoices():
        pairs = [(Decimal(line["LineAmount"]), Decimal(line["TaxAmount"])) for line in invoice["LineItems"]]
        found = totals(pairs, line_amount_types=invoice["LineAmountTypes"])
        assert (found.sub_total, found.total_tax, found.total) == (
            invoice["SubTotal"],
            invoice["TotalTax"],
            invoice["Total"],
        )


@recorded
def test_every_recorded_line_bears_the_tax_that_we_work_out() -> None:
    rates = {"INPUT2": Decimal(15), "OUTPUT2": Decimal(15), "NONE": Decimal(0), "ZERORATEDINPUT": Decimal(0)}
    checked = 0
    for invoice in recorded_invoices():
        for line in invoice["LineItems"]:
            if line["TaxType"] in rates:
                kind = invoice["LineAmountTypes"]
                tax = line_tax(
                    Decimal(line["LineAmount"]), rate=rates[line["TaxType"]], line_amount_types=kind
                )
                assert tax == Decimal(line["TaxAmount"]).quantize(CENT, rounding=ROUND_HALF_UP)
                checked += 1
    assert checked > 80


def call(org: Organisation) -> Call:
    return Call(
        org, Request("PUT", "/", "", {}, b"", "http://sandbox"), datetime(2026, 9, 1, tzinfo=UTC), "id"
    )


def document(kind: str, currency: str, amount: Decimal, types: str, second: Decimal) -> dict[str, Any]:
    account, tax = ("200", "OUTPUT") if "REC" in kind else ("420", "INPUT")
    lines = [
        {"Description": "x", "UnitAmount": value, "AccountCode": account, "TaxType": tax}
        for value in (amount, second)
    ]
    return {
        "Type": kind,
        "Contact": {"Name": "Jo Doe"},
        "Date": "2026-08-21",
        "DueDate": "2026-08-21",
        "Status": "AUTHORISED",
        "CurrencyCode": currency,
        "CurrencyRate": Decimal("0.6789"),
        "LineAmountTypes": types,
        "LineItems": lines,
    }


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["ACCPAY", "ACCREC", "ACCPAYCREDIT", "ACCRECCREDIT", "SPEND", "RECEIVE"]),
        st.sampled_from(["AUD", "USD"]),
        AMOUNTS,
        st.sampled_from(["Inclusive", "Exclusive", "NoTax"]),
        st.sampled_from(["leave", "pay", "part", "pay and delete", "void"]),
    ),
    min_size=1,
    max_size=6,
)


def act(org: Organisation, kind: str, currency: str, amount: Decimal, types: str, then: str) -> None:
    row = document(kind, currency, amount, types, Decimal("0.07"))
    if kind in ("SPEND", "RECEIVE"):
        spend(
            call(org),
            {**row, "CurrencyCode": "AUD", "BankAccount": {"Code": "090"}, "LineAmountTypes": "NoTax"},
        )
        return
    made_of = CREDIT_NOTE if kind.endswith("CREDIT") else INVOICE
    record = create(call(org), made_of, row)
    if then == "void":
        update(call(org), made_of, record, {"Status": "VOIDED"})
    elif then != "leave":
        part = record["Total"] if then != "part" else Decimal("0.03")
        wish = {
            made_of.noun: {made_of.id_name: record[made_of.id_name]},
            "Account": {"Code": "090"},
            "Amount": part,
        }
        paid = create_payment(call(org), {**wish, "CurrencyRate": Decimal("0.7")})
        if then == "pay and delete":
            delete_payment(call(org), paid)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(steps=STEPS)
def test_the_books_always_balance(steps: list[tuple[str, str, Decimal, str, str]]) -> None:
    org = Organisation("t", currencies=["AUD", "USD"])
    for step in steps:
        act(org, *step)
    assert sum(balances(org).values(), Decimal(0)) == 0


def test_a_paid_bill_moves_cost_tax_and_bank_and_leaves_payables_at_zero() -> None:
    org = Organisation("t")
    act(org, "ACCPAY", "AUD", Decimal("110.00"), "Inclusive", "pay")
    found = balances(org)
    assert "800" not in found
    assert (found["090"], found["420"] + found["820"]) == (Decimal("-110.07"), Decimal("110.07"))


@given(paid=AMOUNTS, asked=AMOUNTS)
def test_nothing_is_ever_paid_beyond_what_is_due(paid: Decimal, asked: Decimal) -> None:
    org = Organisation("t")
    record = create(
        call(org), INVOICE, document("ACCPAY", "AUD", Decimal("500.00"), "Inclusive", Decimal("0.01"))
    )
    for amount in (paid, asked):
        wish = {"Invoice": {"InvoiceID": record["InvoiceID"]}, "Account": {"Code": "090"}, "Amount": amount}
        try:
            create_payment(call(org), wish)
        except Invalid:
            assert amount > record["AmountDue"]
    assert record["AmountDue"] == record["Total"] - record["AmountPaid"] >= 0


def test_a_statement_line_takes_the_nearest_payment_of_its_amount() -> None:
    org = Organisation("t")
    for day in ("2026-08-20", "2026-08-25"):
        row = document("ACCPAY", "AUD", Decimal("110.00"), "Inclusive", Decimal("0.00"))
        record = create(call(org), INVOICE, row)
        wish = {
            "Invoice": {"InvoiceID": record["InvoiceID"]},
            "Account": {"Code": "090"},
            "Amount": record["Total"],
        }
        create_payment(call(org), {**wish, "Date": day})
    bank.add_lines(org, [{"account": "090", "date": "2026-08-24", "amount": "-110.00"}])
    report = bank.report(org)[0]
    assert (report["state"], report["match"]["date"]) == ("matched", date(2026, 8, 25).isoformat())
