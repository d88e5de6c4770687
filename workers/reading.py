"""Reading entries and their reports afresh, in as few ConnectWise calls as a batch allows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from mappers.company import CompanySettings
from mappers.connectwise import audits_prove_approval, to_report
from mappers.entry import Entry, Report
from mappers.gate import SECOND_TIER, needs_audit
from providers.connectwise import ConnectWise


def read_entries(connectwise: ConnectWise, entry_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The raw entries by id; those that ConnectWise doesn't have are absent."""
    return {int(raw["id"]): raw for raw in connectwise.entries(list(entry_ids))}


def read_reports(
    connectwise: ConnectWise, entries: Iterable[Entry], *, settings: CompanySettings
) -> dict[int, Report]:
    """The reports of these entries by id; audits are read only where nothing else can prove an approval."""
    entries = list(entries)
    ids = sorted({entry.report_id for entry in entries if entry.report_id is not None})
    if not ids:
        return {}
    raws = {int(raw["id"]): raw for raw in connectwise.reports(ids)}
    reports = {report_id: to_report(raw) for report_id, raw in raws.items()}
    wanted = {
        entry.report_id
        for entry in entries
        if entry.report_id in reports and needs_audit(entry, reports[entry.report_id], settings=settings)
    }
    for report_id in wanted:
        reports[report_id] = _with_audits(connectwise, raws[report_id], settings=settings)
    return reports


def _with_audits(connectwise: ConnectWise, raw: dict[str, Any], *, settings: CompanySettings) -> Report:
    audits = connectwise.report_audits(int(raw["id"]))
    approval = settings.expenses.approval or frozenset()
    return to_report(
        raw,
        was_approved=audits_prove_approval(audits, approval),
        second_tier=audits_prove_approval(audits, frozenset({SECOND_TIER})),
    )
