"""What would fail, found before going live: settings, site and books held against each other.

Only what can be known from these three; connections, callbacks and processes are looked at elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from errors import NeedsAttention
from mappers.accounts import (
    check_can_code,
    check_can_offset,
    check_can_pay,
    check_tax_fits,
    find_account,
    find_tax,
    no_tax,
)
from mappers.books import Account, Books, Contact
from mappers.company import OFFSET, PAYMENT, CompanySettings
from mappers.documents import CONTACT, Document
from mappers.entry import Site
from mappers.facts import NON_REIMBURSABLE, PERSONAL, REIMBURSABLE
from mappers.gate import SECOND_TIER
from mappers.mapping import choose_contact
from mappers.rules import EVERY
from mappers.traits import XERO, LedgerTraits
from mappers.words import folded, nearest, stock_word

ERROR, WARNING = "error", "warning"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that would fail (ERROR) or may surprise (WARNING); `cause` is a stable code."""

    level: str
    cause: str
    text: str
    to_do: str


def check(
    settings: CompanySettings,
    *,
    site: Site,
    books: Books,
    contacts: Mapping[str, Sequence[Contact]] | None = None,
    wanted: Sequence[Document] = (),
    traits: LedgerTraits = XERO,
) -> list[Finding]:
    """Findings, errors first. `contacts` are the ledger's candidates by marker for the `wanted` contacts (see
    mapping.wanted_contacts), when they were read; without them contacts are not judged."""
    taxed = bool(books.tax_codes) or not traits.taxless_books
    found = [
        *_expense_types(settings, site=site, books=books, taxed=taxed),
        *(_taxes(settings, site=site, books=books) if taxed else ()),
        *_payment_types(settings, site=site),
        *_rules(settings, site=site, books=books, traits=traits),
        *_offset(settings, books=books, traits=traits),
        *_members(settings, site=site),
        *_contacts(contacts or {}, wanted),
        *_tracking(settings, books=books),
        *_days(settings, books=books),
        *_site(settings, site=site),
    ]
    distinct = dict.fromkeys(found)
    return sorted(distinct, key=lambda finding: finding.level != ERROR)


def _expense_types(settings: CompanySettings, *, site: Site, books: Books, taxed: bool) -> Iterator[Finding]:
    mapped = {folded(row.name) for row in settings.expense_types}
    for expense_type in site.expense_types.values():
        if expense_type.active and folded(expense_type.name) not in mapped:
            yield _error(
                "expense_type_unmapped",
                f'The expense type "{expense_type.name}" has no account.',
                f'Add an [[expense_types]] row for "{expense_type.name}" to the company file.',
            )
        if expense_type.active and expense_type.mileage and expense_type.rate is None:
            yield _error(
                "mileage_amount_unclear",
                f'The expense type "{expense_type.name}" is paid by distance but has no rate.',
                f'Give "{expense_type.name}" a reimbursement rate in ConnectWise.',
            )
    names = [expense_type.name for expense_type in site.expense_types.values()]
    for row in settings.expense_types:
        yield from _unknown_name("expense type", "[[expense_types]]", row.name, names)
        for name in filter(None, (row.account, row.billable_account)):
            yield from _tried(partial(_codable, books, name))
            if taxed:
                yield from _tried(partial(_try_tax, books, name, row.tax))


def _codable(books: Books, name: str) -> Account:
    return check_can_code(find_account(books, name))


def _payable(books: Books, name: str, *, action: str, traits: LedgerTraits) -> Account:
    account = find_account(books, name)
    if action == OFFSET:
        return check_can_offset(account, books=books, traits=traits)
    return check_can_pay(account, traits=traits)


def _try_tax(books: Books, account_name: str, tax: str | None) -> None:
    """Whether a line of this type would find its tax; trouble with the account itself is told elsewhere."""
    try:
        account = find_account(books, account_name)
    except NeedsAttention:
        return
    code = tax or account.tax_code
    if code is None:
        raise NeedsAttention(
            "tax_unmapped",
            f'Account "{account.name}" has no default tax code.',
            'Add tax = "…" to its [[expense_types]] rows in the company file.',
        )
    check_tax_fits(find_tax(books, code), account)


def _taxes(settings: CompanySettings, *, site: Site, books: Books) -> Iterator[Finding]:
    mapped = {folded(row.name) for row in settings.taxes}
    for name in site.tax_types:
        if folded(name) not in mapped:
            yield _warning(
                "tax_unmapped",
                f'The expense tax "{name}" has no tax code; expenses that carry it will wait.',
                f'Add a [[taxes]] row for "{name}" to the company file.',
            )
    for row in settings.taxes:
        yield from _unknown_name("expense tax", "[[taxes]]", row.name, site.tax_types)
        yield from _tried(partial(find_tax, books, row.code))


def _payment_types(settings: CompanySettings, *, site: Site) -> Iterator[Finding]:
    own = {folded(row.name): row.company_paid for row in settings.payment_types}
    names = [payment_type.name for payment_type in site.payment_types.values()]
    for row in settings.payment_types:
        yield from _unknown_name("payment type", "[[payment_types]]", row.name, names)
    for payment_type in site.payment_types.values():
        by_company = own.get(folded(payment_type.name), payment_type.company_paid)
        if by_company and not _is_covered(settings, payment_type.name):
            yield _warning(
                "payment_type_without_rule",
                f'No rule covers every member\'s "{payment_type.name}"; where none fits, company_paid_as ='
                f' "{settings.expenses.company_paid_as}" applies.',
                f'Add a [[rules]] row for "{payment_type.name}", if that is not wanted.',
            )


def _is_covered(settings: CompanySettings, payment_type: str) -> bool:
    return any(
        rule.member == EVERY
        and (rule.payment_type == EVERY or folded(rule.payment_type) == folded(payment_type))
        for rule in settings.rules
    )


def _rules(settings: CompanySettings, *, site: Site, books: Books, traits: LedgerTraits) -> Iterator[Finding]:
    payment_types = [payment_type.name for payment_type in site.payment_types.values()]
    for rule in settings.rules:
        if rule.member != EVERY:
            yield from _unknown_name("member", f"[[rules]] row {rule.number}", rule.member, site.members)
        if rule.payment_type != EVERY:
            place = f"[[rules]] row {rule.number}"
            yield from _unknown_name("payment type", place, rule.payment_type, payment_types)
        if rule.account and rule.action in (OFFSET, PAYMENT):
            yield from _tried(partial(_payable, books, rule.account, action=rule.action, traits=traits))
        elif rule.account:
            yield _warning(
                "rule_account_unused",
                f'[[rules]] row {rule.number} names account "{rule.account}", unused by {rule.action}.',
                "Take the account out, or change the action.",
            )


def _offset(settings: CompanySettings, *, books: Books, traits: LedgerTraits) -> Iterator[Finding]:
    name = settings.expenses.offset_account
    if name is None:
        wanted = settings.expenses.company_paid_as == "offset" and not _is_covered(settings, EVERY)
        text = "No offset account is set; personal purchases on company cards need one"
        more = ", and so does what no rule covers" if wanted else ""
        to_do = "Set offset_account in [expenses] of the company file."
        level = ERROR if wanted else WARNING
        yield Finding(level=level, cause="offset_account_missing", text=f"{text}{more}.", to_do=to_do)
        return
    yield from _tried(partial(_payable, books, name, action=OFFSET, traits=traits))
    for finding in _tried(partial(_try_personal, books, name, traits=traits)):
        yield Finding(
            level=WARNING,
            cause=finding.cause,
            text=f"Personal purchases cannot be posted: {finding.text}",
            to_do=finding.to_do,
        )


def _try_personal(books: Books, name: str, *, traits: LedgerTraits) -> None:
    """Whether a line without tax can go to the offset account."""
    account = find_account(books, name)
    if not (traits.offset_may_be_bank and account.is_bank):
        check_can_code(account)
    if books.tax_codes or not traits.taxless_books:
        no_tax(books, account, traits=traits)


def _members(settings: CompanySettings, *, site: Site) -> Iterator[Finding]:
    for row in settings.members:
        yield from _unknown_name("member", "[[members]]", row.identifier, site.members)
    named: dict[str, list[str]] = {}
    for member in site.members.values():
        if member.active:
            named.setdefault(folded(member.name), []).append(member.identifier)
    tied = {folded(row.identifier) for row in settings.members}
    for identifiers in named.values():
        loose = [identifier for identifier in identifiers if folded(identifier) not in tied]
        if len(identifiers) > 1 and loose:
            yield _warning(
                "members_share_a_name",
                f"The members {', '.join(sorted(identifiers))} have the same name and would share a contact.",
                "Tie each to a contact of its own by a [[members]] row.",
            )


def _contacts(candidates: Mapping[str, Sequence[Contact]], wanted: Sequence[Document]) -> Iterator[Finding]:
    for document in wanted:
        if document.kind != CONTACT or document.marker not in candidates:
            continue
        try:
            chosen = choose_contact(document, candidates[document.marker])
        except NeedsAttention as trouble:
            yield _error(trouble.cause, trouble.why, trouble.to_do)
            continue
        if chosen is None:
            yield _warning(
                "contact_will_be_made",
                f"{document.name} ({document.number}) has no contact in the books; one will be made.",
                "If that is not wanted, tie the member to a contact by a [[members]] row.",
            )


def _tracking(settings: CompanySettings, *, books: Books) -> Iterator[Finding]:
    names = [tracking.name for tracking in books.tracking]
    for category, _source in settings.expenses.tracking:
        if folded(category) not in map(folded, names):
            yield _error(
                "tracking_unmapped",
                f'The books have no tracking category "{category}"{nearest(category, names)}.',
                f'Add "{category}" to the books, or change tracking in the company file.',
            )


def _days(settings: CompanySettings, *, books: Books) -> Iterator[Finding]:
    start, locked = settings.start_date, books.locked_until
    if locked and (start is None or start <= locked):
        yield _warning(
            "closed_period",
            f"The books are closed up to {locked}; expenses dated until then follow closed_period ="
            f' "{settings.expenses.closed_period}".',
            f"Set a start_date after {locked} in [company], or open the period in the books.",
        )


def _site(settings: CompanySettings, *, site: Site) -> Iterator[Finding]:
    words = {stock_word(name) for name in site.classifications.values()}
    for word in (REIMBURSABLE, NON_REIMBURSABLE, PERSONAL):
        if word not in words:
            yield _warning(
                "classification_unknown",
                f'ConnectWise has no classification "{word}"; expenses classed otherwise will wait.',
                "Keep the stock names Reimbursable, Non-Reimbursable and Personal in ConnectWise.",
            )
    approval = settings.expenses.approval
    if approval is not None and SECOND_TIER not in approval:
        yield _warning(
            "approval_misses_second_tier",
            f"Expenses that move on to {SECOND_TIER} before they are looked at will wait.",
            f'Add "{SECOND_TIER}" to approval in [expenses], if that is not wanted.',
        )
    billable = any(row.billable_account for row in settings.expense_types)
    if billable and site.own_company_id is None:
        yield _error(
            "own_company_unknown",
            "Some expense types have an account for clients, but which company is ours is not known.",
            "Let the API member read System > My Company > Time and Expense in ConnectWise.",
        )


def _unknown_name(noun: str, place: str, name: str, known: Iterable[str]) -> Iterator[Finding]:
    known = list(known)
    if folded(name) not in map(folded, known):
        yield _warning(
            f"{noun.replace(' ', '_')}_not_in_connectwise",
            f'{place} names the {noun} "{name}", which ConnectWise does not have{nearest(name, known)}.',
            f'Correct "{name}" in the company file, or take the row out.',
        )


def _tried(step: Callable[[], object]) -> Iterator[Finding]:
    """The trouble that this step runs into, as a finding."""
    try:
        step()
    except NeedsAttention as trouble:
        yield _error(trouble.cause, trouble.why, trouble.to_do)


def _error(cause: str, text: str, to_do: str) -> Finding:
    return Finding(
        level=ERROR, cause=cause, text=text, to_do=to_do.removesuffix(", then retry.").rstrip(".") + "."
    )


def _warning(cause: str, text: str, to_do: str) -> Finding:
    return Finding(level=WARNING, cause=cause, text=text, to_do=to_do)
