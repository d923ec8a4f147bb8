"""When to try again, and when a channel deserves a rest."""

import random
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from notifiers.settings import Rate

TRIPS_AFTER = 3
LONGEST_REST = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How hard a notice is tried.

    Waits double from `first` to `most`, each drawn anew between nothing and its full length ("full jitter": many
    senders that failed together do not come back together). A notice is given up `give_up_after` its decision, or
    after `attempts` tries where that is set; never before the third try, so that a daemon that was off for days
    still tries. After `fallback_after` failures another channel is asked to carry the word.
    """

    first: timedelta = timedelta(seconds=5)
    most: timedelta = timedelta(minutes=15)
    give_up_after: timedelta = timedelta(hours=24)
    attempts: int | None = None
    fallback_after: int = 4

    def wait(self, attempt: int, rng: random.Random, wish_s: float | None = None) -> timedelta:
        """How long to wait after the given failed attempt (from 1); never less than the channel's wish, or a second."""
        span = min(self.first * 2 ** min(attempt - 1, 30), self.most)
        drawn = timedelta(seconds=rng.uniform(0.0, span.total_seconds()))
        return max(drawn, timedelta(seconds=max(wish_s or 0.0, 1.0)))

    def is_spent(self, attempt: int, age: timedelta) -> bool:
        """Whether the given failed attempt was the last."""
        is_last = self.attempts is not None and attempt >= self.attempts
        return is_last or (attempt >= 3 and age >= self.give_up_after)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the owner allows one channel: so much in a time, and so many notices under way; None is no limit of its
    own."""

    rate: Rate | None = None
    concurrency: int | None = None


NO_LIMITS = Limits()


@dataclass(slots=True)
class Lane:
    """The state of one channel: how much is under way, and whether it rests after failing again and again.

    A channel that failed `TRIPS_AFTER` times in a row gets one notice at a time, and between two of them it rests,
    longer each time up to a minute. So a dead server costs neither threads nor the attempts of every waiting notice.
    """

    in_flight: int = 0
    failures: int = 0
    rests_until: datetime | None = None
    left_at: deque[datetime] = field(default_factory=deque)
    postponed: int = 0

    def is_resting(self, now: datetime) -> bool:
        """Whether it rests because it failed again and again."""
        return self.rests_until is not None and now < self.rests_until

    def is_full(self, now: datetime, width: int) -> bool:
        """Whether nothing more may be sent through it now."""
        if self.is_resting(now):
            return True
        return self.in_flight >= (1 if self.failures >= TRIPS_AFTER else width)

    def begins(self, now: datetime, rate: Rate | None) -> None:
        """One more is under way, which counts whatever comes of it."""
        self.in_flight += 1
        self.postponed = 0
        if rate is not None:
            self.left_at.append(now)
            while len(self.left_at) > rate.notices:
                self.left_at.popleft()

    def open_at(self, now: datetime, rate: Rate | None) -> datetime | None:
        """When one more may leave by its rate; None where that is now."""
        if rate is None or len(self.left_at) < rate.notices:
            return None
        opens = self.left_at[-rate.notices] + rate.within
        return opens if opens > now else None

    def turn_of_next(self, opens: datetime, rate: Rate) -> datetime:
        """When one that cannot leave before `opens` gets its turn: behind those that were told so before it."""
        turn = opens + self.postponed // rate.notices * rate.within
        self.postponed += 1
        return turn

    def succeeded(self) -> None:
        """The channel works: whatever was before is forgotten."""
        self.failures = 0
        self.rests_until = None

    def failed(self, now: datetime) -> None:
        """Something that may pass stood in the way."""
        self.failures += 1
        if self.failures >= TRIPS_AFTER:
            rest = timedelta(seconds=2) * 2 ** min(self.failures - TRIPS_AFTER, 10)
            self.rests_until = now + min(rest, LONGEST_REST)
