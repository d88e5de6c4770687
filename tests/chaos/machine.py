"""Our own side of a chaos run: the real processes, Redis and a database, each of which can be broken.

What ends is started again, as a supervisor does. Only processes that were started here are ever ended.
"""

from __future__ import annotations

import signal
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import psutil
import redis

from bin.embedded_redis import EmbeddedRedis
from bin.processes import read_procfile
from bin.service import Service
from settings import ROOT
from tests.services import PostgreSQL

COPIES = {"web": 2, "worker": 2, "receipts": 1, "clock": 1}


class BreakableDatabase(Protocol):
    """A database that can go away for a while."""

    url: str

    def cut(self) -> None:
        """Nobody can write from now on."""

    def mend(self) -> None:
        """All is as before."""

    def stop(self) -> None:
        """Ends it for good."""


class SQLite:
    """A file; somebody else holds its write lock while it is cut."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "expense-relay.db"
        self.url = f"sqlite:///{self._file}"
        self._lock: sqlite3.Connection | None = None

    def cut(self) -> None:
        if self._lock is None:
            self._lock = sqlite3.connect(self._file, timeout=30, isolation_level=None)
            self._lock.execute("BEGIN EXCLUSIVE")

    def mend(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    stop = mend


class Server:
    """A PostgreSQL of our own, which ends without a farewell and recovers from its log."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._server = PostgreSQL(folder)
        self.url = self._server.create("relay")

    def cut(self) -> None:
        self._server.crash()

    def mend(self) -> None:
        self._server.recover()

    def stop(self) -> None:
        self._server.stop()


DATABASES: dict[str, Callable[[Path], BreakableDatabase]] = {"sqlite": SQLite, "postgresql": Server}


class Machine:
    """The service in its folder. `ended`: how often each process had to be started again."""

    def __init__(self, service: Service, database: BreakableDatabase) -> None:
        self.service = service
        self.database = database
        self.ended: Counter[str] = Counter()
        self._lines = read_procfile((ROOT / "Procfile").read_text())
        self._orphans: list[psutil.Process] = []
        self._redis = EmbeddedRedis(service.folder / "redis")
        service.environ |= {"REDIS_URL": self._redis.url, "DATABASE_URL": database.url}

    def start(self) -> None:
        """The database's tables, then every process."""
        self.service.release()
        self.service.start_all(copies=COPIES)

    def keep(self) -> None:
        """Starts again what has ended."""
        for name, process in list(self.service.processes.items()):
            if process.poll() is not None:
                self._start_again(name)

    def kill(self, name: str, *, family: bool = True) -> None:
        """SIGKILL to a process, and to those that it started unless they shall live on (`family`)."""
        process = self.service.processes[name]
        children: list[psutil.Process] = []
        with suppress(psutil.NoSuchProcess):
            children = psutil.Process(process.pid).children(recursive=True)
        self._orphans += children
        for child in children if family else ():
            with suppress(psutil.NoSuchProcess):
                child.kill()
        process.kill()
        process.wait(10)
        self._start_again(name)

    def flush_redis(self) -> None:
        with suppress(redis.RedisError), redis.Redis.from_url(self._redis.url, socket_timeout=1) as client:
            client.flushall()

    def kill_redis(self) -> None:
        self._redis.process.kill()
        self._redis.process.wait(10)

    def start_redis(self) -> None:
        """An empty one, at the same address."""
        if self._redis.process.poll() is not None:
            self._redis = EmbeddedRedis(self.service.folder / "redis")

    def freeze_redis(self) -> None:
        if self._redis.process.poll() is None:
            self._redis.process.send_signal(signal.SIGSTOP)

    def thaw_redis(self) -> None:
        if self._redis.process.poll() is None:
            self._redis.process.send_signal(signal.SIGCONT)

    def mend(self) -> None:
        """Whatever is broken works again."""
        self.thaw_redis()
        self.start_redis()
        self.database.mend()
        self.keep()

    def stop(self) -> None:
        """Ends everything that was started here."""
        self.service.stop()
        for orphan in self._orphans:
            with suppress(psutil.NoSuchProcess):
                orphan.kill()
        self._redis.stop()
        self.database.stop()

    def _start_again(self, name: str) -> None:
        if name != "sandbox":
            self.ended[name.rpartition("_")[0]] += 1
            self.service.start(name, "/bin/sh", "-c", f"exec {self._lines[name.rpartition('_')[0]]}")
