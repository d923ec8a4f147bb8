"""Notices as signed HTTP POSTs to a program."""

import base64
import binascii
import contextlib
import hashlib
import hmac
from urllib.parse import quote

import msgspec

from notifiers.base import Message, Receipt, secrets_of
from notifiers.errors import SendError
from notifiers.http_client import HttpClient
from notifiers.secret import Secret
from notifiers.settings import WebhookSettings
from rules.document import NoticeContent


class WebhookChannel:
    """Posts the notice as JSON; any 2xx answer means it was taken.

    Every request carries the notice's `Idempotency-Key`, and where there is a secret two signatures:
    `X-Incidentd-Signature: sha256=<hex HMAC-SHA-256 of the body>` and the Standard Webhooks headers, whose signature
    covers id and time too. Redirects are refused: the body would go where the owner never said.
    """

    def __init__(self, settings: WebhookSettings) -> None:
        self._settings = settings
        self._client = HttpClient(
            settings.url,
            timeout=settings.timeout,
            ca_file=settings.ca_file,
            secrets=(settings.secret, settings.bearer_token, *(value for _, value in settings.headers)),
        )

    @property
    def name(self) -> str:
        """The notifier's name in the configuration."""
        return self._settings.name

    @property
    def longest_s(self) -> float:
        """How long one `send` can take at most, in seconds."""
        return self._client.longest_s

    def send(self, message: Message) -> Receipt:
        """POST once; SendError says whether another try can help and when the server wants it."""
        body = encode(message.content)
        with self._client.talk(secrets_of(message)) as talk:
            answer = talk.ask(self._settings.url.reveal(), body, self._headers(body, message), reads=False)
            if not answer.is_taken:
                raise talk.refusal(answer, message.sent_at)
        return Receipt()

    def _headers(self, body: bytes, message: Message) -> dict[str, str]:
        settings = self._settings
        identity = "msg_" + hashlib.sha256(message.key.encode("utf-8", "replace")).hexdigest()[:32]
        stamp = str(int(message.sent_at.timestamp()))
        headers = {name: value.reveal() for name, value in settings.headers}
        if settings.bearer_token:
            headers["Authorization"] = f"Bearer {settings.bearer_token.reveal()}"
        headers |= {
            "Content-Type": "application/json",
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


_WHERE_THERE_IS_ONE = (
    "source",
    "recipient",
    "change",
    "summary",
    "language",
    "why",
    "next_word_at",
    "names",
    "root_name",
)


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


def _hmac(key: bytes, body: bytes) -> bytes:
    return hmac.new(key, body, hashlib.sha256).digest()


def _standard_key(secret: Secret) -> bytes:
    """Standard Webhooks writes keys as `whsec_` and base64; any other secret is taken as it is."""
    text = secret.reveal()
    if text.startswith("whsec_"):
        with contextlib.suppress(binascii.Error, ValueError):
            return base64.b64decode(text.removeprefix("whsec_"), validate=True)
    return text.encode()
