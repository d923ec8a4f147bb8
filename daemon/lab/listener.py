"""A socket server of the lab: on the loopback only, on a thread of its own."""

import threading
from collections.abc import Callable
from socketserver import TCPServer

from daemon.lab.errors import LabError

LOOPBACK = "127.0.0.1"


class Listener:
    """Serves what `make` builds for an address on port `port` (0: any free one). LabError where that is taken."""

    def __init__(self, name: str, port: int, make: Callable[[tuple[str, int]], TCPServer]) -> None:
        self.name = name
        try:
            self._server = make((LOOPBACK, port))
        except OSError as error:
            raise LabError(f"{name} cannot listen on port {port}: {error.strerror}") from error
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name=name, daemon=True)

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Answer no more."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join(5)
        self._server.server_close()
