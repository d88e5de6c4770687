"""Receipts follow their posted document: read at ConnectWise, checked, filed at the ledger, each once.

A file's name at the ledger begins with its number here, so a lost answer is found again by name and size.
One receipt's trouble never stops the others, and never the bill.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any

import structlog

from errors import Paused, RateLimited, Refused, Retryable, Trouble, Uncertain
from mappers import documents as words
from models import states
from models.companies import spare_calls
from models.company import Company
from models.expense import Document, Expense
from models.handling import is_by_hand
from models.history import note
from models.inbox import dialect_insert
from models.receipts import claim_receipts, look_again_at, move_receipt, owner_of, receipts_of
from workers.policy import OURS_PASSING
from workers.work import Work

MOST_FILES = 10
MOST_BYTES = 10_000_000
MOST_NAME = 100
LATE = (3_600, 86_400, 604_800)  # look again for receipts that are added after the posting
TRY_AGAIN_SECONDS, DAY_SECONDS = 120, 86_400
TRIES = 40  # doubling up to a day: about a month

log = structlog.get_logger(__name__)


class Receipts:
    """Files the due receipts of one company."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._bugs: list[Exception] = []

    def run(self) -> bool:
        """Files what is due; True when there may be more. Raises Paused and RateLimited, which stop all, and
        the first bug when all had their turn."""
        due = self._claim()
        for expense in due:
            if self._work.spare_until() is None:  # every receipt is a call of its own
                self._file_all(expense)
        if self._bugs:
            raise self._bugs[0]
        return bool(due)

    def _claim(self) -> list[Expense]:
        """Those whose turn it is; none when the day's last calls are left to people."""
        work = self._work
        spare_until = work.spare_until()
        with work.database.write() as session:
            now = work.database.now(session)
            spare_calls(session.get_one(Company, work.company_id), until=spare_until)
            if spare_until is not None:
                return []
            return claim_receipts(session, work.company_id, now=now, seconds=work.lease_seconds * 5)

    def _file_all(self, expense: Expense) -> None:
        try:
            settled = self._file(expense)
        except (Paused, RateLimited, *OURS_PASSING):
            raise
        except Trouble as trouble:
            log.warning("receipts postponed", expense=expense.entry_id, why=str(trouble))
            settled = False
        except Exception as bug:  # it must not keep those claimed with it waiting
            self._bugs.append(bug)
            settled = False
        self._plan_next_look(expense, settled=settled)

    def _plan_next_look(self, expense: Expense, *, settled: bool) -> None:
        checks = expense.receipt_checks + 1
        later = LATE[checks - 1] if checks <= len(LATE) else None
        after = later if settled else min(TRY_AGAIN_SECONDS * 2 ** (checks - 1), DAY_SECONDS)
        with self._work.database.write() as session:
            now = self._work.database.now(session)
            due = None if after is None or checks > TRIES else now + dt.timedelta(seconds=after)
            look_again_at(session, expense.id, due_at=due, checks=checks)

    def _file(self, expense: Expense) -> bool:
        """True when every receipt is filed or rightly left out."""
        work = self._work
        with work.database.read() as session:
            owner = owner_of(session, expense.id, kinds=(*words.CLAIMS, words.SPEND, words.REFUND))
            known = receipts_of(session, expense.id)
        if owner is None or owner.remote_id is None or is_by_hand(owner):
            return True
        self._recognise(owner, known)
        rows = work.connectwise.documents(expense.entry_id)
        for place, row in enumerate(sorted(rows, key=lambda row: int(row["id"]))):
            number = f"{owner.number}/{int(row['id'])}"
            receipt = known.get(number) or self._remember(expense, owner, number, row)
            if receipt.state == states.PLANNED:
                self._file_one(expense, owner, receipt, row, place=place)
        with work.database.read() as session:
            return all(r.state not in states.OPEN for r in receipts_of(session, expense.id).values())

    def _recognise(self, owner: Document, known: Mapping[str, Document]) -> None:
        """Looks for files whose outcome is unknown: by name and size at the ledger."""
        unknown = [receipt for receipt in known.values() if receipt.state in states.OPEN]
        if not unknown:
            return
        remote_id = owner.remote_id or ""
        filed = self._work.use_ledger(lambda ledger: ledger.attachments(owner.kind, remote_id))
        for receipt in unknown:
            plan = json.loads(receipt.plan)
            if (plan["name"], plan["size"]) in filed:
                self._land(receipt, states.POSTED, remote_id=plan["name"])
            else:
                self._land(receipt, states.PLANNED, generation=receipt.generation + 1)

    def _file_one(
        self, expense: Expense, owner: Document, receipt: Document, row: Mapping[str, Any], *, place: int
    ) -> None:
        problem = problem_with(row, place=place)
        if problem is None:
            try:
                file = self._work.connectwise.download(int(row["id"]), max_bytes=MOST_BYTES)
            except Refused as refused:
                problem = str(refused)
        if problem is not None:
            self._leave_out(expense, receipt, problem)
            return
        name = json.loads(receipt.plan)["name"]
        self._land(receipt, states.SENT, plan=json.dumps({"name": name, "size": len(file.content)}))
        key = attachment_key(self._work.settings.ledger.tenant_id or "", receipt, file.content)
        remote_id = owner.remote_id or ""
        try:
            filed = self._work.use_ledger(
                lambda ledger: ledger.attach(
                    owner.kind,
                    remote_id,
                    name=name,
                    content=file.content,
                    content_type=file.content_type,
                    key=key,
                )
            )
        except Uncertain:
            self._land(receipt, states.UNCERTAIN)
        except Refused as refused:
            self._leave_out(expense, receipt, " ".join(refused.words) or str(refused))
        except (Retryable, Paused):
            self._land(receipt, states.PLANNED)
            raise
        else:
            self._land(receipt, states.POSTED, remote_id=filed)

    def _remember(self, expense: Expense, owner: Document, number: str, row: Mapping[str, Any]) -> Document:
        work = self._work
        plan = json.dumps({"name": file_name(number, row), "size": None})
        with work.database.write() as session:
            now = work.database.now(session)
            session.execute(
                dialect_insert(session)(Document)
                .values(
                    company_id=work.company_id,
                    expense_id=expense.id,
                    kind=words.RECEIPT,
                    number=number,
                    position=100,
                    state=states.PLANNED,
                    generation=1,
                    plan=plan,
                    amount=Decimal(0),
                    currency=owner.currency,
                    reconciled=False,
                    created_at=now,
                    updated_at=now,
                )
                .on_conflict_do_nothing(index_elements=["company_id", "kind", "number"])
            )
            return receipts_of(session, expense.id)[number]

    def _leave_out(self, expense: Expense, receipt: Document, why: str) -> None:
        self._land(receipt, states.FAILED, words=why)
        with self._work.database.write() as session:
            note(
                session,
                company_id=self._work.company_id,
                expense_id=expense.id,
                at=self._work.database.now(session),
                actor="worker",
                what="receipt left out",
                text=f"{json.loads(receipt.plan)['name']}: {why}",
            )

    def _land(self, receipt: Document, state: str, **values: Any) -> None:
        with self._work.database.write() as session:
            move_receipt(session, receipt, state, now=self._work.database.now(session), **values)
        receipt.state = state
        for name, value in values.items():
            setattr(receipt, name, value)


def problem_with(row: Mapping[str, Any], *, place: int) -> str | None:
    """Why this receipt can't be filed, or None. `place` counts from 0."""
    if row.get("linkFlag") or row.get("urlFlag"):
        return "It is a link, not a file. Attach the file itself in ConnectWise."
    if place >= MOST_FILES:
        return f"The ledger takes {MOST_FILES} files per document; this one is over that."
    if int(row.get("size") or 0) > MOST_BYTES:
        return f"It is larger than {MOST_BYTES // 1_000_000} MB. Attach a smaller file in ConnectWise."
    return None


def file_name(number: str, row: Mapping[str, Any]) -> str:
    """The file's name at the ledger: unique by its number, harmless, and still telling what it is."""
    given = str(row.get("fileName") or row.get("title") or "receipt")
    bare = PurePosixPath(given.replace("\\", "/")).name
    suffix = re.sub(r"[^A-Za-z0-9.]", "", PurePosixPath(bare).suffix)[:10]
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", PurePosixPath(bare).stem).strip("-") or "receipt"
    start = number.replace("/", "-")
    return f"{start}-{stem[: MOST_NAME - len(start) - len(suffix) - 1]}{suffix}"


def attachment_key(tenant: str, receipt: Document, content: bytes) -> str:
    """The idempotency key of this file in its generation."""
    digest = hashlib.sha256(f"{tenant}\0{receipt.number}\0{receipt.generation}\0".encode())
    digest.update(content)
    return f"er-{digest.hexdigest()}"
