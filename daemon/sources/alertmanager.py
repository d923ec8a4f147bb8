"""Alerts of an Alertmanager, with what it silences and inhibits."""

from datetime import datetime, timedelta

import msgspec

from daemon.clock import Clock
from daemon.errors import SourceDown
from daemon.sources.answers import decoded, get, instant, server_time
from daemon.sources.http_session import BoundedSession, SourceRefused
from daemon.sources.settings import SourceSettings
from daemon.sources.texts import clean_labels, clean_link, clean_text
from rules.alert import Sighting
from rules.decision import Listing, Push

# An Alertmanager forgets all alerts when it stops. Prometheus repeats each at least every minute or evaluation
# interval; after three minutes everything that still fires has come again.
_RELEARNING = timedelta(minutes=3)
_EVERYTHING = {"active": "true", "silenced": "true", "inhibited": "true", "unprocessed": "true"}


class _AlertStatus(msgspec.Struct, frozen=True, gc=False):
    state: str
    silencedBy: list[str] | None = None  # noqa: N815  Alertmanager's spelling
    inhibitedBy: list[str] | None = None  # noqa: N815
    mutedBy: list[str] | None = None  # noqa: N815


class _Alert(msgspec.Struct, frozen=True, gc=False):
    labels: dict[str, str]
    status: _AlertStatus
    annotations: dict[str, str] | None = None
    startsAt: str | None = None  # noqa: N815
    endsAt: str | None = None  # noqa: N815
    generatorURL: str | None = None  # noqa: N815


class _Status(msgspec.Struct, frozen=True):
    uptime: str | None = None


class AlertmanagerSource:
    """An Alertmanager. Not thread-safe: one worker polls it at a time."""

    def __init__(self, name: str, settings: SourceSettings, clock: Clock) -> None:
        self.name = name
        self._settings = settings
        self._clock = clock
        self._session: BoundedSession | None = None
        self._started_at: datetime | None = None
        self._seen: dict[str, Sighting] = {}

    def poll(self) -> Listing | Push:
        """Every alert that fires, silenced and inhibited ones included. Raises SourceDown.

        While the server is too young to know everything again, the answer is a `Push` that ends only what this
        very server has shown before.
        """
        try:
            if self._session is None:
                self._session = BoundedSession(self._settings)
            return self._poll(self._session, self._clock.now())
        except SourceDown:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the connections."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def _poll(self, session: BoundedSession, now: datetime) -> Listing | Push:
        response = get(session, "/api/v2/alerts", _EVERYTHING)
        server_now = server_time(response, now)
        alerts = decoded(session, response.content, list[_Alert])
        firing = {s.fingerprint: s for a in alerts if (s := self._sighting(session, a, now, server_now)) is not None}
        # Asked last: a restart in between then counts as one.
        started_at = self._start_time(session)
        ended = self._ended(firing, started_at, now)
        self._seen, self._started_at = firing, started_at
        if started_at is not None and server_now - started_at < _RELEARNING:
            return Push(source=self.name, at=now, sightings=(*firing.values(), *ended))
        return Listing(source=self.name, at=now, sightings=tuple(firing.values()))

    def _ended(self, firing: dict[str, Sighting], started_at: datetime | None, now: datetime) -> tuple[Sighting, ...]:
        """What this very server showed at the last poll and shows no more."""
        if started_at != self._started_at:
            return ()
        gone = (sighting for key, sighting in self._seen.items() if key not in firing)
        return tuple(msgspec.structs.replace(s, firing=False, ends_at=now, suppressed="") for s in gone)

    def _sighting(self, session: BoundedSession, alert: _Alert, now: datetime, server_now: datetime) -> Sighting | None:
        """None for an alert whose end has passed. The end of one that fires is only when it would be forgotten."""
        ends_at = instant(session, alert.endsAt)
        if ends_at is not None and ends_at <= server_now:
            return None
        return Sighting(
            labels=clean_labels(alert.labels, self._settings.ignore_labels),
            annotations={clean_text(k): clean_text(v) for k, v in (alert.annotations or {}).items()},
            starts_at=instant(session, alert.startsAt) or now,
            suppressed=_suppression(alert.status),
            generator_url=clean_link(alert.generatorURL),
        )

    def _start_time(self, session: BoundedSession) -> datetime | None:
        """When the server started; None where it (or what stands in for it) does not say."""
        try:
            response = get(session, "/api/v2/status")
        except SourceRefused as error:
            if error.status in (401, 403, 404, 405, 501):
                return None
            raise
        return instant(session, decoded(session, response.content, _Status).uptime)


def _suppression(status: _AlertStatus) -> str:
    """Why Alertmanager would not call people for it; empty where it would."""
    if status.state != "suppressed":
        return ""
    if status.silencedBy:
        return "silenced"
    return "inhibited" if status.inhibitedBy or not status.mutedBy else "muted"
