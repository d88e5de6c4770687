"""Runs the whole service on one machine: `release` once, then every other process of the Procfile, for good.

supervisord (http://supervisord.org) does the keeping alive. This adds what it does not know: .env, the
Procfile, how many workers the settings ask for, and a Redis of our own when they name none.
"""

from __future__ import annotations

import fcntl
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

from dotenv import dotenv_values

from bin.embedded_redis import end, ending_with_parent, redis_arguments
from errors import Problems
from settings import ROOT, Settings, read_settings

PATIENCE = 30  # seconds that a process may take to finish what it is doing


def main() -> int:
    """Runs until told to stop. Returns the exit status: 0 stopped as asked, 1 could not start."""
    environ = with_env_file(os.environ, ROOT / ".env")
    try:
        settings = read_settings(environ)
    except Problems as problems:
        print(problems, file=sys.stderr)
        return 1
    environ["LOG_FORMAT"] = settings.log_format  # the processes write into a pipe, whatever we write to
    (ROOT / "instance").mkdir(exist_ok=True)
    with (ROOT / "instance" / "run.lock").open("w") as lock:
        if not _is_only_one(lock):
            print("bin/run is already running in this folder: stop that one first.", file=sys.stderr)
            return 1
        processes = read_procfile((ROOT / "Procfile").read_text())
        released = subprocess.run(
            ["/bin/sh", "-c", processes.pop("release")], cwd=ROOT, env=environ, check=False
        )
        if released.returncode:
            print(
                f"`release` failed (exit status {released.returncode}): nothing was started.", file=sys.stderr
            )
            return 1
        return _keep_running(configuration(processes, settings), environ, lock)


def with_env_file(environ: Mapping[str, str], file: Path) -> dict[str, str]:
    """Returns `environ` plus what only `file` names, taken as written: $ has no meaning in it.

    The virtual environment's programs come first on the PATH, as the Procfile's lines expect.
    """
    from_file = {name: value for name, value in dotenv_values(file, interpolate=False).items() if value}
    both = {**from_file, **environ}
    return both | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{both.get('PATH', os.defpath)}"}


def read_procfile(text: str) -> dict[str, str]:
    """Returns the command of each process type."""
    return dict(re.findall(r"^([a-z][a-z0-9_-]*): *(\S.*?) *$", text, flags=re.MULTILINE))


def configuration(processes: Mapping[str, str], settings: Settings, *, root: Path = ROOT) -> str:
    """Returns supervisord's configuration: http://supervisord.org/configuration.html"""
    parts = [
        "[supervisord]",
        "nodaemon=true\nlogfile=/dev/null\nlogfile_maxbytes=0\nloglevel=warn",
        f"pidfile={_plain(root / 'instance' / 'supervisord.pid')}",
        "user=root" if os.geteuid() == 0 else "",  # said aloud, or it warns at each start
    ]
    if settings.embedded_redis:
        folder, socket = root / "instance" / "redis", Path(settings.redis_url.removeprefix("unix://"))
        folder.mkdir(parents=True, exist_ok=True)
        parts.append(
            _program(
                "redis", shlex.join(redis_arguments(folder=folder, socket=socket, durable=True)), first=True
            )
        )
    for name, command in processes.items():
        copies = settings.worker_concurrency if name == "worker" else 1
        parts.append(_program(name, command, copies=copies))
    # groups are stopped one after another, the members of one together: Redis last, the rest at once
    parts.append(f"[group:service]\nprograms={','.join(processes)}\npriority=10")
    return "\n".join(parts) + "\n"


def _program(name: str, command: str, *, copies: int = 1, first: bool = False) -> str:
    """One command that the shell gives way to, so that it gets the signals itself.

    A restart is worth trying for ever: whatever is down (Redis, the database) comes back some day.
    """
    return "\n".join(
        (
            f"[program:{name}]",
            f"command=/bin/sh -c {_plain(shlex.quote('exec ' + command))}",
            f"numprocs={copies}\nprocess_name=%(program_name)s_%(process_num)d",
            f"priority={1 if first else 10}",  # the lowest starts first and stops last
            "autorestart=true\nstartsecs=1\nstartretries=1000000",
            f"stopsignal=TERM\nstopwaitsecs={PATIENCE}\nkillasgroup=true",
            "redirect_stderr=true\nstdout_logfile=/dev/fd/1\nstdout_logfile_maxbytes=0",
        )
    )


def _plain(value: object) -> str:
    """The text as supervisord must see it, to take it literally."""
    return str(value).replace("%", "%%")


def _is_only_one(lock: TextIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _keep_running(config: str, environ: Mapping[str, str], lock: TextIO) -> int:
    """Copies what all processes print to our own output, until supervisord has stopped them all."""
    file = ROOT / "instance" / "supervisord.conf"
    file.write_text(config)
    supervisor = subprocess.Popen(
        [sys.executable, "-m", "supervisor.supervisord", "-c", str(file)],
        cwd=ROOT,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=(lock.fileno(),),  # so that the lock stands as long as supervisord does
        preexec_fn=ending_with_parent(),  # noqa: PLW1509 - see there
    )
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: supervisor.terminate())
    assert supervisor.stdout is not None
    try:
        while chunk := os.read(supervisor.stdout.fileno(), 65536):
            sys.stdout.buffer.write(chunk)
            sys.stdout.buffer.flush()
    except BrokenPipeError:
        end(supervisor, patience=PATIENCE + 5)
    status = supervisor.wait()
    return 0 if status in (0, -signal.SIGTERM) else 1


if __name__ == "__main__":
    sys.exit(main())
