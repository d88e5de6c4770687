"""What operators rely on is written down: queues in the Procfile, settings, every write that leaves."""

from __future__ import annotations

import dataclasses
import re

import pytest

from bin.processes import read_procfile
from settings import ROOT, Settings
from tests.shape.writes import outgoing_writes
from workers import queues

SETTINGS = {field.name.upper() for field in dataclasses.fields(Settings)} - {"DEVELOPMENT", "EMBEDDED_REDIS"}
SETTINGS |= {"EXPENSE_RELAY_ENV"}


def text_of(name: str) -> str:
    path = ROOT / name
    assert path.exists(), f"{name} is missing"
    return path.read_text()


def test_every_queue_has_a_worker_in_the_procfile_and_every_worker_a_queue() -> None:
    processes = read_procfile(text_of("Procfile"))
    worked = {command.split()[-1] for command in processes.values() if "-m workers " in command}
    assert worked == {*queues.QUEUES, "clock"}
    assert set(queues.JOB_QUEUES.values()) == set(queues.QUEUES)


def test_the_procfile_has_the_promised_processes() -> None:
    processes = read_procfile(text_of("Procfile"))
    assert {"release", "web", "worker", "clock"} <= set(processes)
    assert set(queues.QUEUES) - {"post"} <= set(processes)


def test_every_setting_is_in_the_example_file_and_nothing_else_is() -> None:
    listed = re.findall(r"^#?([A-Z][A-Z_0-9]+)=", text_of(".env.example"), flags=re.MULTILINE)
    assert sorted(listed) == sorted(SETTINGS)


def test_every_setting_is_in_the_readme_and_nothing_else_is() -> None:
    section = text_of("README.md").partition("\n## Settings\n")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    listed = [name for row in rows for name in re.findall(r"`([A-Z][A-Z_0-9]+)`", row)]
    assert sorted(listed) == sorted(SETTINGS)


@pytest.mark.parametrize("write", sorted(outgoing_writes()))
def test_every_write_that_leaves_the_house_has_its_row(write: str) -> None:
    """A row says: what, idempotency key, number, how it is found again after a lost answer."""
    rows = [line for line in text_of("docs/idempotency.md").splitlines() if line.startswith("|")]
    words = [f"`{word}`" for word in write.split()]
    assert any(all(word in row for word in words) for row in rows), (
        f"docs/idempotency.md has no row with {' and '.join(words)} in it"
    )
