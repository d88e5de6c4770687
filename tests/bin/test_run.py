"""bin/run keeps the Procfile's processes alive. Here they are one-liners, in a project of their own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bin.processes import read_procfile, with_env_file
from settings import ROOT

PARTS = ("bin", "settings.py", "setting_values.py", "errors.py", "requirements.txt", "requirements-dev.txt")
PROCFILE = """\
# a comment
release: echo released $COLOUR > released
web: sh -c 'echo $$ >> web-pids; exec sleep 60'
worker: sh -c 'echo $$ >> worker-pids; exec sleep 60'
clock: python ask_redis.py
"""
ASK_REDIS = """\
import os, pathlib, redis, settings, time
url = settings.read_settings(os.environ).redis_url
pathlib.Path("redis-answers").write_text(str(redis.Redis.from_url(url).ping()))
time.sleep(60)
"""


class Run:
    """bin/run at work in a small project."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        environ = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
        self.process = subprocess.Popen(
            [folder / "bin" / "run"], env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def words(self, file: str, *, least: int = 1) -> list[str]:
        """Waits until `file` holds at least so many words."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            found = (self.folder / file).read_text().split() if (self.folder / file).exists() else []
            if len(found) >= least:
                return found
            time.sleep(0.05)
        raise AssertionError(f"{file} did not fill")

    def stop(self, number: int = signal.SIGTERM) -> str:
        """Ends bin/run and returns what it printed."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.communicate(timeout=30)[0]


@pytest.fixture
def project(server_folder: Path) -> Path:
    folder = server_folder / f"run-{time.monotonic_ns()}"
    folder.mkdir()
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, folder / part)
        else:
            shutil.copyfile(ROOT / part, folder / part)
    (folder / "bin" / "setup").write_text("#!/bin/sh\n")  # what the service runs on is installed already
    (folder / ".venv").symlink_to(ROOT / ".venv")
    (folder / "Procfile").write_text(PROCFILE)
    (folder / "ask_redis.py").write_text(ASK_REDIS)
    (folder / ".env").write_text("EXPENSE_RELAY_ENV=development\nCOLOUR=b$lue\nWORKER_CONCURRENCY=3\n")
    return folder


@pytest.fixture
def run(project: Path) -> Iterator[Run]:
    running = Run(project)
    yield running
    running.stop()


def alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    return True


def test_it_releases_first_and_then_runs_every_process_with_the_settings_in_env(run: Run) -> None:
    assert len(run.words("worker-pids", least=3)) == 3
    assert len(run.words("web-pids")) == 1
    assert run.words("released") == ["released", "b$lue"]
    assert run.words("redis-answers") == ["True"]


def test_a_process_that_dies_is_started_again(run: Run) -> None:
    (first,) = run.words("web-pids")
    os.kill(int(first), signal.SIGKILL)
    assert len(run.words("web-pids", least=2)) == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_everything_quickly_when_asked(run: Run, number: int) -> None:
    pids = run.words("worker-pids", least=3) + run.words("web-pids")
    before = time.monotonic()
    run.stop(number)
    assert run.process.returncode == 0
    assert time.monotonic() - before < 10
    assert not any(alive(pid) for pid in pids)


def test_everything_ends_when_it_is_killed_itself(run: Run) -> None:
    (web,) = run.words("web-pids")
    run.process.kill()
    deadline = time.monotonic() + 15
    while alive(web) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(web)


def test_a_second_one_in_the_same_folder_is_refused(run: Run) -> None:
    run.words("web-pids")
    second = Run(run.folder)
    assert second.process.wait(30) == 1
    assert "already running" in second.stop()


def test_nothing_starts_when_the_release_fails(project: Path) -> None:
    (project / "Procfile").write_text("release: exit 7\nweb: touch started; sleep 60\n")
    refused = Run(project)
    assert refused.process.wait(30) == 1
    assert "`release` failed (exit status 7)" in refused.stop()
    assert not (project / "started").exists()


def test_nothing_starts_with_bad_settings_and_all_are_named(project: Path) -> None:
    (project / ".env").write_text("PORT=http\nEXPENSE_RELAY_COLOUR=red\n")
    refused = Run(project)
    assert refused.process.wait(30) == 1
    told = refused.stop()
    assert all(name in told for name in ("PORT", "EXPENSE_RELAY_COLOUR", "SECRET_KEY", "ENCRYPTION_KEYS"))
    assert not (project / "released").exists()


def test_what_the_environment_says_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=1\nLOG_LEVEL=DEBUG\nSECRET_KEY=\n")
    both = with_env_file({"PORT": "2", "PATH": "/bin"}, tmp_path / ".env")
    assert (both["PORT"], both["LOG_LEVEL"], "SECRET_KEY" in both) == ("2", "DEBUG", False)


def test_a_procfile_is_read_as_it_is_written() -> None:
    assert read_procfile('# x: y\nweb: run "a:b" --c \n\nclock: tick\n') == {
        "web": 'run "a:b" --c',
        "clock": "tick",
    }
