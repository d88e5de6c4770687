"""`bin/chaos`: everything breaks for some minutes; then an auditor says what is missing, doubled or wrong."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from settings import ROOT
from tests.bench.report import machine
from tests.chaos.audit import Finding, verdict
from tests.chaos.machine import DATABASES
from tests.chaos.run import PEOPLE, Run, keep_logs, prepared

SHOWN_FINDINGS = 40


def main() -> int:
    """Exit status: 0 nothing is wrong, 1 something is, 2 wrong usage, 130 interrupted."""
    options = _options()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    kinds = list(DATABASES) if options.database == "both" else [options.database]
    try:
        return max([_run(kind, options) for kind in kinds])
    except KeyboardInterrupt:
        _say("Stopped; every process has ended.")
        return 130


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bin/chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=2.0, help="how long things break (default 2)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed, the same timetable (default 1)")
    parser.add_argument("--rate", type=float, default=6.0, help="expenses entered in a second (default 6)")
    kinds = [*DATABASES, "both"]
    parser.add_argument("--database", choices=kinds, default="both", help="one after the other (default)")
    options = parser.parse_args()
    if options.minutes <= 0 or options.rate <= 0:
        parser.error("--minutes and --rate must be more than 0")
    return options


def _run(kind: str, options: argparse.Namespace) -> int:
    asked = f"--minutes {options.minutes:g} --seed {options.seed} --rate {options.rate:g} --database {kind}"
    _say(f"bin/chaos {asked}\n{machine()}")
    how: dict[str, Any] = {"seed": options.seed, "seconds": options.minutes * 60, "rate": options.rate}
    started = time.monotonic()
    with prepared(kind, **how, say=_say) as run:
        place = ROOT / "instance" / "chaos" / f"{options.seed}-{kind}"
        found: list[Finding] | None = None
        try:
            found = run.go()
            _tell(run, found, seconds=time.monotonic() - started)
        finally:
            if found != []:
                keep_logs(run.machine.service, place)
                _say(f"The logs of every process are in {place}")
    return 1 if found else 0


def _tell(run: Run, found: list[Finding], *, seconds: float) -> None:
    for finding in found[:SHOWN_FINDINGS]:
        _say(f"{finding.sort}: {finding.text}")
    for name, figure in _figures(run):
        _say(f"  {name:<44}{figure:>9}")
    _say(f"  {'seconds in all':<44}{seconds:>9.0f}")
    _say(verdict(found))


def _figures(run: Run) -> Iterator[tuple[str, int]]:
    sites = [run.world.site(company) for company in run.relays]
    yield "expenses entered", sum(len(report.entries) for report in run.world.reports.values())
    yield "of them approved at some time", len(run.world.ever_approved)
    yield from ((f"people: {name}", run.done[name]) for name in PEOPLE)
    tries = run.world.deliveries()
    yield "callbacks sent", len(tries)
    yield "of them not taken at that try", sum(one["status"] not in (200, 202) for one in tries)
    yield from sorted((name, times) for name, times in run.done.items() if name not in PEOPLE)
    yield from ((f"started again: {name}", times) for name, times in sorted(run.machine.ended.items()))
    yield from ((f"faults struck: {kind}", times) for kind, times in sorted(run.struck.items()))
    yield from sorted(Counter(f"calls to {call['system']}" for call in run.world.calls()).items())
    states = Counter(row["state"] for relay in run.relays.values() for row in relay.expenses().values())
    yield from ((f"expenses {state}", times) for state, times in sorted(states.items()))
    yield "receipts in ConnectWise", sum(len(site["documents"]) for site in sites)
    held = [run.world.state(company) for company in run.relays]
    yield "of them filed by now", sum(len(s.get("attachments", s.get("attachables", ()))) for s in held)


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
