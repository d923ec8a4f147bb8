"""A mail server that takes everything and delivers nothing: enough of RFC 5321 for a client to hand over a mail."""

import socketserver
from collections.abc import Callable
from contextlib import suppress

from daemon.lab.listener import Listener

MAX_LINE = 2048
MAX_MAIL = 5 * 1024 * 1024
_MAX_RECIPIENTS = 100
_MAX_COMMANDS = 1000
_SILENT_PEER_S = 30.0


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A peer that went away is no news."""


class SmtpSink(Listener):
    """Listens on a loopback port (0: any free one) and hands each mail to `deliver(recipients, raw)`."""

    def __init__(self, port: int, deliver: Callable[[list[str], bytes], None]) -> None:
        class Handler(_Session):
            hand_over = staticmethod(deliver)

        super().__init__("the lab's mail catcher", port, lambda address: _Server(address, Handler))


class _Session(socketserver.StreamRequestHandler):
    """One connection, from greeting to QUIT."""

    timeout = _SILENT_PEER_S
    hand_over: Callable[[list[str], bytes], None]

    def setup(self) -> None:
        super().setup()
        self._sender: str | None = None
        self._recipients: list[str] = []

    def handle(self) -> None:
        with suppress(OSError):
            self._say("220 lab ready")
            for _ in range(_MAX_COMMANDS):
                line = self.rfile.readline(MAX_LINE)
                if not line.endswith(b"\n"):
                    return
                verb, _, rest = line.decode("utf-8", "replace").strip().partition(" ")
                if not self._obey(verb.upper(), rest):
                    return

    def _say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")

    def _obey(self, verb: str, rest: str) -> bool:
        """Do what one command asks; False ends the session."""
        match verb:
            case "EHLO":
                self._say(f"250-lab\r\n250-SIZE {MAX_MAIL}\r\n250-SMTPUTF8\r\n250 8BITMIME")
            case "HELO" | "NOOP":
                self._say("250 lab")
            case "RSET":
                self._forget()
                self._say("250 forgotten")
            case "MAIL":
                self._forget()
                self._sender = _address(rest)
                self._say("250 go on")
            case "RCPT" if self._sender is None:
                self._say("503 say MAIL first")
            case "RCPT" if len(self._recipients) >= _MAX_RECIPIENTS:
                self._say("452 too many recipients")
            case "RCPT":
                self._recipients.append(_address(rest))
                self._say("250 go on")
            case "DATA":
                return self._take_mail()
            case "QUIT":
                self._say("221 bye")
                return False
            case _:
                self._say("502 not understood")
        return True

    def _take_mail(self) -> bool:
        if not self._recipients:
            self._say("503 say RCPT first")
            return True
        self._say("354 end with a line that holds a single dot")
        raw = bytearray()
        while (line := self.rfile.readline(MAX_LINE)) != b".\r\n":
            if not line or len(raw) > MAX_MAIL:
                return False
            raw += line[1:] if line.startswith(b"..") else line
        self.hand_over(self._recipients, bytes(raw))
        self._forget()
        self._say("250 taken")
        return True

    def _forget(self) -> None:
        self._sender = None
        self._recipients = []


def _address(rest: str) -> str:
    """The address in `TO:<someone@example.org> …`."""
    return rest.partition("<")[2].partition(">")[0]
