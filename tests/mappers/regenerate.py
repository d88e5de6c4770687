"""Writes every sample's expected.json anew: `python -m tests.mappers.regenerate`. Review the difference."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from errors import Held, NeedsAttention, Skipped, Trouble
from mappers.company import CompanySettings, ExpenseTypeRow, Rule
from mappers.connectwise import to_entry
from mappers.decision import decide
from mappers.exact import parse
from mappers.plan import explain, plan
from mappers.qbo import to_calls as to_qbo_calls
from mappers.stored import decision_to_json, document_to_json
from mappers.traits import QBO
from mappers.xero import to_calls
from tests.mappers.world import BOOKS, CONTACT_ID, SETTINGS, SITE
from tests.mappers.world_qbo import QBO_BOOKS, VENDOR_ID, settled

SAMPLES = Path(__file__).parent / "samples"
REMOTE_ID = "b0000000-0000-4000-8000-000000004711"
LOCKED_UNTIL = dt.date(2026, 6, 30)


def situations() -> list[Path]:
    """The folders of all samples."""
    return sorted(path.parent for path in SAMPLES.glob("*/entry.json"))


def outcome(situation: Path) -> dict[str, Any]:
    """What we make of a sample, as plain JSON values."""
    entry = to_entry(parse((situation / "entry.json").read_bytes()))
    company = _company(situation / "company.json")
    books = replace(BOOKS, locked_until=LOCKED_UNTIL)
    try:
        decision = decide(entry, settings=company, site=SITE)
        documents = plan(entry, decision, contact=CONTACT_ID, settings=company, books=books)
    except Trouble as trouble:
        return {"trouble": _trouble(trouble)}
    calls = to_calls(d.settling(REMOTE_ID) if d.settles else d for d in documents)
    return {
        "why": explain(entry, decision, documents),
        "decision": decision_to_json(decision),
        "documents": [document_to_json(document) for document in documents],
        "xero": {call.operation: call.body.decode() for call in calls},
    }


def outcome_qbo(situation: Path) -> dict[str, Any]:
    """What we make of a sample for QuickBooks, as plain JSON values."""
    entry = to_entry(parse((situation / "entry.json").read_bytes()))
    company = _company(situation / "company.json")
    books = replace(QBO_BOOKS, locked_until=LOCKED_UNTIL)
    try:
        decision = decide(entry, settings=company, site=SITE)
        documents = plan(entry, decision, contact=VENDOR_ID, settings=company, books=books, traits=QBO)
    except Trouble as trouble:
        return {"trouble": _trouble(trouble)}
    calls = to_qbo_calls(settled(*documents))
    return {
        "why": explain(entry, decision, documents),
        "awaiting_approval": not all(document.approved for document in documents),
        "documents": [document_to_json(document) for document in documents],
        "qbo": [{"operation": call.operation, "body": call.body.decode()} for call in calls],
    }


def expected(situation: Path) -> Path:
    return situation / "expected.json"


def expected_qbo(situation: Path) -> Path:
    return situation / "expected_qbo.json"


def _trouble(trouble: Trouble) -> dict[str, str | None]:
    assert isinstance(trouble, Skipped | Held | NeedsAttention)
    return {
        "kind": type(trouble).__name__,
        "cause": getattr(trouble, "cause", None),
        "why": trouble.why,
        "to_do": getattr(trouble, "to_do", None),
    }


def _company(path: Path) -> CompanySettings:
    if not path.exists():
        return SETTINGS
    changes = json.loads(path.read_text())
    rules = tuple(Rule(**row) for row in changes.pop("rules", [])) if "rules" in changes else SETTINGS.rules
    types = changes.pop("expense_types", None)
    if "tracking" in changes:
        changes["tracking"] = tuple(changes["tracking"].items())
    return replace(
        SETTINGS,
        rules=rules,
        expense_types=SETTINGS.expense_types
        if types is None
        else tuple(ExpenseTypeRow(**row) for row in types),
        expenses=replace(SETTINGS.expenses, **changes),
    )


def _text(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    for situation in situations():
        expected(situation).write_text(_text(outcome(situation)))
        expected_qbo(situation).write_text(_text(outcome_qbo(situation)))
    print(f"{len(situations())} samples written; look at `git diff tests/mappers/samples`.")


if __name__ == "__main__":
    main()
