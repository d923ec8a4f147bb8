"""Lengths of time as people write them."""

import re
from datetime import timedelta

EXAMPLES = "a whole number with a unit, as in 15s, 2m, 1h30m or 3d"

_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_PART = re.compile(r"([0-9]{1,9})(ms|[smhdw])", re.ASCII)
_WHOLE = re.compile(
    r"(?:[0-9]{1,9}w)?(?:[0-9]{1,9}d)?(?:[0-9]{1,9}h)?(?:[0-9]{1,9}m)?(?:[0-9]{1,9}s)?(?:[0-9]{1,9}ms)?", re.ASCII
)
LONGEST = timedelta(days=3650)


def parse_duration(text: str) -> timedelta:
    """The length that `text` means, in Prometheus's notation: units w, d, h, m, s, ms, the greatest first.

    Raises ValueError with one sentence where it means none, or more than ten years.
    """
    if not text or not _WHOLE.fullmatch(text):
        raise ValueError(f"{_quoted(text)} is not a length of time")
    length = timedelta()
    for number, unit in _PART.findall(text):
        length += min(int(number) * _UNITS[unit], LONGEST + timedelta(days=1))
    if length > LONGEST:
        raise ValueError(f"{_quoted(text)} is longer than ten years")
    return length


def write_duration(length: timedelta) -> str:
    """The shortest text that `parse_duration` reads as `length`; exact to the millisecond."""
    left = round(length / timedelta(milliseconds=1))
    parts = []
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def _quoted(text: str) -> str:
    return f'"{text[:40]}"'
