"""Doing to servers what machines do to them: freezing them, and killing them in the middle."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import psycopg

from tests.services import PostgreSQL


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """The process and all its children stand still: connections stay open, and nobody answers."""
    parent = psutil.Process(pid)
    parent.suspend()  # first, so that it makes no more children
    family = [parent, *parent.children(recursive=True)]
    for process in family[1:]:
        process.suspend()
    try:
        yield
    finally:
        for process in reversed(family):
            process.resume()


def crash(server: PostgreSQL) -> None:
    """Kills one backend: PostgreSQL ends all connections at once, recovers and is there again by itself."""
    with psycopg.connect(host=str(server.folder), user="postgres", autocommit=True) as victim:
        psutil.Process(victim.info.backend_pid).send_signal(signal.SIGKILL)
        deadline = time.monotonic() + 30
        while not victim.closed and time.monotonic() < deadline:
            try:
                victim.execute("SELECT 1")
            except psycopg.OperationalError:
                return
