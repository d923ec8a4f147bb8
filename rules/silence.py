"""Silences, by the rules of Alertmanager: what people have asked not to be called for, and until when."""

import enum
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import msgspec

from rules.matchers import MAX_MATCHERS, Matcher, Matches, all_of, fault_of, matches_empty

KEPT = timedelta(hours=120)
"""How long an expired silence can still be seen: the default of Alertmanager's `--data.retention`."""

MAX_AUTHOR = 256
MAX_COMMENT = 4000
_SHOWN_COMMENT = 200
_SHOWN_ID = 8


class SilenceState(enum.StrEnum):
    """Where a silence stands at one moment."""

    PENDING = "pending"
    ACTIVE = "active"
    EXPIRED = "expired"


class Silence(msgspec.Struct, frozen=True, kw_only=True):
    """Alerts that meet all `matchers` call nobody from `starts_at` until `ends_at`. `id` is empty before it is kept."""

    id: str
    matchers: tuple[Matcher, ...]
    starts_at: datetime
    ends_at: datetime
    updated_at: datetime
    created_by: str
    comment: str

    def state_at(self, now: datetime) -> SilenceState:
        """Where it stands."""
        if now < self.starts_at:
            return SilenceState.PENDING
        return SilenceState.ACTIVE if now < self.ends_at else SilenceState.EXPIRED

    def is_kept_at(self, now: datetime) -> bool:
        """Whether it can still be seen."""
        return self.ends_at >= now - KEPT

    @property
    def short_id(self) -> str:
        """Enough of the id for people to tell silences apart."""
        return self.id[:_SHOWN_ID]

    @property
    def words(self) -> str:
        """Why people are not called, for reasons and timelines."""
        return f"silence {self.short_id} by {self.created_by}: {self.comment[:_SHOWN_COMMENT]}"


def wrong_with(silence: Silence, now: datetime) -> tuple[str, str] | None:
    """The field, in Alertmanager's spelling, that keeps a silence from being kept, and why; None where nothing does."""
    count = len(silence.matchers)
    if not 1 <= count <= MAX_MATCHERS:
        return "matchers", f"must be 1 to {MAX_MATCHERS}, not {count}"
    for index, matcher in enumerate(silence.matchers):
        if fault := fault_of(matcher):
            return f"matchers[{index}].{fault[0]}", fault[1]
    if all(matches_empty(matcher) for matcher in silence.matchers):
        return "matchers", "at least one must not match an alert without the label, else every alert is silenced"
    if silence.ends_at <= silence.starts_at:
        return "endsAt", "is not after startsAt"
    if silence.ends_at <= now:
        return "endsAt", "is in the past"
    for field, text, most in (
        ("createdBy", silence.created_by, MAX_AUTHOR),
        ("comment", silence.comment, MAX_COMMENT),
    ):
        if not text.strip() or len(text) > most:
            return field, f"must have 1 to {most} characters"
    return None


def listed(silences: Iterable[Silence], now: datetime) -> list[Silence]:
    """Those that can be seen, in Alertmanager's order: active ones by end, pending by start, expired latest first."""
    return sorted((s for s in silences if s.is_kept_at(now)), key=lambda s: _rank(s, now))


def _rank(silence: Silence, now: datetime) -> tuple[int, float, str]:
    match silence.state_at(now):
        case SilenceState.ACTIVE:
            return 0, silence.ends_at.timestamp(), silence.id
        case SilenceState.PENDING:
            return 1, silence.starts_at.timestamp(), silence.id
    return 2, -silence.ends_at.timestamp(), silence.id


def can_change(before: Silence, wanted: Silence, now: datetime) -> bool:
    """Whether `before` can become `wanted`; else it has to end and a new one begins. Alertmanager's `canUpdate`."""
    if set(before.matchers) != set(wanted.matchers):
        return False
    match before.state_at(now):
        case SilenceState.ACTIVE:
            is_same_start = int(wanted.starts_at.timestamp()) == int(before.starts_at.timestamp())
            return is_same_start and wanted.ends_at >= now
        case SilenceState.PENDING:
            return wanted.starts_at >= now
    return False


def ended(silence: Silence, now: datetime) -> Silence:
    """The silence, over from now on; one that is over already stays as it is."""
    if silence.state_at(now) is SilenceState.EXPIRED:
        return silence
    return msgspec.structs.replace(silence, starts_at=min(silence.starts_at, now), ends_at=now, updated_at=now)


class Silencer:
    """Finds those of some silences that match an alert, at a cost of its labels and not of all the silences."""

    def __init__(self, silences: Iterable[Silence]) -> None:
        self._by_pair: dict[tuple[str, str], list[tuple[Silence, Matches]]] = {}
        self._others: list[tuple[Silence, Matches]] = []
        for silence in silences:
            pairs = ((m.name, m.value) for m in silence.matchers if m.is_equal and m.value and not m.is_regex)
            pair = next(pairs, None)
            place = self._others if pair is None else self._by_pair.setdefault(pair, [])
            place.append((silence, all_of(silence.matchers)))

    def __bool__(self) -> bool:
        return bool(self._by_pair or self._others)

    def matching(self, labels: Mapping[str, str]) -> list[Silence]:
        """The silences that match, the one that ends last first."""
        near = (entry for pair in labels.items() for entry in self._by_pair.get(pair, ()))
        found = [silence for entries in (near, self._others) for silence, matches in entries if matches(labels)]
        return sorted(found, key=lambda s: (-s.ends_at.timestamp(), s.id))
