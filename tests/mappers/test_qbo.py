"""Documents as QuickBooks' wire: exact bytes, the shape of each kind, and what a batch holds."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from errors import Held, NeedsAttention
from mappers.accounts import find_account
from mappers.documents import Document
from mappers.entry import EntryTax
from mappers.exact import parse
from mappers.mapping import wanted_contact
from mappers.qbo import to_calls
from mappers.qbo_entities import to_entity
from mappers.stored import document_from_json, document_to_json
from tests.mappers.world import OWN_MONEY, RULES, SETTINGS, SITE, entry, settings
from tests.mappers.world_qbo import QBO_BOOKS, TAXLESS_BOOKS, documents, settled

OFFSET_RULES = (replace(RULES[3], member="jdoe", account=None),)
CLEARING = (replace(RULES[3], member="jdoe", account="Expense clearing"),)


def bodies(*made: Document) -> list[dict[str, Any]]:
    return [to_entity(document) for document in settled(*made)]


def kinds(*made: Document) -> list[tuple[str, str]]:
    return [(document.kind, str(document.amount)) for document in made]


def test_a_bills_line_is_net_with_the_gross_amount_beside() -> None:
    (bill, _) = bodies(*documents(entry()))
    (line,) = bill["Line"]
    assert bill["GlobalTaxCalculation"] == "TaxInclusive"
    assert line["Amount"] == Decimal("109.55")
    assert line["AccountBasedExpenseLineDetail"]["TaxInclusiveAmt"] == Decimal("120.50")


def test_amounts_are_exact_json_numbers_with_cents() -> None:
    (call,) = to_calls(documents(entry(amount="1200.1"))[:1])
    assert b'"TaxInclusiveAmt":1200.10' in call.body


def test_typed_tax_is_sent_exactly_and_once_for_its_rate() -> None:
    typed = entry(taxes=(EntryTax(name="GST", amount=Decimal("9.10")),))
    (bill, _) = bodies(*documents(typed))
    (line,) = bill["TxnTaxDetail"]["TaxLine"]
    assert (line["Amount"], line["TaxLineDetail"]["PercentBased"]) == (Decimal("9.10"), False)
    assert (line["TaxLineDetail"]["TaxRateRef"], bill["Line"][0]["Amount"]) == (
        {"value": "50"},
        Decimal("111.40"),
    )


def test_the_tax_of_a_code_with_two_rates_is_spread_over_both_to_the_cent() -> None:
    quebec = replace(
        QBO_BOOKS.tax_codes[0],
        rate=Decimal("14.975"),
        rates=(("51", Decimal(5)), ("52", Decimal("9.975"))),
    )
    books = replace(QBO_BOOKS, tax_codes=(quebec, *QBO_BOOKS.tax_codes[1:]))
    (bill, _) = bodies(*documents(entry(amount="100.00"), books=books))
    detail = bill["TxnTaxDetail"]
    assert [row["Amount"] for row in detail["TaxLine"]] == [Decimal("4.35"), Decimal("8.67")]
    assert bill["Line"][0]["Amount"] + detail["TotalTax"] == Decimal("100.00")


def test_books_without_tax_take_the_gross_amount_and_no_codes() -> None:
    (bill, _) = bodies(*documents(entry(), books=TAXLESS_BOOKS))
    assert "GlobalTaxCalculation" not in bill and "TxnTaxDetail" not in bill
    assert bill["Line"][0]["Amount"] == Decimal("120.50")
    assert bill["Line"][0]["AccountBasedExpenseLineDetail"] == {"AccountRef": {"value": "10"}}


def test_books_without_tax_take_typed_tax_into_the_amount() -> None:
    typed = entry(amount="100.00", taxes=(EntryTax(name="GST", amount=Decimal("9.10")),))
    made = documents(typed, settings(inclusive_of_tax=False), TAXLESS_BOOKS)
    assert kinds(*made) == [("bill", "109.10"), ("payment", "109.10")]


def test_a_card_pays_by_card_and_a_bank_account_by_check() -> None:
    bank = settings(rules=(replace(RULES[2], account="Business Cheque"),))
    (_, by_card), (_, by_bank) = bodies(*documents(entry())), bodies(*documents(entry(), bank))
    assert (by_card["PayType"], by_card["CreditCardPayment"]) == (
        "CreditCard",
        {"CCAccountRef": {"value": "14"}},
    )
    assert (by_bank["PayType"], by_bank["CheckPayment"]) == (
        "Check",
        {"BankAccountRef": {"value": "15"}, "PrintStatus": "NotSet"},
    )


def test_an_offset_account_that_is_a_bank_account_simply_pays() -> None:
    made = documents(entry(), settings(rules=CLEARING))
    assert kinds(*made) == [("bill", "120.50"), ("payment", "120.50")]


def test_an_offset_liability_takes_a_journal_and_a_payment_of_nothing() -> None:
    made = documents(entry(), settings(rules=OFFSET_RULES))
    assert kinds(*made) == [("bill", "120.50"), ("journal", "120.50"), ("payment", "0")]
    bill, journal, link = bodies(*made)
    details = [line["JournalEntryLineDetail"] for line in journal["Line"]]
    sides = {detail["PostingType"]: detail["AccountRef"]["value"] for detail in details}
    assert sides == {"Debit": "18", "Credit": "13"} and bill["APAccountRef"] == {"value": "18"}
    assert [linked for line in link["Line"] for linked in line["LinkedTxn"]] == [
        {"TxnId": "145", "TxnType": "Bill"},
        {"TxnId": "146", "TxnType": "JournalEntry"},
    ]
    assert (link["TotalAmt"], link["Line"][0]["Amount"]) == (Decimal("0.00"), Decimal("120.50"))


def test_a_refund_through_an_offset_liability_turns_the_journal_round() -> None:
    made = documents(entry(amount="-20.00"), settings(rules=OFFSET_RULES))
    assert kinds(*made) == [("credit_note", "20.00"), ("journal", "20.00"), ("refund", "0")]
    journal = bodies(*made)[1]
    details = [line["JournalEntryLineDetail"] for line in journal["Line"]]
    assert {d["PostingType"]: d["AccountRef"]["value"] for d in details} == {"Credit": "18", "Debit": "13"}


def test_the_payables_account_of_a_journal_is_in_the_claims_currency() -> None:
    made = documents(entry(currency="USD"), settings(rules=OFFSET_RULES))
    assert [document.payable for document in made] == ["19", "19", "19"]


def test_books_without_payables_say_so() -> None:
    books = replace(QBO_BOOKS, accounts=QBO_BOOKS.accounts[:-2])
    with pytest.raises(NeedsAttention) as trouble:
        documents(entry(), settings(rules=OFFSET_RULES), books)
    assert trouble.value.cause == "payable_account_missing"


def test_a_payment_account_that_is_a_liability_is_no_offset() -> None:
    with pytest.raises(NeedsAttention) as trouble:
        documents(entry(), settings(rules=(replace(RULES[2], account="850"),)))
    assert trouble.value.cause == "account_cannot_pay"
    assert "tick" not in trouble.value.to_do.lower()


def test_a_card_refund_is_one_purchase_that_gives_credit() -> None:
    (refund,) = bodies(*documents(entry(amount="-20.00")))
    assert (refund["PaymentType"], refund["Credit"], refund["AccountRef"]) == (
        "CreditCard",
        True,
        {"value": "14"},
    )
    assert refund["Line"][0]["AccountBasedExpenseLineDetail"]["AccountRef"] == {"value": "10"}


def test_a_refund_onto_a_bank_account_is_one_deposit_with_its_tax_beside() -> None:
    bank = settings(rules=(replace(RULES[2], account="Business Cheque"),))
    (deposit,) = bodies(*documents(entry(amount="-22.00"), bank))
    (line,) = deposit["Line"]
    assert deposit["DepositToAccountRef"] == {"value": "15"}
    assert (line["Amount"], deposit["TxnTaxDetail"]["TotalTax"]) == (Decimal("20.00"), Decimal("2.00"))
    assert line["DepositLineDetail"]["TaxApplicableOn"] == "Purchase"


def test_a_draft_waits_without_money_and_is_whole_once_approved() -> None:
    drafts = settings(reimbursable_as="draft")
    own = entry(pays=OWN_MONEY, kind=2)
    assert [document.approved for document in documents(own, drafts)] == [False]
    assert [document.approved for document in documents(own, drafts, force_approved=True)] == [True]


def test_a_draft_for_closed_books_is_posted_with_its_payment_when_they_are_open() -> None:
    policy = settings(closed_period="draft")
    closed = replace(QBO_BOOKS, locked_until=entry().date)
    assert kinds(*documents(entry(), policy, closed)) == [("bill", "120.50")]
    with pytest.raises(Held):
        documents(entry(), policy, closed, force_approved=True)
    made = documents(entry(), policy, QBO_BOOKS, force_approved=True)
    assert kinds(*made) == [("bill", "120.50"), ("payment", "120.50")]


def test_a_refund_for_closed_books_waits_as_what_it_will_be() -> None:
    closed = replace(QBO_BOOKS, locked_until=entry().date)
    (refund,) = documents(entry(amount="-20.00"), settings(closed_period="draft"), closed)
    assert (refund.kind, refund.approved) == ("refund", False)


def test_a_location_is_told_once_for_the_document() -> None:
    located = settings(tracking=(("Region", "location"),))
    (bill, _) = bodies(*documents(entry(location="Cairns"), located))
    assert bill["DepartmentRef"] == {"value": "2"}


def test_one_document_goes_alone_and_several_ride_in_batches_of_thirty() -> None:
    bills = [replace(documents(entry())[0], number=f"CW-{n}") for n in range(61)]
    calls = to_calls(bills)
    assert [(call.operation, len(call.markers)) for call in calls] == [
        ("batch", 30),
        ("batch", 30),
        ("bill", 1),
    ]
    ids = [item["bId"] for item in parse(calls[0].body)["BatchItemRequest"]]
    assert len(set(ids)) == 30 and max(map(len, ids)) <= 10


def test_nothing_rides_with_what_it_settles() -> None:
    made = settled(*documents(entry(), settings(rules=OFFSET_RULES)))
    other = [replace(document, number="CW-5") for document in made]
    calls = to_calls([*made, *other])
    assert [[marker.split(":")[0] for marker in call.markers] for call in calls] == [
        ["bill", "bill"],
        ["journal", "journal"],
        ["payment", "payment"],
    ]


def test_a_payment_that_does_not_know_its_bill_is_a_bug() -> None:
    with pytest.raises(ValueError, match="does not know what it settles"):
        to_calls(documents(entry()))


def test_a_number_of_more_than_21_characters_is_a_bug() -> None:
    with pytest.raises(ValueError, match="longer than 21"):
        to_calls([replace(documents(entry())[0], number="CW-" + "1" * 19)])


def test_a_vendors_name_has_no_colon() -> None:
    wanted = replace(wanted_contact(entry(), settings=SETTINGS, site=SITE), name="Doe: Jo")
    vendor = to_entity(wanted)
    assert vendor["DisplayName"] == "Doe Jo"
    assert (vendor["AcctNum"], vendor["PrimaryEmailAddr"]) == ("V-JDOE", {"Address": "jo@acme.example"})


def test_a_journal_and_its_payment_come_back_from_storage_as_they_were() -> None:
    made = settled(*documents(entry(), settings(rules=OFFSET_RULES)))
    assert [document_from_json(document_to_json(each)) for each in made] == made


def test_a_document_stored_before_journals_were_known_is_read() -> None:
    new = ("also_settles", "also_settles_id", "settles_amount", "account_type", "payable")
    (old, _) = [document_to_json(document) for document in documents(entry())]
    assert document_from_json({k: v for k, v in old.items() if k not in new}).also_settles is None


def test_a_sub_account_is_found_by_its_own_name_when_only_one_has_it() -> None:
    taxi = replace(QBO_BOOKS.accounts[2], id="30", code="", name="Travel:Taxi", short_name="Taxi")
    books = replace(QBO_BOOKS, accounts=(*QBO_BOOKS.accounts, taxi))
    assert find_account(books, "Taxi") is find_account(books, "Travel:Taxi") is taxi
    twin = replace(taxi, id="31", name="Sales:Taxi")
    with pytest.raises(NeedsAttention) as trouble:
        find_account(replace(books, accounts=(*books.accounts, twin)), "Taxi")
    assert trouble.value.cause == "account_ambiguous"


def test_an_account_of_receivables_is_no_offset() -> None:
    odd = replace(QBO_BOOKS.accounts[3], name="Debtors", code="", type="Accounts Receivable", can_code=False)
    books = replace(QBO_BOOKS, accounts=(*QBO_BOOKS.accounts, odd))
    with pytest.raises(NeedsAttention) as trouble:
        documents(entry(), settings(rules=(replace(RULES[3], member="jdoe", account="Debtors"),)), books)
    assert trouble.value.cause == "account_cannot_be_coded"
