"""The small HTTP servers of the lab: loopback only, one thread a request, every body bounded."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from daemon.lab.listener import LOOPBACK, Listener

MAX_BODY = 5 * 1024 * 1024
_SILENT_PEER_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked."""

    method: str
    path: str
    query: dict[str, list[str]]
    content_type: str
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is answered."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


def json_answer(document: Any, status: int = 200) -> Answer:
    """`document` as JSON."""
    return Answer(status=status, body=json.dumps(document).encode())


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def server_bind(self) -> None:
        # The base class asks the name service for this machine's name, which can take seconds.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A peer that went away is no news."""


class HttpServer(Listener):
    """Answers with `respond` on a loopback port; port 0 takes any free one."""

    def __init__(self, name: str, port: int, respond: Callable[[Request], Answer]) -> None:
        super().__init__(name, port, lambda address: _Server(address, _handler(respond)))

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://{LOOPBACK}:{self.port}"


def _handler(respond: Callable[[Request], Answer]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _SILENT_PEER_S
        server_version = "lab"
        sys_version = ""

        def do_GET(self) -> None:
            self._answer(b"")

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not length.isdecimal() or int(length) > MAX_BODY:
                self._send(json_answer({"error": f"a body of up to {MAX_BODY} bytes with its length is needed"}, 413))
                return
            self._answer(self.rfile.read(int(length)))

        def _answer(self, body: bytes) -> None:
            parts = urlsplit(self.path)
            content_type = self.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            self._send(
                respond(
                    Request(
                        method=self.command,
                        path=parts.path,
                        query=parse_qs(parts.query),
                        content_type=content_type,
                        body=body,
                    )
                )
            )

        def _send(self, answer: Answer) -> None:
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class's spelling
            pass

    return Handler
