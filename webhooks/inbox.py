"""Storing callbacks durably at the rate they come: one commit for whatever arrived meanwhile.

Each request thread hands its message to the one writer thread of its process and waits for the commit; the
writer takes all that wait and stores them in one transaction. Why: docs/adr/0004-group-commit.md.
"""

from __future__ import annotations

import fcntl
import os
import queue
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError

from models.database import Database
from models.inbox import Message, store_messages
from models.many_rows import MOST_ROWS

GATHER_SECONDS = 0.0015  # at a time; a burst becomes far fewer transactions (docs/performance.md)
GATHER_TIMES = 7
PATIENCE_SECONDS = 3.0
PROBE_SECONDS = 0.2  # after a failure: whoever comes while the next attempt hangs longer is told at once

log = structlog.get_logger(__name__)


class NotStored(Exception):
    """The database did not take the message in time; the sender must try again."""


class _Waiting:
    """A message and the thread that waits for its answer. A bare lock: a Future costs ten times as much."""

    def __init__(self, message: Message) -> None:
        self.message = message
        self._outcome: bool | Exception = TimeoutError("the database takes too long")
        self._answered = threading.Lock()
        self._answered.acquire()

    def settle(self, outcome: bool | Exception) -> None:
        self._outcome = outcome
        self._answered.release()

    def answer(self) -> bool:
        """Whether the message was new. Raises what storing it raised, or TimeoutError."""
        self._answered.acquire(timeout=PATIENCE_SECONDS)
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome


class Inbox:
    """The writer of this process. Started by the first message, so that it survives a fork."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: queue.SimpleQueue[_Waiting] = queue.SimpleQueue()
        self._start = threading.Lock()
        self._pid = 0
        self._since: float | None = None  # when the present batch was begun
        self._is_well = True  # the last batch was stored

    def store(self, message: Message) -> bool:
        """True when the message is new, False when it was stored before; durable on return.

        Raises NotStored when the database doesn't answer within three seconds or refuses.
        """
        if self._pid != os.getpid():
            self._begin()
        if self._is_stuck():
            raise NotStored
        waiting = _Waiting(message)
        self._waiting.put(waiting)
        try:
            return waiting.answer()
        except (SQLAlchemyError, OSError) as error:
            log.error("callback not stored", error=type(error).__name__, detail=str(error)[:300])
            raise NotStored from None

    def _is_stuck(self) -> bool:
        """While the database hangs, threads that wait for it would be missing elsewhere."""
        since = self._since
        patience = PATIENCE_SECONDS if self._is_well else PROBE_SECONDS
        return since is not None and time.monotonic() - since > patience

    def _begin(self) -> None:
        with self._start:
            if self._pid != os.getpid():
                self._waiting = queue.SimpleQueue()
                self._pid = os.getpid()
                threading.Thread(target=self._write_for_ever, name="inbox", daemon=True).start()

    def _write_for_ever(self) -> None:
        batch: list[_Waiting] = []
        while True:
            is_burst = len(batch) > 1 or not self._waiting.empty()
            last, batch = len(batch), [self._waiting.get()]
            if is_burst:
                self._gather(last)
            while len(batch) < MOST_ROWS and not self._waiting.empty():
                batch.append(self._waiting.get())
            self._since = time.monotonic()
            self._write(batch)
            self._since = None

    def _gather(self, last: int) -> None:
        """Lets more come while they do: the fewer the last batch had, the shorter. A lone one never waits."""
        waiting = -1
        for _ in range(min(GATHER_TIMES, last)):
            if waiting == (waiting := self._waiting.qsize()):
                return
            time.sleep(GATHER_SECONDS)

    def _write(self, batch: list[_Waiting]) -> None:
        try:
            answers = self._store_twice([one.message for one in batch])
        except (OperationalError, InterfaceError, OSError) as error:
            self._is_well = False
            for one in batch:
                one.settle(error)
        except Exception as error:
            if len(batch) == 1:
                batch[0].settle(error)
                return
            for one in batch:  # one message that the database refuses must not take others with it
                self._write([one])
        else:
            self._is_well = True
            for one, answer in zip(batch, answers, strict=True):
                one.settle(answer)

    def _store_twice(self, messages: list[Message]) -> list[bool]:
        """Once more after a deadlock, or a connection that died while it was idle."""
        try:
            return self._store(messages)
        except (OperationalError, InterfaceError):
            return self._store(messages)

    def _store(self, messages: list[Message]) -> list[bool]:
        with self._turn(), self._database.write_at_once() as session:
            return store_messages(session, messages)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """SQLite's own waiting polls and sleeps; a file lock gives processes their turn at once."""
        path = self._database.url.database
        if not self._database.is_sqlite or not path or path == ":memory:":
            yield
            return
        with Path(f"{path}.turn").open("w") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            yield
