"""docs/stuck.md explains every state, and exactly the causes that the code knows."""

from __future__ import annotations

import ast
import re

from models.states import EXPENSE_STATES
from settings import ROOT
from tests.shape.tree import modules

# Where the code of a cause stands among the arguments of a call.
PLACES = {
    "NeedsAttention": 0,
    "_Meaning": 1,
    "_contact_trouble": 0,
    "_error": 0,
    "_warning": 0,
    "Changed": 0,
}
PARTS = {"mappers", "models", "workers", "console"}
UNFINISHED = "_not_in_connectwise"  # the end of codes that are put together from a noun


def documented() -> set[str]:
    text = (ROOT / "docs" / "stuck.md").read_text()
    return set(re.findall(r"^\| `([a-z_]+)` \|", text, flags=re.MULTILINE))


def causes() -> set[str]:
    trees = [module.tree for module in modules() if module.part in PARTS]
    found = {code for tree in trees for node in ast.walk(tree) for code in _codes(node)}
    return {code for code in found if re.fullmatch(r"[a-z]+(_[a-z]+)*", code)}


def _codes(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Assign) and any("cause" in ast.unparse(t).lower() for t in node.targets):
        return _texts(node.value, first_of_pair="," in ast.unparse(node.targets[0]))
    if not isinstance(node, ast.Call):
        return []
    name = getattr(node.func, "id", getattr(node.func, "attr", ""))
    place = PLACES.get(name)
    arguments = [k.value for k in node.keywords if k.arg == "cause"]
    if place is not None and len(node.args) > place:
        arguments.append(node.args[place])
    return [text for argument in arguments for text in _texts(argument, first_of_pair=False)]


def _texts(value: ast.expr, *, first_of_pair: bool) -> list[str]:
    """The codes that an expression may come to: one text, the ends of a choice, or the first of a pair."""
    if isinstance(value, ast.IfExp):
        return [t for end in (value.body, value.orelse) for t in _texts(end, first_of_pair=first_of_pair)]
    if isinstance(value, ast.BoolOp):
        return [t for end in value.values for t in _texts(end, first_of_pair=False)]
    if isinstance(value, ast.Tuple) and first_of_pair:
        return _texts(value.elts[0], first_of_pair=False)
    return [value.value] if isinstance(value, ast.Constant) and isinstance(value.value, str) else []


def test_the_causes_are_found_in_the_code() -> None:
    assert {"closed_period", "tax_archived", "gave_up", "plan_limit", "contact_ambiguous"} <= causes()


def test_every_cause_is_explained() -> None:
    assert sorted(causes() - documented()) == []


def test_every_state_is_explained() -> None:
    assert sorted(set(EXPENSE_STATES) - documented()) == []


def test_nothing_is_explained_that_the_code_does_not_know() -> None:
    said = {
        node.value
        for module in modules()
        if module.part in PARTS
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert sorted(code for code in documented() - said if not code.endswith(UNFINISHED)) == []
