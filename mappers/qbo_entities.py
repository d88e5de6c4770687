"""One document as one QuickBooks entity: its fields, its lines and their tax.

Pages: https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/{bill,billpayment,
vendorcredit,purchase,deposit,journalentry,vendor}.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from mappers.documents import BILL, CONTACT, CREDIT_NOTE, JOURNAL, REFUND, Document, Line
from mappers.exact import to_decimal
from mappers.words import one_line

BANK, CARD, PAYABLE = "Bank", "Credit Card", "Accounts Payable"  # account types
CLASS, LOCATION = "Class", "Department"  # where a tracking option goes
LONGEST_NUMBER, LONGEST_NOTE, LONGEST_DESCRIPTION, LONGEST_NAME = 21, 4000, 4000, 100
LINKED = {BILL: "Bill", CREDIT_NOTE: "VendorCredit", JOURNAL: "JournalEntry"}
_CENTS = Decimal("0.01")

Entity = dict[str, Any]


def entity_of(document: Document) -> str:
    """The entity that this document becomes. Money back onto a card is a purchase that gives credit, money
    back onto a bank account a deposit."""
    if document.kind in _CLAIMS:
        return _CLAIMS[document.kind]
    if document.settles is not None:
        return "BillPayment"
    if document.kind == REFUND and document.account_type != CARD:
        return "Deposit"
    return "Purchase"


def path_of(entity: str) -> str:
    """Where it is made."""
    return entity.lower()


def to_entity(document: Document) -> Entity:
    """The body that makes this document. Raises ValueError when its number is too long, or when it does not
    know what it settles."""
    if document.kind != CONTACT and len(document.number) > LONGEST_NUMBER:
        raise ValueError(f"{document.number} is longer than {LONGEST_NUMBER} characters")
    return _MAKERS[entity_of(document)](document)


def tag_of(document: Document) -> str:
    """What the private note begins with: how a document is known again whose number somebody changed."""
    return f"[{document.number} {document.kind}]"


def display_name(document: Document) -> str:
    """A vendor's name as QuickBooks takes it: no colon, which would part a name from its parents."""
    return one_line(document.name.replace(":", " "), most=LONGEST_NAME)


def links_of(payment: Mapping[str, Any]) -> dict[tuple[str, str], Decimal]:
    """What a BillPayment, sent or answered, settles: amount by (TxnType, TxnId)."""
    links: dict[tuple[str, str], Decimal] = {}
    lines = payment.get("Line")
    for line in lines if isinstance(lines, list) else ():
        some = line.get("LinkedTxn") if isinstance(line, dict) else None
        for linked in some if isinstance(some, list) else ():
            amount = to_decimal(line.get("Amount"))
            if isinstance(linked, dict) and amount:
                key = (str(linked.get("TxnType") or ""), str(linked.get("TxnId") or ""))
                links[key] = links.get(key, Decimal(0)) + amount
    return links


_CLAIMS = {CONTACT: "Vendor", BILL: "Bill", CREDIT_NOTE: "VendorCredit", JOURNAL: "JournalEntry"}


def _vendor(document: Document) -> Entity:
    element: Entity = {"DisplayName": display_name(document)}
    if document.contact_number:
        element["AcctNum"] = document.contact_number
    if document.email:
        element["PrimaryEmailAddr"] = {"Address": document.email}
    return element


def _head(document: Document) -> Entity:
    return {
        "DocNumber": document.number,
        "TxnDate": document.date.isoformat(),
        "CurrencyRef": _ref(document.currency),
        "PrivateNote": one_line(f"{tag_of(document)} {document.memo}", most=LONGEST_NOTE),
    }


def _claim(document: Document) -> Entity:
    """A bill or a vendor credit. The account of what is owed is named only where a journal must share it."""
    element = {**_head(document), "VendorRef": _ref(document.contact)}
    if document.kind == BILL and document.due_date:
        element["DueDate"] = document.due_date.isoformat()
    if document.payable:
        element["APAccountRef"] = _ref(document.payable)
    return element | _expense_lines(document)


def _bill_payment(document: Document) -> Entity:
    """It moves no money at a bank; it only says which account paid. A payment of nothing, which links a claim
    and its journal, is a check from no account. The rate is left to the bill's."""
    settled = [(document.settles or "", document.settles_id)]
    if document.also_settles:
        settled.append((document.also_settles, document.also_settles_id))
    if any(not remote_id for _, remote_id in settled):
        raise ValueError(f"{document.marker} does not know what it settles")
    if document.settles == CREDIT_NOTE and not document.also_settles:
        raise ValueError(f"{document.marker}: QuickBooks links no money back with a vendor credit")
    element = {**_head(document), "VendorRef": _ref(document.contact), "TotalAmt": _money(document.amount)}
    if document.account_type == CARD:
        element |= {"PayType": "CreditCard", "CreditCardPayment": {"CCAccountRef": _ref(document.account)}}
    else:
        check = {"BankAccountRef": _ref(document.account)} if document.account else {}
        element |= {"PayType": "Check", "CheckPayment": {**check, "PrintStatus": "NotSet"}}
    element["Line"] = [
        {"Amount": _money(document.clears), "LinkedTxn": [{"TxnId": remote_id, "TxnType": LINKED[kind]}]}
        for kind, remote_id in settled
    ]
    return element


def _journal(document: Document) -> Entity:
    """Takes what is owed by a bill over to another account; a vendor credit's the other way round. A line on
    accounts payable needs its vendor."""
    owed, other = ("Debit", "Credit") if document.settles == BILL else ("Credit", "Debit")
    vendor = {"Entity": {"Type": "Vendor", "EntityRef": _ref(document.contact)}}
    return {
        **_head(document),
        "Line": [
            _posting(document, owed, document.payable, vendor),
            _posting(document, other, document.account, {}),
        ],
    }


def _posting(document: Document, side: str, account: str | None, more: Entity) -> Entity:
    return {
        "Amount": _money(document.amount),
        "Description": one_line(f"{document.number} {document.memo}", most=LONGEST_DESCRIPTION),
        "DetailType": "JournalEntryLineDetail",
        "JournalEntryLineDetail": {"PostingType": side, "AccountRef": _ref(account), **more},
    }


def _purchase(document: Document) -> Entity:
    """Money spent without a bill, or back onto a card: a credit, which only cards take."""
    element = {
        **_head(document),
        "PaymentType": "CreditCard" if document.account_type == CARD else "Cash",
        "AccountRef": _ref(document.account),
        "EntityRef": {**_ref(document.contact), "type": "Vendor"},
    }
    if document.kind == REFUND:
        element["Credit"] = True
    return element | _expense_lines(document)


def _deposit(document: Document) -> Entity:
    """Money back onto a bank account. Its lines know no gross amount: they are net, the tax stands beside."""
    lines = [
        {
            "Amount": _money(_net(document, line)),
            "Description": one_line(line.description, most=LONGEST_DESCRIPTION),
            "DetailType": "DepositLineDetail",
            "DepositLineDetail": {
                "AccountRef": _ref(line.account),
                "Entity": {**_ref(document.contact), "type": "Vendor"},
                **_purchase_tax(line),
                **_class_of(line),
            },
        }
        for line in document.lines
    ]
    element = {**_head(document), "DepositToAccountRef": _ref(document.account), "Line": lines}
    if any(line.tax_code for line in document.lines):
        element |= {"GlobalTaxCalculation": "TaxExcluded", "TxnTaxDetail": _tax_detail(document)}
    return element | _location_of(document.lines)


def _purchase_tax(line: Line) -> Entity:
    return {"TaxCodeRef": _ref(line.tax_code), "TaxApplicableOn": "Purchase"} if line.tax_code else {}


_MAKERS: dict[str, Callable[[Document], Entity]] = {
    "Vendor": _vendor,
    "Bill": _claim,
    "VendorCredit": _claim,
    "JournalEntry": _journal,
    "BillPayment": _bill_payment,
    "Purchase": _purchase,
    "Deposit": _deposit,
}


def _expense_lines(document: Document) -> Entity:
    """Lines, how their tax is meant, and the tax itself where QuickBooks could come to another cent. Without
    the word it would add tax on top; books without tax codes (the United States) don't take the word."""
    element: Entity = {"Line": [_expense_line(document, line) for line in document.lines]}
    if any(line.tax_code for line in document.lines):
        element["GlobalTaxCalculation"] = "TaxInclusive" if document.inclusive else "TaxExcluded"
    if _needs_exact_tax(document.lines):
        element["TxnTaxDetail"] = _tax_detail(document)
    return element | _location_of(document.lines)


def _expense_line(document: Document, line: Line) -> Entity:
    """`Amount` is net whatever the word says; the gross amount stands in the detail."""
    detail: Entity = {"AccountRef": _ref(line.account)}
    if line.tax_code is not None:
        detail["TaxCodeRef"] = _ref(line.tax_code)
        if document.inclusive:
            detail["TaxInclusiveAmt"] = _money(line.amount)
    return {
        "Amount": _money(_net(document, line)),
        "Description": one_line(line.description, most=LONGEST_DESCRIPTION),
        "DetailType": "AccountBasedExpenseLineDetail",
        "AccountBasedExpenseLineDetail": detail | _class_of(line),
    }


def _net(document: Document, line: Line) -> Decimal:
    tax = sum((share.amount for share in line.tax_shares), Decimal(0))
    return line.amount - tax if document.inclusive else line.amount


def _needs_exact_tax(lines: Sequence[Line]) -> bool:
    """QuickBooks works tax out by rate on the sum of all lines, we by line, and members type their own."""
    taxed = [line for line in lines if line.tax_shares]
    return len(taxed) > 1 or any(line.tax_amount is not None or len(line.tax_shares) > 1 for line in taxed)


def _tax_detail(document: Document) -> Entity:
    """The exact tax: one line for each rate, as a rate may be listed only once."""
    sums: dict[str, tuple[Decimal, Decimal, Decimal]] = {}
    for line in document.lines:
        for share in line.tax_shares:
            _, net, tax = sums.get(share.rate, (share.percent, Decimal(0), Decimal(0)))
            sums[share.rate] = (share.percent, net + _net(document, line), tax + share.amount)
    rows = [
        {
            "Amount": _money(tax),
            "DetailType": "TaxLineDetail",
            "TaxLineDetail": {
                "TaxRateRef": _ref(rate),
                "PercentBased": False,
                "TaxPercent": percent,
                "NetAmountTaxable": _money(net),
            },
        }
        for rate, (percent, net, tax) in sums.items()
    ]
    total = sum((tax for _, _, tax in sums.values()), Decimal(0))
    return {"TotalTax": _money(total), "TaxLine": rows}


def _class_of(line: Line) -> Entity:
    option = next((choice.option for choice in line.tracking if choice.category == CLASS), None)
    return {"ClassRef": _ref(option)} if option else {}


def _location_of(lines: Sequence[Line]) -> Entity:
    """A location belongs to the whole document. Raises ValueError for lines of different ones."""
    options = {choice.option for line in lines for choice in line.tracking if choice.category == LOCATION}
    if len(options) > 1:
        raise ValueError("the lines of one document have different locations")
    return {"DepartmentRef": _ref(options.pop())} if options else {}


def _ref(value: str | None) -> Entity:
    if not value:
        raise ValueError("a reference without an id")
    return {"value": value}


def _money(amount: Decimal) -> Decimal:
    """At least two decimals; never fewer digits than the amount has."""
    return amount.quantize(_CENTS) if amount == amount.quantize(_CENTS) else amount
