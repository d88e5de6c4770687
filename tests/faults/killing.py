"""Runs programs of ours and kills each of their outgoing writes at four moments, once each.

`python -m tests.faults.killing FOLDER workers post and workers receipts` keeps these programs running, each
in processes of its own, whatever kills them; `then` in place of `and` runs one after the other. Nothing in
the product knows of this: the one function that sends requests is wrapped, and the database's commit. So a
write that nobody has thought of is met all the same, under the name of the function that sends it.
"""

from __future__ import annotations

import os
import runpy
import select
import signal
import sys
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from itertools import groupby
from pathlib import Path
from types import FrameType
from typing import Any

import requests
from sqlalchemy import event
from sqlalchemy.orm import Session

from providers import http
from tests.shape.writes import VERBS, is_client, outgoing_writes

BEFORE, LEFT, ANSWERED, RECORDED = "before", "left", "answered", "recorded"
MOMENTS = (BEFORE, LEFT, ANSWERED, RECORDED)
ACT_SECONDS = 30


class Strikes:
    """What was struck, as a folder of links, each named for the write and the moment."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._keepers = {os.getpid()}

    def adopt(self) -> None:
        """From now on this process too keeps others and is never killed."""
        self._keepers.add(os.getpid())

    def has(self, write: str, moment: str) -> bool:
        return (self._folder / point(write, moment)).is_symlink()

    def strike(self, write: str, moment: str) -> None:
        """SIGKILL to this process, and to the worker it is a job of; unless this point was struck before."""
        try:
            (self._folder / point(write, moment)).symlink_to(str(os.getpid()))
        except FileExistsError:
            return
        if os.getppid() not in self._keepers:
            os.kill(os.getppid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)


def point(write: str, moment: str) -> str:
    return f"{write} @ {moment}"


class Watch:
    """Follows each write of this process from before its first byte until what came of it is recorded."""

    def __init__(self, strikes: Strikes) -> None:
        self._strikes = strikes
        self._known = outgoing_writes()
        self._leaving: str | None = None
        self._unrecorded: list[str] = []
        self._exchange = http.exchange
        self._getresponse = HTTPConnection.getresponse

    def begin(self) -> None:
        """To be called before any module takes the name `exchange` out of providers.http."""
        http.exchange = self.exchange
        watch = self

        def getresponse(connection: HTTPConnection) -> HTTPResponse:
            watch.left(connection)
            return watch._getresponse(connection)

        HTTPConnection.getresponse = getresponse  # type: ignore[method-assign, assignment]
        event.listen(Session, "after_commit", self.committed)

    def exchange(self, session: requests.Session, method: str, url: str, **how: Any) -> http.Answer:
        write = write_of(sys._getframe(1)) if method in VERBS else ""
        if write not in self._known and not how.get("write"):
            return self._exchange(session, method, url, **how)
        self._strikes.strike(write, BEFORE)
        self._leaving = write
        try:
            answer = self._exchange(session, method, url, **how)
        finally:
            self._leaving = None
        if answer.is_good:
            self._strikes.strike(write, ANSWERED)
            self._unrecorded.append(write)
        return answer

    def left(self, connection: HTTPConnection) -> None:
        """The last byte has left. The other side acts, and its answer is never read."""
        if self._leaving and not self._strikes.has(self._leaving, LEFT):
            select.select([connection.sock], [], [], ACT_SECONDS)
            self._strikes.strike(self._leaving, LEFT)

    def committed(self, _session: Session) -> None:
        """The first commit after an answer is the one that records it: a job does nothing in between."""
        while self._unrecorded:
            self._strikes.strike(self._unrecorded.pop(), RECORDED)


def write_of(frame: FrameType | None) -> str:
    """The name of the write under way: the innermost function of a provider's client, and its operation."""
    while frame is not None:
        module = frame.f_globals["__name__"]
        if module.startswith("providers.") and is_client(module):
            name = f"{module.removeprefix('providers.')}.{frame.f_code.co_name}"
            call = frame.f_locals.get("call")
            return f"{name} {call.operation}" if call is not None else name
        frame = frame.f_back
    return "unknown"


def keep(program: list[str]) -> int:
    """Runs a program in a process of its own, again and again until nobody kills it; its exit status."""
    while True:
        child = os.fork()
        if not child:
            sys.argv = program
            runpy.run_module(program[0], run_name="__main__", alter_sys=True)
            sys.exit()
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            return os.waitstatus_to_exitcode(status)


def split(words: list[str], at: str) -> Iterator[list[str]]:
    return (list(some) for is_joint, some in groupby(words, lambda word: word == at) if not is_joint)


def main(folder: str, *words: str) -> int:
    """Exit status: of the first program that ended badly, else 0."""
    strikes = Strikes(Path(folder))
    Watch(strikes).begin()
    import bin.management  # noqa: F401 - once, before the forks
    import workers.jobs  # noqa: F401

    keepers = []
    for programs in split(list(words), "and"):
        keeper = os.fork()
        if not keeper:
            strikes.adopt()
            os._exit(next((bad for bad in map(keep, split(programs, "then")) if bad), 0))
        keepers.append(keeper)
    return max(os.waitstatus_to_exitcode(os.waitpid(keeper, 0)[1]) for keeper in keepers)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
