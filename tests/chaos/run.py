"""One chaos run on one kind of database: all is started, broken by the timetable, mended and audited."""

from __future__ import annotations

import datetime as dt
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import requests

from bin.demo_month.pretend import APP, ORIGINS, SECRETS
from bin.demo_month.relay import Relay
from bin.demo_month.story import COMPANY_FILES
from bin.management import LocalOperator
from bin.service import Service, ServiceFailed, free_port
from console.commands import manage
from tests.bench.servers import folder
from tests.chaos import plan
from tests.chaos.audit import Finding, audit, verdict
from tests.chaos.machine import DATABASES, Machine
from tests.chaos.plan import COMPANIES, Act
from tests.chaos.world import LEDGERS, World

START_SECONDS, SETTLE_SECONDS = 120.0, 600.0
BEAT_SECONDS, LOOK_SECONDS = 0.05, 3.0
UNENDED = ("queued", "posting", "retrying", "uncertain")
# Trouble is frequent here, so that everything that waits waits for seconds and not for minutes.
HASTE = {"SWEEP_INTERVAL": "5", "LEASE_SECONDS": "6", "RETRY_SCHEDULE": ",".join(["1", "2"] * 50)}


@dataclass
class Run:
    """A run under way; `say` prints a line."""

    seed: int
    seconds: float
    rate: float
    machine: Machine
    world: World
    relays: dict[str, Relay]
    say: Callable[[str], None]
    done: Counter[str] = field(default_factory=Counter)
    struck: dict[str, int] = field(default_factory=dict)

    def go(self) -> list[Finding]:
        """Lives through the timetable, waits until all has settled, and returns what the auditor found."""
        today = dt.date.today()
        broken = plan.trouble(self.seed, seconds=self.seconds)
        people = plan.people(self.seed, seconds=self.seconds, rate=self.rate, today=today)
        self.say(f"Timetable of seed {self.seed}: {len(people)} acts of people, and this trouble:")
        for act in broken:
            self.say(f"  {act}")
        self._open(plan.opening(today))
        self.world.begin_trouble()
        self._live_through(sorted([*people, *broken]))
        self.machine.mend()
        self.struck = self.world.end_trouble()
        return self._settle()

    def _open(self, acts: list[Act]) -> None:
        self._live_through(acts)
        deadline = time.monotonic() + START_SECONDS
        while self._under_way() or self._first_wrong():
            if time.monotonic() > deadline:
                raise ServiceFailed(f"The first expenses were not posted within {START_SECONDS:.0f} s.")
            time.sleep(0.3)

    def _live_through(self, acts: list[Act]) -> None:
        started = time.monotonic()
        for act in acts:
            while time.monotonic() < started + act.at:
                self.machine.keep()
                time.sleep(BEAT_SECONDS)
            self.done[act.name] += 1
            ACTS[act.name](self, **act.what)
            if act.name not in PEOPLE:
                self.say(f"{time.monotonic() - started:7.2f} s  now: {act.name}")

    def _settle(self) -> list[Finding]:
        """Looks again until nothing is wrong twice in a row, a sweep apart; or until the patience is at its
        end, and what is wrong then stays wrong."""
        self.say("All trouble has ended; waiting until everything has settled ...")
        started, well, told = time.monotonic(), 0, ""
        while well < 2 and time.monotonic() < started + SETTLE_SECONDS:
            self.machine.keep()
            time.sleep(LOOK_SECONDS)
            now = self._under_way() or self._first_wrong()
            well = 0 if now else well + 1
            if now and now != told:
                self.say(f"{time.monotonic() - started:7.2f} s  {now}")
            told = now
        self.say(f"Settled after {time.monotonic() - started:.0f} s.")
        return self.audit()

    def _under_way(self) -> str:
        """What has no ending yet, in words; empty when everything has."""
        try:
            rows = [row for relay in self.relays.values() for row in relay.expenses().values()]
        except (requests.RequestException, RuntimeError) as trouble:
            return f"our API does not answer: {trouble}"
        left = [row for row in rows if row["state"] in UNENDED]
        return f"{len(left)} of {len(rows)} have no ending yet: {left[0]['why']}" if left else ""

    def _first_wrong(self) -> str:
        found = self.audit()
        return f"{verdict(found)}: {found[0].text}" if found else ""

    def audit(self) -> list[Finding]:
        """What is wrong in both companies' books."""
        return [finding for company in COMPANIES for finding in self._audit(company)]

    def _audit(self, company: str) -> list[Finding]:
        ever = {entry: was for (key, entry), was in self.world.ever_approved.items() if key == company}
        return audit(
            self.world.site(company),
            self.world.state(company),
            ledger=LEDGERS[company][0],
            ever=ever,
            claims=self.relays[company].expenses(),
        )


# What each act of the timetable does.
PEOPLE: dict[str, Callable[..., None]] = {
    "enter": lambda run, **what: run.world.enter(**what),
    "approve": lambda run, **what: run.world.approve(**what),
    "unapprove": lambda run, **what: run.world.unapprove(**what),
    "edit": lambda run, **what: run.world.edit(**what),
    "delete": lambda run, **what: run.world.delete(**what),
}
ACTS: dict[str, Callable[..., None]] = PEOPLE | {
    "kill worker": lambda run, which: run.machine.kill(f"worker_{which}"),
    "kill worker, leave its job": lambda run, which: run.machine.kill(f"worker_{which}", family=False),
    "kill web": lambda run, which: run.machine.kill(f"web_{which}"),
    "kill clock": lambda run: run.machine.kill("clock_0"),
    "kill receipts": lambda run: run.machine.kill("receipts_0"),
    "flush Redis": lambda run: run.machine.flush_redis(),
    "kill Redis": lambda run: run.machine.kill_redis(),
    "start Redis": lambda run: run.machine.start_redis(),
    "freeze Redis": lambda run: run.machine.freeze_redis(),
    "thaw Redis": lambda run: run.machine.thaw_redis(),
    "cut database": lambda run: run.machine.database.cut(),
    "mend database": lambda run: run.machine.database.mend(),
    "no callbacks": lambda run: run.world.deliver("no callbacks"),
    "double callbacks": lambda run: run.world.deliver("double callbacks"),
    "shuffle callbacks": lambda run: run.world.deliver("shuffle callbacks"),
    "plain callbacks": lambda run: run.world.deliver("plain callbacks"),
    "storm of 429": lambda run, **what: run.world.storm(**what),
    "expire tokens": lambda run: run.world.expire_tokens(),
    "upgrade ConnectWise": lambda run: run.world.upgrade(),
}


@contextmanager
def prepared(kind: str, **how: Any) -> Iterator[Run]:
    """Everything started on this kind of database, both companies imported and their callbacks registered."""
    with folder() as place, ExitStack() as stack:
        port = free_port()
        address = f"http://127.0.0.1:{port}"
        settings = {"PORT": str(port), "PUBLIC_URL": address, "WEB_CONCURRENCY": "1", **APP, **SECRETS}
        service = Service(place, settings | HASTE | {"GUNICORN_CMD_ARGS": f"--bind 127.0.0.1:{port}"})
        database = DATABASES[kind](place / "db" if kind == "postgresql" else place)
        machine = Machine(service, database)
        stack.callback(machine.stop)
        world = World(_start_sandbox(service), how["seed"])
        world.prepare()
        machine.start()
        yield Run(machine=machine, world=world, relays=_companies(service), **how)


def _start_sandbox(service: Service) -> str:
    service.start("sandbox", sys.executable, "-m", "sandbox", "--port", "0", "--seed", "demo")
    _wait(service, lambda: "Sandbox ready" in service.last_words("sandbox"))
    [url] = re.findall(r"Sandbox ready on (\S+)", service.last_words("sandbox"))
    service.environ |= dict.fromkeys(ORIGINS, url)
    return str(url)


def _companies(service: Service) -> dict[str, Relay]:
    """Imports the two companies of the demo, open for the last weeks; our public API for each."""
    operator = LocalOperator(service.environ)
    for key, file in COMPANY_FILES.items():
        ours = service.folder / f"{key}.toml"
        start = dt.date.today() - dt.timedelta(days=60)
        ours.write_text(re.sub(r"start_date = \S+", f"start_date = {start}", file.read_text()))
        _manage(operator, "company", "import", str(ours))
    for company in COMPANIES:
        _manage(operator, "callback", "register", company)
    token = _manage(operator, "token", "add", "auditor", "--role", "viewer")
    operator.database.engine.dispose()
    relays = {key: Relay(service.environ["PUBLIC_URL"], token, key) for key in COMPANIES}
    _wait(service, relays[COMPANIES[0]].is_ready)
    return relays


def _manage(operator: LocalOperator, *command: str) -> str:
    """What this command of bin/manage prints; here, since starting it costs more than running it."""
    with redirect_stdout(StringIO()) as printed:
        manage(args=command, obj=operator, standalone_mode=False)
    return printed.getvalue().strip()


def _wait(service: Service, what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not what():
        service.check()
        if time.monotonic() > deadline:
            raise ServiceFailed(f"The service was not ready within {START_SECONDS:.0f} s: {service.folder}")
        time.sleep(0.05)


def keep_logs(service: Service, place: Path) -> None:
    """Copies what every process has printed to `place`."""
    place.mkdir(parents=True, exist_ok=True)
    for log in service.folder.rglob("*.log"):
        (place / log.name).write_bytes(log.read_bytes())
