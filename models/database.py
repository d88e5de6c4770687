"""One engine, two kinds of transaction: `read()` and `write()`; and the database's own clock.

SQLite runs in WAL mode with full sync and takes its write lock at BEGIN (`BEGIN IMMEDIATE`), so that a
transaction that will write never fails half way for want of it. PostgreSQL uses row locks.
Leases are reckoned by the database's clock, so machines whose clocks differ still agree.

Nobody waits for ever: who gives a `patience` has his answer or an OperationalError within it, also when the
server is frozen or the network is gone (docs/architecture.md, "Waiting").
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import (
    BigInteger,
    Connection,
    DateTime,
    Dialect,
    Engine,
    Integer,
    create_engine,
    event,
    func,
    make_url,
    select,
)
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

UTC = dt.UTC
BigId = BigInteger().with_variant(Integer(), "sqlite")

DATABASE_AWAY = (OperationalError, InterfaceError, NoConnectionFree)

CONNECT_SECONDS = 3
SQLITE_SECONDS = 15  # for the write lock, and for a free connection where no patience is given
GRACE_SECONDS = 0.5  # a server that lives ends the statement itself, and says so; one that doesn't has no say
IDLE_SECONDS = 60  # a client frozen within a transaction holds its row locks no longer


class Base(DeclarativeBase):
    """Every table."""


class Instant(TypeDecorator[dt.datetime]):
    """An instant: aware UTC in Python, `timestamptz` in PostgreSQL, UTC text in SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is None:
            return None
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Money(TypeDecorator[Decimal]):
    """An exact amount, kept as whole ten-thousandths so that sums are exact in SQLite too."""

    impl = BigInteger
    cache_ok = True
    places = Decimal("0.0001")

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        if value is None:
            return None
        return int(value.quantize(self.places).scaleb(4))

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else (Decimal(int(value)).scaleb(-4))


class utcnow(FunctionElement[dt.datetime]):
    """The database's clock inside a statement, in the form that Instant stores."""

    type = Instant()
    inherit_cache = True


@compiles(utcnow, "postgresql")
def _utcnow_postgresql(_element: Any, _compiler: Any, **_kw: Any) -> str:
    return "clock_timestamp()"


@compiles(utcnow, "sqlite")
def _utcnow_sqlite(_element: Any, _compiler: Any, **_kw: Any) -> str:
    return "(strftime('%Y-%m-%d %H:%M:%f', 'now') || '000')"


class PatientConnection(psycopg.Connection[Any]):
    """A connection to PostgreSQL that is given up when an answer takes longer than `patience` seconds.

    The server's own `statement_timeout` needs a server that lives, and TCP's time-outs a network that is cut;
    a frozen server is noticed by nothing but our own clock.
    """

    patience: float

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """As psycopg's, but never longer than our patience; the connection is of no use afterwards."""
        try:
            return super().wait(gen, interval, self.patience if timeout is None else timeout)
        except psycopg.errors._WaitTimeout:
            self.pgconn.finish()
            raise psycopg.OperationalError(
                f"The database did not answer within {self.patience} seconds; the connection was given up."
            ) from None


class Database:
    """The engine and its transactions. One per process; forked children must call `forget()` first.

    `patience`: seconds that one statement, its locks included, or a free connection may take (None: any).
    """

    def __init__(self, url: str, *, pool_size: int = 5, patience: float | None = None) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = self._engine(pool_size, patience)
        self._writing = self.engine.execution_options(begin="IMMEDIATE")
        self._at_once = self.engine.execution_options(isolation_level="AUTOCOMMIT")

    def _engine(self, pool_size: int, patience: float | None) -> Engine:
        # errors end in logs and in RQ: no bodies, no sealed tokens there
        options = {"hide_parameters": True, "pool_size": pool_size, "pool_timeout": patience or 30}
        if self.is_sqlite:
            if self.url.database and self.url.database != ":memory:":
                Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
            seconds = min(patience or SQLITE_SECONDS, SQLITE_SECONDS)
            engine = create_engine(self.url, connect_args={"timeout": seconds}, **options)
            event.listen(engine, "connect", _sqlite_connect)
            event.listen(engine, "begin", _sqlite_begin)
            return engine
        given = {"connect_timeout": CONNECT_SECONDS, "application_name": "expense-relay"}
        engine = create_engine(
            self.url, pool_pre_ping=False, pool_recycle=1800, connect_args=given, **options
        )
        if patience is not None:
            event.listen(engine, "do_connect", _patiently(patience))
        return engine

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session for reading; nothing is committed."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session that commits at the end of the block, or rolls back on any exception."""
        with Session(self._writing, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def write_at_once(self) -> Iterator[Session]:
        """As `write`; on PostgreSQL each statement commits itself, without trips for BEGIN and COMMIT."""
        if self.is_sqlite:
            with self.write() as session:
                yield session
        else:
            with Session(self._at_once, expire_on_commit=False) as session:
                yield session

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        """A connection to change tables with. SQLite has the write lock from its first statement on, and lets
        tables be copied and dropped that others refer to; what refers to nothing afterwards is an error."""
        with self._writing.connect() as connection:
            if self.is_sqlite:
                _heed_references(connection, False)
            try:
                yield connection
            finally:
                connection.rollback()
                if self.is_sqlite:
                    _heed_references(connection, True)

    def now(self, session: Session) -> dt.datetime:
        """The database's clock (SQLite: this machine's), aware UTC."""
        if self.is_sqlite:
            return dt.datetime.now(UTC)
        moment: dt.datetime = session.execute(select(func.clock_timestamp())).scalar_one()
        return moment.astimezone(UTC)

    def forget(self) -> None:
        """Drops pooled connections without closing them: for a forked child, whose parent still uses them."""
        self.engine.dispose(close=False)


def _patiently(patience: float) -> Callable[..., PatientConnection]:
    """Connects with this patience, ours and the server's."""
    limits = {"statement_timeout": patience, "idle_in_transaction_session_timeout": IDLE_SECONDS}
    ours = " ".join(f"-c {name}={round(seconds * 1000)}" for name, seconds in limits.items())

    def connect(_dialect: Any, _record: Any, words: Any, values: dict[str, Any]) -> PatientConnection:
        options = f"{ours} {values.pop('options', '')}"  # what the address itself says comes last and counts
        connection = PatientConnection.connect(*words, **values, options=options)
        connection.patience = patience + GRACE_SECONDS
        return connection

    return connect


def _sqlite_connect(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _heed_references(connection: Connection, wanted: bool) -> None:
    """Inside a transaction SQLite would not listen."""
    connection.connection.execute(f"PRAGMA foreign_keys={'ON' if wanted else 'OFF'}")


def _sqlite_begin(connection: Any) -> None:
    mode = connection.get_execution_options().get("begin", "DEFERRED")
    connection.exec_driver_sql(f"BEGIN {mode}")
