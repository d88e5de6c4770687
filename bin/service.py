"""The whole service as real processes in a folder of its own, for bin/demo and whatever else needs one.

Nothing of a real installation is read or touched: every setting is given here, also those that .env would
fill in, and all files live in the folder. What was started is ended by its process id.
"""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from types import TracebackType

from bin.embedded_redis import EmbeddedRedis, end, ending_with_parent
from bin.processes import read_procfile
from settings import ROOT, Settings

PATIENCE_SECONDS = 8.0
LAST_LINES = 15


class ServiceFailed(Exception):
    """A process ended, or a command was refused; the text says which, with its last words."""


class Service:
    """Processes that belong together. They end with `stop()`, or with the program that started them."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        """Prepares `folder` (made when missing) and the environment: our own settings, then `settings`."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._redis: EmbeddedRedis | None = None
        unset = {field.name.upper(): "" for field in fields(Settings)}  # else .env would be asked for them
        self.environ = {**os.environ, **unset, **_own_settings(folder), **settings}
        self.environ["PATH"] = (
            f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        )

    def start_redis(self) -> None:
        """Starts a Redis of our own, and points what is started later to it."""
        self._redis = EmbeddedRedis(self.folder)
        self.environ["REDIS_URL"] = self._redis.url

    def start(self, name: str, *command: str) -> subprocess.Popen[bytes]:
        """Starts one process; what it prints goes to `<name>.log` in the folder."""
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for whoever started us, who then ends us in order
                preexec_fn=ending_with_parent(),  # noqa: PLW1509 - see there
            )
        return self.processes[name]

    def release(self) -> None:
        """Runs the Procfile's `release`; raises ServiceFailed."""
        self.run("/bin/sh", "-c", _procfile()["release"])

    def start_all(self, *, copies: Mapping[str, int] | None = None) -> None:
        """Starts what the Procfile names, `copies` of each (default one): `web_0`, `worker_0` and so on."""
        for name, line in _procfile().items():
            for number in range((copies or {}).get(name, 1) if name != "release" else 0):
                self.start(f"{name}_{number}", "/bin/sh", "-c", f"exec {line}")

    def run(self, *command: str, typed: str = "") -> str:
        """Runs a command that reads `typed` to its end and returns what it printed; raises ServiceFailed
        with its own words."""
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=self.environ,
            input=typed,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            said = (done.stderr or done.stdout).strip()
            raise ServiceFailed(f"`{' '.join(command)}` failed (exit status {done.returncode}): {said}")
        return done.stdout

    def check(self) -> None:
        """Raises ServiceFailed, with its last words, when a process has ended by itself."""
        for name, process in self.processes.items():
            if process.poll() is not None:
                status, words = process.returncode, self.last_words(name)
                raise ServiceFailed(
                    f"{name} ended by itself (exit status {status}). Its last words:\n{words}"
                )

    def last_words(self, name: str) -> str:
        """The end of what a process has printed."""
        text = (self.folder / f"{name}.log").read_text(errors="replace")
        return "\n".join(text.splitlines()[-LAST_LINES:])

    def stop(self) -> None:
        """Ends everything: all are asked at once, then waited for; Redis last."""
        for process in self.processes.values():
            if process.poll() is None:
                with suppress(ProcessLookupError):
                    process.terminate()
        for process in self.processes.values():
            end(process, patience=PATIENCE_SECONDS)
        if self._redis is not None:
            self._redis.stop()

    def __enter__(self) -> Service:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def free_port(*, preferred: int | None = None) -> int:
    """A loopback port that nobody listens on: the preferred one when it is free."""
    for port in (preferred, 0):
        if port is None:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ServiceFailed("No loopback port is free on this machine.")


def _procfile() -> dict[str, str]:
    return read_procfile((ROOT / "Procfile").read_text())


def _own_settings(folder: Path) -> dict[str, str]:
    return {
        "EXPENSE_RELAY_ENV": "development",
        "DATABASE_URL": f"sqlite:///{folder / 'expense-relay.db'}",
        "SECRET_KEY": secrets.token_hex(32),
        "ENCRYPTION_KEYS": urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "LOG_FORMAT": "text",
    }
