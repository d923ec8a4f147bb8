"""Values for tests: each builder is told only what matters."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from rules.alert import Alert, alert_id, fingerprint_of
from rules.calendar import ALWAYS
from rules.clock import Agreement, Clock, Goal, Terms, start
from rules.decision import Decision, Notice, Sighting, SourceState, TimelineEntry
from rules.incident import Incident, Level, Priority, Status
from rules.matchers import parse_matchers
from rules.silence import Silence

T0 = datetime(2026, 11, 24, 8, 0, 0, tzinfo=UTC)
"""When every story begins."""


def at(seconds: float) -> datetime:
    """So many seconds into the story."""
    return T0 + timedelta(seconds=seconds)


def sighting(name: str = "Down", *, labels: dict[str, str] | None = None, **fields: Any) -> Sighting:
    """One source's word about an alert of that name."""
    every = {"alertname": name, **(labels or {})}
    return Sighting(labels=every, **{"starts_at": T0, **fields})


def alert(ci: str | None = "db1", *, name: str = "Down", labels: dict[str, str] | None = None, **fields: Any) -> Alert:
    """A firing alert about a CI."""
    every = {"alertname": name, **({} if ci is None else {"ci": ci}), **(labels or {})}
    starts_at = fields.pop("starts_at", T0)
    fingerprint = fingerprint_of(every)
    return Alert(
        **{
            "id": alert_id(fingerprint, starts_at),
            "fingerprint": fingerprint,
            "labels": every,
            "starts_at": starts_at,
            "first_seen_at": starts_at,
            "ci": ci,
            **fields,
        }
    )


def incident(number: int = 1, **fields: Any) -> Incident:
    """An open incident of middling priority."""
    return Incident(
        **{
            "number": number,
            "status": Status.OPEN,
            "title": f"Incident {number}",
            "priority": Priority.P3,
            "impact": Level.MEDIUM,
            "urgency": Level.MEDIUM,
            "priority_reason": "medium impact, medium urgency",
            "opened_at": T0,
            "updated_at": T0,
            **fields,
        }
    )


def entry(incident: int = 1, text: str = "Opened", **fields: Any) -> TimelineEntry:
    """One line of an incident's history."""
    return TimelineEntry(**{"incident": incident, "at": T0, "kind": "opened", "text": text, **fields})


def notice(key: str = "n1", *, to: str = "noc", incident: int | None = 1, **fields: Any) -> Notice:
    """Word to one recipient that an incident was opened."""
    return Notice(
        **{
            "key": key,
            "to": to,
            "event": "opened",
            "reason": "opened",
            "at": T0,
            "incident": incident,
            "content": b"{}",
            **fields,
        }
    )


def source_state(name: str = "main", **fields: Any) -> SourceState:
    """A source that can be heard."""
    return SourceState(**{"name": name, "is_up": True, "since": T0, "last_ok_at": T0, **fields})


def silence(*matchers: str, begin: float = 0, end: float = 3600, **fields: Any) -> Silence:
    """A silence of what meets the matchers, from `begin` to `end` seconds into the story."""
    known = {"id": "a", "created_by": "anna", "comment": "known", "updated_at": T0, **fields}
    return Silence(matchers=parse_matchers(matchers), starts_at=at(begin), ends_at=at(end), **known)


def clock(goal: Goal = Goal.RESOLUTION, *, within: float = 3600, begin: float = 0, **fields: Any) -> Clock:
    """A promise that runs around the clock from `begin`, to be kept within so many seconds."""
    promised = timedelta(seconds=within)
    terms = Terms(level="gold", priority="P1", target=promised, calendar=ALWAYS.name, shares=(0.5, 0.8))
    return replace(start(Agreement.SLA, goal, terms, ALWAYS, at(begin)), **fields)


def decision(**fields: Any) -> Decision:
    """What one cycle decided at the beginning of the story."""
    return Decision(**{"at": T0, **fields})
