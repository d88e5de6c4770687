"""How a web process leaves: it serves whoever has connected, then its socket closes and others get the rest.

gunicorn's own worker keeps its socket open until its last kept-alive connection is gone. As every process has
a socket of its own (`reuse_port`), the kernel goes on handing it connections meanwhile; nobody answers those,
and in the end they are reset: callbacks that ConnectWise would not send again.
"""

from __future__ import annotations

import socket

from gunicorn.workers.gthread import ThreadWorker


class Worker(ThreadWorker):  # type: ignore[misc]
    """A worker process with threads that stops listening as soon as it is told to go."""

    def set_accept_enabled(self, enabled: bool) -> None:
        super().set_accept_enabled(enabled)
        if not self.alive:
            for listener in self.sockets:
                self._take_all(listener)
                listener.close()

    def _take_all(self, listener: socket.socket) -> None:
        """Takes every connection that the kernel has already given to us."""
        taken = -1
        while taken != self.nr_conns:
            taken = self.nr_conns
            self.accept(listener)
