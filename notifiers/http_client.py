"""One HTTP server, spoken to with care: bounded in time and size, without redirects, proxies or secrets in errors."""

import contextlib
import ssl
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import ReadTimeoutError

from notifiers.deadline import Deadline
from notifiers.errors import SendError
from notifiers.secret import Secret
from notifiers.settings import deadline_s
from notifiers.web import WatchedAdapter
from notifiers.wording import one_line, without

CONNECT_TIMEOUT_S = 5.0
MAX_ANSWER_BYTES = 65_536
MAX_RETRY_AFTER_S = 3600.0
MIN_SECRET_CHARS = 8

# RFC 9110 section 15.5: 408 asks for the request again; RFC 8470: 425 too early; RFC 6585: 429 too many.
RETRYABLE = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a server said: at most the first 64 KiB of its body, and its wish for another try as the header has it."""

    status: int
    body: bytes
    retry_after: str

    @property
    def is_taken(self) -> bool:
        """Whether the status is one of success."""
        return 200 <= self.status < 300


class HttpClient:
    """Talks to the server at `url`, whose address may hold a token.

    Redirects are refused: the body would go where the owner never said. Nothing of the environment (proxies, .netrc)
    counts. `timeout` bounds each wait; a whole talk, however many requests it has, ends after `longest_s` seconds.
    What is in `secrets` is taken out of every error, also in encoded forms. `ca_file` (PEM) replaces the usual
    certificate authorities; OSError where it cannot be read.
    """

    def __init__(
        self, url: Secret, *, timeout: timedelta, ca_file: Path | None = None, secrets: Iterable[Secret | None] = ()
    ) -> None:
        if ca_file is not None:
            ssl.create_default_context(cafile=ca_file)  # to hear now that it cannot be read
        self.where = _where(url.reveal())
        self.longest_s = deadline_s(timeout)
        self.timeout_s = timeout.total_seconds()
        self.verify = str(ca_file) if ca_file else True
        self._secrets = (url, *_parts(url.reveal()), *secrets)

    @contextlib.contextmanager
    def talk(self, secrets: Iterable[Secret] = ()) -> Iterator["Talk"]:
        """One deadline, and as a rule one connection, for all that is asked until the block ends. `secrets` are more of
        them, which are told to the server in this talk."""
        with Deadline(self.longest_s) as deadline, requests.Session() as session:
            session.trust_env = False
            adapter = WatchedAdapter(deadline)
            session.mount("http://", adapter)
            session.mount("https://", adapter)
            yield Talk(self, session, deadline, (*self._secrets, *secrets))


class Talk:
    """Requests under one deadline."""

    def __init__(
        self, client: HttpClient, session: requests.Session, deadline: Deadline, secrets: tuple[Secret | None, ...]
    ) -> None:
        self._client = client
        self._session = session
        self._deadline = deadline
        self._secrets = secrets

    def ask(
        self, url: str, body: bytes | None, headers: Mapping[str, str], *, method: str = "POST", reads: bool = True
    ) -> Answer:
        """One request. SendError where there is no answer; with `reads` also where its body breaks off.

        Without, the body of a success is left unread: nothing in it counts.
        """
        try:
            return self._ask(url, body, headers, method, reads)
        except (OSError, ValueError) as error:
            raise self._failed(error) from None

    def refusal(self, answer: Answer, now: datetime) -> SendError:
        """Why an answer that is no success is none, whether another try can help, and when the server wants it."""
        code = answer.status
        if 300 <= code < 400:
            return SendError(
                f"{self._client.where} answered {code}, a redirect; redirects are not followed, set the final address",
                permanent=True,
            )
        words = self.clean(answer.body.decode("utf-8", "replace"))
        return SendError(
            f"{self._client.where} answered {code}{': ' + words if words else ''}",
            permanent=code < 500 and code not in RETRYABLE,
            retry_after_s=retry_after_s(answer.retry_after, now),
        )

    def clean(self, text: str) -> str:
        """The first words of what a server said: secrets go before anything is cut, or half of one would stay."""
        return one_line(without(text, self._secrets), 200)

    def _ask(self, url: str, body: bytes | None, headers: Mapping[str, str], method: str, reads: bool) -> Answer:
        client = self._client
        answer = self._session.request(
            method,
            url,
            data=body,
            headers={**headers, "User-Agent": "incidentd", "Accept-Encoding": "identity"},
            timeout=(min(CONNECT_TIMEOUT_S, client.timeout_s), client.timeout_s),
            allow_redirects=False,
            stream=True,
            verify=client.verify,
        )
        with contextlib.closing(answer):
            self._check_time()
            is_taken = 200 <= answer.status_code < 300
            body = b"" if is_taken and not reads else self._read(answer, is_needed=is_taken)
            return Answer(status=answer.status_code, body=body, retry_after=answer.headers.get("Retry-After", ""))

    def _read(self, answer: requests.Response, *, is_needed: bool) -> bytes:
        # The status of a refusal is known and is what counts, whatever becomes of its body.
        try:
            read = answer.raw.read(MAX_ANSWER_BYTES, decode_content=False)
        except ReadTimeoutError:
            if is_needed:
                raise requests.ReadTimeout from None
            return b""
        except Exception as error:  # noqa: BLE001  urllib3 and http.client have many ways to fail
            if is_needed:
                raise requests.ConnectionError(error) from None
            return b""
        if is_needed:
            self._check_time()
        return bytes(read)

    def _check_time(self) -> None:
        # http.client takes a cut connection for the end of the headers or the body.
        if self._deadline.has_passed:
            raise TimeoutError

    def _failed(self, error: Exception) -> SendError:
        # Never the library's own text: it holds the whole address.
        where, deadline = self._client.where, self._deadline
        if deadline.has_passed:
            return SendError(f"{where} did not finish within {deadline.seconds:g} s", permanent=False)
        if isinstance(error, requests.exceptions.SSLError):
            return SendError(f"{where} has a certificate that cannot be trusted", permanent=False)
        if isinstance(error, requests.Timeout):
            return SendError(f"{where} did not answer within {self._client.timeout_s:g} s", permanent=False)
        if isinstance(error, requests.ConnectionError):
            return SendError(f"{where} cannot be reached or broke off ({_cause(error)})", permanent=False)
        if isinstance(error, ValueError):  # requests' own words for an address or header that cannot be sent
            return SendError(f"the request to {where} cannot be made; check url and headers", permanent=True)
        return SendError(f"{where} did not take it ({_cause(error)})", permanent=False)


def retry_after_s(value: str, now: datetime) -> float | None:
    """Seconds to wait by a Retry-After header (RFC 9110 section 10.2.3), 0 to an hour; None where it says nothing."""
    value = value.strip()
    if value.isascii() and value.isdigit():
        return min(float(value[:9]), MAX_RETRY_AFTER_S)
    try:
        at = parsedate_to_datetime(value)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return min(max((at - now).total_seconds(), 0.0), MAX_RETRY_AFTER_S)


def _where(url: str) -> str:
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://[{host}]{port}" if ":" in host else f"{parts.scheme}://{host}{port}"


def _parts(url: str) -> Iterator[Secret]:
    """What of an address may be a secret by itself: a server names its own path when it complains."""
    parts = urlsplit(url)
    pieces = (parts.password or "", parts.path, parts.query, *parts.path.split("/"), *parts.query.split("&"))
    values = (piece.partition("=")[2] for piece in parts.query.split("&"))
    yield from (Secret(piece) for piece in (*pieces, *values) if len(piece) >= MIN_SECRET_CHARS)


def _cause(error: BaseException) -> str:
    """The system's word at the bottom of an error, such as `Connection refused`; libraries bury it deep."""
    seen: list[BaseException] = []
    queue: list[object] = [error]
    while queue and len(seen) < 20:
        one = queue.pop(0)
        if isinstance(one, BaseException) and one not in seen:
            seen.append(one)
            if isinstance(one, OSError) and one.strerror:
                return str(one.strerror)
            queue += [*one.args, getattr(one, "reason", None), one.__cause__, one.__context__]
    return "no answer"
