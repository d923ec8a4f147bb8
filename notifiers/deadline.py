"""An end to every conversation, however slowly the other side speaks."""

import contextlib
import socket
import threading
from types import TracebackType


class Deadline:
    """Cuts a connection once `seconds` have passed since the `with` block was entered.

    A socket's timeout bounds one read; a server that sends a byte now and then would hold a sender for ever. Give
    every socket to `watch` as soon as it is connected; `has_passed` then tells a cut connection from a broken one.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.has_passed = False
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> "Deadline":
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        with self._lock:
            sockets, self._sockets = self._sockets, []
        for sock in sockets:
            sock.close()

    def watch(self, sock: socket.socket) -> None:
        """Cut this plain connection when the time is up, or at once where it is up already.

        A duplicate is kept: wrapping a socket in TLS takes its descriptor away, and the handshake must end too.
        """
        with self._lock:
            self._sockets.append(sock.dup())
            if self.has_passed:
                self._cut_all()

    def _cut(self) -> None:
        with self._lock:
            self.has_passed = True
            self._cut_all()

    def _cut_all(self) -> None:
        for sock in self._sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
