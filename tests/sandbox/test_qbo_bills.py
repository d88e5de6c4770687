"""Bills of the pretend QuickBooks: lines, tax by country, references and refusals."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.clients import Control
from tests.sandbox.qbo_client import Qbo, connect

EXACT = "TaxLineDetail"


def tax_line(qbo: Qbo, amount: float, rate: str = "GST") -> dict[str, Any]:
    detail = {"TaxRateRef": {"value": qbo.rates[rate]}, "PercentBased": False}
    return {"Amount": amount, "DetailType": EXACT, EXACT: detail}


def test_a_bill_is_answered_whole_and_read_the_same(qbo: Qbo) -> None:
    made = qbo.made("Bill", qbo.bill(PrivateNote="[CW-4701]"))
    assert (made["TotalAmt"], made["Balance"], made["DocNumber"]) == (110, 110, "CW-4701")
    assert (made["DueDate"], made["SyncToken"], made["LinkedTxn"]) == ("2026-08-21", "0", [])
    assert qbo.read("Bill", made["Id"]) == made


def test_tax_goes_on_top_when_the_word_is_lost(qbo: Qbo) -> None:
    body = qbo.bill()
    del body["GlobalTaxCalculation"]
    assert qbo.made("Bill", body)["TotalAmt"] == 110


def test_a_lone_gross_amount_bears_tax_once_more(qbo: Qbo) -> None:
    made = qbo.made("Bill", qbo.bill(qbo.line(120.5), GlobalTaxCalculation="TaxInclusive"))
    assert made["TotalAmt"] == 132.55


def test_a_net_amount_with_its_gross_one_totals_the_gross(qbo: Qbo) -> None:
    line = qbo.line(109.55, TaxInclusiveAmt=120.5)
    made = qbo.made("Bill", qbo.bill(line, GlobalTaxCalculation="TaxInclusive"))
    assert (made["TotalAmt"], made["TxnTaxDetail"]["TotalTax"]) == (120.5, 10.95)


def test_an_exact_tax_line_overrides_the_percentage(qbo: Qbo) -> None:
    made = qbo.made("Bill", qbo.bill(TxnTaxDetail={"TaxLine": [tax_line(qbo, 9.99)]}))
    assert (made["TotalAmt"], made["TxnTaxDetail"]["TaxLine"][0][EXACT]["PercentBased"]) == (109.99, False)


def test_tax_is_worked_out_on_the_sum_of_the_lines(qbo: Qbo) -> None:
    made = qbo.made("Bill", qbo.bill(*[qbo.line(0.05)] * 3))
    assert made["TxnTaxDetail"]["TotalTax"] == 0.02  # 0.015, and not three times 0.01


def test_a_rate_is_listed_once_and_only_when_a_line_has_it(qbo: Qbo) -> None:
    twice = {"TaxLine": [tax_line(qbo, 5), tax_line(qbo, 5)]}
    assert qbo.refusal("Bill", qbo.bill(TxnTaxDetail=twice)) == "6000"
    assert qbo.refusal("Bill", qbo.bill(TxnTaxDetail={"TaxLine": [tax_line(qbo, 0, "GST free")]})) == "6000"


def test_outside_the_us_every_line_needs_a_tax_code(qbo: Qbo) -> None:
    assert qbo.refusal("Bill", qbo.bill(qbo.line(code=None))) == "6000"
    made = qbo.made("Bill", qbo.bill(qbo.line(code=None), GlobalTaxCalculation="NotApplicable"))
    assert made["TotalAmt"] == 100


def test_no_tax_detail_goes_with_not_applicable(qbo: Qbo) -> None:
    detail = {"TaxLine": [tax_line(qbo, 10)]}
    body = qbo.bill(GlobalTaxCalculation="NotApplicable", TxnTaxDetail=detail)
    assert qbo.refusal("Bill", body) == "6170"


def test_a_misspelt_word_fails_while_the_json_is_read(qbo: Qbo) -> None:
    reply = qbo.post("Bill", qbo.bill(GlobalTaxCalculation="TaxExclusive"))
    assert "GlobalTaxCalculationEnum" in reply.json()["Fault"]["Error"][0]["Detail"]


def test_the_us_tracks_no_purchase_tax(control: Control) -> None:
    qbo = connect(control, realm="77", country="US", vendors=[{"name": "Jo Doe"}])
    made = qbo.made("Bill", qbo.bill(qbo.line(code=None)))
    assert (made["TotalAmt"], "GlobalTaxCalculation" in made, "TxnTaxDetail" in made) == (100, False, False)
    line = qbo.line(code=None, TaxCodeRef={"value": "5"})
    assert qbo.refusal("Bill", qbo.bill(line)) == "6100"


def test_the_uk_has_its_own_codes_and_a_code_may_have_two_rates(control: Control) -> None:
    uk = connect(control, realm="44", country="GB", vendors=[{"name": "Jo Doe"}])
    assert uk.made("Bill", uk.bill(uk.line(code="20.0% S")))["TotalAmt"] == 120
    canada = connect(control, realm="45", country="CA", vendors=[{"name": "Jo Doe"}])
    made = canada.made("Bill", canada.bill(canada.line(code="GST/QST QC")))
    assert [line["Amount"] for line in made["TxnTaxDetail"]["TaxLine"]] == [5, 9.98]


def test_negative_lines_may_lessen_a_bill_but_not_below_zero(qbo: Qbo) -> None:
    assert qbo.made("Bill", qbo.bill(qbo.line(), qbo.line(-40)))["TotalAmt"] == 66
    assert qbo.refusal("Bill", qbo.bill(qbo.line(-40))) == "6000"


REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("2020", {"VendorRef": None}),
    ("2020", {"Line": []}),
    ("2050", {"DocNumber": "CW-" + "1" * 19}),
    ("2050", {"PrivateNote": "x" * 4001}),
    ("2060", {"TxnDate": "21/08/2026"}),
    ("2010", {"Colour": "red"}),
    ("2500", {"VendorRef": {"value": "999"}}),
    ("6430", {"APAccountRef": {"value": "4"}}),
    ("5030", {"DepartmentRef": {"value": "1"}}),
    ("2220", {"CurrencyRef": {"value": "USD"}}),
]


@pytest.mark.parametrize(("code", "change"), REFUSED, ids=lambda part: str(part)[:30])
def test_a_bad_field_is_refused_with_its_code(qbo: Qbo, code: str, change: dict[str, Any]) -> None:
    assert qbo.refusal("Bill", qbo.bill(**change)) == code
    assert qbo.state()["bills"] == []


BAD_LINES: list[tuple[str, dict[str, Any]]] = [
    ("2500", {"AccountRef": {"value": "999"}}),
    ("2020", {"AccountRef": None}),
    ("6430", {"AccountRef": {"value": "1"}}),
    ("2500", {"TaxCodeRef": {"value": "99"}}),
    ("5030", {"ClassRef": {"value": "1"}}),
    ("6310", {"BillableStatus": "Billable"}),
    ("2170", {"BillableStatus": "Perhaps"}),
    ("2010", {"DepartmentRef": {"value": "1"}}),
]


@pytest.mark.parametrize(("code", "change"), BAD_LINES, ids=lambda part: str(part)[:30])
def test_a_bad_line_is_refused_with_its_code(qbo: Qbo, code: str, change: dict[str, Any]) -> None:
    line = qbo.line()
    line["AccountBasedExpenseLineDetail"] |= change
    assert qbo.refusal("Bill", qbo.bill(line)) == code


def test_a_line_without_an_account_is_refused(qbo: Qbo) -> None:
    assert qbo.refusal("Bill", qbo.bill({"Amount": 5, "DetailType": "DescriptionOnly"})) == "6440"


def test_what_is_inactive_is_refused_as_not_found(control: Control, qbo: Qbo) -> None:
    control(
        "POST", "/qbo/companies", {"realm_id": qbo.realm, "accounts": [{"name": "Travel", "active": False}]}
    )
    assert qbo.refusal("Bill", qbo.bill()) == "610"


def test_duplicate_numbers_follow_the_companys_preference(control: Control, qbo: Qbo) -> None:
    qbo.made("Bill", qbo.bill())
    qbo.made("Bill", qbo.bill())
    preference = {"WarnDuplicateBillNumber": True}
    control("POST", "/qbo/companies", {"realm_id": qbo.realm, "preferences": preference})
    assert qbo.refusal("Bill", qbo.bill()) == "6140"
    assert qbo.made("Bill", qbo.bill(), include="allowduplicatedocnum")["Id"]


@pytest.mark.parametrize(("password", "code"), [(False, "6200"), (True, "6210")])
def test_closed_books_refuse_to_create_change_and_delete(
    control: Control, qbo: Qbo, password: bool, code: str
) -> None:
    made = qbo.made("Bill", qbo.bill())
    wish = {"book_close_date": "2026-08-21", "book_close_password": password}
    control("POST", "/qbo/companies", {"realm_id": qbo.realm, **wish})
    key = {"Id": made["Id"], "SyncToken": "0"}
    assert qbo.refusal("Bill", qbo.bill()) == code
    assert qbo.refusal("Bill", {**qbo.bill(TxnDate="2026-08-22"), **key}) == code
    assert qbo.refusal("Bill", key, operation="delete") == code
    assert qbo.made("Bill", qbo.bill(TxnDate="2026-08-22"))["Id"]


def test_with_several_currencies_a_bill_bears_that_of_its_vendor(control: Control) -> None:
    vendors = [{"name": "Jo Doe", "currency": "USD"}]
    qbo = connect(control, realm="12", multicurrency=True, rates={"USD": "1.5"}, vendors=vendors)
    assert qbo.refusal("Bill", qbo.bill()) == "2020"
    assert qbo.refusal("Bill", qbo.bill(CurrencyRef={"value": "AUD"})) == "6000"
    made = qbo.made("Bill", qbo.bill(CurrencyRef={"value": "USD"}))
    assert (made["ExchangeRate"], made["HomeBalance"]) == (1.5, 165)
    assert made["APAccountRef"]["name"] == "Accounts Payable (A/P) - USD"


def test_a_lapsed_subscription_refuses_every_write(control: Control, qbo: Qbo) -> None:
    control("POST", "/qbo/companies", {"realm_id": qbo.realm, "subscription_active": False})
    assert qbo.refusal("Bill", qbo.bill()) == "6190"
