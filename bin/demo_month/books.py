"""What stands in a pretend ledger, by the number of its expense: Xero's and QuickBooks' in one shape."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

Row = Mapping[str, Any]
State = Mapping[str, Sequence[Row]]
PAID, OPEN = "PAID", "AUTHORISED"
QBO_SORTS = ("bills", "vendor_credits", "bill_payments", "purchases", "deposits", "journal_entries")
NUMBERS = {"invoices": "InvoiceNumber", "credit_notes": "CreditNoteNumber"}


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A bill or credit note; `status` PAID, AUTHORISED (open) or DRAFT, in whichever books."""

    status: str
    total: Decimal
    paid: Decimal
    contact: str
    date: dt.date
    due_date: dt.date | None
    accounts: list[str]
    tax: Decimal


@dataclass(frozen=True, kw_only=True)
class Money:
    """A payment, refund, spend or receipt of money, or a journal, from or onto an account."""

    id: str
    kind: str
    account: str | None
    amount: Decimal
    date: dt.date


class Books(Protocol):
    """One look at a ledger."""

    @property
    def name(self) -> str:
        """As people call the ledger."""

    def claims(self, kind: str, number: str) -> list[Claim]:
        """Bills or credit notes ("bill", "credit_note") with this number, whatever their status."""

    def money(self, number: str) -> list[Money]:
        """Live documents of money with this number."""

    def journals(self, number: str) -> list[Money]:
        """Journals with this number."""

    def numbers(self) -> set[tuple[str, str]]:
        """The sort and number of everything that stands there."""

    def overview(self) -> Iterator[tuple[str, list[Decimal]]]:
        """Sorts of documents in words, each with its amounts."""


@dataclass(frozen=True)
class XeroBooks:
    """Of the sandbox's state of an organisation."""

    state: State
    name: str = "Xero"

    def claims(self, kind: str, number: str) -> list[Claim]:
        sort = "invoices" if kind == "bill" else "credit_notes"
        return [_xero_claim(row) for row in self.state[sort] if row[NUMBERS[sort]] == number]

    def money(self, number: str) -> list[Money]:
        rows = [*self.state["payments"], *self.state["bank_transactions"]]
        return [
            _xero_money(r) for r in rows if r["Status"] == OPEN and r["Reference"].split(" ")[0] == number
        ]

    def journals(self, number: str) -> list[Money]:
        return []

    def numbers(self) -> set[tuple[str, str]]:
        return {
            (sort.replace("_", " "), row[NUMBERS.get(sort, "Reference")].split(" ")[0])
            for sort in (*NUMBERS, "payments", "bank_transactions")
            for row in self.state[sort]
        }

    def overview(self) -> Iterator[tuple[str, list[Decimal]]]:
        bills, notes = self.state["invoices"], self.state["credit_notes"]
        for words, rows in (
            ("bills, paid in full", _having(bills, PAID)),
            ("bills, approved and unpaid", _having(bills, OPEN)),
            ("bills, draft", _having(bills, "DRAFT")),
            ("credit notes, refunded in full", _having(notes, PAID)),
            ("credit notes, approved and open", _having(notes, OPEN)),
            ("credit notes, draft", _having(notes, "DRAFT")),
            ("payments and refunds", self.state["payments"]),
            ("money spent or received without a bill", self.state["bank_transactions"]),
        ):
            yield words, [_decimal(row.get("Total", row.get("Amount"))) for row in rows]


def _xero_claim(row: Row) -> Claim:
    total = _decimal(row["Total"])
    return Claim(
        status=row["Status"],
        total=total,
        paid=total - _decimal(row.get("AmountDue", row.get("RemainingCredit"))),
        contact=row["Contact"]["Name"],
        date=_day(row.get("DateString") or row["Date"]),
        due_date=_day(row["DueDateString"]) if row.get("DueDateString") else None,
        accounts=[line["AccountCode"] for line in row["LineItems"]],
        tax=_decimal(row["TotalTax"]),
    )


def _xero_money(row: Row) -> Money:
    date = _day(row.get("DateString") or row["Date"])
    if "PaymentID" in row:
        kind = "refund" if row["PaymentType"] == "APCREDITPAYMENT" else "payment"
        account, amount = row["Account"]["Name"], _decimal(row["Amount"])
        return Money(id=row["PaymentID"], kind=kind, account=account, amount=amount, date=date)
    kind, account = str(row["Type"]).lower(), row["BankAccount"]["Name"]
    amount = _decimal(row["Total"])
    return Money(id=row["BankTransactionID"], kind=kind, account=account, amount=amount, date=date)


def _having(rows: Sequence[Row], status: str) -> list[Row]:
    return [row for row in rows if row["Status"] == status]


@dataclass(frozen=True)
class QuickBooks:
    """Of the sandbox's state of a QuickBooks company."""

    state: State
    name: str = "QuickBooks"

    def claims(self, kind: str, number: str) -> list[Claim]:
        return [_qbo_claim(row) for row in self._of("bills" if kind == "bill" else "vendor_credits", number)]

    def money(self, number: str) -> list[Money]:
        return [
            *(_money(row, *_payment(row)) for row in self._of("bill_payments", number)),
            *(_money(row, *_purchase(row)) for row in self._of("purchases", number)),
            *(
                _money(row, "refund", row["DepositToAccountRef"]["name"])
                for row in self._of("deposits", number)
            ),
        ]

    def journals(self, number: str) -> list[Money]:
        return [_journal(row) for row in self._of("journal_entries", number)]

    def numbers(self) -> set[tuple[str, str]]:
        return {
            (sort.replace("_", " "), str(row.get("DocNumber")))
            for sort in QBO_SORTS
            for row in self.state[sort]
        }

    def overview(self) -> Iterator[tuple[str, list[Decimal]]]:
        bills, credits = self.state["bills"], self.state["vendor_credits"]
        paid = [row for row in self.state["bill_payments"] if _decimal(row["TotalAmt"])]
        zero = [row for row in self.state["bill_payments"] if not _decimal(row["TotalAmt"])]
        for words, rows in (
            ("bills, paid in full", [row for row in bills if _is_settled(row)]),
            ("bills, unpaid", [row for row in bills if not _is_settled(row)]),
            ("vendor credits, used up", [row for row in credits if _is_settled(row)]),
            ("vendor credits, open", [row for row in credits if not _is_settled(row)]),
            ("payments by card or from the bank", paid),
            ("journals to the offset account", self.state["journal_entries"]),
            ("payments of nothing, which link bill and journal", zero),
            ("card spending and card refunds without a bill", self.state["purchases"]),
            ("deposits: money back to the bank", self.state["deposits"]),
        ):
            yield words, [_qbo_total(row) for row in rows]

    def _of(self, sort: str, number: str) -> list[Row]:
        return [row for row in self.state[sort] if row.get("DocNumber") == number]


def _is_settled(row: Row) -> bool:
    return not _decimal(row["Balance"])


def _qbo_claim(row: Row) -> Claim:
    total = _qbo_total(row)
    return Claim(
        status=PAID if _is_settled(row) else OPEN,
        total=total,
        paid=total - _decimal(row["Balance"]),
        contact=row["VendorRef"]["name"],
        date=_day(row["TxnDate"]),
        due_date=_day(row["DueDate"]) if row.get("DueDate") else None,
        accounts=[line["AccountBasedExpenseLineDetail"]["AccountRef"]["name"] for line in row["Line"]],
        tax=_decimal((row.get("TxnTaxDetail") or {}).get("TotalTax", 0)),
    )


def _qbo_total(row: Row) -> Decimal:
    """The whole amount; a journal's is that of its debits."""
    if "TotalAmt" in row:
        return _decimal(row["TotalAmt"])
    debits = [line for line in row["Line"] if line["JournalEntryLineDetail"]["PostingType"] == "Debit"]
    return sum((_decimal(line["Amount"]) for line in debits), Decimal(0))


def _payment(row: Row) -> tuple[str, str | None]:
    linked = {link["TxnType"] for line in row["Line"] for link in line["LinkedTxn"]}
    kind = "refund" if "VendorCredit" in linked else "payment"
    by_card, by_check = row.get("CreditCardPayment") or {}, row.get("CheckPayment") or {}
    account = by_card.get("CCAccountRef") or by_check.get("BankAccountRef") or {}
    return kind, account.get("name")


def _purchase(row: Row) -> tuple[str, str | None]:
    return "refund" if row.get("Credit") else "spend", row["AccountRef"]["name"]


def _money(row: Row, kind: str, account: str | None) -> Money:
    return Money(id=row["Id"], kind=kind, account=account, amount=_qbo_total(row), date=_day(row["TxnDate"]))


def _journal(row: Row) -> Money:
    """The account is that of the line which belongs to nobody: the other is what is owed to the vendor."""
    details = [line["JournalEntryLineDetail"] for line in row["Line"]]
    [account] = [detail["AccountRef"]["name"] for detail in details if not detail.get("Entity")]
    return _money(row, "journal", account)


def _decimal(value: Any) -> Decimal:
    return Decimal(str(value))


def _day(text: Any) -> dt.date:
    return dt.date.fromisoformat(str(text)[:10])
