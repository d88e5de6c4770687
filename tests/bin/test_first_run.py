"""The first start of a real `web`: it prints one link, whatever the number of its processes."""

from __future__ import annotations

import re
import time
from pathlib import Path

import requests

from bin.service import Service, free_port

START_SECONDS = 60.0


def test_web_prints_one_link_that_makes_the_first_admin(tmp_path: Path) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    settings = {"PORT": str(port), "PUBLIC_URL": address, "REDIS_URL": "redis://127.0.0.1:1/0"}
    with Service(tmp_path, settings | {"WEB_CONCURRENCY": "2"}) as service:
        service.release()
        service.start(
            "web_0", "/bin/sh", "-c", 'exec gunicorn --config gunicorn.conf.py "app:from_environment()"'
        )
        wait_until_alive(service, address)
        links = re.findall(rf"{address}/first-admin/\S+", (tmp_path / "web_0.log").read_text())
        assert len(links) == 1
        assert "The first admin" in requests.get(links[0], timeout=30).text


def wait_until_alive(service: Service, address: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        service.check()
        try:
            requests.get(f"{address}/healthz", timeout=5)
            return
        except requests.RequestException:
            time.sleep(0.1)
    raise AssertionError(f"web did not start: {service.last_words('web_0')}")
