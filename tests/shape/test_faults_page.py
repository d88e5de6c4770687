"""docs/faults.md: every row says what we do, and names tests that exist."""

from __future__ import annotations

import ast
import re

import pytest

from settings import ROOT
from tests.shape.tree import modules

NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def rows() -> list[list[str]]:
    """The cells of every row, without the tables' heads."""
    lines = (ROOT / "docs" / "faults.md").read_text().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return [row for row in cells if row[0] not in ("what breaks", "what comes") and set(row[0]) != {"-"}]


def existing() -> set[tuple[str, str]]:
    """Every test there is: its file and its name."""
    return {
        (module.path.relative_to(ROOT).as_posix(), node.name)
        for module in modules()
        if module.part == "tests" and module.path.name.startswith("test_")
        for node in module.tree.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0][:60])
def test_every_row_names_tests_that_exist(row: list[str]) -> None:
    what, answer, shown = row
    named = NAMED.findall(shown)
    assert what
    assert answer
    assert named, f"no test is named for: {what}"
    assert NAMED.sub("", shown).split() == [], f"something else stands among the tests of: {what}"
    assert sorted(set(named) - existing()) == []


def test_no_row_stands_twice() -> None:
    said = [row[0] for row in rows()]
    assert len(said) == len(set(said)) > 50
