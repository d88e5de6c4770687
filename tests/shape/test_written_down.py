"""What operators rely on is written down: queues in the Procfile, settings, every write that leaves."""

from __future__ import annotations

import ast
import dataclasses
import re

import pytest

from bin.processes import read_procfile
from mappers import xero as xero_documents
from settings import ROOT, Settings
from tests.shape.tree import Module, modules
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


# Calls by which a provider's client changes something on the other side.
WRITING_METHODS = {"put", "post", "patch", "delete"}
WRITING_VERBS = {"PUT", "POST", "PATCH", "DELETE"}


def writes(module: Module) -> set[str]:
    """The functions of a provider's client that send a write, as `xero.send`."""
    return {
        f"{module.path.stem}.{function.name}"
        for function in ast.walk(module.tree)
        if isinstance(function, ast.FunctionDef)
        for call in ast.walk(function)
        if isinstance(call, ast.Call) and _is_write(call)
    }


def _is_write(call: ast.Call) -> bool:
    method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    verbs = {argument.value for argument in call.args if isinstance(argument, ast.Constant)}
    return method in WRITING_METHODS or bool(verbs & WRITING_VERBS)


def outgoing_writes() -> set[str]:
    """The functions that write, and of Xero's one that sends documents each operation."""
    clients = [
        module
        for module in modules()
        if module.part == "providers" and not module.name.endswith(("_wire", ".http"))
    ]
    return set().union(*(writes(client) for client in clients)) | set(xero_documents.ENVELOPES)


@pytest.mark.parametrize("write", sorted(outgoing_writes()))
def test_every_write_that_leaves_the_house_has_its_row(write: str) -> None:
    """A row says: what, idempotency key, number, how it is found again after a lost answer."""
    rows = [line for line in text_of("docs/idempotency.md").splitlines() if line.startswith("|")]
    assert any(f"`{write}`" in row for row in rows), f"docs/idempotency.md has no row with `{write}` in it"
