"""Access tokens: one refresh at a time per grant, saved before it is used.

The lock is a lease in the connection's row, not an open transaction: a refresh is a call over the network,
and no transaction waits for the network here (docs/adr/0006-token-refresh-by-lease.md).
"""

from __future__ import annotations

import datetime as dt
import time
import uuid
from collections.abc import Callable
from typing import Protocol

from sqlalchemy import or_, update

from errors import GrantLost, Paused, Retryable, Wait
from models.companies import learn_subject, lose_connection
from models.company import Connection
from models.database import Database
from models.sealing import Sealer

EARLY_SECONDS = 120  # a token this close to its end is refreshed before use
LEASE_SECONDS = 60
PATIENCE_SECONDS = 5.0


class Grant(Protocol):
    """What a token endpoint answers."""

    @property
    def access_token(self) -> str: ...
    @property
    def refresh_token(self) -> str: ...
    @property
    def expires_in(self) -> int: ...
    @property
    def refresh_ends_in(self) -> int: ...
    @property
    def subject(self) -> str: ...


class Tokens:
    """The access token of one connection. `exchange` trades a refresh token for new tokens over the wire."""

    def __init__(
        self, database: Database, sealer: Sealer, *, connection_id: int, exchange: Callable[[str], Grant]
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._id = connection_id
        self._exchange = exchange

    def current(self) -> str:
        """A token that is good for a while yet, refreshed when it must be. Raises Paused, Retryable, Wait."""
        with self._database.read() as session:
            connection = session.get_one(Connection, self._id)
            now = self._database.now(session)
        return self._usable(connection, now=now, stale=None) or self.refresh(stale=None)

    def refresh(self, *, stale: str | None) -> str:
        """A token other than `stale`: another worker's newer one, or a freshly exchanged one."""
        holder = uuid.uuid4().hex
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            connection, now = self._lock(holder)
            usable = self._usable(connection, now=now, stale=stale)
            if connection.refreshing_by == holder:
                if usable:
                    self._unlock(holder)
                    return usable
                return self._exchange_and_save(connection, holder)
            if usable:
                return usable
            if time.monotonic() > deadline:
                raise Wait("Another worker is refreshing the connection to the ledger.", after=3)
            time.sleep(0.1)

    def _usable(self, connection: Connection, *, now: dt.datetime, stale: str | None) -> str | None:
        if connection.lost_at is not None:
            raise Paused(connection.lost_why or "The connection to the ledger is lost. Connect it again.")
        if connection.access_token is None or connection.expires_at is None:
            return None
        if connection.expires_at - now < dt.timedelta(seconds=EARLY_SECONDS):
            return None
        token = self._sealer.open(connection.access_token)
        return None if token == stale else token

    def _lock(self, holder: str) -> tuple[Connection, dt.datetime]:
        with self._database.write() as session:
            now = self._database.now(session)
            free = or_(Connection.refreshing_until.is_(None), Connection.refreshing_until < now)
            session.execute(
                update(Connection)
                .where(Connection.id == self._id, Connection.lost_at.is_(None), free)
                .values(refreshing_until=now + dt.timedelta(seconds=LEASE_SECONDS), refreshing_by=holder)
                .execution_options(synchronize_session=False)
            )
            return session.get_one(Connection, self._id, populate_existing=True), now

    def _unlock(self, holder: str) -> None:
        with self._database.write() as session:
            session.execute(
                update(Connection)
                .where(Connection.id == self._id, Connection.refreshing_by == holder)
                .values(refreshing_until=None, refreshing_by=None)
                .execution_options(synchronize_session=False)
            )

    def _exchange_and_save(self, connection: Connection, holder: str) -> str:
        traded = self._sealer.open(connection.refresh_token)
        try:
            grant = self._exchange(traded)
        except GrantLost as lost:
            self._lose(holder, str(lost))
            raise
        except (Paused, Retryable):  # the app's own credentials, or the other side: the grant may be well
            self._unlock(holder)
            raise
        self._save(grant, traded=traded)
        return grant.access_token

    def _save(self, grant: Grant, *, traded: str) -> None:
        """Unless another refresh token than the one that was traded is there by now. Whoever was refused
        meanwhile was so because we had used it up: the connection is not lost."""
        with self._database.write() as session:
            now = self._database.now(session)
            connection = session.get_one(Connection, self._id, with_for_update={"of": Connection})
            if self._sealer.open(connection.refresh_token) != traded:
                return
            connection.refresh_token = self._sealer.seal(grant.refresh_token)
            connection.access_token = self._sealer.seal(grant.access_token)
            connection.expires_at = now + dt.timedelta(seconds=grant.expires_in)
            connection.refreshed_at = now
            connection.refresh_ends_at = now + dt.timedelta(seconds=grant.refresh_ends_in)
            connection.refreshing_until = connection.refreshing_by = None
            connection.lost_at = connection.lost_why = None
            learn_subject(session, connection, grant.subject)

    def _lose(self, holder: str, why: str) -> None:
        with self._database.write() as session:
            now = self._database.now(session)
            lose_connection(session, self._id, holder=holder, why=why, now=now)
