"""A bill that somebody made in QuickBooks themself: its id in what people paste, and how it stands there now.

https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/bill (and vendorcredit,
purchase, deposit).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

from mappers.documents import BILL, CREDIT_NOTE, REFUND, SPEND, Standing
from mappers.exact import to_decimal
from mappers.qbo_answers import day_of, is_live
from mappers.qbo_entities import BANK, CARD

Raw = Mapping[str, Any]

BILLS = ("Bill", "VendorCredit", "Purchase", "Deposit")  # where a bill, or what stands for one, may be
_ID = re.compile(r"[1-9][0-9]{0,18}")


def to_bill_id(text: str) -> str | None:
    """The id itself, or the one in the address of the bill's page (`…/app/bill?txnId=145`)."""
    text = text.strip()
    if _ID.fullmatch(text):
        return text
    try:
        named = parse_qs(urlsplit(text).query).items()
    except ValueError:  # not an address at all
        return None
    found = {value for name, values in named if name.lower() == "txnid" for value in values}
    return found.pop() if len(found) == 1 and all(map(_ID.fullmatch, found)) else None


def to_standing(lists: Mapping[str, Sequence[Raw]], remote_id: str) -> Standing | None:
    """The document with this id in one of these lists (BILLS, by entity). What was deleted is in none."""
    for entity in BILLS:
        for row in lists.get(entity, ()):
            if str(row.get("Id") or "") == remote_id:
                return _standing(entity, row)
    return None


def _standing(entity: str, row: Raw) -> Standing:
    kind, what = _kind_of(entity, row)
    contact = _part(row, "EntityRef" if entity == "Purchase" else "VendorRef")
    return Standing(
        remote_id=str(row["Id"]),
        kind=kind,
        what=what,
        number=str(row.get("DocNumber") or ""),
        total=to_decimal(row.get("TotalAmt")) or Decimal(0),
        tax=to_decimal(_part(row, "TxnTaxDetail").get("TotalTax")) or Decimal(0),
        currency=str(_part(row, "CurrencyRef").get("value") or "") or None,
        date=day_of(row.get("TxnDate")),
        contact=str(contact.get("value") or ""),
        contact_name=str(contact.get("name") or ""),
        due=to_decimal(row.get("Balance")) if entity in ("Bill", "VendorCredit") else None,
        live=is_live(row),
        account_type={"Purchase": CARD, "Deposit": BANK}.get(entity, ""),
    )


def _kind_of(entity: str, row: Raw) -> tuple[str, str]:
    """Our kind, and what people call it there. A purchase may be one of either direction."""
    if entity == "Purchase":
        return (REFUND, "card credit") if row.get("Credit") is True else (SPEND, "expense")
    return {
        "Bill": (BILL, "bill"),
        "VendorCredit": (CREDIT_NOTE, "vendor credit"),
        "Deposit": (REFUND, "deposit"),
    }[entity]


def _part(row: Raw, name: str) -> Raw:
    part = row.get(name)
    return part if isinstance(part, dict) else {}
