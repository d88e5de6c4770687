"""The callback endpoint beside a bare one under the same server, in turn; and how it bears a load.

Ours verifies a signature, stores durably and rings; the bare one enqueues once and does nothing else.
Both run under gunicorn, as the Procfile has it, and under granian, which some would take instead.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import psutil
import redis
from sqlalchemy import func, select

from bin.embedded_redis import EmbeddedRedis
from bin.service import Service, free_port
from models.company import Event
from models.database import Database
from tests.bench import load, report, servers
from tests.webhooks.conftest import sign
from tests.webhooks.key_server import KeyServer, serving
from tests.world import add_company

ROUNDS = 9
FROZEN_ROUNDS = 3
HALF_SECONDS, HALF_ROUNDS = 6.0, 5
STEADY_SECONDS, STEADY_RATE = 60.0, 200.0
MEMORY_ROUNDS, MEMORY_EACH = 10, 10_000
SECONDS = 2.5
CONNECTIONS = 64
START_SECONDS = 60.0
PATH = "/callbacks/connectwise/acme"
ENTITY = json.dumps({"id": 4711, "amount": 120.5, "status": "ApprovedByTierTwo", "notes": "x" * 300})


@dataclass
class Side:
    """One of the two endpoints, and what its rounds gave."""

    name: str
    port: int
    pid: int
    rounds: list[load.Result] = field(default_factory=list)

    def rate(self) -> float:
        return statistics.median(one.rate for one in self.rounds)

    def row(self) -> list[str]:
        p50, p99 = (statistics.median(one.milliseconds(p) for one in self.rounds) for p in (50, 99))
        slowest = max(max(one.times) for one in self.rounds) * 1000
        return [self.name, f"{self.rate():.0f}", f"{p50:.1f}", f"{p99:.1f}", f"{slowest:.0f}"]


GUNICORN, GRANIAN = "gunicorn", "granian"


def run() -> None:
    """Measures on both kinds of database. Raises Failed when an answer or a stored event is missing."""
    for kind in servers.KINDS:
        for server in (GUNICORN, GRANIAN):
            with started(kind, server=server) as (bench, (ours, bare)):
                bench.measure(f"{kind}, {server}", ours, bare)
                if server == GUNICORN:
                    bench.measure_half(kind, ours)
                    bench.measure_frozen(kind, ours)


def run_steadily() -> None:
    """200 callbacks a second for a minute. Raises Failed when one is refused or not stored."""
    for kind in servers.KINDS:
        with started(kind) as (bench, (ours, _)):
            bench.measure_at(
                f"steady, {kind}", ours, rate=STEADY_RATE, seconds=STEADY_SECONDS, p99_at_most=1000
            )


def run_for_memory() -> None:
    """A hundred thousand callbacks: the memory of the processes that take them, as they go by."""
    with started("sqlite") as (bench, (ours, _)):
        sizes = [bench.memory_after(ours, MEMORY_EACH) for _ in range(MEMORY_ROUNDS)]
    rows = [[f"{n * MEMORY_EACH:,}", f"{size:.1f}"] for n, size in enumerate(sizes, start=1)]
    report.table("memory of web, two processes, MB", ("callbacks", "together"), rows)
    ratio = sizes[-1] / sizes[MEMORY_ROUNDS // 5 - 1]
    report.verdict("web's memory at the end / after a fifth", ratio, at_most=1.1)


@contextmanager
def started(kind: str, *, server: str = GUNICORN) -> Iterator[tuple[Bench, tuple[Side, Side]]]:
    """Both endpoints, on a database of this kind."""
    with servers.database(kind) as url, servers.folder() as place, serving() as keys:
        bench = Bench(url, EmbeddedRedis(place / "redis"), keys)
        with bench.serving(Service(place, bench.settings()), server=server) as sides:
            yield bench, sides


class Bench:
    """One database, one Redis, both endpoints."""

    def __init__(self, url: str, redis_server: EmbeddedRedis, keys: KeyServer) -> None:
        self.database = Database(url)
        self.redis = redis_server
        self.keys = keys
        self.accepted = 0
        self.entry_id = 0
        with self.database.write() as session:
            add_company(session, site=keys.url)

    def settings(self) -> dict[str, str]:
        url = self.database.url.render_as_string(hide_password=False)
        return {
            "DATABASE_URL": url,
            "REDIS_URL": self.redis.url,
            "LOG_LEVEL": "WARNING",
            "WEB_CONCURRENCY": "2",
        }

    def memory_after(self, ours: Side, callbacks: int) -> float:
        """Megabytes that the processes behind our endpoint hold after so many more callbacks."""
        self._round(ours, callbacks)
        self._check_stored()
        processes = psutil.Process(ours.pid).children()
        return sum(process.memory_info().rss for process in processes) / 2**20

    @contextmanager
    def serving(self, service: Service, *, server: str) -> Iterator[tuple[Side, Side]]:
        sides = []
        try:
            for name, app in (("ours", "app:from_environment"), ("bare", "tests.bench.bare:create_app")):
                port = free_port()
                service.environ["PORT"] = str(port)
                process = service.start(name, *_command(server, app, port))
                sides.append(Side(name, port, process.pid))
            for side in sides:
                self._wait_for(side, service)
            yield sides[0], sides[1]
        finally:
            self.database.engine.dispose()
            service.stop()
            self.redis.stop()

    def measure(self, kind: str, ours: Side, bare: Side) -> None:
        """Rounds of both in turn; prints the table; checks that every answer was 202 and is stored."""
        sizes = {side.name: self._warm_up(side) for side in (ours, bare)}
        for _ in range(ROUNDS):
            for side in (bare, ours):
                self._empty_redis()
                side.rounds.append(self._round(side, sizes[side.name]))
        report.table(
            f"callbacks, {kind}: {CONNECTIONS} connections, {ROUNDS} rounds in turn, medians",
            ("endpoint", "answers/s", "p50 ms", "p99 ms", "slowest ms"),
            [ours.row(), bare.row()],
        )
        ratios = [one.rate / other.rate for one, other in zip(ours.rounds, bare.rounds, strict=True)]
        report.verdict(f"ours / bare, {kind}", statistics.median(ratios), at_least=1.0)
        self._check_stored()

    def measure_half(self, kind: str, ours: Side) -> None:
        """At half of what it can take, callbacks come by the clock."""
        what, rate = f"half load, {kind}", ours.rate() / 2
        self.measure_at(what, ours, rate=rate, seconds=HALF_SECONDS, p99_at_most=30, rounds=HALF_ROUNDS)

    def measure_at(
        self, what: str, ours: Side, *, rate: float, seconds: float, p99_at_most: float, rounds: int = 1
    ) -> None:
        """So many callbacks a second, whatever becomes of the answers; none may be refused. Medians."""
        size, paced = int(rate * seconds), Side(f"{rate:.0f}", ours.port, ours.pid)
        for _ in range(rounds):
            result = load.run_at(ours.port, self._requests(size), rate=rate, connections=CONNECTIONS)
            report.check(f"answers, {what}", dict(result.statuses), {202: size})
            self.accepted += size
            paced.rounds.append(result)
        self._check_stored()
        columns = ("callbacks/s", "answers/s", "p50 ms", "p99 ms", "slowest ms")
        report.table(f"{what}, {rounds} times {seconds:.0f} s", columns, [paced.row()])
        p99 = statistics.median(one.milliseconds(99) for one in paced.rounds)
        report.verdict(f"p99 ms, {what}", p99, at_most=p99_at_most)

    def measure_frozen(self, kind: str, ours: Side) -> None:
        """The same endpoint with Redis answering and with Redis stopped in its tracks."""
        size = len(ours.rounds[-1].times)
        awake, frozen = Side("Redis awake", ours.port, ours.pid), Side("Redis frozen", ours.port, ours.pid)
        for _ in range(FROZEN_ROUNDS):
            awake.rounds.append(self._round(awake, size))
            os.kill(self.redis.pid, signal.SIGSTOP)
            frozen.rounds.append(self._round(frozen, size))
            os.kill(self.redis.pid, signal.SIGCONT)
        columns = ("ours", "answers/s", "p50 ms", "p99 ms", "slowest ms")
        report.table(f"callbacks, {kind}, Redis frozen", columns, [awake.row(), frozen.row()])
        report.verdict(f"frozen / awake, {kind}", frozen.rate() / awake.rate(), at_least=0.95)
        self._check_stored()

    def _warm_up(self, side: Side) -> int:
        """How many requests fill a round."""
        result = self._round(side, 1000)
        return int(result.rate * SECONDS)

    def _round(self, side: Side, size: int) -> load.Result:
        result = load.run(side.port, self._requests(size), connections=CONNECTIONS)
        report.check(f"answers of {side.name}", dict(result.statuses), {202: size})
        if side.name != "bare":
            self.accepted += size
        return result

    def _requests(self, size: int) -> Sequence[bytes]:
        """Genuine callbacks, each with its own id, about ten times fewer entries."""
        made = []
        for _ in range(size):
            self.entry_id += 1
            body = json.dumps(self._message(1 + self.entry_id // 10)).encode()
            made.append(load.post(PATH + "?recordId=1", body, x_content_signature=sign(body)))
        return made

    def _message(self, entry_id: int) -> dict[str, object]:
        return {
            "MessageId": str(uuid.uuid4()),
            "FromUrl": "na.myconnectwise.net",
            "CompanyId": "acme_f",
            "MemberId": "jdoe",
            "Action": "updated",
            "Type": "expense",
            "ID": entry_id,
            "ProductInstanceId": "639c00000000000000dd1324",
            "PartnerId": "61dd0000000000000c74208",
            "Entity": ENTITY,
            "Metadata": {"key_url": self.keys.key_url()},
            "CallbackObjectRecId": 26552,
        }

    def _empty_redis(self) -> None:
        with redis.Redis.from_url(self.redis.url) as client:
            client.flushall()

    def _check_stored(self) -> None:
        with self.database.read() as session:
            stored = session.scalar(select(func.count()).select_from(Event))
        report.check("events in the database", stored, self.accepted)

    def _wait_for(self, side: Side, service: Service) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            service.check()
            with suppress(OSError):
                load.run(side.port, [load.post("/", b"")], connections=1)
                return
            time.sleep(0.1)
        raise report.Failed(f"the endpoint {side.name!r} did not start: {service.last_words(side.name)}")


def _command(server: str, app: str, port: int) -> list[str]:
    """The same application under either server: two processes, as many threads as gunicorn.conf.py says."""
    if server == GUNICORN:
        return ["gunicorn", "--config", "gunicorn.conf.py", f"{app}()"]
    return [
        *("granian", "--interface", "wsgi", "--factory", "--host", "127.0.0.1", "--port", str(port)),
        *("--workers", "2", "--blocking-threads", "32", "--no-ws", "--log-level", "warning", app),
    ]
