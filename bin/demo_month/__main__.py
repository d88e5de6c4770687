"""`bin/demo`: real processes, a pretend world, two companies, from approval to the matched bank line."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rich.console import Console

from bin.demo_month.month import expenses
from bin.demo_month.opening import ADMIN, PASSWORD, make_service, start
from bin.demo_month.relay import Relay
from bin.demo_month.story import Month, NotAsExpected
from bin.service import Service, ServiceFailed


def main() -> int:
    """Exit status: 0 when all that was expected has happened, 1 when not, 2 wrong usage, 130 interrupted."""
    options = _options()
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    _on_signals(signal.default_int_handler)
    try:
        with ExitStack() as stack:
            folder = _folder(stack, keep=options.keep, console=console)
            service = stack.enter_context(make_service(folder, options.port))
            stack.callback(_on_signals, signal.SIG_IGN)  # once it ends, it ends in order
            _show(console, service, options)
    except KeyboardInterrupt:
        console.print("Stopped; every process has ended.")
        return 130 if options.once else 0
    except NotAsExpected as trouble:
        console.print(f"[red]Not as expected[/red]: {trouble.count} differences.")
        console.print(str(trouble), markup=False, soft_wrap=True)
        return 1
    except (ServiceFailed, RuntimeError, OSError) as trouble:
        console.print("[red]The demo could not go on.[/red]")
        console.print(str(trouble), markup=False, soft_wrap=True)
        return 1
    return 0


def _on_signals(handler: Any) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, handler)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bin/demo",
        description="A month-end of pretend expenses, from approval to the matched bank line.",
    )
    parser.add_argument(
        "--once", action="store_true", help="end when done: 0 if everything expected has happened"
    )
    parser.add_argument("--port", type=int, help="where the console listens (default: 8000, or a free one)")
    parser.add_argument("--expenses", type=int, default=60, help="how many to enter for Xero (default 60)")
    parser.add_argument("--keep", action="store_true", help="leave the demo's folder (database, logs) behind")
    options = parser.parse_args()
    try:
        options.month = expenses(options.expenses)
    except ValueError as trouble:
        parser.error(str(trouble))
    return options


def _folder(stack: ExitStack, *, keep: bool, console: Console) -> Path:
    """A folder of the demo's own, removed at the end; nothing of a real installation is touched."""
    folder = Path(tempfile.mkdtemp(prefix="expense-relay-demo-"))
    if keep:
        stack.callback(lambda: console.print(f"Kept: {folder} (database and logs)"))
    else:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _show(console: Console, service: Service, options: argparse.Namespace) -> None:
    started = time.monotonic()
    console.print("Starting Redis, the pretend ConnectWise, ledgers and bank, web, workers and clock ...")
    xero, qbo = start(service, options.month)
    console.print(
        f"Ready after {time.monotonic() - started:.1f} s: companies acme (Xero) and acme-q (QuickBooks) are"
        " imported, their callbacks registered."
    )
    Month(console, service, xero, qbo).run()
    took = time.monotonic() - started
    counts = f"{len(xero.month)} expenses on Xero and {len(qbo.month)} on QuickBooks"
    console.print(f"[green]As expected[/green]: all {counts}, after {took:.1f} s.")
    if not options.once:
        _stay(console, service, xero.relay)


def _stay(console: Console, service: Service, relay: Relay) -> None:
    console.print(f"""
Console     {relay.url}/            log in as {ADMIN}, password {PASSWORD}
API docs    {relay.url}/api/v1/docs
API token   {relay.token}   (role admin)
Try         curl -H "Authorization: Bearer {relay.token}" {relay.url}/api/v1/companies/acme/causes
Sandbox     {service.environ["XERO_API_URL"]}/_sandbox/   (docs/sandbox.md)
Ctrl-C ends it all.""", soft_wrap=True, markup=False)  # fmt: skip
    stop = threading.Event()
    while not stop.wait(1):
        service.check()


if __name__ == "__main__":
    sys.exit(main())
