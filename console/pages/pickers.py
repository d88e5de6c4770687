"""What a person picks from: the lists that ConnectWise and the books really have, as last read.

What is there but can't be used is shown and can't be picked, with the reason; what a file names but isn't
there stays picked until somebody picks something else.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from flask import g

from console.services import services
from errors import NeedsAttention
from mappers.accounts import (
    check_can_code,
    check_can_offset,
    check_can_pay,
    describe,
    find_account,
    find_tax,
)
from mappers.books import Account, Books, TaxCode
from mappers.company import OFFSET, PAYMENT
from mappers.entry import Site
from mappers.rules import EVERY
from mappers.stored import books_from_json, site_from_json
from mappers.traits import TRAITS
from mappers.words import folded
from models.companies import load_reference

REASONS = {
    "account_cannot_be_coded": "no bill line may go there",
    "account_cannot_pay": "no payment can be made from it",
    "payable_account_missing": "the books have no accounts payable for it",
}
Check = Callable[[Account], Account]


@dataclass(frozen=True)
class Option:
    """One thing to pick. `value` is what the company file will say; with `why_not` it can't be picked."""

    value: str
    text: str
    is_chosen: bool = False
    why_not: str | None = None


@dataclass(frozen=True)
class Lists:
    """Both sides as last read; None: not read yet."""

    site: Site | None
    books: Books | None


def lists_of_company() -> Lists:
    """The lists of this page's company, as they are kept here."""
    with services().database.read() as session:
        site = load_reference(session, g.company.id, "site")
        books = load_reference(session, g.company.id, "books")
    return Lists(
        site=site_from_json(json.loads(site.data)) if site else None,
        books=books_from_json(json.loads(books.data)) if books else None,
    )


def cost_accounts(books: Books | None, chosen: str | None) -> list[Option]:
    """Accounts for the lines of bills."""
    return [] if books is None else _accounts(books, chosen, check_can_code)


def rule_accounts(books: Books | None, chosen: str | None, *, action: str) -> list[Option]:
    """Accounts that a rule of this action may name; none for an action that takes no account."""
    if books is None or action not in (OFFSET, PAYMENT):
        return []
    return _accounts(books, chosen, _rule_check(books, action))


def trouble_with(books: Books | None, name: str | None, *, action: str) -> str | None:
    """Why an account can't do what a rule of this action asks of it; None when it can, or isn't known."""
    if books is None or name is None or action not in (OFFSET, PAYMENT):
        return None
    try:
        _rule_check(books, action)(find_account(books, name))
    except NeedsAttention as trouble:
        return trouble.why
    return None


def tax_codes(books: Books | None, chosen: str | None) -> list[Option]:
    """The tax codes for purchases."""
    if books is None:
        return []
    known = _found(partial(find_tax, books), chosen)
    options = [
        Option(chosen if tax is known and chosen else _tax_word(tax), _tax_text(tax), tax is known)
        for tax in books.tax_codes
        if tax.active
    ]
    return _with_missing(options, chosen)


def members(site: Site | None, chosen: str | None) -> list[Option]:
    """The members by name; first everybody."""
    if site is None:
        return []
    people = [member for member in site.members.values() if member.active]
    rows = [
        (m.identifier, f"{m.name} ({m.identifier})") for m in sorted(people, key=lambda m: folded(m.name))
    ]
    return _named([(EVERY, "Every member"), *rows], chosen)


def payment_types(site: Site | None, chosen: str | None) -> list[Option]:
    """The payment types, those that the company pays first; before them every type."""
    if site is None:
        return []
    found = sorted(site.payment_types.values(), key=lambda row: (not row.company_paid, folded(row.name)))
    rows = [(row.name, row.name if row.company_paid else f"{row.name} (paid by members)") for row in found]
    return _named([(EVERY, "Every payment type"), *rows], chosen)


def _named(rows: Iterable[tuple[str, str]], chosen: str | None) -> list[Option]:
    options = [Option(value, text, folded(value) == folded(chosen or "")) for value, text in rows]
    return _with_missing(options, chosen)


def _accounts(books: Books, chosen: str | None, check: Check) -> list[Option]:
    known = _found(partial(find_account, books), chosen)
    options = [
        Option(
            value=chosen if account is known and chosen else _account_word(books, account),
            text=describe(account),
            is_chosen=account is known,
            why_not=_reason(account, check),
        )
        for account in books.accounts
        if account.active
    ]
    return _with_missing(sorted(options, key=lambda option: option.why_not is not None), chosen)


def _rule_check(books: Books, action: str) -> Check:
    traits = TRAITS[g.company.provider]
    if action == OFFSET:
        return partial(check_can_offset, books=books, traits=traits)
    return partial(check_can_pay, traits=traits)


def _reason(account: Account, check: Check) -> str | None:
    try:
        check(account)
    except NeedsAttention as trouble:
        return REASONS[trouble.cause]
    return None


def _found(find: Callable[[str], object], name: str | None) -> object | None:
    try:
        return find(name) if name else None
    except NeedsAttention:
        return None


def _with_missing(options: Sequence[Option], chosen: str | None) -> list[Option]:
    """What the file names is never swapped for something else only because it was looked at."""
    if not chosen or any(option.is_chosen for option in options):
        return list(options)
    return [Option(chosen, f"{chosen} (not there any more)", True), *options]


def _account_word(books: Books, account: Account) -> str:
    """What names the account and no other: its code, else its name, else its id."""
    for word, other in ((account.code, "code"), (account.name, "name")):
        if word and [getattr(each, other) for each in books.accounts].count(word) == 1:
            return word
    return account.id


def _tax_word(tax: TaxCode) -> str:
    return tax.code if g.company.provider == "xero" else tax.name


def _tax_text(tax: TaxCode) -> str:
    return f"{tax.name}, {tax.rate.normalize():f} %" + (
        f" ({tax.code})" if g.company.provider == "xero" else ""
    )
