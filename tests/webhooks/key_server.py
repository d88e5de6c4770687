"""A ConnectWise site's key server on loopback, which can also misbehave in every way we must survive."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SIGNING_KEY = "test-signing-key"
ANSWER = b'{"signing_key": "test-signing-key"}'
PATH = "/v2025_1//system/callbackkey/index.rails"

Play = Callable[["_Connection"], None]


class KeyServer(ThreadingHTTPServer):
    """Answers with the key unless `play` says otherwise; keeps what it was asked, and by whom."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.play: Play = good
        self.fetches: list[tuple[str, dict[str, str]]] = []

    def key_url(self, *, company: str = "acme_f", key_id: str = "1") -> str:
        return f"{self.url}{PATH}?companyName={company}&id={key_id}"


class _Connection(BaseHTTPRequestHandler):
    server: KeyServer

    def do_GET(self) -> None:
        self.server.fetches.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
        try:
            self.server.play(self)
        except OSError:
            return

    def say(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


def good(connection: _Connection) -> None:
    connection.say(200, ANSWER)


def saying(status: int, body: bytes, **headers: str) -> Play:
    return lambda connection: connection.say(status, body, **headers)


def slow(connection: _Connection) -> None:
    """Right, but long after we stopped waiting."""
    time.sleep(2.0)
    good(connection)


def dripping(connection: _Connection) -> None:
    """Never silent for long, and never done."""
    connection.send_response(200)
    connection.send_header("Content-Length", "1000")
    connection.end_headers()
    for _ in range(100):
        connection.wfile.write(b" ")
        connection.wfile.flush()
        time.sleep(0.1)


@contextmanager
def serving() -> Iterator[KeyServer]:
    with KeyServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join(5)
