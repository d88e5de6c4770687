"""The whole service as real processes beside the sandbox, and somebody who opens it in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, Page

from bin.demo_month.pretend import APP, ORIGINS
from bin.service import Service, free_port
from tests.faults.conftest import wait_until
from tests.journey.conftest import sandbox_url
from tests.pages.browsing import DESK

__all__ = ["sandbox_url", "stage"]


@dataclass
class Stage:
    """The service, the pretend systems, and the one page that everything is seen on."""

    service: Service
    sandbox: str
    page: Page

    def control(self, path: str, body: Any = None) -> Any:
        """The sandbox's control API (docs/sandbox.md): POST with a body, GET without."""
        method = "GET" if body is None else "POST"
        answer = requests.request(method, f"{self.sandbox}/_sandbox{path}", json=body, timeout=30)
        assert answer.ok, answer.text
        return answer.json()

    def first_admins_link(self) -> str:
        """What `web` printed at its start."""
        [link] = re.findall(r"http://\S+/first-admin/\S+", self.service.last_words("web_0"))
        return str(link)

    def is_up(self) -> bool:
        """Whether web, database and Redis answer. Raises ServiceFailed when a process has ended."""
        self.service.check()
        try:
            return requests.get(f"{self.service.environ['PUBLIC_URL']}/readyz", timeout=5).ok
        except requests.RequestException:
            return False


@pytest.fixture
def stage(
    browser: Browser, empty_database_url: str, redis_url: str, sandbox_url: str, tmp_path: Path
) -> Iterator[Stage]:
    """All that the Procfile names, on a database whose tables its `release` makes."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    settings = {"DATABASE_URL": empty_database_url, "REDIS_URL": redis_url, "PORT": str(port)}
    settings |= {
        "PUBLIC_URL": address,
        "WEB_CONCURRENCY": "1",
        "GUNICORN_CMD_ARGS": f"--bind 127.0.0.1:{port}",
    }
    settings |= APP | dict.fromkeys(ORIGINS, sandbox_url)
    with (
        Service(tmp_path / "service", settings) as service,
        browser.new_context(viewport=DESK, base_url=address) as context,  # type: ignore[arg-type]
    ):
        stage = Stage(service, sandbox_url, context.new_page())
        complaints: list[str] = []
        stage.page.on("pageerror", lambda error: complaints.append(str(error)))
        service.release()
        service.start_all()
        wait_until(stage.is_up)
        yield stage
        service.check()
        assert complaints == []
