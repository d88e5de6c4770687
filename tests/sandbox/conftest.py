"""One sandbox for the whole run, reset to the demo world before each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from sandbox.server import Handle, serve
from tests.sandbox.clients import ConnectWise, Control, Received, Receiver, Xero
from tests.sandbox.qbo_client import Qbo, connect


@pytest.fixture(scope="session")
def handle() -> Iterator[Handle]:
    handle = serve()
    yield handle
    handle.close()


@pytest.fixture
def control(handle: Handle) -> Control:
    control = Control(handle.url)
    control("POST", "/reset", {"seed": "demo"})
    return control


@pytest.fixture
def xero(control: Control) -> Xero:
    control.organisation(limits={"minute": None, "concurrent": None, "day": None})
    return Xero(control.url)


@pytest.fixture
def qbo(control: Control) -> Qbo:
    return connect(control)


@pytest.fixture
def connectwise(control: Control) -> ConnectWise:
    return ConnectWise(control.url)


@pytest.fixture
def receiver() -> Iterator[Callable[..., Receiver]]:
    """Makes endpoints for callbacks and ends them after the test."""
    made: list[Receiver] = []

    def make(answer: Callable[[Received], int] = lambda _: 202) -> Receiver:
        made.append(Receiver(answer))
        return made[-1]

    yield make
    for one in made:
        one.close()
