"""bin/bench [NAME…]: runs the benchmarks, all or those named. Exit status 1: a check failed, not a target."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Callable, Sequence

from tests.bench import callbacks, done, history, month_end, overhead, report

BENCHMARKS: dict[str, tuple[str, Callable[[], None]]] = {
    "callbacks": ("the callback endpoint beside a bare one; at half load; Redis frozen", callbacks.run),
    "steady": ("200 callbacks a second for a minute: none refused", callbacks.run_steadily),
    "history": ("a claim and a callback with a thousand and a million expenses", history.run),
    "overhead": ("what an expense costs the worker's processor", overhead.run),
    "done": ("10,000 callbacks of work already done, beside RQ's jobs that do nothing", done.run),
    "memory": ("the worker's memory over 100,000 expenses", done.run_for_memory),
    "web_memory": ("web's memory over 100,000 callbacks", callbacks.run_for_memory),
    "month_end": ("1,000 expenses approved at once: calls to Xero, one bill and payment each", month_end.run),
}


def main(arguments: Sequence[str]) -> int:
    """Returns the exit status: 0 measured, 1 a check failed, 2 wrong usage."""
    parser = ArgumentParser(prog="bin/bench", description="Measures, side by side, and prints the machine.")
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[*BENCHMARKS, []], help="default: all")
    parser.add_argument("--list", action="store_true", help="name the benchmarks and stop")
    asked = parser.parse_args(arguments)
    if asked.list:
        for name, (about, _) in BENCHMARKS.items():
            print(f"{name:12} {about}")
        return 0
    report.out.print(report.machine())
    try:
        for name in asked.names or BENCHMARKS:
            BENCHMARKS[name][1]()
    except report.Failed as failed:
        print(f"bin/bench: a check failed. {failed}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
