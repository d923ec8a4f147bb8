"""Signed links and addresses: whoever holds one may do what it is for, and nobody can make one up.

Each has a purpose that is signed with it, so that a link for one thing never passes for another.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from daemon.errors import BadLink

LONGEST = 1024
_MAC_BYTES = 32
_REPLY_NUMBER_BYTES = 5
# 80 bits, of which nobody can try many: a wrong one costs them a mail.
_REPLY_MAC_BYTES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who is asked about which incident, until when. `link` is the key of the notice that asks; `by` who it went to."""

    link: str
    incident: int
    by: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ActAsked:
    """What may be done to which incident, by whom, until when.

    `link` is the key of the notice that offers it, `verb` a word of `rules.decision.Verb`, `by` the id of a person, or
    the name of a notifier where nobody in particular was told.
    """

    link: str
    incident: int
    verb: str
    by: str
    expires_at: datetime


def token_of(key: bytes, asked: Asked) -> str:
    """The part of the address that stands for this: what is asked, and an HMAC-SHA-256 over it (RFC 2104)."""
    return _signed(key, "rating", (asked.link, asked.incident, asked.by, int(asked.expires_at.timestamp())))


def read_token(key: bytes, token: str, now: datetime) -> Asked:
    """What a token stands for; BadLink in words for people where it was not made here, or its time is over."""
    link, incident, by, expires_s = _opened(key, "rating", token, tuple[str, int, str, int])
    return Asked(link=link, incident=incident, by=by, expires_at=_before(expires_s, now))


def act_token(key: bytes, asked: ActAsked) -> str:
    """As `token_of`, for something to be done."""
    body = (asked.link, asked.incident, asked.verb, asked.by, int(asked.expires_at.timestamp()))
    return _signed(key, "act", body)


def read_act_token(key: bytes, token: str, now: datetime) -> ActAsked:
    """As `read_token`, for something to be done."""
    link, incident, verb, by, expires_s = _opened(key, "act", token, tuple[str, int, str, str, int])
    return ActAsked(link=link, incident=incident, verb=verb, by=by, expires_at=_before(expires_s, now))


def reply_token(key: bytes, incident: int, by: str) -> str:
    """24 small letters and digits for a mail address: answers to it are about this incident, and `by` was written to.

    It lasts as long as `by` is known; mail systems may change the case of it.
    """
    number = incident.to_bytes(_REPLY_NUMBER_BYTES)
    return base64.b32encode(number + _reply_mac(key, number, by)).decode("ascii").lower()


def read_reply_token(key: bytes, token: str, known: Iterable[str]) -> tuple[int, str]:
    """The incident, and who of those `known` was written to; BadLink where it was none of them."""
    try:
        said = base64.b32decode(token[:LONGEST].upper())
    except ValueError:
        raise BadLink("this address is not whole") from None
    number, mac = said[:_REPLY_NUMBER_BYTES], said[_REPLY_NUMBER_BYTES:]
    # The name is not in the token, which keeps it short whatever people are called.
    for by in known:
        if hmac.compare_digest(_reply_mac(key, number, by), mac):
            return int.from_bytes(number), by
    raise BadLink("this address was not made here, or for somebody who is not known any more")


def _reply_mac(key: bytes, number: bytes, by: str) -> bytes:
    return _mac(key, "reply", number + by.encode("utf-8", "replace"))[:_REPLY_MAC_BYTES]


def _signed(key: bytes, purpose: str, said: tuple[object, ...]) -> str:
    body = msgspec.json.encode(said)
    return f"{_text(body)}.{_text(_mac(key, purpose, body))}"


def _opened(key: bytes, purpose: str, token: str, shape: Any) -> Any:
    body, _, mac = token.partition(".")
    try:
        if len(token) > LONGEST:
            raise ValueError("too long")
        said, signed = _bytes(body), _bytes(mac)
    except (ValueError, binascii.Error):
        raise BadLink("this link is not whole") from None
    if len(signed) != _MAC_BYTES or not hmac.compare_digest(_mac(key, purpose, said), signed):
        raise BadLink("this link was not made here")
    return msgspec.json.decode(said, type=shape)


def _before(expires_s: int, now: datetime) -> datetime:
    """The end of a link's time; BadLink where that is over."""
    expires_at = datetime.fromtimestamp(expires_s, UTC)
    if now >= expires_at:
        raise BadLink(f"this link could be used until {expires_at:%Y-%m-%d %H:%M} UTC")
    return expires_at


def _mac(key: bytes, purpose: str, body: bytes) -> bytes:
    return hmac.new(key, purpose.encode() + b"\0" + body, hashlib.sha256).digest()


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _bytes(text: str) -> bytes:
    data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if _text(data) != text:
        raise ValueError("not in the one form that it is written in")
    return data
