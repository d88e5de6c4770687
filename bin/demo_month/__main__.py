"""`bin/demo`: real processes, a pretend world, a month-end from approval to the matched bank line."""

from __future__ import annotations

import argparse
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rich.console import Console

from bin.demo_month import verify
from bin.demo_month.month import Spent, expenses
from bin.demo_month.pretend import APP, SECRETS, Pretend
from bin.demo_month.relay import Relay
from bin.demo_month.summary import print_summary
from bin.demo_month.watch import Seen, watch
from bin.service import Service, ServiceFailed, free_port
from settings import ROOT

COMPANY_FILE = ROOT / "docs" / "examples" / "acme.toml"
START_SECONDS = 30.0
END_SECONDS = 120.0
MOST_TOLD = 20
PYTHON = sys.executable


class NotAsExpected(Exception):
    """The month did not end as it must; each difference is a sentence."""

    def __init__(self, found: list[str]) -> None:
        super().__init__("\n".join(f"  - {sentence}" for sentence in found[:MOST_TOLD]))
        self.count = len(found)


def main() -> int:
    """Exit status: 0 when all that was expected has happened, 1 when not, 2 wrong usage, 130 interrupted."""
    options = _options()
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    _on_signals(signal.default_int_handler)
    try:
        with ExitStack() as stack:
            folder = _folder(stack, keep=options.keep, console=console)
            service = stack.enter_context(_service(folder, options.port))
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
    parser.add_argument("--expenses", type=int, default=60, help="how many expenses to enter (default 60)")
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


def _service(folder: Path, port: int | None) -> Service:
    port = free_port(preferred=port or 8000)
    address = f"http://127.0.0.1:{port}"
    settings = {"PORT": str(port), "PUBLIC_URL": address, "WEB_CONCURRENCY": "1", **APP, **SECRETS}
    return Service(folder, settings | {"GUNICORN_CMD_ARGS": f"--bind 127.0.0.1:{port}"})


def _show(console: Console, service: Service, options: argparse.Namespace) -> None:
    started = time.monotonic()
    console.print("Starting Redis, the pretend ConnectWise, Xero and bank, web, workers and clock ...")
    pretend, relay = _start(service)
    console.print(
        f"Ready after {time.monotonic() - started:.1f} s: company acme is imported, its callback registered."
    )
    entered = _run_month(console, service, pretend, relay, options.month)
    _conclude(console, pretend, relay, entered)
    console.print(
        f"[green]As expected[/green]: all {len(entered)} expenses, after {time.monotonic() - started:.1f} s."
    )
    if not options.once:
        _stay(console, service, relay)


def _start(service: Service) -> tuple[Pretend, Relay]:
    service.start_redis()
    service.start("sandbox", PYTHON, "-m", "sandbox", "--port", "0", "--seed", "demo")
    service.release()
    pretend = Pretend(_sandbox_address(service))
    pretend.close_books()
    names = ("ACME_CW_SITE", "XERO_API_URL", "XERO_IDENTITY_URL", "XERO_LOGIN_URL")
    service.environ |= dict.fromkeys(names, pretend.url)
    service.start_all(copies={"worker": 2})
    manage = str(ROOT / "bin" / "manage")
    service.run(manage, "company", "import", str(COMPANY_FILE))
    service.run(manage, "callback", "register", "acme")
    token = service.run(manage, "token", "add", "demo", "--role", "admin").strip()
    relay = Relay(service.environ["PUBLIC_URL"], token)
    _wait_until_ready(service, relay)
    return pretend, relay


def _sandbox_address(service: Service) -> str:
    """Where the sandbox listens, on a port of its choice, once it does."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        service.check()
        ready = re.search(r"Sandbox ready on (\S+)", service.last_words("sandbox"))
        if ready:
            return ready.group(1)
        time.sleep(0.05)
    raise ServiceFailed(f"The sandbox did not start within {START_SECONDS:.0f} s.")


def _wait_until_ready(service: Service, relay: Relay) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not relay.is_ready():
        service.check()
        if time.monotonic() > deadline:
            raise ServiceFailed(f"web did not become ready. Its last words:\n{service.last_words('web_0')}")
        time.sleep(0.1)


def _run_month(
    console: Console, service: Service, pretend: Pretend, relay: Relay, month: list[Spent]
) -> Mapping[int, Spent]:
    """Enters everything, then approves at once, and watches both; the expenses by entry id."""
    entered = pretend.enter(month)
    lines = pretend.spend(entered)
    console.print(
        f"Entered {len(entered)} expenses of 5 members in ConnectWise; the bank feed brought {lines} lines."
    )

    def look() -> Seen:
        service.check()
        return relay.expenses()

    def unheld(seen: Seen) -> int:
        return len(entered) - sum(1 for row in seen.values() if row["state"] in ("held", "skipped"))

    total = len(entered)
    watch(console, title="Held until approved", total=total, look=look, left=unheld, seconds=END_SECONDS)
    moved = pretend.approve()
    console.print(f"Approved {moved} of them at once; ConnectWise calls back for each.")
    began = time.monotonic()
    watch(console, title="Settled", total=total, look=look, seconds=END_SECONDS,
          left=lambda seen: len(verify.waiting(entered, seen)))  # fmt: skip
    tries = pretend.deliveries()
    slowest = max((attempt["ms"] for attempt in tries), default=0)
    console.print(
        f"Settled {time.monotonic() - began:.1f} s after the approval;"
        f" {len(tries)} signed callbacks were answered, the slowest after {slowest:.0f} ms."
    )
    return entered


def _conclude(console: Console, pretend: Pretend, relay: Relay, entered: Mapping[int, Spent]) -> None:
    """Verifies, accepts the bank's matches, verifies again, and prints the summary."""
    found = _differences(pretend, relay, entered)
    wanted = sum(1 for spent in entered.values() if spent.due.matched)
    accepted = pretend.reconcile()
    if accepted != wanted:
        found.append(f"{wanted} bank lines should have been reconciled, and {accepted} were")
    found += [sentence for sentence in _differences(pretend, relay, entered) if sentence not in found]
    print_summary(
        console,
        entered=entered,
        books=pretend.books(),
        bank=pretend.bank(),
        causes=relay.causes(),
        seen=relay.expenses(),
        calls=pretend.xero_calls(),
    )
    if found:
        raise NotAsExpected(found)


def _differences(pretend: Pretend, relay: Relay, entered: Mapping[int, Spent]) -> list[str]:
    books: dict[str, list[dict[str, Any]]] = pretend.books()
    return verify.differences(entered, seen=relay.expenses(), books=books, bank=pretend.bank())


def _stay(console: Console, service: Service, relay: Relay) -> None:
    console.print(f"""
Console     {relay.url}/            (a front page for now; pages with a login come later)
API docs    {relay.url}/api/v1/docs
API token   {relay.token}   (role admin; the login of this demo)
Try         curl -H "Authorization: Bearer {relay.token}" {relay.url}/api/v1/companies/acme/causes
Sandbox     {service.environ["XERO_API_URL"]}/_sandbox/   (docs/sandbox.md)
Ctrl-C ends it all.""", soft_wrap=True, markup=False)  # fmt: skip
    stop = threading.Event()
    while not stop.wait(1):
        service.check()


if __name__ == "__main__":
    sys.exit(main())
