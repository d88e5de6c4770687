"""How figures are printed: the machine first, then a table per benchmark, then what meets its target."""

from __future__ import annotations

import datetime as dt
import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table

LIBRARIES = ("Flask", "gunicorn", "rq", "redis", "SQLAlchemy", "psycopg")

out = Console(width=110, highlight=False, emoji=False)


class Failed(Exception):
    """A correctness check that failed; the text says what was expected and what was found."""


def machine() -> str:
    """When, on what, and with which versions: figures mean nothing without."""
    day = dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return (
        f"{day}: {os.cpu_count()} cores ({_processor()}), {memory:.0f} GB, {platform.system()}"
        f" {platform.release()}, load {os.getloadavg()[0]:.1f}\n"
        f"Python {platform.python_version()}, {libraries}"
    )


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints a table; all columns but the first hold figures."""
    shown = Table(title=title, title_justify="left")
    for number, column in enumerate(columns):
        shown.add_column(column, justify="right" if number else "left")
    for row in rows:
        shown.add_row(*row)
    out.print(shown)


def verdict(what: str, value: float, *, at_least: float | None = None, at_most: float | None = None) -> None:
    """Prints whether a figure meets its target. A miss is a figure too, not a failure."""
    meets = (at_least is None or value >= at_least) and (at_most is None or value <= at_most)
    target = f"at least {at_least}" if at_least is not None else f"at most {at_most}"
    out.print(f"{what}: {value:.3g} ({target}: {'meets' if meets else 'MISSES'} target)", markup=False)


def check(what: str, found: object, expected: object) -> None:
    """Raises Failed unless both are equal."""
    if found != expected:
        raise Failed(f"{what}: expected {expected}, found {found}")
