"""The far ends of notifiers: small real servers on the loopback, and a channel that does as it is told."""

import asyncio
import contextlib
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from notifiers.base import Message, Receipt
from notifiers.errors import SendError

LOOPBACK = "127.0.0.1"
WITHIN_S = 60.0
"""Patience with threads: only a broken run ever waits so long."""


class QuietServer(ThreadingHTTPServer):
    """An HTTP server for tests, in which clients that hang up are part of what is tested."""

    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Say nothing of it."""


@dataclass(frozen=True)
class Post:
    """One request as it came, at a moment of the monotonic clock in seconds."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float


@dataclass
class Hook:
    """An HTTP server that keeps what it is sent and answers with `status`, `headers` and `body`, or as `program` says,
    which makes a status, headers and a body of each request."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: Callable[[Post], bytes] = lambda post: b"ok"
    program: Callable[[Post], tuple[int, dict[str, str], bytes]] | None = None
    posts: list[Post] = field(default_factory=list)
    origin: str = ""
    url: str = ""


@contextlib.contextmanager
def hook(tls: ssl.SSLContext | None = None) -> Iterator[Hook]:
    """Serve until the block ends."""
    state = Hook()

    class Handler(BaseHTTPRequestHandler):
        def _take(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            headers = {k.lower(): v for k, v in self.headers.items()}
            post = Post(self.command, self.path, headers, body, time.monotonic())
            state.posts.append(post)
            status, headers, said = state.status, state.headers, b""
            if state.program is not None:
                status, headers, said = state.program(post)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(said if state.program is not None else state.body(post))

        def do_POST(self) -> None:
            self._take()

        def do_PUT(self) -> None:
            self._take()

        def do_GET(self) -> None:  # as which a followed redirect would come
            self._take()

        def log_message(self, *_: Any) -> None:
            pass

    listener = QuietServer((LOOPBACK, 0), Handler)
    if tls is not None:
        listener.socket = tls.wrap_socket(listener.socket, server_side=True, do_handshake_on_connect=False)
    state.origin = f"http{'s' if tls else ''}://{LOOPBACK}:{listener.server_address[1]}"
    state.url = f"{state.origin}/in/token-in-the-path"
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()


@dataclass
class PostOffice:
    """A mail server that keeps what it is given. `answer` is its word on the mail, `refuses` on single recipients."""

    answer: str = "250 taken"
    refuses: dict[str, str] = field(default_factory=dict)
    letters: list[EmailMessage] = field(default_factory=list)
    recipients: list[tuple[str, ...]] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)
    accepts_login: bool = True
    port: int = 0

    async def handle_RCPT(  # noqa: N802  aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take or refuse one recipient."""
        if address in self.refuses:
            return self.refuses[address]
        envelope.rcpt_tos.append(address)
        return "250 fine"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take or refuse the mail."""
        if self.answer.startswith("250"):
            content = envelope.content
            assert isinstance(content, bytes)
            letter = message_from_bytes(content, policy=policy.default)
            assert isinstance(letter, EmailMessage)
            self.letters.append(letter)
            self.recipients.append(tuple(envelope.rcpt_tos))
        return self.answer

    def judge(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        """Take or refuse a login."""
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=self.accepts_login, handled=False)


@contextlib.contextmanager
def post_office(
    *, starttls: ssl.SSLContext | None = None, implicit: ssl.SSLContext | None = None
) -> Iterator[PostOffice]:
    """Serve until the block ends; over TLS where a context is given."""
    office = PostOffice()
    loop = asyncio.new_event_loop()

    def speaker() -> SMTP:
        return SMTP(office, loop=loop, tls_context=starttls, authenticator=office.judge, auth_require_tls=False)

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    serving = asyncio.run_coroutine_threadsafe(loop.create_server(speaker, LOOPBACK, 0, ssl=implicit), loop)
    server = serving.result(WITHIN_S)
    office.port = server.sockets[0].getsockname()[1]
    try:
        yield office
    finally:
        asyncio.run_coroutine_threadsafe(_closed(server), loop).result(WITHIN_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _closed(server: asyncio.Server) -> None:
    server.close()
    talks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in talks:
        task.cancel()
    await asyncio.gather(*talks, return_exceptions=True)


@contextlib.contextmanager
def odd_peer(talk: Callable[[socket.socket, threading.Event], None]) -> Iterator[int]:
    """A TCP server that hands every connection to `talk` with an event that is set at the end; yields its port."""
    over = threading.Event()
    with socket.create_server((LOOPBACK, 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while not over.is_set():
                    connection, _ = listener.accept()
                    threading.Thread(target=one, args=(connection,), daemon=True).start()

        def one(connection: socket.socket) -> None:
            with connection, contextlib.suppress(OSError):
                talk(connection, over)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        over.set()
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def silent(connection: socket.socket, over: threading.Event) -> None:
    """Say nothing at all."""
    over.wait()


def dripping(connection: socket.socket, over: threading.Event) -> None:
    """Begin an answer that both protocols could go on reading for ever."""
    connection.sendall(b"220-")
    while not over.wait(0.01):
        connection.sendall(b"2")


def dripping_http(connection: socket.socket, over: threading.Event) -> None:
    """Never come to the end of the headers."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not over.wait(0.01):
        connection.sendall(b"a")


def resetting(connection: socket.socket, over: threading.Event) -> None:
    """Break off with a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        return int(listener.getsockname()[1])


class ToldChannel:
    """A channel that keeps what it is given and fails, or waits, as told.

    `faults` are raised one after another, then everything is taken. While `gate` is cleared every send waits for it.
    """

    def __init__(self, name: str, *faults: SendError | Exception, longest_s: float = 1.0) -> None:
        self.name = name
        self.longest_s = longest_s
        self.sent: list[Message] = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered: queue.Queue[str] = queue.Queue()
        self._faults = list(faults)

    def send(self, message: Message) -> Receipt:
        """Keep the message or fail as told."""
        self.entered.put(message.key)
        assert self.gate.wait(WITHIN_S)
        if self._faults:
            raise self._faults.pop(0)
        self.sent.append(message)
        return Receipt(ref=message.anchor or f"{self.name}-{len(self.sent)}")

    @property
    def keys(self) -> list[str]:
        """The keys of what was taken."""
        return [message.key for message in self.sent]
