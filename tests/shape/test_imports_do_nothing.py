"""Importing a module opens, writes, connects and starts nothing: whoever imports decides what happens."""

from __future__ import annotations

import subprocess
import sys

import pytest

from settings import ROOT
from tests.shape.tree import modules

# Read by the tools that own them (gunicorn, Alembic), never imported by us.
NOT_IMPORTED = ("gunicorn", "models.migrations", "tests")
IMPORTABLE = [
    module.name
    for module in modules()
    if module.path.suffix == ".py" and not module.name.startswith(NOT_IMPORTED)
]
THIRD_PARTY = sorted(
    {imported for module in modules() if module.part != "tests" for imported in module.imports}
)

WATCH = """
import importlib, os, sys, threading
names, libraries = sys.argv[1].split(), sys.argv[2].split()
ours = {name.partition(".")[0] for name in names}
for library in libraries:  # theirs may do what they like
    if library.partition(".")[0] not in ours:
        for name in (library, library.rpartition(".")[0]):
            try:
                importlib.import_module(name)
            except (ImportError, ValueError):
                pass
told = []
ACTS = ("socket.", "subprocess.", "os.fork", "os.exec", "os.mkdir", "os.remove", "os.rename", "os.kill",
        "sqlite3.", "signal.", "shutil.", "tempfile.")
def watch(event, arguments):
    changes = os.O_WRONLY | os.O_RDWR | os.O_CREAT
    writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & changes
    if writes or event.startswith(ACTS):
        told.append(f"{event} {arguments!r}")
sys.addaudithook(watch)
threading.Thread.start = lambda thread: told.append(f"threading.start {thread}")  # has no audit event
for name in names:
    before = len(told)
    importlib.import_module(name)
    for what in told[before:]:
        print(f"{name}: {what}")
"""


def what_happens(names: list[str], *, libraries: list[str], folder: str = str(ROOT)) -> str:
    done = subprocess.run(
        [sys.executable, "-B", "-c", WATCH, " ".join(names), " ".join(libraries)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_any_module_does_nothing() -> None:
    assert what_happens(IMPORTABLE, libraries=THIRD_PARTY) == ""


@pytest.mark.parametrize(
    ("act", "seen"),
    [
        ("open('x', 'w')", "open"),
        ("import socket; socket.socket().bind(('127.0.0.1', 0))", "socket."),
        ("import threading; threading.Thread(target=int).start()", "threading.start"),
        ("import sqlite3; sqlite3.connect('x.db')", "sqlite3."),
        ("import subprocess; subprocess.run(['true'])", "subprocess."),
    ],
)
def test_a_module_that_does_something_would_be_noticed(
    act: str, seen: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("act")
    (folder / "acting.py").write_text(act)
    assert f"acting: {seen}" in what_happens(
        ["acting"], libraries=["subprocess", "socket", "sqlite3"], folder=str(folder)
    )
