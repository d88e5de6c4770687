"""The grid of rules: the most specific one in force wins."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappers.company import Rule
from mappers.rules import choose_rule, in_force, linked_members, overlap, specificity

DAY = dt.date(2026, 8, 21)
days = st.one_of(st.none(), st.dates(dt.date(2026, 8, 15), dt.date(2026, 8, 27)))


def rule(number: int = 1, member: str = "*", payment_type: str = "*", **days: Any) -> Rule:
    return Rule(number=number, member=member, payment_type=payment_type, action="draft_bill", **days)


grids = st.lists(
    st.builds(
        Rule,
        number=st.just(0),
        member=st.sampled_from(["*", "jdoe", "JDoe ", "ana"]),
        payment_type=st.sampled_from(["*", "Amex", "amex", "Visa"]),
        action=st.just("draft_bill"),
        first_day=days,
        last_day=days,
    ),
    max_size=8,
).map(lambda rows: [rule(n, r.member, r.payment_type, first_day=r.first_day, last_day=r.last_day)
                    for n, r in enumerate(rows, start=1)])  # fmt: skip


def chosen(*rules: Rule, member: str = "jdoe", payment_type: str = "Amex", day: dt.date = DAY) -> int | None:
    found = choose_rule(rules, member=member, payment_type=payment_type, day=day)
    return found.number if found else None


def test_from_the_vaguest_to_the_most_specific_each_beats_the_ones_before() -> None:
    ladder = [rule(1), rule(2, "*", "Amex"), rule(3, "jdoe", "*"), rule(4, "jdoe", "Amex")]
    assert [chosen(*ladder[:n]) for n in range(1, 5)] == [1, 2, 3, 4]
    assert [chosen(*reversed(ladder[:n])) for n in range(1, 5)] == [1, 2, 3, 4]


def test_names_are_compared_without_case_and_spaces_around() -> None:
    assert chosen(rule(1, " JDOE", "corporate  amex "), payment_type="Corporate Amex") == 1


def test_no_rule_fits_another_member_or_type() -> None:
    assert chosen(rule(1, "ana", "*"), rule(2, "jdoe", "Visa")) is None


@pytest.mark.parametrize(("day", "fits"), [(20, False), (21, True), (22, True), (23, False)])
def test_the_first_and_the_last_day_are_included(day: int, fits: bool) -> None:
    dated = rule(1, first_day=dt.date(2026, 8, 21), last_day=dt.date(2026, 8, 22))
    assert (chosen(dated, day=dt.date(2026, 8, day)) == 1) is fits


def test_a_rule_out_of_force_leaves_the_field_to_a_vaguer_one() -> None:
    assert chosen(rule(1), rule(2, "jdoe", "Amex", last_day=dt.date(2026, 1, 1))) == 1


def test_linked_members_are_counted_once_each() -> None:
    rules = [rule(1, "jdoe"), rule(2, "*"), rule(3, "JDoe ", "Amex"), rule(4, "ana")]
    assert linked_members(rules) == ("jdoe", "ana")


@given(grids, st.dates(dt.date(2026, 8, 15), dt.date(2026, 8, 27)))
def test_what_is_chosen_fits_and_nothing_that_fits_is_more_specific(grid: list[Rule], day: dt.date) -> None:
    found = choose_rule(grid, member="jdoe", payment_type="Amex", day=day)
    fitting = [
        r
        for r in grid
        if r.member.strip().lower() in ("*", "jdoe")
        and r.payment_type.lower() in ("*", "amex")
        and in_force(r, day)
    ]
    assert (found is None) == (not fitting)
    assert found is None or (found in fitting and specificity(found) == max(map(specificity, fitting)))


@given(grids, st.dates(dt.date(2026, 8, 15), dt.date(2026, 8, 27)))
def test_without_ties_the_order_of_rows_does_not_matter(grid: list[Rule], day: dt.date) -> None:
    if any(overlap(one, other) for one in grid for other in grid if one.number < other.number):
        return
    forward = choose_rule(grid, member="jdoe", payment_type="Amex", day=day)
    assert forward == choose_rule(grid[::-1], member="jdoe", payment_type="Amex", day=day)


@given(days, days, days, days)
def test_two_rules_tie_exactly_when_some_day_has_both(
    a: dt.date | None, b: dt.date | None, c: dt.date | None, d: dt.date | None
) -> None:
    one, other = rule(1, first_day=a, last_day=b), rule(2, first_day=c, last_day=d)
    calendar = [dt.date(2026, 8, 1) + dt.timedelta(days=n) for n in range(60)]
    if (a and b and a > b) or (c and d and c > d):
        return
    assert overlap(one, other) == any(in_force(one, day) and in_force(other, day) for day in calendar)
