"""A load generator in one thread: as fast as the answers come, or at a rate that waits for no answer.

Plain sockets and epoll, because the machine's cores are shared with what is measured.
"""

from __future__ import annotations

import select
import socket
import statistics
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

PATIENCE_SECONDS = 30.0
HEADERS_END = b"\r\n\r\n"
LENGTH = b"content-length:"


@dataclass
class Result:
    """What one round gave. `times` are seconds per answer."""

    seconds: float = 0.0
    times: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    @property
    def rate(self) -> float:
        return len(self.times) / self.seconds

    def milliseconds(self, percent: int) -> float:
        """The time within which so many percent of the answers came."""
        return statistics.quantiles(self.times, n=100, method="inclusive")[percent - 1] * 1000


@dataclass
class _Connection:
    socket: socket.socket
    sent_at: float = 0.0
    received: bytearray = field(default_factory=bytearray)

    def send(self, request: bytes) -> None:
        self.received.clear()
        self.sent_at = time.perf_counter()
        self.socket.sendall(request)

    def read(self) -> int | None:
        """The status of the answer when it is complete. Raises ConnectionError when the server hangs up."""
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("the server closed a connection in the middle of a round")
        self.received += data
        head, separator, body = self.received.partition(HEADERS_END)
        if not separator:
            return None
        length = int(head.lower().partition(LENGTH)[2].split(b"\r\n", 1)[0])
        return int(head[9:12]) if len(body) >= length else None


def post(path: str, body: bytes, **headers: str) -> bytes:
    """A request as bytes."""
    lines = [f"POST {path} HTTP/1.1", "Host: bench", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + HEADERS_END + body


def run(port: int, requests: Sequence[bytes], *, connections: int) -> Result:
    """Sends every request once, over so many kept-alive connections. Raises OSError."""
    result, waiting = Result(), iter(requests)
    poll, open_connections = select.epoll(), {}
    for _ in range(connections):
        one = _Connection(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS))
        one.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        open_connections[one.socket.fileno()] = one
        poll.register(one.socket, select.EPOLLIN)
    try:
        began = time.perf_counter()
        busy = sum(_send_next(one, waiting) for one in open_connections.values())
        while busy:
            for number in _readable(poll):
                busy -= _take_answer(open_connections[number], waiting, result)
        result.seconds = time.perf_counter() - began
    finally:
        poll.close()
        for one in open_connections.values():
            one.socket.close()
    return result


def run_at(port: int, requests: Sequence[bytes], *, rate: float, connections: int) -> Result:
    """Sends so many requests a second. Times count from when a request should have left, so that a server
    that stalls is charged for all that had to wait. Raises OSError."""
    result, poll, busy = Result(), select.epoll(), {}
    idle: deque[_Connection] = deque()
    for _ in range(connections):
        one = _Connection(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS))
        one.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        poll.register(one.socket, select.EPOLLIN)
        idle.append(one)
    sent, began = 0, time.perf_counter()
    try:
        while len(result.times) < len(requests):
            due = began + sent / rate
            while sent < len(requests) and idle and due <= time.perf_counter():
                one = idle.popleft()  # all in turn: one that rests is closed by the server
                one.send(requests[sent])
                one.sent_at, busy[one.socket.fileno()] = due, one
                sent += 1
                due = began + sent / rate
            pause = max(0.0, due - time.perf_counter()) if idle and sent < len(requests) else PATIENCE_SECONDS
            for number, _ in poll.poll(pause):
                status = busy[number].read()
                if status is None:
                    continue
                one = busy.pop(number)
                result.times.append(time.perf_counter() - one.sent_at)
                result.statuses[status] += 1
                idle.append(one)
        result.seconds = time.perf_counter() - began
    finally:
        poll.close()
        for one in (*idle, *busy.values()):
            one.socket.close()
    return result


def _readable(poll: select.epoll) -> list[int]:
    ready = poll.poll(PATIENCE_SECONDS)
    if not ready:
        raise TimeoutError(f"no answer for {PATIENCE_SECONDS:.0f} seconds")
    return [number for number, _ in ready]


def _send_next(one: _Connection, waiting: Iterator[bytes]) -> bool:
    request = next(waiting, None)
    if request is not None:
        one.send(request)
    return request is not None


def _take_answer(one: _Connection, waiting: Iterator[bytes], result: Result) -> int:
    """Notes the answer and sends the next request; 1 when this connection has nothing left to do."""
    status = one.read()
    if status is None:
        return 0
    result.times.append(time.perf_counter() - one.sent_at)
    result.statuses[status] += 1
    return 0 if _send_next(one, waiting) else 1
