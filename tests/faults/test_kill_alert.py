"""A worker killed while it tells an alert: the next tells it again. Twice is no harm here, never would be."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from sqlalchemy import select, update

from models.alert import Notice
from models.company import Company
from models.roles import EVERYWHERE
from tests.faults.conftest import Rig, wait_until
from tests.world import NOON
from workers.queues import LOOK_FOR_ALERTS, Bell


class Receiver:
    """A webhook that lets its first caller wait until somebody has killed it."""

    def __init__(self) -> None:
        self.told = 0
        self.killed = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(handler) -> None:
                handler.rfile.read(int(handler.headers["Content-Length"]))
                self.told += 1
                if self.killed.wait(60):
                    handler.send_response(200)
                    handler.send_header("Content-Length", "0")
                    handler.end_headers()

            def log_message(handler, *_arguments: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}/alerts"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.killed.set()
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@pytest.mark.one_database
def test_an_alert_whose_worker_is_killed_is_told_by_the_next(rig: Rig, receiver: Receiver) -> None:
    database = rig.journey.database
    rig.environ["ALERT_WEBHOOK_URL"] = receiver.address
    with database.write() as session:
        session.execute(update(Company).values(callback_id=1, callback_state="inactive"))
    worker = rig.start(sys.executable, "-m", "workers", "receipts")
    ring(rig)
    wait_until(lambda: receiver.told == 1)
    rig.kill(worker)
    receiver.killed.set()
    assert [notice.sent_at for notice in notices(rig)] == [None]
    with database.write() as session:  # its five minutes are over
        session.execute(update(Notice).values(due_at=NOON))
    rig.start(sys.executable, "-m", "workers", "receipts")
    ring(rig)
    wait_until(lambda: all(notice.sent_at for notice in notices(rig)))
    assert receiver.told == 2


def ring(rig: Rig) -> None:
    bell = Bell(rig.journey.wiring.redis)
    bell.answer(EVERYWHERE, job=LOOK_FOR_ALERTS)
    assert bell.ring(EVERYWHERE, job=LOOK_FOR_ALERTS)


def notices(rig: Rig) -> list[Notice]:
    with rig.journey.database.read() as session:
        return list(session.scalars(select(Notice)))
