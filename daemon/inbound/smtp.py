"""A door at which mail servers hand over mail. It takes what is for us and nothing else: it never relays.

Bounded in everything: connections, recipients, size, time. Whoever can reach the door can hand over a mail in any name,
so it listens on the loopback unless the owner says otherwise.
"""

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog
from aiosmtpd.smtp import SMTP, Session
from aiosmtpd.smtp import Envelope as SmtpEnvelope

from daemon.config.inbound import InboundSettings, SmtpSettings
from daemon.errors import DoorError, StoreError
from daemon.inbound.mail import LARGEST_MAIL, Envelope
from daemon.inbound.taking import Taken

_log = structlog.get_logger(__name__)
MOST_CONNECTIONS = 20
_MOST_RECIPIENTS = 20
_MOST_AT_ONCE = 4
_MOST_COMMANDS = 100
_SILENT_S = 60.0
_START_WITHIN_S = 10.0

Take = Callable[[bytes, Envelope | None], Taken]


class MailDoor:
    """Listens on one port, 0 for any free one, in a thread of its own."""

    def __init__(self, settings: SmtpSettings, inbound: InboundSettings, take: Take) -> None:
        self._settings = settings
        self._inbound = inbound
        self._take = take
        self._tls = _tls_of(settings)
        self._loop = asyncio.new_event_loop()
        self._pool = ThreadPoolExecutor(_MOST_AT_ONCE, thread_name_prefix="mail-in")
        self._thread: threading.Thread | None = None
        self._server: asyncio.Server | None = None
        self._talks = 0
        self._taking = 0

    @property
    def port(self) -> int:
        """Where it listens; known once it has been started."""
        return int(self._server.sockets[0].getsockname()[1]) if self._server is not None else self._settings.port

    def start(self) -> None:
        """Listen; DoorError where that cannot be."""
        self._thread = threading.Thread(target=self._loop.run_forever, name="mail-door", daemon=True)
        self._thread.start()
        settings = self._settings
        listening = self._loop.create_server(self._speaker, settings.host, settings.port)
        try:
            self._server = asyncio.run_coroutine_threadsafe(listening, self._loop).result(_START_WITHIN_S)
        except OSError as error:
            self.stop(_START_WITHIN_S)
            why = (error.strerror or "the system refuses").lower()
            raise DoorError(f"cannot take mail on {settings.host}:{settings.port}: {why}") from None

    def stop(self, within_s: float) -> None:
        """Take nothing more; what is being taken is waited for so long, and then comes again. Calling it again does
        nothing."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        try:
            asyncio.run_coroutine_threadsafe(self._closed(within_s), self._loop).result(within_s + 1)
        except TimeoutError:
            _log.warning("mail_door_hangs")
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._loop.call_soon_threadsafe(self._loop.stop)
        thread.join(1)
        if not thread.is_alive():
            self._loop.close()

    async def _closed(self, within_s: float) -> None:
        if self._server is not None:
            self._server.close()
        talks = asyncio.all_tasks() - {asyncio.current_task()}
        if talks and self._taking:
            await asyncio.wait(talks, timeout=within_s)
        for talk in talks:
            talk.cancel()
        await asyncio.gather(*talks, return_exceptions=True)

    def _speaker(self) -> SMTP:
        return _Speaker(
            self,
            loop=self._loop,
            tls_context=self._tls,
            require_starttls=self._settings.require_tls,
            data_size_limit=LARGEST_MAIL,
            command_call_limit=_MOST_COMMANDS,
            timeout=_SILENT_S,
            # Else DNS would be asked for it, which can take as long as it likes.
            hostname=socket.gethostname(),
            ident="incidentd",
        )

    def may_come_in(self) -> bool:
        """Count one more conversation; False where there are too many."""
        self._talks += 1
        return self._talks <= MOST_CONNECTIONS

    def gone(self) -> None:
        """Count one less."""
        self._talks -= 1

    async def handle_RCPT(  # noqa: N802  aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: SmtpEnvelope, address: str, _options: list[str]
    ) -> str:
        """Take only what is for us."""
        if not self._inbound.is_ours(address):
            return "550 5.7.1 mail for that address does not come in here"
        if len(envelope.rcpt_tos) >= _MOST_RECIPIENTS:
            return "452 4.5.3 too many recipients"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 fine"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: SmtpEnvelope) -> str:  # noqa: N802
        """Take a mail; it is durable before that is said."""
        raw = envelope.content if isinstance(envelope.content, bytes) else b""
        told = Envelope(
            # Of a bounce aiosmtpd gives the empty address with its brackets.
            sender=(envelope.mail_from or "").strip("<>"),
            recipients=tuple(address.lower() for address in envelope.rcpt_tos),
        )
        self._taking += 1
        try:
            taken = await self._loop.run_in_executor(self._pool, self._take, raw, told)
        except StoreError as error:
            _log.warning("mail_not_stored", error=str(error))
            return "451 4.3.0 it cannot be stored now, try again later"
        finally:
            self._taking -= 1
        return "554 5.6.0 it cannot be read" if taken.fate == "aside" else "250 2.0.0 taken"

    async def handle_exception(self, error: Exception) -> str:
        """Say nothing of what went wrong inside."""
        _log.error("mail_door_failed", error=type(error).__name__)
        return "451 4.3.0 something went wrong, try again later"


class _Speaker(SMTP):
    """One conversation; above the bound it ends before it begins."""

    def __init__(self, door: MailDoor, **options: Any) -> None:
        super().__init__(door, **options)
        self._door = door
        self._is_counted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, or go on after STARTTLS."""
        if not self._is_counted:
            self._is_counted = True
            if not self._door.may_come_in():
                self._refuse(transport)
                return
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """End."""
        if self._is_counted:
            self._is_counted = False
            self._door.gone()
        if self.transport is not None:
            super().connection_lost(error)

    def eof_received(self) -> bool | None:
        """Hear that the other side says nothing more."""
        return super().eof_received() if self.transport is not None else False

    def _refuse(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.WriteTransport):
            transport.write(b"421 4.7.0 too many connections, try again later\r\n")
        transport.close()


def _tls_of(settings: SmtpSettings) -> ssl.SSLContext | None:
    """DoorError where the certificate cannot be used."""
    if settings.cert_file is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(settings.cert_file, settings.key_file)
    except (OSError, ssl.SSLError) as error:
        raise DoorError(f"the certificate {settings.cert_file} cannot be used: {error.strerror}") from None
    return context
