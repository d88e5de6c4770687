"""One company at work: its settings, its reference data, its ConnectWise and its ledger, as jobs use them."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any, TypeVar

import structlog

from errors import Paused, Unauthorised
from mappers.books import Books
from mappers.company import CompanySettings
from mappers.connectwise import to_site
from mappers.entry import Site
from mappers.stored import books_from_json, books_to_json, site_from_json, site_to_json
from mappers.traits import XERO, LedgerTraits
from models.companies import load_reference, save_reference
from models.company import Reference
from models.database import Database
from providers.connectwise import ConnectWise
from providers.contract import Ledger
from workers.tokens import Tokens

BOOKS, BOOKS_WHOLE, SITE = "books", "books_whole", "site"
# What newer data would cure is tried again at once with newer data (workers/planning.py): age costs little.
BOOKS_SECONDS = 3600
WHOLE_SECONDS = 86_400  # some changes are told by no ledger: once a day everything is read
SITE_SECONDS = 3600

T = TypeVar("T")
log = structlog.get_logger(__name__)


class Work:
    """What a job needs to know of one company. Made by workers/wiring.py, used for one job."""

    def __init__(
        self,
        *,
        company_id: int,
        key: str,
        settings: CompanySettings,
        database: Database,
        connectwise: ConnectWise,
        tokens: Tokens | None,
        ledger: Callable[[str], Ledger],
        spare_until: Callable[[], dt.datetime | None],
        traits: LedgerTraits = XERO,
        lease_seconds: int,
        retry_schedule: Sequence[int],
    ) -> None:
        self.company_id = company_id
        self.key = key
        self.settings = settings
        self.database = database
        self.connectwise = connectwise
        self.lease = uuid.uuid4().hex
        self.lease_seconds = lease_seconds
        self.retry_schedule = tuple(retry_schedule)
        self.traits = traits
        # until when routine work must leave the ledger's last calls of the day to people; None: it may go
        self.spare_until = spare_until
        self._tokens = tokens
        self._ledger = ledger
        self._books: Books | None = None
        self._site: Site | None = None

    def use_ledger(self, act: Callable[[Ledger], T]) -> T:
        """Runs `act` with the company's ledger; on a 401 refreshes the token once and runs it again.

        Raises Paused when there is no connection, or when a fresh token is refused as well.
        """
        if self._tokens is None:
            raise Paused(
                "The company isn't connected to its ledger yet. Connect it, then everything goes on."
            )
        token = self._tokens.current()
        try:
            return act(self._ledger(token))
        except Unauthorised:
            token = self._tokens.refresh(stale=token)
        try:
            return act(self._ledger(token))
        except Unauthorised:
            raise Paused("The ledger refuses a fresh access token. Connect the company again.") from None

    def offline_ledger(self) -> Ledger:
        """The ledger for what needs no network (grouping into calls, links)."""
        return self._ledger("")

    def books(self, *, fresh: bool = False) -> Books:
        """The company's books: as remembered, or read anew when stale or `fresh`."""
        if self._books is None or fresh:
            self._books = self._load_books(fresh=fresh)
        return self._books

    def _load_books(self, *, fresh: bool) -> Books:
        with self.database.read() as session:
            known = load_reference(session, self.company_id, BOOKS)
            now = self.database.now(session)
            whole = load_reference(session, self.company_id, BOOKS_WHOLE)
        if known and not fresh:
            is_young = now - known.fetched_at < dt.timedelta(seconds=BOOKS_SECONDS)
            was_whole = whole is not None and now - whole.fetched_at < dt.timedelta(seconds=WHOLE_SECONDS)
            kept = _as_kept(known, Books, books_from_json)
            if kept is not None and (is_young or (was_whole and self._is_unchanged(known))):
                return kept
        books = self.use_ledger(lambda ledger: ledger.books())
        self._save(BOOKS, json.dumps(books_to_json(books)))
        self._save(BOOKS_WHOLE, "{}")
        return books

    def _is_unchanged(self, known: Reference) -> bool:
        """Asks the ledger whether its lists changed since: one read for all, where reads are metered."""
        since = known.fetched_at
        if self.use_ledger(lambda ledger: ledger.changed_since(since)):
            return False
        self._save(BOOKS, known.data)
        return True

    def site(self, *, fresh: bool = False) -> Site:
        """The ConnectWise site's tables: as remembered, or read anew when stale or `fresh`."""
        if self._site is None or fresh:
            self._site = self._load_site(fresh=fresh)
        return self._site

    def _load_site(self, *, fresh: bool) -> Site:
        with self.database.read() as session:
            known = load_reference(session, self.company_id, SITE)
            now = self.database.now(session)
        if known and not fresh and now - known.fetched_at < dt.timedelta(seconds=SITE_SECONDS):
            kept = _as_kept(known, Site, site_from_json)
            if kept is not None:
                return kept
        site = to_site(self.connectwise.tables())
        self._save(SITE, json.dumps(site_to_json(site)))
        return site

    def _save(self, name: str, data: str) -> None:
        with self.database.write() as session:
            save_reference(session, self.company_id, name, data, now=self.database.now(session))


def _as_kept(known: Reference, kind: type[Any], read: Callable[[Any], T]) -> T | None:
    """The lists as they were kept; None when another version of us kept them, without all that we need."""
    data = json.loads(known.data)
    if not isinstance(data, dict) or not {field.name for field in fields(kind)} <= data.keys():
        log.info("lists are read anew: they were kept in another form", name=known.name)
        return None
    return read(data)
