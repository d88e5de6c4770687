"""Bill payments: what is linked, what is silently dropped, and what stays unapplied
(https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/billpayment).

A link to a paid bill or to a purchase is dropped and the answer is still 200; the rest of the total becomes
the vendor's unapplied credit. So a client must compare the answer with what it sent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from sandbox.qbo_chart import BANK, CARD, PAYABLES
from sandbox.qbo_company import Company, ref
from sandbox.qbo_documents import JOURNAL, choice
from sandbox.qbo_fields import LINE, account_of, header, known_only, money_fields, rows_of, vendor_of
from sandbox.qbo_wire import ZERO, Fault, business, cents, given, reference, required, to_money, wrong_account
from sandbox.web import Json

LINKED = ("Bill", "VendorCredit", "JournalEntry")
# Accepted, and then dropped without a word.
DROPPED = ("Purchase", "Check", "Expense", "CreditCardCredit", "Deposit", "BillPayment", "BillPaymentCheck")
METHODS = {
    "Check": ("CheckPayment", "BankAccountRef", BANK),
    "CreditCard": ("CreditCardPayment", "CCAccountRef", CARD),
}


@dataclass(frozen=True)
class Link:
    """One settled amount: positive for what is owed, negative for a credit that is used up."""

    kind: str
    id: str
    vendor: str
    amount: Decimal

    @property
    def key(self) -> tuple[str, str, str]:
        """Under which the company remembers who settled it."""
        return self.kind, self.id, self.vendor

    def line(self) -> Json:
        """The link as a line of the payment."""
        return {"Amount": abs(self.amount), "LinkedTxn": [{"TxnId": self.id, "TxnType": self.kind}]}


def settled(company: Company, kind: str, identity: str, *, vendor: str) -> Decimal:
    """How much of a transaction the vendor's payments have settled, without sign."""
    found = company.links.get((kind, identity, vendor), {})
    return sum((abs(amount) for amount in found.values()), ZERO)


def owed(company: Company, kind: str, record: Json, *, vendor: str) -> Decimal:
    """What is still open: positive when owed to the vendor, negative for a credit."""
    total = _total(company, kind, record, vendor=vendor)
    done = settled(company, kind, record["Id"], vendor=vendor)
    return total - done if total >= 0 else total + done


def _total(company: Company, kind: str, record: Json, *, vendor: str) -> Decimal:
    if kind != "JournalEntry":
        amount: Decimal = record["TotalAmt"]
        return amount if kind == "Bill" else -amount
    total = ZERO
    for _, amount in payable_lines(company, record, vendor=vendor):
        total += amount
    return total


def payable_lines(company: Company, record: Json, *, vendor: str) -> list[tuple[str, Decimal]]:
    """A/P account and amount, credits positive, of a journal entry's lines for this vendor."""
    found = []
    for line in record["Line"]:
        detail = line[JOURNAL]
        account = company.tables["Account"][detail["AccountRef"]["value"]]
        entity = detail["Entity"]
        if account["AccountType"] == PAYABLES and entity and entity["EntityRef"]["value"] == vendor:
            sign = 1 if detail["PostingType"] == "Credit" else -1
            found.append((account["Id"], sign * line["Amount"]))
    return found


def payment(company: Company, body: Json, *, now: datetime) -> Json:
    """The fields of a bill payment, its links in `_links`; raises Fault."""
    head = header(company, "BillPayment", body, today=now.date())
    vendor = vendor_of(company, body)
    if given(body, "TotalAmt") is None:
        raise required("TotalAmt")
    total = cents(to_money(body["TotalAmt"], element="TotalAmt"))
    if total < 0:
        raise business("Transaction amount must be 0 or greater")
    method = choice(given(body, "PayType"), known=("Check", "CreditCard"), element="PayType")
    paid_from = _paid_from(company, body, method, total=total)
    money = money_fields(company, body, party=vendor)
    wanted = _wanted(company, rows_of(body), vendor=vendor["Id"], code=money["CurrencyRef"]["value"])
    links = _applied(company, wanted, total=total)
    return {
        **head,
        **money,
        **paid_from,
        "VendorRef": ref(vendor, label="DisplayName"),
        "TotalAmt": total,
        "PayType": method,
        "Line": [link.line() for link in links],
        "_links": links,
        "_payables": _payables_of(company, links) or company.payables(_code(money), now=now)["Id"],
    }


def _code(money: Json) -> str:
    return str(money["CurrencyRef"]["value"])


def _paid_from(company: Company, body: Json, method: str, *, total: Decimal) -> Json:
    """The block that names the paying account; it may lack one only when nothing is paid."""
    block, field, kind = METHODS[method]
    held = given(body, block)
    if not isinstance(held, dict):
        raise required(block)
    status = {"PrintStatus": given(held, "PrintStatus") or "NotSet"} if method == "Check" else {}
    if total == 0 and reference(held, field) is None:
        return {block: status, "_account": None}
    account = account_of(company, held, field)
    if account["AccountType"] != kind:
        raise wrong_account(f"{account['Name']} is {account['AccountType']}; {method} needs {kind}.")
    return {block: {field: ref(account), **status}, "_account": account["Id"]}


def _wanted(company: Company, rows: list[Json], *, vendor: str, code: str) -> list[Link]:
    """The links asked for, without those that are dropped; raises Fault 2020, 2170 or 620."""
    found: list[Link] = []
    for row in rows:
        known_only(row, LINE)
        links = row.get("LinkedTxn")
        if not isinstance(links, list) or not links:
            raise required("LinkedTxn")
        if given(row, "Amount") is None:
            raise required("Amount")
        amount = cents(to_money(row["Amount"]))
        if amount <= 0:
            raise business("Amounts of a payment's lines must be greater than 0")
        for link in links:
            kind = choice(given(link, "TxnType"), known=(*LINKED, *DROPPED), element="TxnType")
            if kind in LINKED:
                found.append(_link(company, kind, str(link.get("TxnId")), amount, vendor=vendor, code=code))
    return found


def _link(company: Company, kind: str, identity: str, amount: Decimal, *, vendor: str, code: str) -> Link:
    record = company.find(kind, identity)
    if record is None or not _belongs(company, kind, record, vendor=vendor, code=code):
        raise Fault("620", "Transaction can't be linked", f"TxnId {identity} of type {kind} cannot be linked")
    sign = 1 if owed(company, kind, record, vendor=vendor) >= 0 and kind != "VendorCredit" else -1
    return Link(kind, identity, vendor, sign * amount)


def _belongs(company: Company, kind: str, record: Json, *, vendor: str, code: str) -> bool:
    if record["CurrencyRef"]["value"] != code:
        return False
    if kind == "JournalEntry":
        return bool(payable_lines(company, record, vendor=vendor))
    return bool(record["VendorRef"]["value"] == vendor)


def _applied(company: Company, wanted: list[Link], *, total: Decimal) -> list[Link]:
    """The links that can be made: no more than is open, and no more credit than there is to settle.

    Raises Fault 6000 when the rest is more than the total pays.
    """
    debts = _limited(company, [link for link in wanted if link.amount > 0])
    if company.drop_links and debts:
        company.drop_links -= 1
        debts = debts[1:]
    room = sum((link.amount for link in debts), ZERO)
    credits = []
    for link in _limited(company, [link for link in wanted if link.amount < 0]):
        used = min(-link.amount, room)
        room -= used
        if used:
            credits.append(replace(link, amount=-used))
    if room > total:
        raise business(f"The payment of {total} is less than the {room} that its lines settle.")
    return debts + credits


def _limited(company: Company, wanted: list[Link]) -> list[Link]:
    """Cut to what is open; what is settled already drops out."""
    left: dict[tuple[str, str, str], Decimal] = {}
    found = []
    for link in wanted:
        record = company.tables[link.kind][link.id]
        rest = left.get(link.key, abs(owed(company, link.kind, record, vendor=link.vendor)))
        used = min(abs(link.amount), rest)
        left[link.key] = rest - used
        if used:
            found.append(replace(link, amount=used if link.amount > 0 else -used))
    return found


def _payables_of(company: Company, links: list[Link]) -> str | None:
    """The one A/P account behind the links; raises Fault 620 when there are several."""
    found: set[str] = set()
    for link in links:
        record = company.tables[link.kind][link.id]
        if link.kind == "JournalEntry":
            found |= {account for account, _ in payable_lines(company, record, vendor=link.vendor)}
        else:
            found.add(record["APAccountRef"]["value"])
    if len(found) > 1:
        raise Fault(
            "620", "Transaction can't be linked", "The linked transactions have different A/P accounts"
        )
    return found.pop() if found else None


def attach(company: Company, record: Json) -> None:
    """Let the linked transactions know that this payment settles them."""
    for link in record["_links"]:
        company.links.setdefault(link.key, {})[record["Id"]] = link.amount


def release(company: Company, record: Json) -> None:
    """Take this payment off everything it settled."""
    for link in record["_links"]:
        company.links.get(link.key, {}).pop(record["Id"], None)


def voided(record: Json) -> Json:
    """The fields of the same payment without effect: zeroed, unlinked, and marked in its note."""
    note = " - ".join(text for text in ("Voided", record["PrivateNote"]) if text)
    return {**record, "TotalAmt": ZERO, "Line": [], "_links": [], "PrivateNote": note}


def payers(company: Company, kind: str, identity: str) -> list[Json]:
    """The payments that settle a bill or a vendor credit, oldest first."""
    vendor = str(company.tables[kind][identity]["VendorRef"]["value"])
    ids = company.links.get((kind, identity, vendor), {})
    return [company.tables["BillPayment"][payment_id] for payment_id in sorted(ids, key=int)]
