"""How the commands speak: JSON for programs, a table for people, plain columns when nobody looks."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDEST = 60  # characters of one cell on a terminal

as_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


def say(text: str) -> None:
    """One line for the person."""
    click.echo(_clean(text))


def say_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def say_rows(
    rows: Sequence[dict[str, Any]], columns: Sequence[str], *, as_json: bool, nothing: str, whole: Any = None
) -> None:
    """The rows as JSON (`whole`, when the JSON is more than the rows), or these columns of them as a table;
    `nothing` is said when there are none."""
    if as_json:
        say_json(rows if whole is None else whole)
    elif not rows:
        say(nothing)
    elif sys.stdout.isatty():
        _table(rows, columns)
    else:
        _columns(rows, columns)


def say_fields(shape: dict[str, Any]) -> None:
    """One thing, a field a line."""
    width = max(len(name) for name in shape)
    for name, value in shape.items():
        say(f"{_title(name):<{width}}  {_cell(value)}")


def _table(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        is_last = name == columns[-1]  # usually the longest text: it alone gives way on a narrow terminal
        table.add_column(_title(name), no_wrap=not is_last, min_width=16 if is_last else None)
    for row in rows:
        table.add_row(*(Text(_short(_cell(row.get(name)))) for name in columns))
    Console().print(table)


def _columns(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> None:
    lines = [
        [_title(name) for name in columns],
        *([_cell(row.get(name)) for name in columns] for row in rows),
    ]
    widths = [max(len(line[place]) for line in lines) for place in range(len(columns))]
    for line in lines:
        say("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _title(name: str) -> str:
    return name.replace("_", " ")


def _cell(value: Any) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case dict():
            return ", ".join(f"{name} {_cell(one)}" for name, one in value.items()) or "-"
        case list():
            return ", ".join(_cell(one) for one in value) or "-"
    return _clean(str(value))


def _short(text: str) -> str:
    return text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"


def _clean(text: str) -> str:
    """Without characters that would steer a terminal: names and notes come from elsewhere."""
    return "".join(char if char.isprintable() else " " for char in text)
