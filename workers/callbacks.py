"""A company's callback at ConnectWise: registering it, looking at it, removing it. People ask for these."""

from __future__ import annotations

from typing import Any

from sqlalchemy import update

from models.company import Company
from workers.work import Work

ACTIVE, INACTIVE, MISSING = "active", "inactive", "missing"
DESCRIPTION = "Expense Relay"


def look_at_callback(work: Work, url: str) -> dict[str, Any]:
    """{"state", "url", "registered": […]}: the callback as ConnectWise has it now, also remembered."""
    rows = work.connectwise.callbacks(url)
    state = MISSING if not rows else INACTIVE if all(row.get("inactiveFlag") for row in rows) else ACTIVE
    registered = [
        {"id": row.get("id"), "url": row.get("url"), "inactive": bool(row.get("inactiveFlag"))}
        for row in rows
    ]
    _remember(work, state)
    return {"state": state, "url": url, "registered": registered}


def register_callback(work: Work, url: str) -> str:
    """Makes sure that exactly one active callback leads to `url`, and returns its address there."""
    row = work.connectwise.register_callback(url, DESCRIPTION)
    _remember(work, ACTIVE)
    return str(row.get("url") or url)


def remove_callback(work: Work, url: str) -> int:
    """Removes it; how many there were."""
    count = work.connectwise.remove_callbacks(url)
    _remember(work, MISSING)
    return count


def _remember(work: Work, state: str) -> None:
    with work.database.write() as session:
        now = work.database.now(session)
        session.execute(
            update(Company)
            .where(Company.id == work.company_id)
            .values(callback_state=state, callback_checked_at=now)
        )
