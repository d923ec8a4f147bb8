"""Notices to the many services that Apprise knows."""

import hashlib
import re
import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import unquote

import msgspec

from notifiers.apprise_settings import REFUSED_SCHEMES, AppriseSettings, scheme_of
from notifiers.apprise_worker import Kind, Order, Outcome
from notifiers.base import Message, Receipt, secrets_of
from notifiers.chat_text import calling_nobody, facts_of, headline_of
from notifiers.errors import SendError
from notifiers.http_client import RETRYABLE
from notifiers.reached import Reached
from notifiers.secret import Secret
from notifiers.settings import deadline_s
from notifiers.wording import one_line, without

MIN_PIECE_CHARS = 4
START_S = 15.0
"""Loading Apprise takes a second or two, more on a machine that is busy."""

_HTTP_ERROR = re.compile(r"error=(\d{3})")
_HOW = {
    "failed": "did not take it",
    "unknown": "is of no kind that Apprise knows, or not whole",
    "late": "did not finish within {deadline:g} s",
    "endless": "answered without end",
}


class AppriseChannel:
    """Sends in a process of its own, anew for every notice.

    Apprise reads answers without bound, cannot be stopped, and throttles each instance; a process can be ended, and
    starts without the proxies, logins and home of the daemon's environment. What some services have taken goes to the
    others only when it is tried again.
    """

    def __init__(self, settings: AppriseSettings) -> None:
        if settings.ca_file is not None:
            settings.ca_file.read_bytes()  # to hear now that it cannot be read
        self._settings = settings
        self._deadline_s = deadline_s(settings.timeout)
        self._reached = Reached()

    @property
    def name(self) -> str:
        """The notifier's name in the configuration."""
        return self._settings.name

    @property
    def longest_s(self) -> float:
        """How long one `send` can take at most, in seconds."""
        return START_S + self._deadline_s

    def send(self, message: Message) -> Receipt:
        """Send to all that are meant; SendError where any of them has not got it, saying how many have."""
        urls = self._meant(message)
        done = self._reached.by(message.key)
        left = [url for url in urls if _mark(url) not in done]
        outcomes = self._outcomes(left, message)
        failed = [(url, outcome) for url, outcome in zip(left, outcomes, strict=True) if outcome.how != "sent"]
        if failed:
            missed = {_mark(url) for url, _ in failed}
            self._reached.add(message.key, {_mark(url) for url in left} - missed)
            raise self._failure(urls, failed, secrets_of(message))
        self._reached.forget(message.key)
        return Receipt()

    def _meant(self, message: Message) -> tuple[Secret, ...]:
        person = message.content.recipient
        if person is None or not person.address:
            return self._settings.urls
        url = dict(self._settings.targets).get(person.address)
        if url is None:
            raise SendError(f"{self.name} has no target of the name that {person.id} has", permanent=True)
        return (url,)

    def _outcomes(self, urls: list[Secret], message: Message) -> list[Outcome]:
        order = Order(
            urls=tuple(url.reveal() for url in urls),
            title=calling_nobody(headline_of(message)),
            body=calling_nobody(_body(message)),
            kind=_kind(message),
            timeout_s=self._settings.timeout.total_seconds(),
            deadline_s=self._deadline_s,
            refused=tuple(sorted(REFUSED_SCHEMES)),
        )
        answer = self._run(msgspec.json.encode(order))
        try:
            return msgspec.json.decode(answer, type=list[Outcome])
        except msgspec.DecodeError:
            raise SendError("Apprise ended without a word", permanent=False) from None

    def _run(self, order: bytes) -> bytes:
        env = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LANG": "C.UTF-8"}
        if self._settings.ca_file is not None:
            env |= dict.fromkeys(("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"), str(self._settings.ca_file.absolute()))
        try:
            # Secrets go through a pipe: arguments and environment can be seen by others.
            done = subprocess.run(
                [sys.executable, "-I", "-m", "notifiers.apprise_worker"],
                input=order,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=env,
                cwd="/",
                timeout=self.longest_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise SendError(f"Apprise did not finish within {self.longest_s:g} s", permanent=False) from None
        except OSError as error:
            raise SendError(f"Apprise cannot be started ({error.strerror})", permanent=False) from None
        return done.stdout

    def _failure(
        self, urls: tuple[Secret, ...], failed: list[tuple[Secret, Outcome]], secrets: tuple[Secret, ...]
    ) -> SendError:
        words = "; ".join(self._words(urls.index(url) + 1, url, outcome, secrets) for url, outcome in failed[:3])
        more = f" and {len(failed) - 3} more" if len(failed) > 3 else ""
        reached = f"; {len(urls) - len(failed)} of {len(urls)} have it" if len(urls) > 1 else ""
        return SendError(f"{words}{more}{reached}", permanent=all(_is_final(outcome) for _, outcome in failed))

    def _words(self, number: int, url: Secret, outcome: Outcome, secrets: tuple[Secret, ...]) -> str:
        how = _HOW[outcome.how].format(deadline=self._deadline_s)
        said = one_line(without(outcome.words, (*secrets, url, *_pieces(url))), 100)
        return f"{scheme_of(url.reveal())} (address {number}) {how}{': ' + said if said else ''}"


def _body(message: Message) -> str:
    actions = "\n".join(f"{one_line(action.label, 60)}: {action.url}" for action in message.actions)
    return "\n".join(part for part in (facts_of(message), actions) if part) or headline_of(message)


def _pieces(url: Secret) -> Iterator[Secret]:
    """All of an address that may be a secret by itself, which with Apprise can be any part of it."""
    rest = url.reveal().partition("://")[2]
    pieces = {piece for part in re.split(r"[/?&=:@,]+", rest) for piece in (part, unquote(part))}
    yield from (Secret(piece) for piece in sorted(pieces, key=len, reverse=True) if len(piece) >= MIN_PIECE_CHARS)


def _kind(message: Message) -> Kind:
    """The word by which services choose colour and sound."""
    incident = message.content.incident
    if incident is None:
        return "info"
    if incident.status in ("resolved", "closed", "merged", "converted"):
        return "success"
    return "failure" if incident.priority in ("P1", "P2") else "warning"


def _is_final(outcome: Outcome) -> bool:
    if outcome.how == "unknown":
        return True
    codes = [int(code) for code in _HTTP_ERROR.findall(outcome.words)]
    return bool(codes) and all(300 <= code < 500 and code not in RETRYABLE for code in codes)


def _mark(url: Secret) -> str:
    """What an address is remembered by."""
    return hashlib.sha256(url.reveal().encode("utf-8", "replace")).hexdigest()
