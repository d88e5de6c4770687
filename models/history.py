"""What happened, in order: the steps of an expense and the changes that people made."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from models.expense import History


def note(
    session: Session,
    *,
    company_id: int | None,
    expense_id: int | None,
    at: dt.datetime,
    actor: str,
    what: str,
    text: str,
) -> None:
    """Adds one line to the history; `text` holds no secrets and no personal bodies."""
    session.add(
        History(company_id=company_id, expense_id=expense_id, at=at, actor=actor, what=what, text=text[:2000])
    )
