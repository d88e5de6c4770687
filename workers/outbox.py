"""Sending exactly once: freeze, send, record; and what to do when the outcome stayed unknown.

The order of events, and why it is so: docs/idempotency.md and docs/adr/0005-the-number-is-the-key.md.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache

import structlog
from sqlalchemy.orm import Session

from errors import NeedsAttention, Paused, Refused, Retryable, Trouble, Uncertain, Wait
from mappers import documents as words
from mappers.books import Books
from mappers.stored import document_from_json, document_to_json
from models import outbox, states
from models.database import Database
from models.expense import Document, Request
from providers.contract import Ledger
from workers.policy import OURS_PASSING

REPLAY_SECONDS = 300  # Xero keeps an idempotency key six minutes from the first call; a minute is our margin
REPLAYS = 2
LOOK_AGAIN_SECONDS = 10
SETTLE_SECONDS = 60  # after the last unanswered sending: the ledger may still be at work on it
RECOVER_SECONDS = 60.0  # then new expenses have their turn

log = structlog.get_logger(__name__)


@dataclass
class Sending:
    """What came of sending some documents: results by marker, troubles by marker."""

    results: dict[str, words.Result] = field(default_factory=dict)
    troubles: dict[str, Trouble] = field(default_factory=dict)

    def add(self, other: Sending) -> None:
        self.results |= other.results
        self.troubles |= other.troubles


class Outbox:
    """The outgoing writes of one company. `use` runs a function with the company's ledger, refreshing a stale
    token once; `lease` is the name under which this worker holds its expenses."""

    def __init__(
        self,
        database: Database,
        *,
        company_id: int,
        tenant: str,
        lease: str,
        lease_seconds: int,
        books: Callable[[], Books],
        use: Callable[[Callable[[Ledger], object]], object],
        offline: Ledger,
    ) -> None:
        self._database = database
        self._company_id = company_id
        self._tenant = tenant
        self._lease = lease
        self._lease_seconds = lease_seconds
        self._books = books
        self._use = use
        self._offline = offline
        self.bugs: list[Exception] = []

    def send(
        self, rows: Sequence[Document], calls: Callable[[Sequence[words.Document]], list[words.Call]]
    ) -> Sending:
        """Sends planned documents in as few calls as the provider takes. A call's trouble stays with it,
        but for waiting and lost connections: those stop the rest as well."""
        by_marker = {row.marker: row for row in rows}
        plans = [plan_of(row) for row in rows]
        sending = Sending()
        stopped: Trouble | None = None
        for call in calls(plans):
            group = [by_marker[marker] for marker in call.markers]
            if stopped is None:
                try:
                    sending.add(self._send_call(call, group))
                    continue
                except (Retryable, Paused) as trouble:
                    stopped = trouble
            sending.troubles |= dict.fromkeys(call.markers, stopped)
        return sending

    def _send_call(self, call: words.Call, rows: Sequence[Document]) -> Sending:
        with self._database.write() as session:
            request = outbox.freeze_request(
                session,
                company_id=self._company_id,
                operation=call.operation,
                body=call.body,
                key=self._key(call, rows),
                documents=rows,
                lease=self._lease,
                seconds=self._lease_seconds,
            )
        return self._deliver(request)

    def _key(self, call: words.Call, rows: Sequence[Document]) -> str:
        """The idempotency key: the same for the same content in the same generation, never for another."""
        digest = hashlib.sha256()
        for part in (self._tenant, call.operation, *(f"{r.marker}/{r.generation}" for r in rows)):
            digest.update(part.encode() + b"\0")
        digest.update(call.body)
        return f"er-{digest.hexdigest()}"

    def _deliver(self, request: Request) -> Sending:
        """Sends the frozen bytes of a request once and records what came of it."""
        markers = frozen_call(request).markers
        try:
            results = self._put(request)
        except Uncertain as trouble:
            self._doubt(request, trouble)
            return Sending(troubles=dict.fromkeys(markers, trouble))
        except Refused as trouble:
            self._refuse(request, trouble)
            return Sending(troubles=dict.fromkeys(markers, trouble))
        except (Retryable, Paused) as trouble:
            with self._closing(request) as (session, now, held):
                if held:
                    outbox.unsend_request(session, request, outcome=f"not processed: {trouble}", now=now)
            raise
        return self._record(request, results)

    def _put(self, request: Request) -> list[words.Result]:
        """The frozen bytes under their key, if the request is still ours when the first byte leaves: a token
        may have had to be refreshed, or the whole machine have stood still."""
        call = frozen_call(request)

        def put(ledger: Ledger) -> list[words.Result]:
            with self._database.read() as session:
                until = outbox.holds_request(session, request, lease=self._lease)
                left = until - self._database.now(session) if until else dt.timedelta(0)
            if left < dt.timedelta(seconds=self._lease_seconds / 2):
                raise Wait("This worker was held up; the request is taken up from its record.", after=5)
            return ledger.send(call, key=request.key)

        results = self._use(put)
        assert isinstance(results, list)
        return results

    @contextmanager
    def _closing(self, request: Request) -> Iterator[tuple[Session, dt.datetime, bool]]:
        """A transaction to end a request in, and whether it is still ours. When our lease ran out and another
        worker took the request up, what it finds counts; of ours only what certainly was made."""
        with self._database.write() as session:
            held = outbox.holds_request(session, request, lease=self._lease) is not None
            yield session, self._database.now(session), held

    def _record(self, request: Request, results: list[words.Result]) -> Sending:
        sending = Sending(results={result.marker: result for result in results})
        unknown = [r.marker for r in results if r.outcome == "unknown"]
        plans = self._plans(request)
        landings = [self._landing(r, plans.get(r.marker)) for r in results if r.outcome != "unknown"]
        with self._closing(request) as (session, now, held):
            made = [landing for landing in landings if landing.state in states.MADE]
            outbox.land_documents(session, request, landings if held else made, now=now)
            if not held:
                pass
            elif unknown:
                due = now + dt.timedelta(seconds=LOOK_AGAIN_SECONDS)
                outbox.doubt_request(
                    session, request, outcome="answer incomplete", due_at=due, replays=REPLAYS, now=now
                )
            else:
                outbox.close_request(session, request, outcome="answered")
        doubt = Uncertain("The ledger's answer did not speak of this document.", answered=True)
        sending.troubles |= dict.fromkeys(unknown, doubt)
        sending.troubles |= {
            r.marker: NeedsAttention(r.cause or "refused_by_ledger", " ".join(r.words), r.to_do or "")
            for r in results
            if r.outcome == "refused"
        }
        return sending

    def _plans(self, request: Request) -> Mapping[str, words.Document]:
        with self._database.read() as session:
            rows = outbox.open_documents(session, request)
        return {row.marker: plan_of(row) for row in rows}

    def _landing(self, result: words.Result, plan: words.Document | None) -> outbox.Landing:
        if result.outcome == "refused":
            return outbox.Landing(
                marker=result.marker, state=states.FAILED, words=" ".join(result.words) or "refused"
            )
        return outbox.Landing(
            marker=result.marker,
            state=states.POSTED if plan is None or plan.approved else states.DRAFTED,
            remote_id=result.remote_id,
            due=result.due,
            url=self._link(plan, result.remote_id),
        )

    def _link(self, plan: words.Document | None, remote_id: str | None) -> str | None:
        if plan is None or remote_id is None or plan.kind == words.CONTACT:
            return None
        return self._offline.link(self._books(), plan, remote_id)

    def _doubt(self, request: Request, trouble: Uncertain) -> None:
        # An answered 5xx may be a cached one: the next step is to look, not to replay for ever.
        replays = REPLAYS if trouble.answered and request.replays else request.replays
        with self._closing(request) as (session, now, held):
            is_last = request.replays >= REPLAYS and not trouble.answered
            due = now + dt.timedelta(seconds=SETTLE_SECONDS if is_last else LOOK_AGAIN_SECONDS)
            if held:
                outbox.doubt_request(
                    session, request, outcome=str(trouble), due_at=due, replays=replays, now=now
                )
        log.warning("outcome unknown", request=request.id, operation=request.operation, why=str(trouble))

    def _refuse(self, request: Request, trouble: Refused) -> None:
        said = " ".join(trouble.words) or str(trouble)
        landings = [
            outbox.Landing(marker=marker, state=states.FAILED, words=said)
            for marker in frozen_call(request).markers
        ]
        with self._closing(request) as (session, now, held):
            if held:
                outbox.land_documents(session, request, landings, now=now)
                outbox.close_request(session, request, outcome=f"refused: {said}")

    def recover(self) -> int:
        """Takes up requests whose outcome is unknown and whose time has come; how many were settled.

        Within five minutes of the first byte the same bytes go out under the same key; later, or when that
        was answered by a 5xx again, the documents are looked up by number: one equal hit is adopted, two
        empty look-ups a while apart start a new generation, anything else waits for a person.
        """
        started = time.monotonic()
        settled = 0
        while time.monotonic() - started < RECOVER_SECONDS:
            with self._database.write() as session:
                now = self._database.now(session)
                # One at a time: an age reckoned before others were settled may be minutes too young.
                requests = outbox.claim_requests(
                    session,
                    self._company_id,
                    now=now,
                    lease=self._lease,
                    seconds=self._lease_seconds,
                    limit=1,
                )
            if not requests:
                break
            settled += self._settle_alone(requests[0], now=now)
        return settled

    def _settle_alone(self, request: Request, *, now: dt.datetime) -> int:
        """A bug or a refusal met on one request must not stand in the way of all others for ever: that one
        waits for a person, and the bug is told."""
        try:
            return self._settle(request, now=now)
        except (Retryable, Paused, *OURS_PASSING):
            raise
        except Trouble as refusal:
            outcome = f"can't be looked up: {refusal}"
            log.warning("request can't be looked up", request=request.id, why=str(refusal))
        except Exception as bug:
            self.bugs.append(bug)
            outcome = f"bug: {type(bug).__name__}"
            log.error("request can't be settled", request=request.id, exc_info=bug)
        with self._closing(request) as (session, now, held):
            if held:
                outbox.doubt_request(session, request, outcome=outcome, due_at=None, now=now)
        return 0

    def _settle(self, request: Request, *, now: dt.datetime) -> int:
        with self._database.read() as session:
            rows = outbox.open_documents(session, request)
        if not rows:
            self._close(request, "nothing left open")
            return 1
        young = now - request.first_sent_at < dt.timedelta(seconds=REPLAY_SECONDS)
        if young and request.replays < REPLAYS:
            self._replay(request, now=now)
        else:
            self._look_up(request, rows)
        with self._database.write() as session:
            outbox.wake_owners(session, request)
            return 0 if outbox.open_documents(session, request) else 1

    def _close(self, request: Request, outcome: str) -> None:
        with self._database.write() as session:
            outbox.close_request(session, request, outcome=outcome)

    def _replay(self, request: Request, *, now: dt.datetime) -> None:
        request.replays += 1
        with self._closing(request) as (session, _, held):
            if not held:
                return
            outbox.doubt_request(
                session,
                request,
                outcome="replaying",
                due_at=now + dt.timedelta(seconds=self._lease_seconds),
                replays=request.replays,
                lease=self._lease,
                now=now,
            )
        try:
            results = self._put(request)
        except Uncertain as trouble:
            self._doubt(request, trouble)
        except Refused as trouble:
            self._refuse(request, trouble)
        except (Retryable, Paused) as trouble:
            self._postpone(request, trouble)
            raise
        else:
            self._record(request, results)

    def _postpone(self, request: Request, trouble: Trouble) -> None:
        """The replay itself was not processed; the first sending stays unknown."""
        after = trouble.after if isinstance(trouble, Retryable) else None
        with self._closing(request) as (session, now, held):
            due = now + dt.timedelta(seconds=max(LOOK_AGAIN_SECONDS, after or 0))
            replays = max(0, request.replays - 1)
            if held:
                outbox.doubt_request(
                    session, request, outcome=str(trouble), due_at=due, replays=replays, now=now
                )

    def _look_up(self, request: Request, rows: Sequence[Document]) -> None:
        plans = {row.marker: plan_of(row) for row in rows}
        try:
            found = self._use(lambda ledger: ledger.look_up(list(plans.values())))
        except (Retryable, Paused) as trouble:
            self._postpone(request, trouble)
            raise
        assert isinstance(found, Mapping)
        adopted = [m for m in plans if is_ours(plans[m], found.get(m, ()))]
        missing = [m for m in plans if not found.get(m)]
        odd = [m for m in plans if m not in adopted and m not in missing]
        # Contacts are looked for before they are made: which of several is meant is decided there.
        unclear = [m for m in odd if plans[m].kind == words.CONTACT]
        odd = [m for m in odd if m not in unclear]
        landings = [self._adopt(plans[m], found[m][0]) for m in adopted]
        with self._closing(request) as (session, now, held):
            outbox.land_documents(session, request, landings, now=now)
            if not held:
                return
            outbox.renew_generation(session, request, unclear, now=now)
            if missing and request.empty_lookups >= 1:
                outbox.renew_generation(session, request, missing, now=now)
                missing = []
            if missing:
                due = now + dt.timedelta(seconds=LOOK_AGAIN_SECONDS)
                outbox.doubt_request(
                    session,
                    request,
                    outcome="not found at the ledger yet",
                    due_at=due,
                    empty_lookups=request.empty_lookups + 1,
                    now=now,
                )
            elif odd:
                outbox.doubt_request(
                    session, request, outcome="found, but not equal to what was sent", due_at=None, now=now
                )
            else:
                outbox.close_request(session, request, outcome="settled by look-up")

    def _adopt(self, plan: words.Document, found: words.Found) -> outbox.Landing:
        return outbox.Landing(
            marker=plan.marker,
            state=states.POSTED if found.approved else states.DRAFTED,
            remote_id=found.remote_id,
            due=found.due,
            url=self._link(plan, found.remote_id),
        )


def frozen_call(request: Request) -> words.Call:
    """The call as it was frozen."""
    return words.Call(
        operation=request.operation, body=request.body, markers=tuple(json.loads(request.markers))
    )


def is_ours(plan: words.Document, found: Sequence[words.Found]) -> bool:
    """Whether exactly one document was found and it equals what was sent: contact, amount,
    currency, day. A supplier's own bill may carry our number too."""
    if len(found) != 1:
        return False
    hit = found[0]
    if plan.kind == words.CONTACT:
        return True
    same_day = hit.date is None or hit.date == plan.date
    return (
        hit.whole
        and hit.contact in (None, plan.contact)
        and hit.amount == Decimal(plan.amount)
        and hit.currency in (None, plan.currency)
        and same_day
    )


def plan_of(row: Document) -> words.Document:
    """The document that this row remembers."""
    return _plan(row.plan)


@lru_cache(maxsize=500)  # the steps of a batch ask for the same ones again and again
def _plan(text: str) -> words.Document:
    return document_from_json(json.loads(text))


def plan_text(document: words.Document) -> str:
    """The document as a row remembers it."""
    return json.dumps(document_to_json(document), sort_keys=True)
