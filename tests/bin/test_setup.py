"""bin/setup: instant when nothing changed, clear when it cannot do its work. Nothing is downloaded here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from settings import ROOT

PIP = """#!/bin/sh
[ "$1" = -c ] && exit 0
echo "$@" >>pip-calls
[ "$3" = --version ] || [ ! -e pip-fails ]
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose virtual environment's Python only notes what it is asked."""
    (tmp_path / "bin").mkdir()
    shutil.copy(ROOT / "bin" / "setup", tmp_path / "bin" / "setup")
    (tmp_path / "requirements.txt").write_text("flask==3\n")
    (tmp_path / "requirements-dev.txt").write_text("pytest==9\n")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").write_text(PIP)
    (tmp_path / ".venv" / "bin" / "python").chmod(0o755)
    return tmp_path


def setup(project: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [project / "bin" / "setup", *arguments],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def installs(project: Path) -> list[str]:
    calls = (project / "pip-calls").read_text().splitlines() if (project / "pip-calls").exists() else []
    return [call.partition("--no-input ")[2] for call in calls if " install " in call]


def test_it_installs_what_is_pinned_once(project: Path) -> None:
    assert setup(project).returncode == 0
    assert setup(project).returncode == 0
    assert installs(project) == ["--requirement requirements.txt"]


def test_for_developers_it_installs_both_lists_which_also_serve_the_service(project: Path) -> None:
    assert setup(project, "--dev").returncode == 0
    assert setup(project).returncode == 0
    assert installs(project) == ["--requirement requirements.txt --requirement requirements-dev.txt"]


def test_a_changed_pin_is_installed(project: Path) -> None:
    setup(project)
    (project / "requirements.txt").write_text("flask==4\n")
    setup(project)
    assert len(installs(project)) == 2


def test_a_failed_install_is_told_and_tried_again(project: Path) -> None:
    (project / "pip-fails").touch()
    failed = setup(project)
    assert failed.returncode == 1 and "pip could not install" in failed.stderr
    (project / "pip-fails").unlink()
    assert setup(project).returncode == 0
    assert len(installs(project)) == 2


def test_nothing_to_do_takes_no_time(project: Path) -> None:
    setup(project)
    before = time.monotonic()
    setup(project)
    assert time.monotonic() - before < 0.5


def test_a_wrong_argument_is_refused(project: Path) -> None:
    refused = setup(project, "--deev")
    assert refused.returncode == 2 and refused.stderr.startswith("usage:")


def test_a_machine_without_a_new_enough_python_is_told_so(project: Path) -> None:
    shutil.rmtree(project / ".venv")
    programs = project / "programs"
    programs.mkdir()
    for name in ("sh", "dirname", "mkdir", "cksum", "grep"):
        (programs / name).symlink_to(shutil.which(name) or sys.exit(name))
    told = setup(project, PATH=str(programs))
    assert told.returncode == 1 and "no Python 3.11 or newer was found" in told.stderr
