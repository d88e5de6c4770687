"""What the benchmarks run on: the real service in a folder of its own, on SQLite and on PostgreSQL.

PostgreSQL keeps its promises here (fsync on), unlike in the tests.
"""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.services import PostgreSQL, migrate

KINDS = ("sqlite", "postgresql")
DURABLE = ("max_connections=200",)


@contextmanager
def folder() -> Iterator[Path]:
    """A folder with a short path (a socket's path has a limit) that other users may enter."""
    made = Path(tempfile.mkdtemp(prefix="bench-", dir="/tmp"))
    made.chmod(0o755)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


@contextmanager
def database(kind: str) -> Iterator[str]:
    """The address of a new database of this kind with the current tables."""
    with folder() as place:
        if kind == "sqlite":
            url = f"sqlite:///{place / 'relay.db'}"
            migrate(url)
            yield url
            return
        server = PostgreSQL(place, options=DURABLE)
        try:
            url = server.create(f"bench_{uuid.uuid4().hex[:8]}")
            migrate(url)
            yield url
        finally:
            server.stop()
