"""What monitoring says: sightings of alerts, and the episodes made of them."""

import enum
import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec


class Severity(enum.IntEnum):
    """The source's word reduced to three ranks; it is evidence, never our priority."""

    INFO = 0
    WARNING = 1
    CRITICAL = 2


_SEVERITY_WORDS = {
    **dict.fromkeys(("info", "informational", "information", "none", "debug", "notice", "ok"), Severity.INFO),
    **dict.fromkeys(("warning", "warn", "minor", "low"), Severity.WARNING),
}


def severity_of(labels: Mapping[str, str]) -> Severity:
    """Rank of the `severity` label; an absent or unknown word counts as critical, so that nothing is overlooked."""
    return _SEVERITY_WORDS.get(labels.get("severity", "").strip().lower(), Severity.CRITICAL)


def fingerprint_of(labels: Mapping[str, str]) -> str:
    """Identity of an alert: 16 hex digits over its sorted label pairs."""
    text = "\xff".join(f"{name}\xfe{labels[name]}" for name in sorted(labels))
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest()


class Sighting(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One source's word about one alert at one moment.

    `starts_at` is aware UTC and is the source's own claim, or the moment it was heard of where `is_start_known` is
    false: then it never stands for another episode of an alert that fires already. `ends_at` is set once the source
    says it has ended, or holds the moment at which its word runs out. `suppressed` names why people must not be called
    for it ("silenced", "inhibited"), empty where they may.
    """

    labels: dict[str, str]
    annotations: dict[str, str] = {}
    starts_at: datetime
    is_start_known: bool = True
    ends_at: datetime | None = None
    firing: bool = True
    suppressed: str = ""
    generator_url: str = ""

    @property
    def fingerprint(self) -> str:
        """Identity of the alert that was seen."""
        return fingerprint_of(self.labels)


class SeenBy(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The last word of one source about an episode."""

    starts_at: datetime
    firing: bool
    expires_at: datetime | None = None
    suppressed: str = ""


class Hold(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One reason of our own not to call people for an alert. `id` is the silence's, or the `Window.key` of maintenance.

    `text` is the reason in words.
    """

    kind: Literal["silence", "maintenance"]
    id: str
    text: str


class Alert(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One episode of an alert: from the moment a source first said it fires until every source that saw it said
    it had ended.

    `id` is fingerprint and start, or what `put_aside` makes of it. `ci` is the configuration item it speaks of, None
    where it maps nowhere; `mapped_by` says in words how. `incident` is the number of the incident it belongs to, None
    where it opened none, with the reason in `reason`. `cleared_at` is None while it fires. `look_again_at` is when an
    alert that opened none, since it is likelier noise so far, is thought about again. `holds` are our own silences
    and maintenance that cover it, as `rules.suppression` last found. `request` is the number of the service request
    that it is, where it asks for something instead of telling of a failure. `evidence_of` are keys of the changes that
    were expected to cause it.
    """

    id: str
    fingerprint: str
    labels: dict[str, str]
    annotations: dict[str, str] = {}
    starts_at: datetime
    first_seen_at: datetime
    cleared_at: datetime | None = None
    seen_by: dict[str, SeenBy] = {}
    ci: str | None = None
    mapped_by: str = ""
    generator_url: str = ""
    incident: int | None = None
    reason: str = ""
    look_again_at: datetime | None = None
    holds: tuple[Hold, ...] = ()
    request: int | None = None
    evidence_of: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The alerting rule's name."""
        return self.labels.get("alertname", "alert")

    @property
    def severity(self) -> Severity:
        """Rank of the source's severity word."""
        return severity_of(self.labels)

    @property
    def onset(self) -> datetime:
        """When it began: as its source says, whose clock may run ahead of ours, or when it was heard of, if earlier."""
        return min(self.starts_at, self.first_seen_at)

    @property
    def is_firing(self) -> bool:
        """Whether any source still says so."""
        return self.cleared_at is None

    @property
    def suppressed_at_source(self) -> str:
        """A source's word for why it calls nobody: silenced, inhibited or muted. One source that knows is enough."""
        return next((s.suppressed for _, s in sorted(self.seen_by.items()) if s.firing and s.suppressed), "")

    @property
    def suppressed(self) -> str:
        """Why people must not be called for it, in words; empty where they may."""
        word = self.suppressed_at_source
        if word:
            return f"{word} at its source"
        return self.holds[0].text if self.holds else ""


def alert_id(fingerprint: str, starts_at: datetime) -> str:
    """Identity of one episode."""
    return f"{fingerprint}@{starts_at.isoformat()}"


def put_aside(alert: Alert, incident: int) -> Alert:
    """The ended episode under an identity of its own, for the record of an incident that can no longer change."""
    return msgspec.structs.replace(alert, id=f"{alert.id}~{incident}")
