"""The HTTP server inside the daemon: uvicorn in a thread, started and stopped in bounded time."""

import contextlib
import errno
import os
import socket
import threading
from collections.abc import MutableMapping
from typing import Any

import uvicorn

from rules.errors import IncidentdError

GRACE_S = 5
_START_WITHIN_S = 30.0
_MAX_CONNECTIONS = 2000
_FIRST_INHERITED_FD = 3


class ServerError(IncidentdError):
    """The HTTP server cannot listen or start."""


class HttpServer:
    """Serves an ASGI application on `host` and `port` (0 takes any free one), or on the sockets that systemd
    hands over, in a thread of its own."""

    def __init__(self, app: Any, host: str, port: int, *, grace_s: int = GRACE_S) -> None:
        self._host = host
        self._port = port
        self._grace_s = grace_s
        self._sockets: list[socket.socket] = []
        self._thread: threading.Thread | None = None
        self._server = _Server(
            uvicorn.Config(
                app,
                http="h11",
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                limit_concurrency=_MAX_CONNECTIONS,
                timeout_keep_alive=75,
                timeout_graceful_shutdown=grace_s,
            )
        )

    @property
    def address(self) -> str:
        """`http://host:port` of the first socket; known once it has been started."""
        name = self._sockets[0].getsockname()
        if not isinstance(name, tuple):
            return f"unix:{name}"
        host = f"[{name[0]}]" if ":" in name[0] else name[0]
        return f"http://{host}:{name[1]}"

    def start(self) -> None:
        """Listen and serve. Raises ServerError in one sentence where that cannot be."""
        self._sockets = inherited_sockets(os.environ) or [_listen(self._host, self._port)]
        for sock in self._sockets:
            answer_at_once(sock)
        self._thread = threading.Thread(target=self._serve, name="http", daemon=True)
        self._thread.start()
        if not self._server.is_settled.wait(_START_WITHIN_S) or not self._server.started:
            self.stop()
            raise ServerError("the HTTP server did not start; the log says why")

    def stop(self) -> None:
        """Let requests under way end for `grace_s` seconds, then cut them off. Calling it again does nothing."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._server.should_exit = True
        thread.join(self._grace_s + 2)
        if thread.is_alive():
            self._server.force_exit = True
            thread.join(2)
        for sock in self._sockets:
            with contextlib.suppress(OSError):
                sock.close()

    def _serve(self) -> None:
        try:
            self._server.run(sockets=self._sockets)
        except SystemExit:
            pass  # uvicorn's way to say that the application did not start
        finally:
            self._server.is_settled.set()


class _Server(uvicorn.Server):
    """Says when it is ready."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_settled = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_settled.set()


def inherited_sockets(environment: MutableMapping[str, str]) -> list[socket.socket]:
    """The listening sockets that systemd passed to this very process; they are taken once only."""
    pid, count = environment.get("LISTEN_PID", ""), environment.get("LISTEN_FDS", "")
    if pid != str(os.getpid()) or not count.isdecimal():
        return []
    for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"):
        environment.pop(name, None)
    taken = []
    for number in range(_FIRST_INHERITED_FD, _FIRST_INHERITED_FD + int(count)):
        try:
            sock = socket.socket(fileno=number)
        except OSError as error:
            raise ServerError(f"descriptor {number}, handed over by systemd, is no socket") from error
        sock.set_inheritable(False)
        taken.append(sock)
    return taken


def answer_at_once(sock: socket.socket) -> None:
    """Send small answers as soon as they are written. Head and body are two writes, and the second would wait for the
    client to acknowledge the first, 40 ms as a rule. Connections have it from the socket that takes them; asyncio sets
    it only where the socket names its protocol."""
    if sock.family in (socket.AF_INET, socket.AF_INET6):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _listen(host: str, port: int) -> socket.socket:
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        return socket.create_server((host, port), family=family, backlog=2048)
    except socket.gaierror as error:
        raise ServerError(f"cannot listen on {where}: the name cannot be resolved") from error
    except OSError as error:
        raise ServerError(f"cannot listen on {where}: {_reason(error)}") from error


def _reason(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "another program listens there already"
    return (error.strerror or "the system refuses").lower()
