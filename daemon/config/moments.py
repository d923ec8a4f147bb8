"""Moments as people write them."""

import re
from datetime import UTC, datetime

from daemon.config.durations import parse_duration

EXAMPLES = "2026-11-24T08:00:00Z, Unix seconds, now, or a time ago as in 2h or 3d"
_UNIX = re.compile(r"[0-9]{10}(\.[0-9]{1,9})?", re.ASCII)


def parse_moment(text: str, now: datetime) -> datetime:
    """The moment that `text` means, in UTC: RFC 3339, ten digits of Unix seconds, `now`, or how long before `now`.

    Raises ValueError with one sentence where it means none.
    """
    if text == "now":
        return now
    if _UNIX.fullmatch(text):
        return datetime.fromtimestamp(float(text), UTC)
    try:
        return now - parse_duration(text)
    except ValueError:
        pass
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f'"{text[:40]}" is not a moment') from None
    if at.tzinfo is None:
        raise ValueError(f'"{text[:40]}" has no time zone')
    return at.astimezone(UTC)
