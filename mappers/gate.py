"""The gate: may this entry be posted now? Each "no" says which condition is not met.

`ReadyToBill`, `Billed`, `BilledAgreement` and `WrittenOff` come after approval but do not prove it: a ticket
can bill expenses that nobody approved. There the report's own status, or its audit trail, decides.
"""

from __future__ import annotations

from errors import Held, Skipped
from mappers.company import CompanySettings, ExpenseSettings
from mappers.entry import Entry, Report
from mappers.words import stock_word

LATER = frozenset(("ReadyToBill", "Billed", "BilledAgreement", "WrittenOff"))
SECOND_TIER = "ApprovedByTierTwo"


def check_gate(entry: Entry, report: Report | None, *, settings: CompanySettings) -> None:
    """Returns when the entry may be posted; raises Skipped (time cannot change it) or Held (not yet)."""
    rules = settings.expenses
    if settings.start_date and entry.date < settings.start_date:
        raise Skipped(f"Dated {entry.date}, before the start date {settings.start_date} of this company.")
    _check_approval(entry, report, rules)
    _check_report(report, rules)
    _check_second_tier(entry, report, rules)
    _check_billing(entry, rules)


def needs_audit(entry: Entry, report: Report | None, *, settings: CompanySettings) -> bool:
    """Whether the report's audit trail must be read to decide: the statuses alone leave it open."""
    rules = settings.expenses
    if report is None or (settings.start_date and entry.date < settings.start_date):
        return False
    if _moved_on(report.status, rules.approval) and not report.was_approved:
        passed = rules.approval is None or entry.status in rules.approval
        if _moved_on(entry.status, rules.approval) or (passed and rules.require_report_approval):
            return True
    return (
        _wants_second_tier(entry, rules)
        and entry.status in LATER
        and report.status in LATER
        and not report.second_tier
    )


def _check_approval(entry: Entry, report: Report | None, rules: ExpenseSettings) -> None:
    if rules.approval is None or entry.status in rules.approval:
        return
    wanted = _list(rules.approval)
    if entry.status not in LATER:
        raise Held(f"Its status is {entry.status}; it is posted once it is {wanted}.")
    if report is None or not (report.status in rules.approval or _proved(report, rules)):
        raise Held(
            f"Its status {entry.status} does not prove an approval, and its report shows none either;"
            f" it is posted once the report is {wanted}."
        )


def _check_report(report: Report | None, rules: ExpenseSettings) -> None:
    if not rules.require_report_approval or rules.approval is None:
        return
    wanted = _list(rules.approval)
    if report is None:
        raise Held(f"It belongs to no expense report yet; it is posted once its report is {wanted}.")
    if report.status in rules.approval or _proved(report, rules):
        return
    if report.status in LATER:
        raise Held(
            f"Its report's status {report.status} does not prove an approval, nor does its audit trail."
        )
    raise Held(f"Its report's status is {report.status}; it is posted once the report is {wanted}.")


def _check_second_tier(entry: Entry, report: Report | None, rules: ExpenseSettings) -> None:
    if not _wants_second_tier(entry, rules) or entry.status == SECOND_TIER:
        return
    proved = report is not None and (
        report.status == SECOND_TIER or (report.status in LATER and report.second_tier)
    )
    if not (entry.status in LATER and proved):
        raise Held(f"It is charged to a project, which needs {SECOND_TIER}; its status is {entry.status}.")


def _check_billing(entry: Entry, rules: ExpenseSettings) -> None:
    if rules.billing_statuses is None:
        return
    if stock_word(entry.billing_status or "") not in {stock_word(s) for s in rules.billing_statuses}:
        raise Held(
            f"Its billing status is {entry.billing_status or 'empty'};"
            f" only {_list(rules.billing_statuses)} is posted."
        )


def _proved(report: Report, rules: ExpenseSettings) -> bool:
    """An audit row counts only while the report stands where approval may have led it."""
    return _moved_on(report.status, rules.approval) and report.was_approved


def _moved_on(status: str, approval: frozenset[str] | None) -> bool:
    return approval is not None and status in LATER and status not in approval


def _wants_second_tier(entry: Entry, rules: ExpenseSettings) -> bool:
    return rules.second_tier_for_projects and entry.project


def _list(statuses: frozenset[str]) -> str:
    return " or ".join(sorted(statuses))
