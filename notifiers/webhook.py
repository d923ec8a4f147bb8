"""Notices as signed HTTP POSTs to a program."""

import base64
import binascii
import contextlib
import hashlib
import hmac
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import quote, urlsplit

import msgspec
import requests

from notifiers.base import Message, Receipt
from notifiers.deadline import Deadline
from notifiers.errors import SendError
from notifiers.secret import Secret
from notifiers.settings import WebhookSettings, deadline_s
from notifiers.web import WatchedAdapter
from notifiers.wording import one_line, without
from rules.document import NoticeContent

CONNECT_TIMEOUT_S = 5.0
MAX_ANSWER_BYTES = 65_536
MAX_RETRY_AFTER_S = 3600.0
MIN_SECRET_CHARS = 8

# RFC 9110 section 15.5: 408 asks for the request again; RFC 8470: 425 too early; RFC 6585: 429 too many.
_RETRYABLE = frozenset({408, 425, 429})


class WebhookChannel:
    """Posts the notice as JSON; any 2xx answer means it was taken.

    Every request carries the notice's `Idempotency-Key`, and where there is a secret two signatures:
    `X-Incidentd-Signature: sha256=<hex HMAC-SHA-256 of the body>` and the Standard Webhooks headers, whose signature
    covers id and time too. Redirects are refused: the body would go where the owner never said.
    """

    def __init__(self, settings: WebhookSettings) -> None:
        self._settings = settings
        if settings.ca_file is not None:
            ssl.create_default_context(cafile=settings.ca_file)  # to hear now that it cannot be read
        self._where = _where(settings.url.reveal())
        self._deadline_s = deadline_s(settings.timeout)
        self._secrets = (
            settings.url,
            settings.secret,
            settings.bearer_token,
            *_parts(settings.url.reveal()),
            *(value for _, value in settings.headers),
        )

    @property
    def name(self) -> str:
        """The notifier's name in the configuration."""
        return self._settings.name

    @property
    def longest_s(self) -> float:
        """How long one `send` can take at most, in seconds."""
        return self._deadline_s

    def send(self, message: Message) -> Receipt:
        """POST once; SendError says whether another try can help and when the server wants it."""
        body = encode(message.content)
        with Deadline(self._deadline_s) as deadline:
            try:
                self._post(body, message, deadline)
            except (OSError, ValueError) as error:
                raise self._failed(error, deadline) from None
        return Receipt()

    def _post(self, body: bytes, message: Message, deadline: Deadline) -> None:
        timeout_s = self._settings.timeout.total_seconds()
        with requests.Session() as session:
            session.trust_env = False
            session.mount("http://", WatchedAdapter(deadline))
            session.mount("https://", WatchedAdapter(deadline))
            answer = session.post(
                self._settings.url.reveal(),
                data=body,
                headers=self._headers(body, message),
                timeout=(min(CONNECT_TIMEOUT_S, timeout_s), timeout_s),
                allow_redirects=False,
                stream=True,
                verify=str(self._settings.ca_file) if self._settings.ca_file else True,
            )
            with contextlib.closing(answer):
                # http.client takes a cut connection for the end of the headers.
                if deadline.has_passed:
                    raise TimeoutError
                self._judge(answer, message.sent_at)

    def _headers(self, body: bytes, message: Message) -> dict[str, str]:
        settings = self._settings
        identity = "msg_" + hashlib.sha256(message.key.encode("utf-8", "replace")).hexdigest()[:32]
        stamp = str(int(message.sent_at.timestamp()))
        headers = {name: value.reveal() for name, value in settings.headers}
        if settings.bearer_token:
            headers["Authorization"] = f"Bearer {settings.bearer_token.reveal()}"
        headers |= {
            "Content-Type": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "incidentd",
            "Idempotency-Key": quote(message.key, safe=":/@._-+,;=()[] "),
            "webhook-id": identity,
            "webhook-timestamp": stamp,
        }
        if settings.secret:
            headers["X-Incidentd-Signature"] = f"sha256={_hmac(settings.secret.reveal().encode(), body).hex()}"
            signed = f"{identity}.{stamp}.".encode() + body
            signature = base64.b64encode(_hmac(_standard_key(settings.secret), signed)).decode()
            headers["webhook-signature"] = f"v1,{signature}"
        return headers

    def _judge(self, answer: requests.Response, now: datetime) -> None:
        code = answer.status_code
        if 200 <= code < 300:
            return
        if 300 <= code < 400:
            raise SendError(
                f"{self._where} answered {code}, a redirect; redirects are not followed, set the final address",
                permanent=True,
            )
        said = self._said(answer)
        raise SendError(
            f"{self._where} answered {code}{said}",
            permanent=code < 500 and code not in _RETRYABLE,
            retry_after_s=retry_after_s(answer.headers.get("Retry-After", ""), now),
        )

    def _said(self, answer: requests.Response) -> str:
        """The first words of an answer: secrets are taken out before anything is cut, or half of one would stay."""
        try:
            raw = answer.raw.read(MAX_ANSWER_BYTES, decode_content=False)
        except Exception:  # noqa: BLE001  the status is known and is what counts, whatever becomes of the body
            return ""
        words = one_line(without(raw.decode("utf-8", "replace"), self._secrets), 200)
        return f": {words}" if words else ""

    def _failed(self, error: Exception, deadline: Deadline) -> SendError:
        # Never the library's own text: it holds the whole address.
        if deadline.has_passed:
            return SendError(f"{self._where} did not finish within {deadline.seconds:g} s", permanent=False)
        if isinstance(error, requests.exceptions.SSLError):
            return SendError(f"{self._where} has a certificate that cannot be trusted", permanent=False)
        if isinstance(error, requests.Timeout):
            wait_s = self._settings.timeout.total_seconds()
            return SendError(f"{self._where} did not answer within {wait_s:g} s", permanent=False)
        if isinstance(error, requests.ConnectionError):
            return SendError(f"{self._where} cannot be reached or broke off ({_cause(error)})", permanent=False)
        if isinstance(error, ValueError):  # requests' own words for an address or header that cannot be sent
            return SendError(f"the request to {self._where} cannot be made; check url and headers", permanent=True)
        return SendError(f"{self._where} did not take it ({_cause(error)})", permanent=False)


_WHERE_THERE_IS_ONE = ("source", "recipient", "change", "summary", "language", "why", "next_word_at")


def encode(content: NoticeContent) -> bytes:
    """The body as promised in the documentation; what goes beyond an incident and its news is there only where there
    is such a thing, and the audience where it is not operators."""
    fields = msgspec.structs.asdict(content)
    for name in _WHERE_THERE_IS_ONE:
        if not fields[name]:
            del fields[name]
    if content.audience == "operator":
        del fields["audience"]
    if not fields.pop("asks_rating"):
        del fields["rating_url"]
    try:
        return msgspec.json.encode(fields)
    except UnicodeEncodeError:
        raise SendError("the notice holds text that is not Unicode", permanent=True) from None


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


def _hmac(key: bytes, body: bytes) -> bytes:
    return hmac.new(key, body, hashlib.sha256).digest()


def _standard_key(secret: Secret) -> bytes:
    """Standard Webhooks writes keys as `whsec_` and base64; any other secret is taken as it is."""
    text = secret.reveal()
    if text.startswith("whsec_"):
        with contextlib.suppress(binascii.Error, ValueError):
            return base64.b64decode(text.removeprefix("whsec_"), validate=True)
    return text.encode()


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
