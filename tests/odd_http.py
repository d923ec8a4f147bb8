"""A real HTTP server on the loopback that answers exactly as a test says, odd ways included."""

import contextlib
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.fakes import QuietServer

Answer = Callable[[BaseHTTPRequestHandler], None]


def text(body: str | bytes, *, status: int = 200, kind: str = "application/json", **headers: str) -> Answer:
    """An ordinary answer; `headers` have their underscores as hyphens."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        data = body.encode() if isinstance(body, str) else body
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(data)

    return answer


@dataclass
class OddServer:
    """`answers` by path (without query); every request is kept in `requests` with its headers."""

    url: str
    answers: dict[str, Answer] = field(default_factory=dict)
    otherwise: Answer = field(default_factory=lambda: text("not found", status=404, kind="text/plain"))
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def silence(self, handler: BaseHTTPRequestHandler) -> None:
        """Take the request and say nothing until the test is over."""
        self.over.wait()

    def drip_body(self, handler: BaseHTTPRequestHandler) -> None:
        """Begin an answer and go on with a byte at a time, for ever."""
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.end_headers()
        with contextlib.suppress(OSError):
            while not self.over.wait(0.01):
                handler.wfile.write(b" ")

    def drip_headers(self, handler: BaseHTTPRequestHandler) -> None:
        """Never come to the end of the headers."""
        with contextlib.suppress(OSError):
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while not self.over.wait(0.01):
                handler.wfile.write(b"a")


@contextlib.contextmanager
def odd_server(context: ssl.SSLContext | None = None) -> Iterator[OddServer]:
    """Serve until the block ends; over TLS where a context is given."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            server.requests.append((self.path, dict(self.headers.items())))
            server.answers.get(path, server.otherwise)(self)

        def log_message(self, *_: Any) -> None:
            pass

    listener = QuietServer(("127.0.0.1", 0), Handler)
    if context is not None:
        listener.socket = context.wrap_socket(listener.socket, server_side=True, do_handshake_on_connect=False)
    scheme = "http" if context is None else "https"
    server = OddServer(url=f"{scheme}://127.0.0.1:{listener.server_address[1]}")
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        listener.shutdown()
        listener.server_close()
        thread.join()
