"""Imports point left, and each folder keeps out what is none of its business (docs/architecture.md)."""

from __future__ import annotations

import ast

import pytest

from tests.shape.tree import FOLDERS, Module, modules

MODULES = modules()
OURS = {module.part for module in MODULES}
ALL_BUT_SANDBOX = OURS - {"sandbox", "tests", "bin", "app", "gunicorn", "serving"}

# Who may import what of ours. A part may always import itself.
ARROWS: dict[str, set[str]] = {
    "errors": set(),
    "setting_values": set(),
    "settings": {"errors", "setting_values"},
    "logs": {"settings"},
    "mappers": {"errors"},
    "providers": {"errors", "mappers"},
    "models": {"errors"},
    "workers": {"errors", "mappers", "providers", "models"},
    "webhooks": {"errors", "models", "workers.queues"},
    "console": {"errors", "mappers", "models", "workers.queues"},
    "sandbox": set(),
    "serving": {"gunicorn"},  # the package, which our gunicorn.conf.py shares its name with
    "gunicorn": {"errors", "serving", "settings", "models.database", "console.first_run"},
    "app": ALL_BUT_SANDBOX,
    "bin": OURS - {"tests", "gunicorn", "serving"},
    "tests": OURS,
}
# Where a process starts, its settings are read and its logging is set up.
STARTS = {
    "workers.wiring": {"settings"},
    "workers.__main__": {"settings", "logs"},
    "models.migrate": {"settings"},
}

HTTP_OUT = {"requests", "urllib3", "http.client", "urllib.request", "socket", "smtplib"}
HTTP_IN = {"flask", "flask_smorest", "werkzeug"}
QUEUEING = {"rq", "redis"}
DATABASE = {"sqlalchemy", "psycopg", "sqlite3", "alembic"}
THE_WORLD = {
    "os",
    "time",
    "random",
    "secrets",
    "subprocess",
    "threading",
    "asyncio",
    "pathlib",
    "tempfile",
    "logging",
}

FOREIGN = {
    "mappers": HTTP_OUT | HTTP_IN | QUEUEING | DATABASE | THE_WORLD | {"structlog"},
    "providers": HTTP_IN | DATABASE | {"rq"},
    "models": HTTP_OUT | HTTP_IN | QUEUEING,
    "workers": HTTP_IN,
    "webhooks": {"rq", "redis"},
    "console": HTTP_OUT,
}


def part_of(part: str) -> list[Module]:
    return [module for module in MODULES if module.part == part]


def touches(imported: str, name: str) -> bool:
    return imported == name or imported.startswith(f"{name}.")


def test_every_folder_of_ours_has_its_arrows() -> None:
    assert set(ARROWS) >= OURS
    assert set(FOLDERS) <= set(ARROWS)


@pytest.mark.parametrize("part", sorted(ARROWS))
def test_imports_point_left(part: str) -> None:
    wrong = [
        f"{module.name} imports {imported}"
        for module in part_of(part)
        for imported in sorted(module.imports)
        if any(touches(imported, ours) for ours in OURS - {part})
        and not any(touches(imported, name) for name in ARROWS[part] | STARTS.get(module.name, set()))
    ]
    assert wrong == []


@pytest.mark.parametrize("part", sorted(FOREIGN))
def test_a_folder_keeps_out_what_is_none_of_its_business(part: str) -> None:
    wrong = [
        f"{module.name} imports {imported}"
        for module in part_of(part)
        for imported in sorted(module.imports)
        if any(touches(imported, foreign) for foreign in FOREIGN[part])
    ]
    assert wrong == []


def test_mappers_read_no_clock() -> None:
    clocks = {"now", "utcnow", "today", "fromtimestamp"}
    wrong = [
        f"{module.name}:{node.lineno} reads the clock"
        for module in part_of("mappers")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in clocks
    ]
    assert wrong == []


def test_only_the_demo_the_bench_and_tests_know_the_sandbox() -> None:
    knowing = {module.name for module in MODULES if "sandbox" in module.roots() and module.part != "sandbox"}
    assert {name for name in knowing if not name.startswith(("tests.", "bin.demo", "bin.bench"))} == set()


def test_only_starting_points_read_the_environment() -> None:
    wrong = [
        f"{module.name}:{node.lineno}"
        for module in MODULES
        if module.part not in {"bin", "tests", "app", "gunicorn", "sandbox"} and module.name not in STARTS
        if not module.name.startswith("console.commands")  # bin/manage: a company file may say "env:NAME"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
    ]
    assert wrong == []
