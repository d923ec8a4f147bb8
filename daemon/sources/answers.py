"""Answers of monitoring servers, decoded into types; whatever is wrong with one is a `SourceDown`."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

import msgspec
import requests

from daemon.errors import SourceDown
from daemon.sources.http_session import BoundedSession, SourceRefused
from daemon.sources.texts import decode_json, parse_instant

T = TypeVar("T")


class Envelope(msgspec.Struct, frozen=True):
    """What Prometheus's HTTP API wraps around every answer."""

    status: str
    data: msgspec.Raw = msgspec.Raw(b"null")
    error: str | None = None
    warnings: list[str] | None = None


def get(session: BoundedSession, path: str, params: dict[str, str] | None = None) -> requests.Response:
    """GET one path of the source's server. Raises SourceDown."""
    return session.get(f"{session.base_url}{path}", params=params)


def decoded(session: BoundedSession, body: bytes, shape: type[T]) -> T:
    """The body as `shape`. Raises SourceDown that says how it differs."""
    try:
        return decode_json(body, shape)
    except msgspec.ValidationError as error:
        raise SourceDown(f"{session.host} answered in an unexpected shape: {error}") from None
    except msgspec.DecodeError:
        is_page = body.lstrip()[:1] == b"<"
        what = "a web page instead of data; is a login in front of it?" if is_page else "incomplete or broken JSON"
        raise SourceDown(f"{session.host} answered with {what}") from None


def unwrapped(session: BoundedSession, body: bytes, shape: type[T]) -> T:
    """The data inside Prometheus's envelope. Raises SourceDown also where the answer is an error or only a part."""
    envelope = decoded(session, body, Envelope)
    if envelope.status != "success":
        raise SourceDown(f"{session.host} answered with an error: {(envelope.error or envelope.status)[:500]}")
    if envelope.warnings:
        raise SourceDown(f"{session.host} answered only in part: {envelope.warnings[0][:500]}")
    return decoded(session, bytes(envelope.data), shape)


def stated_reason(refused: SourceRefused) -> str:
    """Why Prometheus says that it refused; empty where it was another that answered."""
    try:
        return (decode_json(refused.body, Envelope).error or "")[:500]
    except msgspec.DecodeError:
        return ""


def instant(session: BoundedSession, text: str | None) -> datetime | None:
    """A time in an answer. Raises SourceDown."""
    try:
        return parse_instant(text)
    except ValueError as error:
        raise SourceDown(f"{session.host} answered in an unexpected shape: a time {error}") from None


def server_time(response: requests.Response, otherwise: datetime) -> datetime:
    """The server's own clock as its answer carries it (whole seconds), so that skew of ours cannot mislead."""
    try:
        at = parsedate_to_datetime(response.headers.get("Date", ""))
    except (TypeError, ValueError):
        return otherwise
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
