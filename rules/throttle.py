"""How many wrong passwords are too many. Pure: the failures so far and the time go in, how long to wait comes out."""

from collections.abc import Sequence
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=15)
"""Failures count for so long."""
MOST_PER_NAME = 5
MOST_PER_ADDRESS = 30
"""OWASP's authentication cheat sheet asks for a limit for each account rather than for each address alone; an address
may be an office with many people, hence more. Five in a quarter of an hour are 480 guesses a day: nothing against a
password of twelve characters, and a person who has forgotten theirs is not locked out for longer."""


def retry_at(failures: Sequence[datetime], most: int, now: datetime) -> datetime | None:
    """When the next attempt may be made, None for now. `failures` come in any order; old ones do not count."""
    recent = sorted(at for at in failures if now - at < WINDOW)
    return None if len(recent) < most else recent[-most] + WINDOW
