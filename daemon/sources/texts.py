"""Texts from outside made fit to keep: times, labels, links, and JSON with what senders get wrong."""

import json
import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,18})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_SURROGATES = re.compile("[\ud800-\udfff]")
_MAX_LINK = 8192


def decode_json(body: bytes, shape: type[T]) -> T:
    """Decode JSON into `shape`; texts with lone surrogates or broken UTF-8 get U+FFFD instead of being refused.

    Raises msgspec.ValidationError where the shape differs, msgspec.DecodeError where it is not JSON.
    """
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError:
        raise
    except RecursionError:
        raise msgspec.DecodeError("it is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return msgspec.json.decode(msgspec.json.encode(decode_leniently(body)), type=shape)


def decode_leniently(body: bytes) -> Any:
    """Any JSON as plain Python values, with U+FFFD where text cannot be Unicode. Raises msgspec.DecodeError."""
    try:
        return _scrub(json.loads(body.decode("utf-8", "replace")))
    except (ValueError, RecursionError) as error:
        raise msgspec.DecodeError("it is not JSON") from error


def _scrub(value: Any) -> Any:
    match value:
        case str():
            return _SURROGATES.sub("\ufffd", value)
        case list():
            return [_scrub(item) for item in value]
        case dict():
            return {_scrub(name): _scrub(item) for name, item in value.items()}
    return value


def parse_instant(text: str | None) -> datetime | None:
    """An RFC 3339 instant as aware UTC; None where it is absent, empty or Go's zero time (year 1).

    Digits beyond microseconds are cut off; a leap second counts as the second before. Raises ValueError.
    """
    if not text:
        return None
    if not _RFC3339.fullmatch(text):
        raise ValueError("is not an RFC 3339 time such as 2026-11-24T08:00:00Z")
    if text.startswith("0001-"):
        return None
    if text[17:19] == "60":
        text = f"{text[:17]}59{text[19:]}"
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError("is not a time of the calendar") from error


def clean_text(text: str) -> str:
    """The text without NUL, which PostgreSQL cannot store."""
    return text.replace("\0", "") if "\0" in text else text


def clean_labels(labels: Mapping[str, str], ignore: Collection[str]) -> dict[str, str]:
    """Labels that count for an alert's identity: neither empty (Prometheus's word for absent) nor ignored."""
    cleaned = {clean_text(name): clean_text(value) for name, value in labels.items()}
    return {name: value for name, value in cleaned.items() if name and value and name not in ignore}


def clean_link(url: str | None) -> str:
    """A link that is safe to show: http or https and of a bounded length, else empty."""
    if url and len(url) <= _MAX_LINK and url.lower().startswith(("http://", "https://")):
        return clean_text(url)
    return ""
