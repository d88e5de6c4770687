"""The pretend providers, one for the whole folder; each test starts in a fresh demo world."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from sandbox.server import Handle, serve


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[Handle]:
    handle = serve(port=0)
    yield handle
    handle.close()


@pytest.fixture
def sandbox(running_sandbox: Handle) -> Handle:
    requests.post(
        f"{running_sandbox.url}/_sandbox/reset", json={"seed": "demo"}, timeout=10
    ).raise_for_status()
    return running_sandbox
