"""What an edit in ConnectWise changed, in words for the person who must decide about it."""

from __future__ import annotations

from collections.abc import Callable

from mappers.entry import Entry
from mappers.money import format_money


def describe_changes(before: Entry | None, now: Entry) -> str:
    """What of a posted entry is no longer as it was, e.g. "amount was 120.50, is 99.00; date was …"."""
    if before is None:
        return "how it was when it was posted is not known"
    changes = [
        f"{name} was {was}, is {is_now}"
        for name, show in _SHOWN.items()
        if (was := show(before)) != (is_now := show(now))
    ]
    return "; ".join(changes) or "where it belongs (project, location or department)"


def _amount(entry: Entry) -> str:
    return format_money(entry.amount, entry.currency)


def _taxes(entry: Entry) -> str:
    taxes = [f"{tax.name} {format_money(tax.amount, entry.currency)}" for tax in entry.taxes]
    return ", ".join(taxes) or "none"


_SHOWN: dict[str, Callable[[Entry], str]] = {
    "amount": _amount,
    "currency": lambda entry: entry.currency or "none",
    "date": lambda entry: entry.date.isoformat(),
    "member": lambda entry: entry.member,
    "expense type": lambda entry: entry.expense_type,
    "payment type": lambda entry: entry.payment_type or "none",
    "classification": lambda entry: entry.classification or "none",
    "tax": _taxes,
    "company": lambda entry: entry.company_name or entry.company or "none",
    "charge": lambda entry: f"{entry.charge_to_type or 'none'} {entry.charge_to_id or ''}".strip(),
}
