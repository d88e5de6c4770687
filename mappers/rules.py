"""Which row of the Expense Connect grid applies: the most specific one that is in force on the day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from mappers.company import Rule
from mappers.words import folded

EVERY = "*"


def choose_rule(rules: Iterable[Rule], *, member: str, payment_type: str, day: dt.date) -> Rule | None:
    """The rule for this member's payment type on this day, or None.

    Member and type beats member and `*`, which beats `*` and type, which beats `*` and `*`. Ties are refused
    when a company file is read; should one get here, the first row of the file wins.
    """
    fitting = [
        rule
        for rule in rules
        if _fits(rule.member, member) and _fits(rule.payment_type, payment_type) and in_force(rule, day)
    ]
    return min(fitting, key=lambda rule: (-specificity(rule), rule.number), default=None)


def specificity(rule: Rule) -> int:
    """0 to 3; higher wins."""
    return 2 * (rule.member.strip() != EVERY) + (rule.payment_type.strip() != EVERY)


def in_force(rule: Rule, day: dt.date) -> bool:
    """Whether the rule's first and last day, both inclusive, take in this day."""
    return (rule.first_day is None or rule.first_day <= day) and (
        rule.last_day is None or day <= rule.last_day
    )


def overlap(one: Rule, other: Rule) -> bool:
    """Whether two rules tie: the same member and payment type, and a day on which both are in force."""
    same = _same(one.member, other.member) and _same(one.payment_type, other.payment_type)
    starts = [rule.first_day for rule in (one, other) if rule.first_day]
    ends = [rule.last_day for rule in (one, other) if rule.last_day]
    return same and not (starts and ends and max(starts) > min(ends))


def linked_members(rules: Iterable[Rule]) -> tuple[str, ...]:
    """The distinct members that rules name, as first written, in file order."""
    members: dict[str, str] = {}
    for rule in rules:
        if rule.member.strip() != EVERY:
            members.setdefault(folded(rule.member), rule.member.strip())
    return tuple(members.values())


def _fits(pattern: str, name: str) -> bool:
    return pattern.strip() == EVERY or _same(pattern, name)


def _same(one: str, other: str) -> bool:
    return folded(one) == folded(other)
