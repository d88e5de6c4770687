"""Accounts, tax codes and tracking options: what people wrote, found in the books, or named as missing.

Nothing is guessed and nothing is dropped in silence: whatever cannot be found exactly raises NeedsAttention.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from errors import NeedsAttention
from mappers.books import Account, Books, TaxCode
from mappers.company import CompanySettings, ExpenseTypeRow
from mappers.documents import TrackingChoice
from mappers.entry import Entry
from mappers.traits import XERO, LedgerTraits
from mappers.words import folded, nearest

# Xero's words, then those of QuickBooks Online.
_EXPENSE_KINDS = frozenset(
    ("EXPENSE", "OVERHEADS", "DIRECTCOSTS", "Expense", "Other Expense", "Cost of Goods Sold")
)
_LIABILITY_KINDS = frozenset(
    ("CURRLIAB", "LIABILITY", "TERMLIAB", "Other Current Liability", "Long Term Liability")
)


def find_account(books: Books, name: str) -> Account:
    """The active account with this code, else this exact name (that of a sub-account without its parents
    where only one has it), else this id.

    Raises NeedsAttention `account_unknown`, `account_ambiguous` or `account_archived`."""
    wanted = name.strip()
    for found in (
        [a for a in books.accounts if a.code and a.code == wanted],
        [a for a in books.accounts if a.name == wanted],
        [a for a in books.accounts if a.short_name and a.short_name == wanted],
        [a for a in books.accounts if a.id == wanted],
    ):
        if found:
            return _only_active(found, wanted, books)
    known = [word for account in books.accounts if account.active for word in (account.code, account.name)]
    raise NeedsAttention(
        "account_unknown",
        f'There is no account "{wanted}" in the books of {books.name}{nearest(wanted, known)}.',
        f'Add the account "{wanted}" to the books, or write another in the company file, then retry.',
    )


def check_can_code(account: Account) -> Account:
    """The same account. Raises `account_cannot_be_coded` when no bill line may go to it."""
    if account.can_code:
        return account
    raise NeedsAttention(
        "account_cannot_be_coded",
        f"A bill line cannot be coded to account {describe(account)}: it is"
        f" {'kept by the ledger for itself' if account.system else f'of the kind {account.type}'}.",
        f'Choose another account than "{account.name}" in the company file, then retry.',
    )


def check_can_pay(account: Account, *, traits: LedgerTraits = XERO) -> Account:
    """The same account. Raises `account_cannot_pay` when no payment may be made from it."""
    if account.can_pay:
        return account
    if traits.offset_by_journal:
        raise NeedsAttention(
            "account_cannot_pay",
            f"{traits.name} makes no payment from account {describe(account)}: it is of the kind"
            f" {account.type}, neither a bank account nor a card.",
            f'Choose a bank account or card instead of "{account.name}" in the rule, then retry.',
        )
    raise NeedsAttention(
        "account_cannot_pay",
        f"No payment can be made from account {describe(account)}: it is neither a bank account or card nor"
        " open to payments.",
        f'Tick "Enable payments to this account" on "{account.name}" in the books, or choose another account'
        " in the company file, then retry.",
    )


def check_can_offset(account: Account, *, books: Books, traits: LedgerTraits) -> Account:
    """The same account. Raises `account_cannot_pay` or `payable_account_missing` when claims can't be settled
    through it: by a payment, or by a journal where the ledger needs one."""
    if not traits.offset_by_journal or account.can_pay:
        return check_can_pay(account, traits=traits)
    find_payable(books, currency=books.base_currency, traits=traits)
    return check_can_code(account)


def find_payable(books: Books, *, currency: str, traits: LedgerTraits) -> Account:
    """The account of what is owed in this currency. Raises NeedsAttention `payable_account_missing`."""
    kind = traits.payable_type
    for account in books.accounts:
        if account.active and account.type == kind and (account.currency or books.base_currency) == currency:
            return account
    raise NeedsAttention(
        "payable_account_missing",
        f"The books of {books.name} have no account of the kind {kind} in {currency}.",
        f"Add an account of the kind {kind} in {currency} to the books, then retry.",
    )


def check_account_currency(account: Account, *, books: Books, currency: str, converts: bool) -> Account:
    """The same account, if it can pay in `currency`: its own, or one side is the base currency and the ledger
    converts. Raises `account_currency_differs`."""
    own = account.currency or books.base_currency
    if own == currency or (converts and books.base_currency in (own, currency)):
        return account
    raise NeedsAttention(
        "account_currency_differs",
        f"The expense is in {currency}, but account {describe(account)} is kept in {own}.",
        f"Choose an account in {currency} for this rule in the company file, then retry.",
    )


def expense_type_row(entry: Entry, *, settings: CompanySettings) -> ExpenseTypeRow:
    """The [[expense_types]] row of the entry's type; raises `expense_type_unmapped`."""
    for row in settings.expense_types:
        if folded(row.name) == folded(entry.expense_type):
            return row
    raise NeedsAttention(
        "expense_type_unmapped",
        f'The expense type "{entry.expense_type}" has no account.',
        f'Add an [[expense_types]] row for "{entry.expense_type}" with its account to the company file,'
        " then retry.",
    )


def cost_account(
    entry: Entry, *, settings: CompanySettings, books: Books, charged_to_client: bool
) -> Account:
    """Where the cost of this entry goes: the expense type's account, or its account for clients."""
    row = expense_type_row(entry, settings=settings)
    name = row.billable_account if charged_to_client and row.billable_account else row.account
    return check_can_code(find_account(books, name))


def tax_of(
    entry: Entry, account: Account, *, settings: CompanySettings, books: Books
) -> tuple[TaxCode, Decimal | None]:
    """The tax code of the entry's line on this account, and the tax amount (signed) if the member typed one.

    Raises NeedsAttention `several_taxes`, `tax_unmapped`, `tax_unknown`, `tax_archived` or
    `tax_cannot_be_used`."""
    if entry.taxes:
        return _typed_tax(entry, account, settings=settings, books=books)
    row = expense_type_row(entry, settings=settings)
    code = row.tax or account.tax_code
    if code is None:
        raise NeedsAttention(
            "tax_unmapped",
            f'Neither the expense type "{row.name}" nor account {describe(account)} has a tax code.',
            f'Add tax = "…" to the [[expense_types]] row "{row.name}" of the company file, then retry.',
        )
    return check_tax_fits(find_tax(books, code), account), None


def find_tax(books: Books, code: str) -> TaxCode:
    """The active tax code of this code, else of this exact name; raises `tax_unknown` or `tax_archived`."""
    wanted = code.strip()
    found = [tax for tax in books.tax_codes if tax.code == wanted]
    found = found or [tax for tax in books.tax_codes if tax.name == wanted]
    active = [tax for tax in found if tax.active]
    if len(active) == 1:
        return active[0]
    known = [word for tax in books.tax_codes if tax.active for word in (tax.code, tax.name)]
    cause, state = ("tax_archived", "is no longer in use") if found else ("tax_unknown", "is not there")
    raise NeedsAttention(
        cause,
        f'The tax code "{wanted}" {state} in the books of {books.name}{nearest(wanted, known)}.',
        f'Write another tax code instead of "{wanted}" in the company file, then retry.',
    )


def check_tax_fits(tax: TaxCode, account: Account) -> TaxCode:
    """The same tax code; raises `tax_cannot_be_used` on an account of a kind it does not apply to."""
    refused = (account.type in _EXPENSE_KINDS and not tax.on_expenses) or (
        account.type in _LIABILITY_KINDS and not tax.on_liabilities
    )
    if refused:
        raise NeedsAttention(
            "tax_cannot_be_used",
            f"The tax code {tax.code} ({tax.name}) cannot be used on account {describe(account)}.",
            f"Choose another tax code than {tax.code} for that account in the company file, then retry.",
        )
    return tax


def no_tax(books: Books, account: Account, *, traits: LedgerTraits) -> TaxCode:
    """A tax code without tax for a line on a balance sheet account; raises `tax_unmapped`."""
    free = [tax for tax in books.tax_codes if tax.active and tax.rate == 0]
    active = {folded(tax.name): tax for tax in free} | {folded(tax.code): tax for tax in free}
    for code in (account.tax_code, *traits.no_tax_codes):
        if code and folded(code) in active:
            return active[folded(code)]
    raise NeedsAttention(
        "tax_unmapped",
        f"Account {describe(account)} has no default tax code without tax.",
        f'Give "{account.name}" a default tax rate of 0 % in the books, then retry.',
    )


def tracking_of(
    entry: Entry, *, settings: CompanySettings, books: Books, location: str | None, department: str | None
) -> tuple[TrackingChoice, ...]:
    """One option per row of [expenses].tracking, by name; raises `tracking_unmapped`."""
    names = {
        "location": (location,),
        "department": (department,),
        "company": (entry.company_name, entry.company),
    }
    return tuple(
        _tracking_choice(books, category, source, [n for n in names[source] if n])
        for category, source in settings.expenses.tracking
    )


def describe(account: Account) -> str:
    """An account as people know it: its code and name."""
    return f"{account.code} {account.name}".strip()


def _only_active(found: Sequence[Account], wanted: str, books: Books) -> Account:
    active = [account for account in found if account.active]
    if len(active) == 1:
        return active[0]
    if active:
        raise NeedsAttention(
            "account_ambiguous",
            f'{len(active)} accounts in the books of {books.name} are named "{wanted}".',
            f'Write the code or id of the account instead of "{wanted}" in the company file, then retry.',
        )
    raise NeedsAttention(
        "account_archived",
        f'The account "{wanted}" is archived in the books of {books.name}.',
        f'Restore the account "{wanted}" in the books, or write another in the company file, then retry.',
    )


def _typed_tax(
    entry: Entry, account: Account, *, settings: CompanySettings, books: Books
) -> tuple[TaxCode, Decimal]:
    rows = [tax for tax in entry.taxes if tax.amount] or list(entry.taxes)
    codes = {_code_of(tax.name, settings=settings): tax.name for tax in rows}
    if len(codes) > 1:
        raise NeedsAttention(
            "several_taxes",
            f"It carries several taxes that go to different codes: {', '.join(sorted(codes.values()))}.",
            "Split the expense by tax in ConnectWise, or post it by hand.",
        )
    tax = check_tax_fits(find_tax(books, next(iter(codes))), account)
    return tax, sum((row.amount for row in rows), Decimal(0))


def _code_of(name: str, *, settings: CompanySettings) -> str:
    for row in settings.taxes:
        if folded(row.name) == folded(name):
            return row.code
    raise NeedsAttention(
        "tax_unmapped",
        f'The tax "{name}" that the expense carries has no tax code.',
        f'Add a [[taxes]] row for "{name}" with its code to the company file, then retry.',
    )


def _tracking_choice(books: Books, category: str, source: str, names: Sequence[str]) -> TrackingChoice:
    found = next((t for t in books.tracking if folded(t.name) == folded(category)), None)
    if found is None:
        known = nearest(category, (t.name for t in books.tracking))
        why, to_do = (
            f'The books have no tracking category "{category}"{known}',
            f'Add "{category}" to the books',
        )
    elif not names:
        why = f'The expense has no {source} for the tracking category "{category}"'
        to_do = f"Give the expense a {source} in ConnectWise"
    else:
        options = {folded(option): option_id for option, option_id in found.options}
        for name in names:
            if folded(name) in options:
                return TrackingChoice(category=found.id, option=options[folded(name)])
        why = f'The tracking category "{category}" has no option "{names[0]}" for the {source}'
        to_do = f'Add the option "{names[0]}" to "{category}" in the books'
    raise NeedsAttention(
        "tracking_unmapped", why + ".", to_do + ", or change tracking in the company file, then retry."
    )
