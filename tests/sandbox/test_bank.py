"""The pretend bank feed: what Xero would propose, and when it would not dare."""

from __future__ import annotations

from typing import Any

from tests.sandbox.clients import TENANT, Control, Xero, bill, payment


def paid(xero: Xero, day: str = "2026-08-21", contact: str = "Jo Doe", amount: float = 120.5) -> Any:
    made = xero.made("Invoices", bill(Contact={"Name": contact}))
    return xero.made("Payments", payment(made, Date=day, Amount=amount))


def lines(control: Control, *rows: dict[str, str]) -> Any:
    base = {"account": "090", "date": "2026-08-21", "amount": "-120.50", "payee": ""}
    wish = {"lines": [{**base, **row} for row in rows]}
    return control("POST", f"/bank/{TENANT}/lines", wish)["lines"]


def test_a_line_matches_the_payment_of_its_amount(control: Control, xero: Xero) -> None:
    made = paid(xero)
    found = lines(control, {})[0]
    assert (found["state"], found["match"]["id"], found["match"]["kind"]) == (
        "matched",
        made["PaymentID"],
        "payment",
    )


def test_another_amount_sign_or_account_does_not_match(control: Control, xero: Xero) -> None:
    paid(xero)
    found = lines(control, {"amount": "-120.51"}, {"amount": "120.50"}, {"account": "Amex 1001"})
    assert [line["state"] for line in found] == ["unmatched"] * 3


def test_equally_near_payments_are_ambiguous_until_the_payee_decides(control: Control, xero: Xero) -> None:
    paid(xero, day="2026-08-20")
    second = paid(xero, day="2026-08-22", contact="Ana Smith")
    found = lines(control, {}, {"payee": "ana smith"})
    assert (found[0]["state"], len(found[0]["candidates"])) == ("ambiguous", 2)
    assert found[1]["match"]["id"] == second["PaymentID"]


def test_reconciling_accepts_only_what_is_clear(control: Control, xero: Xero) -> None:
    made = paid(xero)
    lines(control, {}, {"amount": "-9.99"})
    done = control("POST", f"/bank/{TENANT}/reconcile")
    assert done["reconciled"] == 1
    assert [line["state"] for line in done["lines"]] == ["reconciled", "unmatched"]
    assert xero.get(f"/Payments/{made['PaymentID']}")["Payments"][0]["IsReconciled"] is True


def test_reconciling_leaves_the_ambiguous_alone(control: Control, xero: Xero) -> None:
    paid(xero)
    paid(xero)
    lines(control, {})
    done = control("POST", f"/bank/{TENANT}/reconcile")
    assert (done["reconciled"], done["lines"][0]["state"]) == (0, "ambiguous")


def test_a_deleted_payment_is_not_proposed(control: Control, xero: Xero) -> None:
    made = paid(xero)
    xero.call("POST", f"/Payments/{made['PaymentID']}", json={"Status": "DELETED"})
    assert lines(control, {})[0]["state"] == "unmatched"


def test_a_foreign_payment_matches_in_the_accounts_currency(control: Control, xero: Xero) -> None:
    control.organisation(currencies=["AUD", "USD"])
    made = xero.made("Invoices", bill(CurrencyCode="USD", CurrencyRate=0.5))
    xero.made("Payments", payment(made))
    assert lines(control, {"amount": "-241.00"})[0]["state"] == "matched"


def test_a_line_for_an_unknown_account_is_refused(control: Control) -> None:
    wish = {"lines": [{"account": "420", "date": "2026-08-21", "amount": "1"}]}
    assert "not a bank account" in control("POST", f"/bank/{TENANT}/lines", wish, status=400)["error"]
