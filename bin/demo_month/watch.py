"""Shows the expenses on their way: live, side by side, in a terminal; a plain line per change elsewhere."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console, Group
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
    states.UNCERTAIN: "being looked up in the books",
    states.NEEDS_ATTENTION: "a person must act",
    states.AWAITING_APPROVAL: "a draft, kept here for a person",
    states.BROKEN: "our program failed",
    states.DONE: "every document stands in the books",
    states.SKIPPED: "rightly nothing to post",
}
Seen = Mapping[int, Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Track:
    """One company on its way: `look` says where each expense is, `left` how many are not there yet."""

    name: str
    total: int
    look: Callable[[], Seen]
    left: Callable[[Seen], int]


@dataclass(frozen=True)
class _Place:
    """Where a track is at one moment."""

    name: str
    reached: int
    total: int
    counts: Mapping[str, int]


def watch(console: Console, *, title: str, tracks: Sequence[Track], seconds: float) -> None:
    """Looks at all tracks, side by side, until nothing is `left` on any or the time is up."""
    until = time.monotonic() + seconds
    if not console.is_terminal:
        _watch(_Lines(console, title).show, tracks, until=until)
        return
    with Live(console=console, refresh_per_second=8, transient=False) as live:
        _watch(lambda places: live.update(_table(title, places)), tracks, until=until)


def _watch(show: Callable[[Sequence[_Place]], None], tracks: Sequence[Track], *, until: float) -> None:
    while True:
        places = [_place(track) for track in tracks]
        show(places)
        if all(place.reached == place.total for place in places) or time.monotonic() > until:
            return
        time.sleep(PAUSE_SECONDS)


def _place(track: Track) -> _Place:
    seen = track.look()
    counts = Counter(row["state"] for row in seen.values())
    return _Place(track.name, track.total - track.left(seen), track.total, counts)


class _Lines:
    """Prints a line when it says something new."""

    def __init__(self, console: Console, title: str) -> None:
        self._console = console
        self._title = title
        self._last = ""

    def show(self, places: Sequence[_Place]) -> None:
        line = f"{self._title}: {' | '.join(map(_words, places))}"
        if line != self._last:
            self._console.print(line, soft_wrap=True)
            self._last = line


def _table(title: str, places: Sequence[_Place]) -> Group:
    beside = Table.grid(padding=(0, 4))
    beside.add_row(*(_column(place) for place in places))
    return Group(Text(title, style="bold"), beside)


def _column(place: _Place) -> Group:
    bar = Table.grid(padding=(0, 1))
    bar.add_row(
        Text(place.name, style="bold"),
        ProgressBar(total=place.total, completed=place.reached, width=20),
        f"{place.reached} of {place.total}",
    )
    rows = Table.grid(padding=(0, 2))
    for state in states.EXPENSE_STATES:
        if place.counts.get(state):
            rows.add_row(f"{place.counts[state]:>3}", state, Text(WORDS.get(state, ""), style="dim"))
    return Group(bar, rows)


def _words(place: _Place) -> str:
    seen = ", ".join(f"{place.counts[s]} {s}" for s in states.EXPENSE_STATES if place.counts.get(s))
    return f"{place.name} {place.reached} of {place.total} ({seen or 'nothing yet'})"
