"""What a rule of the grid makes of the latest real entries: as it is saved, or as it is typed and not saved.

Made by the very service that shows what one expense would become; reads both sides, posts and saves nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import g

from console.api.answers import refusal_of
from console.pages import pickers
from console.services import services
from errors import Trouble
from mappers.company import CompanySettings, Rule
from mappers.entry import Site
from mappers.rules import EVERY, choose_rule
from mappers.words import folded
from models import queries
from models.expense import Expense

SHOWN, LOOKED_AT = 3, 100  # real entries that are shown, and those they are picked from


@dataclass(frozen=True)
class Effect:
    """What a rule makes of one real entry; `problem` when that can't be told. `instead`: what decides it
    as long as the rule isn't saved."""

    entry_id: int
    shown: dict[str, Any] | None = None
    problem: str | None = None
    instead: str | None = None


@dataclass(frozen=True, kw_only=True)
class Typed:
    """A rule as somebody typed it: what it would do, in a sentence and on real entries; `warning` when its
    account can't do what is asked of it. Or the `problem` that saving would meet."""

    rule: Rule | None = None
    told: str = ""
    warning: str | None = None
    effects: Sequence[Effect] = ()
    problem: str | None = None


def effects_of(settings: CompanySettings, rule: Rule) -> list[Effect]:
    """What a saved rule makes of the latest entries that it decides."""
    found = [
        expense for expense in _candidates(settings, [rule]) if _deciding(settings.rules, expense) == rule
    ]
    return [_effect(expense.entry_id) for expense in found[:SHOWN]]


def effects_of_typed(before: CompanySettings, after: CompanySettings, number: int) -> Typed:
    """What rule `number` of `after` would change: a new rule, or another form of one of `before`."""
    rule = after.rules[number - 1]
    old = before.rules[number - 1] if number <= len(before.rules) else None
    expenses = _candidates(after, [rule, old] if old else [rule])
    moves = [(e, _deciding(before.rules, e), _deciding(after.rules, e)) for e in expenses]
    taken = [(expense, was) for expense, was, now in moves if now == rule]
    lost = [now for _, was, now in moves if old and was == old and now != rule]
    return Typed(
        rule=rule,
        told=_told([was for _, was in taken], lost, own=old),
        warning=pickers.trouble_with(pickers.lists_of_company().books, rule.account, action=rule.action),
        effects=[
            replace(_effect(expense.entry_id, settings=after), instead=_instead(was, own=old))
            for expense, was in taken[:SHOWN]
        ],
    )


def _candidates(settings: CompanySettings, rules: Sequence[Rule]) -> list[Expense]:
    """The latest expenses that one of these rules may be for, the latest change first."""
    site = pickers.lists_of_company().site
    own_money = _paid_by_members(settings, site)
    found: dict[int, Expense] = {}
    with services().database.read() as session:
        for rule in rules:
            which = queries.Filter(
                member=None if rule.member == EVERY else _spelled(rule.member, site),
                text=None if rule.payment_type == EVERY else rule.payment_type,
            )
            page = queries.list_expenses(session, g.company.id, which, limit=LOOKED_AT)
            found |= {expense.id: expense for expense in page.expenses}
    known = [
        e for e in found.values() if e.member and e.date and folded(e.payment_type or "") not in own_money
    ]
    return sorted(known, key=lambda expense: (expense.updated_at, expense.id), reverse=True)


def _spelled(member: str, site: Site | None) -> str:
    """The member as ConnectWise writes it: a rule may be typed in another case."""
    known = {folded(each.identifier): each.identifier for each in site.members.values()} if site else {}
    return known.get(folded(member), member)


def _paid_by_members(settings: CompanySettings, site: Site | None) -> set[str]:
    """The payment types that no rule is for: members paid with their own money. "" when there is none."""
    flags = {folded(row.name): row.company_paid for row in site.payment_types.values()} if site else {}
    flags |= {folded(row.name): row.company_paid for row in settings.payment_types}
    return {"", *(name for name, company_paid in flags.items() if not company_paid)}


def _deciding(rules: Iterable[Rule], expense: Expense) -> Rule | None:
    assert expense.member and expense.payment_type and expense.date
    return choose_rule(rules, member=expense.member, payment_type=expense.payment_type, day=expense.date)


def _effect(entry_id: int, *, settings: CompanySettings | None = None) -> Effect:
    try:
        shown = services().by_hand.preview(g.company.key, entry_id, settings=settings)
    except Trouble as trouble:
        return Effect(entry_id, problem=refusal_of(trouble).message)
    return Effect(entry_id, shown=shown)


def _told(taken: Sequence[Rule | None], lost: Sequence[Rule | None], *, own: Rule | None) -> str:
    """What the rule would decide that others decide now, and what it would leave to them."""
    if not taken:
        said = "None of the latest expenses would fall under it."
    else:
        parts = [f"{count} that {who}" for who, count in Counter(_who(was, own) for was in taken).items()]
        said = f"It would decide {len(taken)} of the latest expenses: {_listed(parts)}."
    if lost:
        parts = [f"{count} to {_name(rule)}" for rule, count in Counter(lost).items()]
        said += f" It would leave {_listed(parts)}."
    return said


def _who(was: Rule | None, own: Rule | None) -> str:
    return "it decides already" if own and was == own else f"{_name(was)} decides now"


def _instead(was: Rule | None, *, own: Rule | None) -> str:
    if own and was == own:
        return "This rule decides it already."
    return f"Until now {_name(was)} decides it." if was else "Until now no rule decides it."


def _name(rule: Rule | None) -> str:
    return f"rule {rule.number}" if rule else "no rule"


def _listed(parts: Sequence[str]) -> str:
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last
