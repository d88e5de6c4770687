"""Before the demo's month begins: all processes are up, both companies imported, ConnectWise calls back."""

from __future__ import annotations

import re
import secrets
import sys
import time
from pathlib import Path

from bin.demo_month.month import Spent
from bin.demo_month.pretend import APP, ORIGINS, QBO_REALM, SECRETS, XERO_TENANT, Pretend
from bin.demo_month.quickbooks import quickbooks_expenses
from bin.demo_month.relay import Relay
from bin.demo_month.story import COMPANY_FILES, MANAGE, Side
from bin.service import Service, ServiceFailed, free_port

START_SECONDS = 30.0
PYTHON = sys.executable
KEYS = ("acme", "acme-q")
ADMIN, PASSWORD = "admin@example.com", f"demo-{secrets.token_hex(4)}"


def make_service(folder: Path, port: int | None = None) -> Service:
    """The service of the demo, not started yet; without a port on 8000, or on a free one."""
    port = free_port(preferred=port or 8000)
    address = f"http://127.0.0.1:{port}"
    settings = {"PORT": str(port), "PUBLIC_URL": address, "WEB_CONCURRENCY": "1", **APP, **SECRETS}
    return Service(folder, settings | {"GUNICORN_CMD_ARGS": f"--bind 127.0.0.1:{port}"})


def start(service: Service, month: list[Spent]) -> tuple[Side, Side]:
    """Starts everything, with these expenses to enter for the company on Xero. Raises ServiceFailed."""
    service.start_redis()
    service.start("sandbox", PYTHON, "-m", "sandbox", "--port", "0", "--seed", "demo")
    service.release()
    url = _sandbox_address(service)
    pretend = Pretend(url, "xero", "acme_f", XERO_TENANT), Pretend(url, "qbo", "acme_q", QBO_REALM)
    for one in pretend:
        one.close_books()
    service.environ |= dict.fromkeys(ORIGINS, url)
    service.run(MANAGE, "user", "add", ADMIN, "--role", "admin", "--password-stdin", typed=PASSWORD)
    service.start_all(copies={"worker": 2})
    for file in COMPANY_FILES.values():
        service.run(MANAGE, "company", "import", str(file))
    for key in KEYS:
        service.run(MANAGE, "callback", "register", key)
    token = service.run(MANAGE, "token", "add", "demo", "--role", "admin").strip()
    relays = [Relay(service.environ["PUBLIC_URL"], token, key) for key in KEYS]
    _wait_until_ready(service, relays[0])
    return Side(pretend[0], relays[0], month), Side(pretend[1], relays[1], quickbooks_expenses())


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
