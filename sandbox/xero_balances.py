"""The books behind the documents: what double entry makes of them, in the base currency.

Approved bills credit accounts payable and debit costs and tax; payments, spent money and credit notes follow
the same rules. Rounding and exchange differences go where Xero puts them, so all accounts always sum to zero.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from sandbox.web import Json
from sandbox.xero_organisation import Organisation
from sandbox.xero_payments import paid_document
from sandbox.xero_wire import round_half_up

POSTED = ("AUTHORISED", "PAID")
Ledger = defaultdict[str, Decimal]


def balances(org: Organisation) -> dict[str, Decimal]:
    """Balance by account code (or name, when the account has no code); debits are positive."""
    ledger: Ledger = defaultdict(lambda: Decimal("0.00"))
    for record in [*org.invoices.values(), *org.credit_notes.values()]:
        if record["Status"] in POSTED:
            _document(org, ledger, record)
    for payment in org.payments.values():
        if payment["Status"] == "AUTHORISED":
            _payment(org, ledger, payment)
    for transaction in org.bank_transactions.values():
        if transaction["Status"] == "AUTHORISED":
            _bank_transaction(org, ledger, transaction)
    for allocation in org.allocations.values():
        if not allocation["IsDeleted"]:
            _allocation(org, ledger, allocation)
    return {code: amount for code, amount in sorted(ledger.items()) if amount}


def _key(account: Json) -> str:
    return str(account["Code"] or account["Name"])


def _base(amount: Decimal, rate: Decimal) -> Decimal:
    return round_half_up(amount / rate)


def _control(org: Organisation, record: Json) -> str:
    name = "CREDITORS" if record["Type"].startswith("ACCPAY") else "DEBTORS"
    return _key(org.system_account(name))


def _sign(record: Json) -> int:
    """1 where the lines are debits: bills and credit notes to customers."""
    return 1 if record["Type"] in ("ACCPAY", "ACCRECCREDIT") else -1


def _document(org: Organisation, ledger: Ledger, record: Json) -> None:
    sign, rate = _sign(record), record["CurrencyRate"]
    ledger[_control(org, record)] -= sign * _base(record["Total"], rate)
    _lines(org, ledger, record, sign=sign, total=_base(record["Total"], rate))


def _lines(org: Organisation, ledger: Ledger, record: Json, *, sign: int, total: Decimal) -> None:
    rate, posted = record["CurrencyRate"], Decimal("0.00")
    for line in record["LineItems"]:
        tax = _base(line["TaxAmount"], rate)
        inclusive = record["LineAmountTypes"] == "Inclusive"
        net = _base(line["LineAmount"] - (line["TaxAmount"] if inclusive else 0), rate)
        account = org.find_account(account_id=line["AccountID"])
        assert account is not None
        ledger[_key(account)] += sign * net
        ledger[_key(org.system_account("GST"))] += sign * tax
        posted += net + tax
    ledger[_key(org.system_account("ROUNDING"))] += sign * (total - posted)


def _payment(org: Organisation, ledger: Ledger, payment: Json) -> None:
    _, record = paid_document(org, payment)
    account = org.find_account(account_id=payment["_account"])
    assert account is not None
    sign = _sign(record)
    settled = _base(payment["Amount"], record["CurrencyRate"])
    moved = _base(payment["BankAmount"], org.rate_of(account.get("CurrencyCode") or org.base_currency))
    ledger[_control(org, record)] += sign * settled
    ledger[_key(account)] -= sign * moved
    ledger[_key(org.system_account("REALISEDCURRENCYGAIN"))] += sign * (moved - settled)


def _bank_transaction(org: Organisation, ledger: Ledger, transaction: Json) -> None:
    sign = 1 if transaction["Type"] == "SPEND" else -1
    account = org.find_account(account_id=transaction["_account"])
    assert account is not None
    total = _base(transaction["Total"], transaction["CurrencyRate"])
    ledger[_key(account)] -= sign * total
    _lines(org, ledger, transaction, sign=sign, total=total)


def _allocation(org: Organisation, ledger: Ledger, allocation: Json) -> None:
    """Bill and credit note share the control account; only a difference of their rates moves anything."""
    invoice, note = org.invoices[allocation["_invoice"]], org.credit_notes[allocation["_note"]]
    owed = _base(allocation["Amount"], invoice["CurrencyRate"])
    credit = _base(allocation["Amount"], note["CurrencyRate"])
    ledger[_control(org, invoice)] += _sign(invoice) * (owed - credit)
    ledger[_key(org.system_account("REALISEDCURRENCYGAIN"))] -= _sign(invoice) * (owed - credit)
