"""Signed links: whoever holds one may answer, for as long as it says, and nobody can make one up."""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from daemon.errors import BadLink

LONGEST = 1024
_MAC_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who is asked about which incident, until when. `link` is the key of the notice that asks; `by` who it went to."""

    link: str
    incident: int
    by: str
    expires_at: datetime


def token_of(key: bytes, asked: Asked) -> str:
    """The part of the address that stands for this: what is asked, and an HMAC-SHA-256 over it (RFC 2104)."""
    body = msgspec.json.encode((asked.link, asked.incident, asked.by, int(asked.expires_at.timestamp())))
    return f"{_text(body)}.{_text(_mac(key, body))}"


def read_token(key: bytes, token: str, now: datetime) -> Asked:
    """What a token stands for; BadLink in words for people where it was not made here, or its time is over."""
    body, _, mac = token.partition(".")
    try:
        if len(token) > LONGEST:
            raise ValueError("too long")
        said, signed = _bytes(body), _bytes(mac)
    except (ValueError, binascii.Error):
        raise BadLink("this link is not whole") from None
    if len(signed) != _MAC_BYTES or not hmac.compare_digest(_mac(key, said), signed):
        raise BadLink("this link was not made here")
    link, incident, by, expires_s = msgspec.json.decode(said, type=tuple[str, int, str, int])
    expires_at = datetime.fromtimestamp(expires_s, UTC)
    if now >= expires_at:
        raise BadLink(f"this link could be used until {expires_at:%Y-%m-%d %H:%M} UTC")
    return Asked(link=link, incident=incident, by=by, expires_at=expires_at)


def _mac(key: bytes, body: bytes) -> bytes:
    # The purpose goes in, so that the key could sign other things that never pass for this.
    return hmac.new(key, b"rating\0" + body, hashlib.sha256).digest()


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _bytes(text: str) -> bytes:
    data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if _text(data) != text:
        raise ValueError("not in the one form that it is written in")
    return data
