"""What was heard of alerts and when: the input of a replay, wherever it was kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from rules.alert import Sighting


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What was heard and when."""

    at: datetime
    sighting: Sighting


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """Events in order of arrival.

    `spellings` has each alert's start as its source wrote it, by the alert's id, where that is to be shown again.
    `until` is the moment up to which is known what fired; None where the recording does not say.
    """

    events: tuple[Event, ...]
    spellings: Mapping[str, str] = field(default_factory=dict)
    until: datetime | None = None
