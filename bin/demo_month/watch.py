"""Shows the expenses on their way: a live table in a terminal, a plain line per change elsewhere."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from models import states

PAUSE_SECONDS = 0.25
WORDS = {
    states.QUEUED: "waiting for a worker",
    states.HELD: "not approved, or books closed",
    states.POSTING: "being posted",
    states.RETRYING: "tried again soon",
    states.UNCERTAIN: "being looked up at Xero",
    states.NEEDS_ATTENTION: "a person must act",
    states.BROKEN: "our program failed",
    states.DONE: "every document stands in Xero",
    states.SKIPPED: "rightly nothing to post",
}
Seen = Mapping[int, Mapping[str, Any]]


def watch(
    console: Console,
    *,
    title: str,
    total: int,
    look: Callable[[], Seen],
    left: Callable[[Seen], int],
    seconds: float,
) -> Seen:
    """Looks until nothing is `left` or the time is up; returns what was seen last."""
    started = time.monotonic()
    show: Callable[[RenderableType, str], None]
    if not console.is_terminal:
        return _watch(_Lines(console).show, title, total, look, left, until=started + seconds)
    with Live(console=console, refresh_per_second=8, transient=False) as live:
        show = lambda table, _line: live.update(table)  # noqa: E731 - one parameter less
        return _watch(show, title, total, look, left, until=started + seconds)


def _watch(
    show: Callable[[RenderableType, str], None],
    title: str,
    total: int,
    look: Callable[[], Seen],
    left: Callable[[Seen], int],
    *,
    until: float,
) -> Seen:
    while True:
        seen = look()
        missing = left(seen)
        counts = Counter(row["state"] for row in seen.values())
        show(_table(title, total - missing, total, counts), _line(title, total - missing, total, counts))
        if not missing or time.monotonic() > until:
            return seen
        time.sleep(PAUSE_SECONDS)


class _Lines:
    """Prints a line when it says something new."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last = ""

    def show(self, _table: RenderableType, line: str) -> None:
        if line != self._last:
            self._console.print(line, soft_wrap=True)
            self._last = line


def _table(title: str, reached: int, total: int, counts: Mapping[str, int]) -> Group:
    bar = Table.grid(padding=(0, 1))
    bar.add_row(
        Text(title, style="bold"),
        ProgressBar(total=total, completed=reached, width=40),
        f"{reached} of {total}",
    )
    rows = Table.grid(padding=(0, 2))
    for state in states.EXPENSE_STATES:
        if counts.get(state):
            rows.add_row(f"{counts[state]:>5}", state, Text(WORDS.get(state, ""), style="dim"))
    return Group(bar, rows)


def _line(title: str, reached: int, total: int, counts: Mapping[str, int]) -> str:
    states_seen = ", ".join(f"{counts[s]} {s}" for s in states.EXPENSE_STATES if counts.get(s))
    return f"{title}: {reached} of {total} ({states_seen or 'nothing yet'})"
