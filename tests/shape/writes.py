"""Every write that leaves the house, found in the code of the providers' clients.

A client's function that writes is one write, named as `xero.attach`; one that sends documents is one for each
of its operations, as `xero.send payments`.
"""

from __future__ import annotations

import ast
from pathlib import Path

from mappers.qbo import BATCH
from mappers.qbo_answers import BY_PATH
from mappers.xero import ENVELOPES
from settings import ROOT

# Calls by which a client changes something on the other side.
METHODS = frozenset({"put", "post", "patch", "delete"})
VERBS = frozenset(method.upper() for method in METHODS)
OPERATIONS = {"xero.send": frozenset(ENVELOPES), "qbo.send": frozenset(BY_PATH) | {BATCH}}


def is_client(module: str) -> bool:
    """Whether this module of providers/ speaks for itself; wires, limiters and such only carry."""
    return not module.endswith(("_wire", "http", "limiter", "limiter_stores"))


def writing_functions() -> set[str]:
    """The functions of the clients that send a write, as `xero.send`."""
    clients = [path for path in sorted((ROOT / "providers").glob("*.py")) if is_client(path.stem)]
    return set().union(*map(_writing, clients))


def outgoing_writes() -> set[str]:
    """Every write by its name."""
    functions = writing_functions()
    sent = {f"{name} {operation}" for name in functions for operation in OPERATIONS.get(name, ())}
    return sent | (functions - OPERATIONS.keys())


def _writing(path: Path) -> set[str]:
    return {
        f"{path.stem}.{function.name}"
        for function in ast.walk(ast.parse(path.read_text(), str(path)))
        if isinstance(function, ast.FunctionDef)
        for call in ast.walk(function)
        if isinstance(call, ast.Call) and _is_write(call)
    }


def _is_write(call: ast.Call) -> bool:
    method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    verbs = {argument.value for argument in call.args if isinstance(argument, ast.Constant)}
    return method in METHODS or bool(verbs & VERBS)
