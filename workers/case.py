"""One expense of a batch on its way through the steps of posting, and how a step is run for many of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from mappers.decision import Decision
from mappers.entry import Entry, Report
from models import states
from models.database import Database
from models.expense import Document, Expense
from workers.policy import Verdict

DATABASE_AWAY = (OperationalError, InterfaceError)


@dataclass
class Case:
    """One expense of the batch on its way."""

    expense: Expense
    documents: list[Document] = field(default_factory=list)
    raw: dict[str, Any] | None = None
    entry: Entry | None = None
    report: Report | None = None
    decision: Decision | None = None
    trouble: Exception | None = None
    verdict: Verdict | None = None  # an ending that needs no judging
    notes: list[str] = field(default_factory=list)
    begun_before: bool = False  # documents of an earlier run stand at the ledger
    is_recorded: bool = False  # the expense's row shows the entry as it was read now

    @property
    def is_open(self) -> bool:
        """Whether this expense still goes on to the next step."""
        return self.trouble is None and self.verdict is None

    @property
    def has_begun(self) -> bool:
        """Whether a document of it exists at the ledger."""
        return any(d.state in states.MADE for d in self.documents)


def each(cases: Iterable[Case], step: Callable[[Case], None], *, begun: bool | None = None) -> None:
    """Runs a step for every case still open; its trouble is its own."""
    for case in cases:
        if case.is_open and (begun is None or case.has_begun == begun):
            try:
                step(case)
            except Exception as error:
                case.trouble = error


def record(
    database: Database, cases: Sequence[Case], write: Callable[[Session, Sequence[Case]], None]
) -> None:
    """In one transaction; when something of a case can't be recorded, each in one of its own, so that it
    stops alone."""
    try:
        with database.write() as session:
            write(session, cases)
    except DATABASE_AWAY:
        raise
    except Exception as error:
        if len(cases) == 1:
            cases[0].trouble = error
        else:
            for case in cases:
                record(database, [case], write)
