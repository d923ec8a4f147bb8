"""What would become of an alert: decided by the daemon's own rules in memory, on its own, and nothing of it is kept."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from daemon.api.ports import Ports
from daemon.sources.push import BadPush, decode_alerts
from daemon.store.rows import RecordSearch
from rules.alert import Alert
from rules.decide import decide
from rules.decision import Decision, Notice, Push, TimelineEntry
from rules.draft import Draft
from rules.errors import IncidentdError
from rules.explain import Explanation, explain
from rules.incident import Incident
from rules.record import KEPT as RECORDS_KEPT
from rules.record import Kind
from rules.situation import Situation, rebuild
from rules.telling import key_of, person_of

_SOURCE = "a try"
_STEP = timedelta(seconds=15)
_PATIENCE = timedelta(minutes=30)
"""So long is waited for an incident; a lone alert that is likelier noise waits before it opens."""
_AFTERWARDS = timedelta(minutes=20)
"""So long after its opening is looked at who is told, while nobody acts."""
MOST_EXPLAINED = 200
MOST_RECORDS = 500
"""So many changes and problems, the newest, are known to a try."""
_PAIR = re.compile(r'\s*([A-Za-z_][A-Za-z0-9_.-]*)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]*))\s*,?')


class BadTry(IncidentdError):
    """What was given is no alert; the text says why, for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Somebody who would be told: when after the alert, of what, by which notifier, and why."""

    after: timedelta
    who: str
    event: str
    via: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Whether somebody is wanted to be told of the incident, and every ground for or against it."""

    who: str
    explanation: Explanation


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of the alert; `incident` is None where it opened none, with the reason in the alert."""

    alert: Alert
    subject: str
    incident: Incident | None
    opened_after: timedelta | None
    told: tuple[Told, ...]
    judged: tuple[Judged, ...]
    story: tuple[tuple[timedelta, TimelineEntry], ...]
    asks_for: str


def labels_of(text: str) -> dict[str, str]:
    """Labels from JSON, or from `name=value` pairs with blanks, commas or lines between them; BadTry."""
    text = text.strip()
    if not text:
        raise BadTry("give the labels of an alert, as in alertname=HostDown ci=tor-3a severity=critical")
    if text.startswith("{") and ":" in text:
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise BadTry(f"this is not JSON: {str(error)[:100]}") from None
        if not isinstance(found, dict) or not all(isinstance(v, str) for v in found.values()):
            raise BadTry('labels are an object of texts, as in {"alertname": "HostDown", "ci": "tor-3a"}')
        return found
    labels, place = {}, 0
    while place < len(text):
        pair = _PAIR.match(text, place)
        if pair is None:
            raise BadTry(f"this is no label: {text[place : place + 40]}; allowed: name=value, or JSON")
        name, quoted, plain = pair.groups()
        labels[name] = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else plain
        place = pair.end()
    return labels


def try_alert(ports: Ports, text: str) -> Outcome:
    """Have the alert decided on as if nothing else fired, and look ahead until everybody has been told; BadTry.

    The rules, the CMDB, what was learnt, silences, changes, problems and who is on call are those of now. Nothing is
    stored or sent.
    """
    now = ports.clock.now()
    body = json.dumps([{"labels": labels_of(text)}]).encode()
    try:
        sightings = decode_alerts(body, now, ports.ignore_labels)
    except BadPush as error:
        raise BadTry(str(error)) from None
    situation = _situation(ports, now)
    decisions: list[Decision] = []
    moment = now
    while moment <= _end(situation, now):
        changes = [Push(source=_SOURCE, at=now, sightings=sightings)] if moment == now else []
        decision = decide(situation, changes, moment)
        situation.apply(decision)
        decisions.append(decision)
        moment += _STEP
    return _outcome(ports, situation, decisions, now)


def _end(situation: Situation, now: datetime) -> datetime:
    opened = [incident.opened_at for incident in situation.incidents.values()]
    return min(opened) + _AFTERWARDS if opened else now + _PATIENCE


def _situation(ports: Ports, now: datetime) -> Situation:
    """A situation of its own with nothing that fires."""
    store = ports.store
    situation = Situation(ports.estate(), ports.policy(), ports.subscriptions())
    lessons, silences, overrides = store.lessons(), store.silences(), store.overrides()
    changes = store.records(RecordSearch(kind=Kind.CHANGE, since=now - RECORDS_KEPT), limit=MOST_RECORDS)
    problems = store.records(RecordSearch(kind=Kind.PROBLEM), limit=MOST_RECORDS)
    rebuild(
        situation,
        (),
        (),
        (),
        now,
        lessons=lessons,
        silences=silences,
        overrides=overrides,
        records=(*changes, *problems),
    )
    return situation


def _outcome(ports: Ports, situation: Situation, decisions: list[Decision], now: datetime) -> Outcome:
    alert = next(iter(situation.alerts.values()))
    incident = next(iter(situation.incidents.values()), None)
    notices = [notice for decision in decisions for notice in decision.notices]
    entries = [(e.at - now, e) for decision in decisions for e in decision.timeline if e.kind != "notice"]
    end = decisions[-1].at
    return Outcome(
        alert=alert,
        subject=situation.subject(alert),
        incident=incident,
        opened_after=None if incident is None else incident.opened_at - now,
        told=tuple(_told(ports, notice, now) for notice in notices),
        judged=tuple(_judged(ports, situation, incident, end)) if incident is not None else (),
        story=tuple(entries),
        asks_for=next((r.title for decision in decisions for r in decision.records), ""),
    )


def _told(ports: Ports, notice: Notice, now: datetime) -> Told:
    who = ports.roster().name(notice.person) if notice.person else notice.to
    return Told(after=notice.at - now, who=who, event=notice.event, via=notice.to, reason=notice.reason)


def _judged(ports: Ports, situation: Situation, incident: Incident, end: datetime) -> Iterator[Judged]:
    """Everybody who can be told at all, those first whom something means."""
    people: Mapping[str, object] = ports.roster().people
    keys = [*sorted(ports.notifiers()), *(key_of(person) for person in sorted(people))][:MOST_EXPLAINED]
    draft = Draft(situation, end)
    found = [(key, explain(draft, incident, key)) for key in keys]
    for key, explanation in sorted(found, key=lambda pair: not pair[1].is_wanted):
        who = ports.roster().name(person_of(key)) if person_of(key) else key
        if explanation.grounds:
            yield Judged(who=who, explanation=explanation)
