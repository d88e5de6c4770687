"""Purchases, deposits, journals and transfers of the pretend QuickBooks; its books always balance."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.qbo_company import Company
from sandbox.qbo_entities import Wish, perform
from sandbox.qbo_ledger import balances
from sandbox.qbo_setup import configure_company
from sandbox.qbo_wire import Fault
from sandbox.store import World
from tests.sandbox.clients import Control
from tests.sandbox.qbo_client import Qbo, connect

NOW = datetime(2026, 9, 1, tzinfo=UTC)
AMOUNTS = st.decimals("0.01", "9999.99", places=2)


def spend(qbo: Qbo, account: str = "Visa 2002", kind: str = "CreditCard", **more: Any) -> dict[str, Any]:
    return {
        "PaymentType": kind,
        "AccountRef": {"value": qbo.accounts[account]},
        "EntityRef": {"value": qbo.vendors["Jo Doe"], "type": "Vendor"},
        "TxnDate": "2026-08-21",
        "GlobalTaxCalculation": "TaxExcluded",
        "Line": [qbo.line()],
        **more,
    }


def receive(qbo: Qbo, amount: float = 110, account: str = "Travel", **more: Any) -> dict[str, Any]:
    kind = "DepositLineDetail"
    detail = {"AccountRef": {"value": qbo.accounts[account]}, **more.pop("detail", {})}
    return {
        "DepositToAccountRef": {"value": qbo.accounts["Business Cheque"]},
        "TxnDate": "2026-08-21",
        "Line": [{"Amount": amount, "DetailType": kind, kind: detail}],
        **more,
    }


def money(**amounts: str) -> dict[str, Decimal]:
    return {name.replace("_", " "): Decimal(amount) for name, amount in amounts.items()}


def test_a_purchase_spends_from_a_card(qbo: Qbo) -> None:
    assert qbo.made("Purchase", spend(qbo))["TotalAmt"] == 110
    expected = money(Visa_2002="-110.00", Travel="100.00", GST_Liabilities_Payable="10.00")
    assert qbo.balances() == expected


def test_a_credit_gives_back_onto_a_card_only(qbo: Qbo) -> None:
    assert qbo.made("Purchase", spend(qbo, Credit=True))["Credit"] is True
    assert qbo.balances()["Visa 2002"] == Decimal("110.00")
    cheque = qbo.made("Purchase", spend(qbo, "Business Cheque", "Check", Credit=True))
    assert (cheque["Credit"], qbo.balances()["Business Cheque"]) == (False, Decimal("-110.00"))


def test_a_full_update_turns_a_credit_back_into_a_purchase(qbo: Qbo) -> None:
    made = qbo.made("Purchase", spend(qbo, Credit=True))
    changed = qbo.made("Purchase", {**spend(qbo), "Id": made["Id"], "SyncToken": "0"})
    assert changed["Credit"] is False


@pytest.mark.parametrize(
    ("account", "kind"),
    [("Visa 2002", "Check"), ("Business Cheque", "CreditCard"), ("Unclaimed expenses", "Cash")],
)
def test_a_purchase_needs_an_account_of_its_kind(qbo: Qbo, account: str, kind: str) -> None:
    assert qbo.refusal("Purchase", spend(qbo, account, kind)) == "6430"


def test_a_purchase_always_tells_how_it_was_paid(qbo: Qbo) -> None:
    made = qbo.made("Purchase", spend(qbo))
    sparse = {"Id": made["Id"], "SyncToken": "0", "sparse": True, "PrivateNote": "x"}
    assert qbo.refusal("Purchase", sparse) == "2020"
    assert qbo.made("Purchase", {**sparse, "PaymentType": "CreditCard"})["PrivateNote"] == "x"


def test_a_deposit_receives_with_or_without_tax(qbo: Qbo) -> None:
    assert qbo.made("Deposit", receive(qbo))["TotalAmt"] == 110
    code = {"TaxCodeRef": {"value": qbo.codes["GST"]}, "TaxApplicableOn": "Purchase"}
    taxed = receive(qbo, 100, detail=code, GlobalTaxCalculation="TaxExcluded")
    assert qbo.made("Deposit", taxed)["TotalAmt"] == 110
    expected = money(Business_Cheque="220.00", Travel="-210.00", GST_Liabilities_Payable="-10.00")
    assert qbo.balances() == expected


def test_a_deposit_needs_a_bank_account_and_a_vendor_on_payables(qbo: Qbo) -> None:
    card = {"value": qbo.accounts["Visa 2002"]}
    assert qbo.refusal("Deposit", receive(qbo, DepositToAccountRef=card)) == "6430"
    assert qbo.refusal("Deposit", receive(qbo, account="Accounts Payable (A/P)")) == "6000"


def test_a_journal_entry_must_balance(qbo: Qbo) -> None:
    body = qbo.journal(110)
    body["Line"][0]["Amount"] = 109
    assert qbo.refusal("JournalEntry", body) == "6000"


def test_a_linked_journal_entry_can_be_neither_changed_nor_deleted(qbo: Qbo) -> None:
    bill, entry = qbo.made("Bill", qbo.bill()), qbo.made("JournalEntry", qbo.journal(110))
    links = (("Bill", bill["Id"], 110.0), ("JournalEntry", entry["Id"], 110.0))
    qbo.made("BillPayment", qbo.payment(*links, total=0))
    key = {"Id": entry["Id"], "SyncToken": "0"}
    assert qbo.refusal("JournalEntry", {**qbo.journal(100), **key}) == "6000"
    assert qbo.refusal("JournalEntry", key, operation="delete") == "800"


def test_a_transfer_moves_between_balance_sheet_accounts(qbo: Qbo) -> None:
    ends = {"FromAccountRef": {"value": qbo.accounts["Business Cheque"]}, "Amount": 50}
    qbo.made("Transfer", {**ends, "ToAccountRef": {"value": qbo.accounts["Expense clearing"]}})
    assert qbo.balances() == money(Business_Cheque="-50.00", Expense_clearing="50.00")
    assert qbo.refusal("Transfer", {**ends, "ToAccountRef": {"value": qbo.accounts["Travel"]}}) == "6430"


def test_a_clearing_account_of_type_bank_pays_like_any_bank(qbo: Qbo) -> None:
    bill = qbo.made("Bill", qbo.bill())
    block = {"BankAccountRef": {"value": qbo.accounts["Expense clearing"]}}
    qbo.made("BillPayment", qbo.payment(("Bill", bill["Id"], 110), total=110, CheckPayment=block))
    assert qbo.balances()["Expense clearing"] == Decimal("-110.00")


def test_accounts_show_their_balance_the_way_round_they_grow(qbo: Qbo) -> None:
    qbo.made("Bill", qbo.bill())
    shown = {row["Name"]: row for row in qbo.rows("select * from Account")}
    assert shown["Accounts Payable (A/P)"]["CurrentBalance"] == 110
    assert "CurrentBalance" not in shown["Travel"]


def test_balances_may_be_had_by_id(control: Control) -> None:
    qbo = connect(control)
    qbo.made("Bill", qbo.bill())
    by_id = control("GET", f"/qbo/{qbo.realm}/balances?by=id")
    assert by_id[qbo.accounts["Travel"]] == "100.00"


class Books:
    """A company in several currencies, driven without HTTP."""

    def __init__(self) -> None:
        world = World(origin="http://sandbox")
        vendors = [{"name": "Jo"}, {"name": "Sam", "currency": "USD"}]
        wish = {"realm_id": "1", "multicurrency": True, "vendors": vendors, "rates": {"USD": "1.537"}}
        self.company: Company = configure_company(world, wish)
        self.accounts = {row["Name"]: row["Id"] for row in self.company.rows("Account")}
        self.open: list[tuple[str, Any, Decimal]] = []

    def do(self, kind: str, body: Any, operation: str | None = None) -> Any:
        body = {**body, "TxnDate": "2026-08-21"} if operation is None else body
        made = perform(self.company, Wish(kind, operation, (), NOW), body)[kind]
        assert sum(balances(self.company).values(), Decimal(0)) == 0
        return made

    def lines(self, amounts: list[Decimal]) -> list[Any]:
        account, kind = {"value": self.accounts["Travel"]}, "AccountBasedExpenseLineDetail"
        detail = {"AccountRef": account, "TaxCodeRef": {"value": "1"}}
        return [{"Amount": amount, "DetailType": kind, kind: detail} for amount in amounts]


STEP = st.tuples(
    st.sampled_from(["Bill", "VendorCredit", "pay", "part", "over", "Purchase", "settle", "delete"]),
    st.lists(AMOUNTS, min_size=1, max_size=4),
    st.sampled_from([("1", "AUD"), ("2", "USD")]),
    st.sampled_from([None, Decimal("1.4999"), Decimal("1.61")]),
)


def take(books: Books, step: Any) -> None:
    word, amounts, (vendor, code), rate = step
    head = {"VendorRef": {"value": vendor}, "CurrencyRef": {"value": code}, "ExchangeRate": rate}
    lines = books.lines(amounts)
    bank = {"BankAccountRef": {"value": books.accounts["Business Cheque"]}}
    if word in ("Bill", "VendorCredit"):
        made = books.do(word, {**head, "Line": lines})
        books.open.append((word, made, Decimal(made["TotalAmt"])))
    elif word == "Purchase":
        card = {"value": books.accounts["Visa 2002"]}
        body = {"CurrencyRef": {"value": code}, "ExchangeRate": rate, "AccountRef": card, "Line": lines}
        books.do("Purchase", {**body, "PaymentType": "CreditCard", "Credit": amounts[0] > 100})
    elif word == "delete" and books.open:
        kind, made, _ = books.open[-1]
        books.do(kind, {"Id": made["Id"], "SyncToken": "0"}, "delete")
        books.open.pop()
    elif books.open:
        kind, made, total = books.open[0]
        paid = {"pay": total, "part": total / 2, "over": total + 5}.get(word, Decimal(0))
        link = {"TxnId": made["Id"], "TxnType": kind}
        named = {"VendorRef": made["VendorRef"], "CurrencyRef": made["CurrencyRef"], "ExchangeRate": rate}
        wanted = [{"Amount": min(paid, total) or total, "LinkedTxn": [link]}]
        method = {"TotalAmt": paid, "PayType": "Check", "CheckPayment": bank}
        books.do("BillPayment", {**named, **method, "Line": wanted})


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(STEP, max_size=10))
def test_whatever_is_posted_all_accounts_sum_to_zero(steps: list[Any]) -> None:
    books = Books()
    for step in steps:
        try:
            take(books, step)
        except Fault as fault:
            assert fault.code in ("6000", "800")
        assert sum(balances(books.company).values(), Decimal(0)) == 0


@settings(max_examples=80, deadline=None)
@given(amounts=st.lists(AMOUNTS, min_size=1, max_size=6))
def test_a_paid_bill_leaves_nothing_on_payables(amounts: list[Decimal]) -> None:
    books = Books()
    head = {"VendorRef": {"value": "1"}, "CurrencyRef": {"value": "AUD"}}
    bill = books.do("Bill", {**head, "Line": books.lines(amounts)})
    bank = {"BankAccountRef": {"value": books.accounts["Business Cheque"]}}
    links = [{"Amount": bill["TotalAmt"], "LinkedTxn": [{"TxnId": bill["Id"], "TxnType": "Bill"}]}]
    method = {"TotalAmt": bill["TotalAmt"], "PayType": "Check", "CheckPayment": bank}
    books.do("BillPayment", {**head, **method, "Line": links})
    found = balances(books.company)
    assert books.accounts["Accounts Payable (A/P)"] not in found
    assert found[books.accounts["Business Cheque"]] == -bill["TotalAmt"]
    assert found[books.accounts["Travel"]] == sum(amounts)
