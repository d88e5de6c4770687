"""docs/states.md tells and draws the moves of models/states.py, and only where they are checked are states
written."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

import pytest

from models import states
from models.states import KNOW_A_CONTACT
from settings import ROOT
from tests.shape.tree import modules

PARTS = {
    "Expenses": (states.EXPENSE_STATES, states.EXPENSE_MOVES),
    "Documents": (states.DOCUMENT_STATES, states.DOCUMENT_MOVES),
    "Requests": (states.REQUEST_STATES, states.REQUEST_MOVES),
}
NEVER_REACHED = {states.UNDONE, states.REVERSED}
Moves = set[tuple[str, str, str]]


def section(name: str) -> str:
    text = (ROOT / "docs" / "states.md").read_text()
    return text.partition(f"## {name}\n")[2].partition("\n## ")[0]


def known(acts: Mapping[str, states.Moves]) -> Moves:
    return {
        (act, source, target)
        for act, moves in acts.items()
        for target, from_states in moves.items()
        for source in from_states
    }


def told(name: str) -> Moves:
    rows = [line.split("|")[1:-1] for line in section(name).splitlines() if line.startswith("|")]
    return {
        (row[0].strip(), source, target)
        for row in rows
        if len(row) == 4 and not row[0].strip().startswith(("`", "act", "-", "state"))
        for source in re.findall(r"`(\w+)`", row[2])
        for target in re.findall(r"`(\w+)`", row[3])
    }


def drawn(name: str) -> set[tuple[str, str]]:
    return set(re.findall(r"^    (\w+) --> (\w+)", section(name), flags=re.MULTILINE))


@pytest.mark.parametrize("name", PARTS)
def test_the_moves_are_told_as_they_are(name: str) -> None:
    assert told(name) == known(PARTS[name][1])


@pytest.mark.parametrize("name", PARTS)
def test_every_state_is_told(name: str) -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", section(name), flags=re.MULTILINE)) == set(PARTS[name][0])


@pytest.mark.parametrize("name", PARTS)
def test_the_drawing_shows_legal_moves_between_all_states(name: str) -> None:
    legal = {(source, target) for _, source, target in known(PARTS[name][1])}
    assert drawn(name) - legal == set()
    assert {state for move in drawn(name) for state in move} == set(PARTS[name][0]) - NEVER_REACHED


ASIDE = ("file a receipt", KNOW_A_CONTACT)  # told in the table, left out of the drawing


@pytest.mark.parametrize("name", ["Documents", "Requests"])
def test_the_drawing_of_what_is_sent_shows_every_move(name: str) -> None:
    moves = {act: steps for act, steps in PARTS[name][1].items() if act not in ASIDE}
    assert drawn(name) == {(source, to) for _, source, to in known(moves) if source != to}


def test_states_are_written_only_beside_the_tables() -> None:
    wrong = [
        f"{module.name}:{node.lineno}"
        for module in modules()
        if module.part in {"console", "webhooks", "workers"}
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "values"
        if any(keyword.arg == "state" for keyword in node.keywords)
        and "state=states.PLANNED" not in ast.unparse(node)  # a new row
    ]
    assert wrong == []
