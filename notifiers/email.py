"""Notices as mail, one thread per incident."""

import smtplib
import socket
import ssl
from email.message import EmailMessage

from notifiers.base import Message, Receipt
from notifiers.deadline import Deadline
from notifiers.errors import SendError
from notifiers.letter import address_of, compose, recipients_of
from notifiers.reached import Reached
from notifiers.settings import EmailSettings, deadline_s
from notifiers.wording import one_line, without


class EmailChannel:
    """Hands each notice to one mail server, in one conversation for all recipients.

    TLS is verified, and never silently left out: a server that does not offer STARTTLS is an error unless the owner
    wrote `tls: none`. A notice that calls one person goes to their own address only. Where a server takes some
    recipients and refuses others, the next try goes to the others only.
    """

    def __init__(self, settings: EmailSettings) -> None:
        self._settings = settings
        self._where = f"mail server {settings.host}:{settings.port}"
        self._deadline_s = deadline_s(settings.timeout)
        self._from = address_of(settings.sender).addr_spec
        self._tls = ssl.create_default_context(cafile=settings.ca_file)
        self._reached = Reached()

    @property
    def name(self) -> str:
        """The notifier's name in the configuration."""
        return self._settings.name

    @property
    def longest_s(self) -> float:
        """How long one `send` can take at most, in seconds."""
        return self._deadline_s

    def send(self, message: Message) -> Receipt:
        """Hand the mail over once; a 4yz answer is worth another try, a 5yz answer is final (RFC 5321 4.2.1)."""
        letter = compose(message, self._settings)
        done, everybody = self._reached.by(message.key), self._recipients(message)
        rest = tuple(r for r in everybody if r not in done)
        refused = self._handed_over(letter, rest)
        if refused:
            self._reached.add(message.key, set(rest) - set(refused))
            raise self._refusal(refused, len(everybody))
        self._reached.forget(message.key)
        return Receipt()

    def post(self, letter: EmailMessage, recipient: str) -> None:
        """Hand over, once, a mail that is no notice; SendError."""
        if refused := self._handed_over(letter, (recipient,)):
            raise self._refusal(refused, 1)

    def _handed_over(self, letter: EmailMessage, recipients: tuple[str, ...]) -> dict[str, tuple[int, bytes]]:
        with Deadline(self._deadline_s) as deadline:
            try:
                return self._hand_over(letter, recipients, deadline)
            except (OSError, smtplib.SMTPException, ValueError) as error:
                raise self._failed(error, deadline) from None

    def _recipients(self, message: Message) -> tuple[str, ...]:
        """The bare addresses: the person's own where one is called, else those that the owner set."""
        return tuple(dict.fromkeys(address_of(r).addr_spec for r in recipients_of(message, self._settings)))

    def _hand_over(
        self, letter: EmailMessage, recipients: tuple[str, ...], deadline: Deadline
    ) -> dict[str, tuple[int, bytes]]:
        """Speak SMTP; returns who was refused, with the server's words, when at least one was not."""
        settings = self._settings
        server = self._connect(deadline)
        try:
            if settings.tls == "starttls":
                server.starttls(context=self._tls)
            if settings.username and settings.password:
                _log_in(server, settings.username, settings.password.reveal())
            try:
                refused = server.sendmail(self._from, recipients, letter.as_bytes())
            except smtplib.SMTPRecipientsRefused as error:
                refused = error.recipients
            _part(server)
        finally:
            server.close()
        return refused

    def _connect(self, deadline: Deadline) -> smtplib.SMTP:
        settings = self._settings
        timeout_s = settings.timeout.total_seconds()
        # The own name is given, because smtplib would ask DNS for it, which can take as long as it likes.
        own_name = socket.gethostname() if "." in socket.gethostname() else "[127.0.0.1]"
        server = (
            _SmtpTls(local_hostname=own_name, timeout=timeout_s, context=self._tls)
            if settings.tls == "implicit"
            else _Smtp(local_hostname=own_name, timeout=timeout_s)
        )
        server.aim(settings.host, deadline)
        try:
            code, words = server.connect(settings.host, settings.port)
        except BaseException:
            server.close()
            raise
        if code != 220:
            server.close()
            raise smtplib.SMTPConnectError(code, words)
        return server

    def _failed(self, error: Exception, deadline: Deadline) -> SendError:
        where = self._where
        if deadline.has_passed:
            return SendError(f"{where} did not finish within {deadline.seconds:g} s", permanent=False)
        if isinstance(error, smtplib.SMTPAuthenticationError):
            # Without the server's words: some repeat what they were sent.
            return SendError(f"{where} refused the login with {error.smtp_code}", permanent=_is_final(error.smtp_code))
        if isinstance(error, smtplib.SMTPResponseException):
            said = self._said(error.smtp_code, error.smtp_error)
            return SendError(f"{where} answered {said}", permanent=_is_final(error.smtp_code))
        if isinstance(error, smtplib.SMTPNotSupportedError):
            return SendError(f"{where} does not offer what tls or username ask for", permanent=True)
        if isinstance(error, ssl.SSLError):
            return SendError(f"{where} offers no TLS that can be trusted ({_tls_words(error)})", permanent=False)
        if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
            wait_s = self._settings.timeout.total_seconds()
            return SendError(f"{where} did not answer within {wait_s:g} s", permanent=False)
        if isinstance(error, smtplib.SMTPServerDisconnected):
            return SendError(f"{where} broke off", permanent=False)
        if isinstance(error, OSError):
            return SendError(f"{where} cannot be reached ({error.strerror or 'no answer'})", permanent=False)
        return SendError(f"the mail for {where} cannot be made; check from, to and username", permanent=True)

    def _refusal(self, refused: dict[str, tuple[int, bytes]], count: int) -> SendError:
        words = "; ".join(f"{who}: {self._said(*answer)}" for who, answer in sorted(refused.items())[:3])
        more = f" and {len(refused) - 3} more" if len(refused) > 3 else ""
        taken = count - len(refused)
        others = f"; {taken} of {count} have it" if taken else ""
        is_final = all(_is_final(code) for code, _ in refused.values())
        return SendError(f"{self._where} refused {words}{more}{others}", permanent=is_final)

    def _said(self, code: int, words: bytes | str) -> str:
        text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
        return f"{code} {one_line(without(text, (self._settings.password,)), 150)}".rstrip()


class _Smtp(smtplib.SMTP):
    """smtplib's client, connected in a second step, so that the deadline knows the socket before the first word."""

    _deadline: Deadline

    def aim(self, host: str, deadline: Deadline) -> None:
        """Say which host the certificate must name and what cuts the connection."""
        self._host = host
        self._deadline = deadline

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        sock = socket.create_connection((host, port), timeout)
        self._deadline.watch(sock)
        return sock


class _SmtpTls(smtplib.SMTP_SSL, _Smtp):
    """The same over TLS from the first byte: SMTP_SSL wraps the socket that the class after it makes."""


def _log_in(server: smtplib.SMTP, username: str, password: str) -> None:
    """Log in once, by the first way that both know; smtplib's own login repeats a wrong password in every way."""
    server.ehlo_or_helo_if_needed()
    offered = server.esmtp_features.get("auth", "").upper().split()
    server.user, server.password = username, password
    if "PLAIN" in offered:
        server.auth("PLAIN", server.auth_plain)
    elif "LOGIN" in offered:
        server.auth("LOGIN", server.auth_login)
    elif "CRAM-MD5" in offered:
        server.auth("CRAM-MD5", server.auth_cram_md5)
    else:
        raise smtplib.SMTPNotSupportedError("no way to log in that both sides know")


def _part(server: smtplib.SMTP) -> None:
    """Say goodbye; the mail is taken by now, so nothing that goes wrong here matters."""
    try:
        server.quit()
    except (OSError, smtplib.SMTPException):
        return


def _is_final(code: int) -> bool:
    return 500 <= code < 600


def _tls_words(error: ssl.SSLError) -> str:
    return one_line(str(getattr(error, "verify_message", "") or error.reason or "handshake failed"), 120)
