"""The project's own modules as syntax trees, for the tests that guard its shape."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from settings import ROOT

FOLDERS = ("mappers", "providers", "models", "workers", "webhooks", "console", "sandbox", "bin", "tests")


@dataclass(frozen=True)
class Module:
    """One file of ours: its dotted name, and every module or name that it imports, dotted too."""

    name: str
    path: Path
    tree: ast.Module
    imports: frozenset[str]

    @property
    def part(self) -> str:
        """The folder it lies in; a file in the root is a part of its own."""
        return self.name.partition(".")[0]

    def roots(self) -> set[str]:
        return {imported.partition(".")[0] for imported in self.imports}


@cache
def modules() -> tuple[Module, ...]:
    """Every Python file of the project, commands without an ending included."""
    return tuple(_read(path) for path in sorted(_files()))


def _files() -> Iterator[Path]:
    yield from ROOT.glob("*.py")
    for folder in FOLDERS:
        yield from (ROOT / folder).rglob("*.py")
    for path in (ROOT / "bin").iterdir():
        if path.is_file() and not path.suffix and "python" in path.read_text().partition("\n")[0]:
            yield path


def _read(path: Path) -> Module:
    relative = path.relative_to(ROOT)
    parts = relative.parts if path.suffix != ".py" else (*relative.parts[:-1], path.stem)
    name = ".".join(parts).removesuffix(".__init__")
    tree = ast.parse(path.read_text(), str(path))
    package = parts[:-1]
    return Module(name, path, tree, frozenset(_imports(tree, package)))


def _imports(tree: ast.Module, package: tuple[str, ...]) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            source = ".".join((*above, *([node.module] if node.module else [])))
            yield from (f"{source}.{alias.name}" for alias in node.names)
