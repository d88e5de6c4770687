"""The HTTP side: a threaded HTTP/1.1 server that can also hang up without answering."""

from __future__ import annotations

import socket
import socketserver
import sys
import threading
import traceback
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from sandbox.app import App
from sandbox.web import Reply, Request, json_reply

BODY_LIMIT = 32 * 1024 * 1024


class _Connection(BaseHTTPRequestHandler):
    """One client connection, kept alive between requests."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def _serve(self) -> None:
        try:
            reply = self._answer()
        except Exception:  # the sandbox's own bug: say so, and go on serving
            traceback.print_exc(file=sys.stderr)
            reply = json_reply({"sandbox_error": traceback.format_exc(limit=-1)}, status=500)
        if reply.cut:
            self._hang_up()
        else:
            self._send(reply)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve

    def _answer(self) -> Reply:
        if "chunked" in (self.headers.get("Transfer-Encoding") or "").lower():
            self.close_connection = True
            return json_reply(
                {"message": "send Content-Length; chunked bodies are not read here"}, status=411
            )
        length = int(self.headers.get("Content-Length") or 0)
        if length > BODY_LIMIT:
            self.close_connection = True
            return json_reply({"message": f"bodies are limited to {BODY_LIMIT} bytes"}, status=413)
        body = self.rfile.read(length) if length else b""
        if len(body) < length:  # the client died while sending: half a request is none
            return Reply(cut=True)
        path, _, query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        return self.server.app.answer(Request(self.command, path, query, headers, body, self.server.origin))

    def _send(self, reply: Reply) -> None:
        body = b"" if reply.status == 204 else reply.body
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        # One write for head and body: two small packets would wait for each other's acknowledgement.
        buffer: list[bytes] = self._headers_buffer  # type: ignore[attr-defined]
        buffer.append(b"\r\n")
        if self.command != "HEAD":
            buffer.append(body)
        self.flush_headers()

    def _hang_up(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: Any) -> None:
        """Stay quiet: the journal tells what was called."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def __init__(self, address: tuple[str, int], app: App) -> None:
        super().__init__(address, _Connection)
        self.app = app
        self.origin = ""
        self._open: set[socket.socket] = set()

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)  # HTTPServer would look its own name up in the DNS
        self.server_name, self.server_port = self.server_address[0], int(self.server_address[1])  # type: ignore

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""

    def hang_up_all(self) -> None:
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


@dataclass
class Handle:
    """A running sandbox."""

    url: str
    app: App
    _server: _Server
    _thread: threading.Thread

    def close(self) -> None:
        """Stop listening, hang up on everybody, end the delivery of callbacks."""
        self._server.shutdown()
        self._server.server_close()
        self._server.hang_up_all()
        self.app.close()
        self._thread.join(timeout=5)


def serve(
    *, port: int = 0, host: str = "127.0.0.1", seed: str = "demo", public_url: str | None = None
) -> Handle:
    """A sandbox answering in background threads; port 0 takes a free one. Raises OSError for a taken port."""
    app = App()
    server = _Server((host, port), app)
    url = f"http://{host}:{server.server_address[1]}"
    server.origin = public_url.rstrip("/") if public_url else url
    app.start(origin=server.origin, seed=seed)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    return Handle(url, app, server, thread)
