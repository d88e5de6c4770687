"""bin/bench [NAME…]: runs the benchmarks, all or those named. Exit status 1: a check failed, not a target."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Callable, Sequence

from tests.bench import callbacks, history, month_end, overhead, report

BENCHMARKS: dict[str, tuple[str, Callable[[], None]]] = {
    "callbacks": ("the callback endpoint beside a bare one; Redis frozen", callbacks.run),
    "history": ("a claim and a callback with a thousand and a million expenses", history.run),
    "overhead": ("what an expense costs the worker's processor", overhead.run),
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
