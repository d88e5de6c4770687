"""Bill payments of the pretend QuickBooks: what is linked, what is dropped, what stays unapplied."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.sandbox.clients import Control
from tests.sandbox.qbo_client import Qbo, connect


@pytest.fixture
def bill(qbo: Qbo) -> Any:
    return qbo.made("Bill", qbo.bill())


def card(qbo: Qbo, name: str = "Visa 2002") -> dict[str, Any]:
    block = {"CCAccountRef": {"value": qbo.accounts[name]}}
    return {"PayType": "CreditCard", "CheckPayment": None, "CreditCardPayment": block}


def without_nulls(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if value is not None}


def test_a_cheque_pays_the_bill(qbo: Qbo, bill: Any) -> None:
    made = qbo.made("BillPayment", qbo.payment(("Bill", bill["Id"], 110), total=110))
    assert made["Line"] == [{"Amount": 110, "LinkedTxn": [{"TxnId": bill["Id"], "TxnType": "Bill"}]}]
    assert "APAccountRef" not in made
    shown = qbo.read("Bill", bill["Id"])
    assert (shown["Balance"], shown["LinkedTxn"]) == (
        0,
        [{"TxnId": made["Id"], "TxnType": "BillPaymentCheck"}],
    )
    assert qbo.balances()["Business Cheque"] == Decimal("-110.00")


def test_a_card_pays_the_bill(qbo: Qbo, bill: Any) -> None:
    qbo.made("BillPayment", without_nulls(qbo.payment(("Bill", bill["Id"], 110), total=110, **card(qbo))))
    assert qbo.read("Bill", bill["Id"])["LinkedTxn"][0]["TxnType"] == "BillPaymentCreditCard"
    assert qbo.balances()["Visa 2002"] == Decimal("-110.00")


def test_the_account_must_be_of_the_methods_type(qbo: Qbo, bill: Any) -> None:
    for name in ("Visa 2002", "Unclaimed expenses"):
        block = {"CheckPayment": {"BankAccountRef": {"value": qbo.accounts[name]}}}
        assert (
            qbo.refusal("BillPayment", qbo.payment(("Bill", bill["Id"], 110), total=110, **block)) == "6430"
        )
    wrong = qbo.payment(("Bill", bill["Id"], 110), total=110, **card(qbo, "Business Cheque"))
    assert qbo.refusal("BillPayment", wrong) == "6430"


def test_the_block_must_fit_the_method(qbo: Qbo, bill: Any) -> None:
    wrong = qbo.payment(("Bill", bill["Id"], 110), total=110, PayType="CreditCard")
    assert qbo.refusal("BillPayment", wrong) == "2020"


REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("2020", {"Line": []}),
    ("2020", {"Line": [{"Amount": 110}]}),
    ("2020", {"TotalAmt": None}),
    ("6000", {"TotalAmt": -1}),
    ("6000", {"TotalAmt": 100}),
    ("2170", {"PayType": "Cash"}),
    ("2020", {"CheckPayment": {"PrintStatus": "NotSet"}}),
    ("620", {"Line": [{"Amount": 1, "LinkedTxn": [{"TxnId": "99", "TxnType": "Bill"}]}]}),
    ("2170", {"Line": [{"Amount": 1, "LinkedTxn": [{"TxnId": "1", "TxnType": "Dream"}]}]}),
    ("6000", {"Line": [{"Amount": 0, "LinkedTxn": [{"TxnId": "1", "TxnType": "Bill"}]}]}),
]


@pytest.mark.parametrize(("code", "change"), REFUSED, ids=lambda part: str(part)[:40])
def test_a_bad_payment_is_refused_with_its_code(
    qbo: Qbo, bill: Any, code: str, change: dict[str, Any]
) -> None:
    body = {**qbo.payment(("Bill", bill["Id"], 110), total=110), **change}
    assert qbo.refusal("BillPayment", body) == code
    assert qbo.balances()["Accounts Payable (A/P)"] == Decimal("-110.00")


def test_another_vendors_bill_cannot_be_linked(qbo: Qbo, bill: Any) -> None:
    other = qbo.made("Vendor", {"DisplayName": "Ana"})
    body = qbo.payment(("Bill", bill["Id"], 110), total=110, VendorRef={"value": other["Id"]})
    assert qbo.refusal("BillPayment", body) == "620"


def test_paying_a_paid_bill_is_taken_without_a_line(qbo: Qbo, bill: Any) -> None:
    body = qbo.payment(("Bill", bill["Id"], 110), total=110)
    qbo.made("BillPayment", body)
    again = qbo.made("BillPayment", body)
    assert (again["Line"], again["TotalAmt"]) == ([], 110)
    assert qbo.balances()["Accounts Payable (A/P)"] == Decimal("110.00")  # unapplied


def test_a_link_to_a_purchase_is_dropped_and_the_bank_moves_all_the_same(qbo: Qbo, bill: Any) -> None:
    made = qbo.made("BillPayment", qbo.payment(("Purchase", "9", 110), total=110))
    assert made["Line"] == []
    assert qbo.read("Bill", bill["Id"])["Balance"] == 110
    assert qbo.balances()["Business Cheque"] == Decimal("-110.00")


def test_a_link_may_be_dropped_on_request(control: Control, qbo: Qbo, bill: Any) -> None:
    control("POST", "/qbo/companies", {"realm_id": qbo.realm, "drop_links": 1})
    assert qbo.made("BillPayment", qbo.payment(("Bill", bill["Id"], 110), total=110))["Line"] == []


def test_what_is_paid_beyond_the_links_stays_unapplied(qbo: Qbo, bill: Any) -> None:
    made = qbo.made("BillPayment", qbo.payment(("Bill", bill["Id"], 110), total=150))
    assert (made["TotalAmt"], made["Line"][0]["Amount"]) == (150, 110)
    assert qbo.read("Vendor", qbo.vendors["Jo Doe"])["Balance"] == -40


def test_a_line_beyond_the_balance_is_cut_to_it(qbo: Qbo, bill: Any) -> None:
    made = qbo.made("BillPayment", qbo.payment(("Bill", bill["Id"], 200), total=200))
    assert made["Line"][0]["Amount"] == 110


def test_a_zero_payment_links_a_bill_and_a_journal_entry(qbo: Qbo, bill: Any) -> None:
    entry = qbo.made("JournalEntry", qbo.journal(110))
    body = qbo.payment(("Bill", bill["Id"], 110), ("JournalEntry", entry["Id"], 110), total=0)
    body["CheckPayment"] = {"PrintStatus": "NotSet"}
    assert len(qbo.made("BillPayment", body)["Line"]) == 2
    assert qbo.read("Bill", bill["Id"])["Balance"] == 0
    assert qbo.balances() == {
        "Travel": Decimal("100.00"),
        "GST Liabilities Payable": Decimal("10.00"),
        "Unclaimed expenses": Decimal("-110.00"),
    }


def test_a_used_journal_entry_settles_nothing_more(qbo: Qbo, bill: Any) -> None:
    entry = qbo.made("JournalEntry", qbo.journal(110))
    qbo.made(
        "BillPayment", qbo.payment(("Bill", bill["Id"], 110), ("JournalEntry", entry["Id"], 110), total=0)
    )
    other = qbo.made("Bill", qbo.bill(DocNumber="CW-2"))
    body = qbo.payment(("Bill", other["Id"], 110), ("JournalEntry", entry["Id"], 110), total=0)
    assert qbo.refusal("BillPayment", body) == "6000"


def test_a_zero_payment_links_a_bill_and_a_vendor_credit(qbo: Qbo, bill: Any) -> None:
    credit = qbo.made("VendorCredit", qbo.bill(qbo.line(50)))
    assert credit["Balance"] == 55
    body = qbo.payment(("Bill", bill["Id"], 55), ("VendorCredit", credit["Id"], 55), total=0)
    qbo.made("BillPayment", body)
    assert qbo.read("VendorCredit", credit["Id"])["Balance"] == 0
    assert qbo.read("Bill", bill["Id"])["Balance"] == 55


def test_a_journal_line_on_payables_needs_a_vendor(qbo: Qbo) -> None:
    assert qbo.refusal("JournalEntry", qbo.journal(110, without=True)) == "6000"


def test_voiding_a_payment_zeroes_it_and_reopens_the_bill(qbo: Qbo, bill: Any) -> None:
    paid = qbo.made("BillPayment", qbo.payment(("Bill", bill["Id"], 110), total=110, PrivateNote="[k]"))
    key = {"Id": paid["Id"], "SyncToken": "0", "sparse": True}
    voided = qbo.made("BillPayment", key, operation="update", include="void")
    assert (voided["TotalAmt"], voided["Line"], voided["PrivateNote"]) == (0, [], "Voided - [k]")
    assert qbo.read("Bill", bill["Id"])["Balance"] == 110


def test_the_wrong_way_to_void_does_nothing(qbo: Qbo, bill: Any) -> None:
    paid = qbo.made("BillPayment", qbo.payment(("Bill", bill["Id"], 110), total=110))
    key = {"SyncToken": "0"}
    assert qbo.refusal("BillPayment", {"Id": paid["Id"], **key}, operation="void") == "500"
    reply = qbo.post("Bill", {"Id": bill["Id"], **key}, operation="void")
    assert (reply.status_code, reply.json()["Fault"]["type"]) == (200, "SystemFault")
    entry = qbo.made("JournalEntry", qbo.journal(1))
    reply = qbo.post("JournalEntry", {"Id": entry["Id"], **key}, operation="void")
    assert (reply.status_code, list(reply.json())) == (200, ["time"])


def test_a_bill_is_deleted_after_its_payment(qbo: Qbo, bill: Any) -> None:
    paid = qbo.made("BillPayment", qbo.payment(("Bill", bill["Id"], 110), total=110))
    assert qbo.refusal("Bill", {"Id": bill["Id"], "SyncToken": "0"}, operation="delete") == "800"
    gone = qbo.made("BillPayment", {"Id": paid["Id"], "SyncToken": "0"}, operation="delete")
    assert gone["status"] == "Deleted"
    qbo.made("Bill", {"Id": bill["Id"], "SyncToken": "0"}, operation="delete")
    assert qbo.call("GET", f"/bill/{bill['Id']}").json()["Fault"]["Error"][0]["code"] == "610"
    assert qbo.balances() == {}


def test_cheques_expenses_and_payments_share_their_numbers(qbo: Qbo, bill: Any) -> None:
    paid = qbo.made("BillPayment", qbo.payment(("Bill", bill["Id"], 110), total=110, DocNumber="CW-1"))
    body = {
        "PaymentType": "Check",
        "AccountRef": {"value": qbo.accounts["Business Cheque"]},
        "DocNumber": "CW-1",
        "GlobalTaxCalculation": "TaxExcluded",
        "Line": [qbo.line()],
    }
    assert qbo.refusal("Purchase", body) == "6140"
    assert qbo.made("Bill", qbo.bill(DocNumber="CW-1"))["Id"]
    qbo.made("BillPayment", {"Id": paid["Id"], "SyncToken": "0"}, operation="delete")
    assert qbo.made("Purchase", body)["Id"]


def test_payables_are_relieved_at_the_rate_of_the_bill(control: Control) -> None:
    vendors = [{"name": "Jo Doe", "currency": "USD"}]
    qbo = connect(control, realm="12", multicurrency=True, rates={"USD": "1.5"}, vendors=vendors)
    usd = {"CurrencyRef": {"value": "USD"}}
    bill = qbo.made("Bill", qbo.bill(**usd))
    qbo.made("BillPayment", qbo.payment(("Bill", bill["Id"], 110), total=110, ExchangeRate=1.6, **usd))
    found = qbo.balances()
    assert found["Business Cheque"] == Decimal("-176.00")
    assert found["Exchange Gain or Loss"] == Decimal("11.00")
    assert "Accounts Payable (A/P) - USD" not in found


def test_more_credit_than_there_is_to_settle_is_left_alone(qbo: Qbo, bill: Any) -> None:
    entry = qbo.made("JournalEntry", qbo.journal(150))
    body = qbo.payment(("Bill", bill["Id"], 110), ("JournalEntry", entry["Id"], 150), total=0)
    made = qbo.made("BillPayment", body)
    assert [line["Amount"] for line in made["Line"]] == [110, 110]
    assert qbo.read("Vendor", qbo.vendors["Jo Doe"])["Balance"] == -40


def test_bills_of_two_payables_accounts_are_not_paid_together(control: Control, qbo: Qbo, bill: Any) -> None:
    made = qbo.made("Account", {"Name": "Trade creditors", "AccountType": "Accounts Payable"})
    other = qbo.made("Bill", qbo.bill(APAccountRef={"value": made["Id"]}))
    body = qbo.payment(("Bill", bill["Id"], 110), ("Bill", other["Id"], 110), total=220)
    assert qbo.refusal("BillPayment", body) == "620"
