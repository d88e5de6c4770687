"""Real processes to be killed: workers, clock and web, on real servers, against the sandbox on the wire."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis
import requests

from settings import Settings
from tests.journey.conftest import Journey, journey, sandbox_url
from tests.journey.test_qbo import qbo

__all__ = ["journey", "qbo", "sandbox_url"]

ROOT = Path(__file__).resolve().parents[2]
LEASE_SECONDS = 3


@dataclass
class Rig:
    """The service as processes of its own; every process started here is ended here."""

    journey: Journey
    environ: dict[str, str]
    logs: Path
    port: int
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        log = (self.logs / f"{len(self.running)}.log").open("wb")
        process = subprocess.Popen(
            command, cwd=ROOT, env=self.environ, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        self.running.append(process)
        return process

    def start_worker(self) -> subprocess.Popen[bytes]:
        return self.start(sys.executable, "-m", "workers", "post")

    def start_clock(self) -> subprocess.Popen[bytes]:
        return self.start(sys.executable, "-m", "workers", "clock")

    def start_web(self) -> subprocess.Popen[bytes]:
        gunicorn = str(Path(sys.executable).parent / "gunicorn")
        process = self.start(gunicorn, "--config", "gunicorn.conf.py", "app:from_environment()")
        wait_until(self._is_up)
        return process

    def _is_up(self) -> bool:
        try:
            return requests.get(f"http://127.0.0.1:{self.port}/healthz", timeout=1).ok
        except requests.RequestException:
            return False

    def kill(self, process: subprocess.Popen[bytes], *, family: bool = True) -> None:
        """SIGKILL, at once, the job's own process included (`family`)."""
        children = psutil.Process(process.pid).children(recursive=True) if family else []
        for child in children:
            child.kill()
        process.kill()
        process.wait(10)

    def children(self, process: subprocess.Popen[bytes]) -> list[psutil.Process]:
        return psutil.Process(process.pid).children(recursive=True)

    def free_slots(self) -> None:
        """Gives back the places in flight that killed workers still hold: they expire within a minute, and
        five kills in a row would otherwise make this test wait for that."""
        with redis.Redis.from_url(self.environ["REDIS_URL"]) as client:
            for key in client.scan_iter("limit:*"):
                client.delete(key)

    def stop(self) -> None:
        for process in self.running:
            if process.poll() is None:
                self.kill(process)

    def wait_for_fault(self, fault_id: str) -> None:
        """Waits until the fault has struck: that call is under way now."""
        try:
            wait_until(lambda: self._has_struck(fault_id))
        except AssertionError as error:
            raise AssertionError(f"fault {fault_id} never struck\n{self.log_text()}") from error

    def _has_struck(self, fault_id: str) -> bool:
        faults = self.journey.control("GET", "/faults")["faults"]
        return any(f["id"] == fault_id and f["happened"] > 0 for f in faults)

    def log_text(self) -> str:
        return "\n".join(p.read_text(errors="replace")[-3000:] for p in sorted(self.logs.glob("*.log")))


def wait_until(what: Callable[[], Any], *, seconds: float = 60, every: float = 0.05) -> None:
    """Waits until `what()` is true; fails the test when it never is."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain"
        time.sleep(every)


def environment(settings: Settings, *, port: int) -> dict[str, str]:
    """The settings as the environment of a process."""
    return {
        **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
        "EXPENSE_RELAY_ENV": "development",
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "SECRET_KEY": settings.secret_key,
        "ENCRYPTION_KEYS": ",".join(settings.encryption_keys),
        **_ledger_settings(settings),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "LEASE_SECONDS": str(LEASE_SECONDS),
        "RETRY_SCHEDULE": "1,1,1,1,1,1,1,1,1,1",
        "LOG_FORMAT": "json",
        "PORT": str(port),
    }


def _ledger_settings(settings: Settings) -> dict[str, str]:
    """Where the ledgers are and who we are there, as the journey has it."""
    names = (
        *("xero_client_id", "xero_client_secret", "xero_api_url", "xero_identity_url", "xero_login_url"),
        *("qbo_client_id", "qbo_client_secret", "qbo_api_url", "qbo_oauth_url", "qbo_login_url"),
    )
    return {name.upper(): getattr(settings, name) for name in names if getattr(settings, name)}


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@pytest.fixture
def rig(journey: Journey, tmp_path: Path) -> Iterator[Rig]:
    """The service for the company at Xero."""
    yield from _rig(journey, tmp_path)


@pytest.fixture
def qbo_rig(qbo: Journey, tmp_path: Path) -> Iterator[Rig]:
    """The service for the company at QuickBooks."""
    yield from _rig(qbo, tmp_path)


def _rig(journey: Journey, tmp_path: Path) -> Iterator[Rig]:
    port = free_port()
    logs = tmp_path / "logs"
    logs.mkdir()
    made = Rig(journey, environment(journey.wiring.settings, port=port), logs, port)
    yield made
    made.stop()
