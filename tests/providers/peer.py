"""A peer on loopback that plays one script per connection: real sockets, for what only sockets can show."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Script = Callable[[socket.socket], None]


@contextmanager
def peer(script: Script) -> Iterator[str]:
    """The address of a server that reads a request's beginning, then does as the script says."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)
        thread = threading.Thread(target=_serve, args=(listener, script))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            thread.join(timeout=5)


@contextmanager
def deaf_peer() -> Iterator[str]:
    """An address where connections are never accepted, because the waiting room is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        waiting = [socket.socket() for _ in range(3)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(address)
        yield f"http://127.0.0.1:{address[1]}"
        for each in waiting:
            each.close()


def closed_address() -> str:
    """An address where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


def answering(raw: bytes) -> Script:
    return lambda connection: connection.sendall(raw)


def hanging_up(connection: socket.socket) -> None:
    """Closes without a word, after the request arrived."""


def silent(connection: socket.socket) -> None:
    """Keeps the connection and says nothing until the other side gives up."""
    connection.settimeout(3)
    connection.recv(1)


def _serve(listener: socket.socket, script: Script) -> None:
    try:
        connection, _ = listener.accept()
    except TimeoutError:
        return
    with connection:
        connection.settimeout(3)
        connection.recv(64 * 1024)
        try:
            script(connection)
        except OSError:
            return
