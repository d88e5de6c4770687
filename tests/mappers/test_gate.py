"""The gate: which statuses pass, what the report must show, and what each refusal says."""

from __future__ import annotations

import datetime as dt

import pytest

from errors import Held, Skipped
from mappers.company import CompanySettings
from mappers.entry import Entry, Report
from mappers.gate import LATER, check_gate, needs_audit
from tests.mappers.world import SETTINGS, entry, settings

ONE, TWO = "ApprovedByTierOne", "ApprovedByTierTwo"
NOT_YET = (
    "Open",
    "Rejected",
    "PendingApproval",
    "ErrorsCorrected",
    "PendingProjectApproval",
    "RejectBySecondTier",
)


def report(status: str = TWO, **more: bool) -> Report:
    return Report(id=3, status=status, **more)


def passes(of: Entry, by: Report | None, rules: CompanySettings = SETTINGS) -> bool:
    try:
        check_gate(of, by, settings=rules)
    except Held as held:
        assert held.why.endswith(".")
        return False
    return True


@pytest.mark.parametrize("status", [ONE, TWO])
def test_an_approved_entry_of_an_approved_report_passes(status: str) -> None:
    assert passes(entry(status=status), report(ONE))


@pytest.mark.parametrize("status", NOT_YET)
def test_an_entry_that_is_not_approved_is_held_and_says_its_status(status: str) -> None:
    with pytest.raises(Held, match=status):
        check_gate(entry(status=status), report(), settings=SETTINGS)


@pytest.mark.parametrize("status", NOT_YET)
def test_an_approved_entry_waits_for_its_report(status: str) -> None:
    assert not passes(entry(), report(status))
    assert passes(entry(), report(status), settings(require_report_approval=False))


def test_an_entry_without_a_report_is_held_while_a_report_must_be_approved() -> None:
    assert not passes(entry(report_id=None), None)
    assert passes(entry(report_id=None), None, settings(require_report_approval=False))


@pytest.mark.parametrize("status", sorted(LATER))
def test_what_moved_on_passes_only_when_an_approval_is_proved(status: str) -> None:
    of = entry(status=status)
    assert passes(of, report(TWO))
    assert not passes(of, report(status))
    assert passes(of, report(status, was_approved=True))
    assert not passes(of, report("Open"))
    assert not passes(of, report("Open", was_approved=True))
    assert not passes(of, None)


@pytest.mark.parametrize("status", sorted(LATER))
def test_what_moved_on_needs_proof_even_when_the_report_is_not_asked_for(status: str) -> None:
    rules = settings(require_report_approval=False)
    assert not passes(entry(status=status), report(status), rules)
    assert passes(entry(status=status), report(status, was_approved=True), rules)


def test_a_later_status_that_is_listed_needs_no_proof() -> None:
    rules = settings(approval=frozenset((TWO, "ReadyToBill")))
    assert passes(entry(status="ReadyToBill"), report("ReadyToBill"), rules)
    assert not needs_audit(entry(status="ReadyToBill"), report("ReadyToBill"), settings=rules)


def test_any_status_passes_when_approval_is_any() -> None:
    rules = settings(approval=None)
    assert all(passes(entry(status=status), report(status), rules) for status in (*NOT_YET, ONE, *LATER))


def test_before_the_start_date_it_is_skipped_whatever_its_status() -> None:
    rules = settings(company={"start_date": dt.date(2026, 8, 22)})
    with pytest.raises(Skipped, match="2026-08-22"):
        check_gate(entry(status="Open"), None, settings=rules)


def test_the_start_date_itself_passes() -> None:
    assert passes(entry(), report(), settings(company={"start_date": dt.date(2026, 8, 21)}))


def test_a_project_needs_the_second_tier() -> None:
    rules = settings(second_tier_for_projects=True)
    assert not passes(entry(status=ONE, project=True), report(TWO), rules)
    assert passes(entry(status=TWO, project=True), report(ONE), rules)
    assert passes(entry(status=ONE, project=False), report(ONE), rules)
    assert passes(entry(status=ONE, project=True), report(ONE))


def test_a_project_that_moved_on_needs_a_proved_second_tier() -> None:
    rules, of = settings(second_tier_for_projects=True), entry(status="Billed", project=True)
    assert passes(of, report(TWO), rules)
    assert not passes(of, report("Billed", was_approved=True), rules)
    assert passes(of, report("Billed", was_approved=True, second_tier=True), rules)
    assert needs_audit(of, report("Billed", was_approved=True), settings=rules)


def test_billing_statuses_are_a_gate_when_set() -> None:
    rules = settings(billing_statuses=frozenset(("Billable", "NoCharge")))
    assert passes(entry(billing_status="Billable"), report(), rules)
    assert not passes(entry(billing_status="DoNotBill"), report(), rules)
    assert not passes(entry(billing_status=None), report(), rules)


@pytest.mark.parametrize(
    ("entry_status", "report_status", "wanted"),
    [
        (TWO, TWO, False),
        (TWO, "Billed", True),
        ("Billed", "Billed", True),
        ("Billed", TWO, False),
        ("Billed", "Open", False),
        ("Open", "Billed", False),
    ],
)
def test_the_audit_is_read_only_where_it_can_decide(
    entry_status: str, report_status: str, wanted: bool
) -> None:
    assert needs_audit(entry(status=entry_status), report(report_status), settings=SETTINGS) is wanted
    assert not needs_audit(entry(status=entry_status), None, settings=SETTINGS)


def test_the_audit_is_not_read_twice_nor_for_what_is_skipped() -> None:
    proved = report("Billed", was_approved=True)
    assert not needs_audit(entry(status="Billed"), proved, settings=SETTINGS)
    late = settings(company={"start_date": dt.date(2027, 1, 1)})
    assert not needs_audit(entry(status="Billed"), report("Billed"), settings=late)


def test_the_audit_is_not_read_when_the_report_is_not_asked_for() -> None:
    rules = settings(require_report_approval=False)
    assert not needs_audit(entry(), report("Billed"), settings=rules)
