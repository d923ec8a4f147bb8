"""What the page of an incident shows, read and put in order; every part of it is bounded."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from fastapi import Request

from daemon.api.access import Caller
from daemon.api.orders import KINDS
from daemon.api.ports import Ports
from daemon.store.rows import NoticeRow
from notifiers.wording import web_link
from rules.alert import Alert
from rules.clock import Clock
from rules.decision import TimelineEntry
from rules.incident import SETTLED, Incident, Link
from rules.lifecycle import Step, allowed_steps
from rules.linking import BY_DAEMON
from rules.ownership import is_own
from rules.record import Kind

MOST_ALERTS = 2_000
"""So many alerts of an incident its page looks at, the first ones."""
FIRST_ALERTS, FIRST_ENTRIES, FIRST_NOTICES = 50, 100, 50
MOST_ENTRIES, MOST_NOTICES = 2_000, 500

_RUNBOOKS = ("runbook_url", "runbook", "playbook_url")
_OF_STEPS = (Step.ACKNOWLEDGE, Step.START, Step.HOLD, Step.RESUME, Step.RESOLVE, Step.CLOSE, Step.REOPEN, Step.CONVERT)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRow:
    """An alert as it is listed; addresses are empty where there are none that may become links."""

    alert: Alert
    summary: str
    source: str
    runbook: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeShown:
    """A notice as it is listed, with why this recipient got it."""

    row: NoticeRow
    to: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """A clock, and whether it is too late to keep it."""

    clock: Clock
    is_late: bool


def allowed_actions(incident: Incident, caller: Caller, ports: Ports) -> frozenset[str]:
    """The words of what this visitor may do to the incident as it is now."""
    steps = set(allowed_steps(incident.status))
    found = {"note", *(str(step) for step in _OF_STEPS if str(step) in steps)}
    if incident.status not in SETTLED:
        found |= {"assign", "root", "set", "duplicate", "child"}
    if incident.is_active:
        found |= {"priority", "route", "escalate", "merge", "split"}
        found |= _calling(incident, ports)
    if ports.roster().people:
        found.add("watch")
    found |= {"unwatch"} if incident.watchers else set()
    found |= {"step"} if incident.steps else set()
    found |= {"unlink"} if any(may_unlink(link) for link in incident.links) else set()
    return frozenset(found & _permitted(incident, caller, ports))


def _calling(incident: Incident, ports: Ports) -> set[str]:
    if not ports.roster():
        return set()
    return {"unsnooze"} if incident.escalation.snooze is not None else {"snooze"}


def _permitted(incident: Incident, caller: Caller, ports: Ports) -> set[str]:
    own = "own" in caller.permissions and (caller.is_staff or is_own(incident, caller.name, ports.roster()))
    return {kind.word for kind in KINDS if (own if kind.permission == "own" else kind.permission in caller.permissions)}


def may_unlink(link: Link) -> bool:
    """Whether a person may take the link away."""
    return link.kind not in BY_DAEMON and not link.kind.startswith("converted")


def promises_of(incident: Incident, now: datetime) -> list[Promise]:
    """The clocks that count: of those with one agreement, goal and party the last, the next due first."""
    last = {(c.agreement, c.goal, c.terms.party): c for c in incident.clocks}
    found = [Promise(clock=c, is_late=_is_late(c, now)) for c in last.values()]
    return sorted(found, key=lambda p: (p.clock.ended_at is not None, p.clock.due_at or now, p.clock.goal))


def _is_late(clock: Clock, now: datetime) -> bool:
    return clock.breached_at is not None or (clock.ended_at is None and clock.due_at is not None and clock.due_at < now)


def alerting_now(alerts: Sequence[Alert]) -> dict[str, int]:
    """How many alerts fire on each CI; once all is over, how many there were."""
    firing = [a for a in alerts if a.is_firing] or alerts
    return dict(Counter(a.ci for a in firing if a.ci is not None))


def alert_rows(alerts: Sequence[Alert], most: int) -> list[AlertRow]:
    """Those that fire first, then the newest."""
    ordered = sorted(alerts, key=lambda a: (not a.is_firing, -a.onset.timestamp(), a.id))[:most]
    return [
        AlertRow(
            alert=a,
            summary=a.annotations.get("summary") or a.annotations.get("description") or "",
            source=web_link(a.generator_url),
            runbook=next(filter(None, (web_link(a.annotations.get(name, "")) for name in _RUNBOOKS)), ""),
        )
        for a in ordered
    ]


def kinds_of(timeline: Sequence[TimelineEntry]) -> list[tuple[str, int]]:
    """The kinds of lines there are, with how many, the most frequent first."""
    return Counter(e.kind for e in timeline).most_common()


def history_of(timeline: Sequence[TimelineEntry], request: Request) -> dict[str, Any]:
    """What the part of a page about the history is given; the address says which kinds, and whether all of it."""
    kinds = request.query_params.getlist("kind")[:50]
    most = MOST_ENTRIES if request.query_params.get("history") == "all" else FIRST_ENTRIES
    return {"entries": entries_of(timeline, kinds, most), "kinds": kinds_of(timeline), "chosen_kinds": kinds}


def entries_of(timeline: Sequence[TimelineEntry], kinds: Collection[str], most: int) -> list[TimelineEntry]:
    """The newest first; those of some kinds where any are chosen."""
    return [e for e in reversed(timeline) if not kinds or e.kind in kinds][:most]


def notices_shown(ports: Ports, rows: Sequence[NoticeRow]) -> list[NoticeShown]:
    """The notices with their recipients by name."""
    roster = ports.roster()
    found = []
    for row in rows:
        to = f"{roster.name(row.person)} by {row.to}" if row.person else row.to
        found.append(NoticeShown(row=row, to=to, why=" ".join(_why(row.content)) or row.reason))
    return found


class _Why(msgspec.Struct):
    why: tuple[str, ...] = ()


def _why(content: bytes) -> tuple[str, ...]:
    """Why the recipient gets it; nothing where a notice of an older version does not say."""
    try:
        return msgspec.json.decode(content, type=_Why).why
    except msgspec.MsgspecError:
        return ()


def addresses_of(links: Sequence[Link]) -> Mapping[str, str]:
    """Where the linked records are found, by key."""
    return {link.key: record_address(link.key) for link in links}


def record_address(key: str) -> str:
    """The page of an incident or another record."""
    series = key.partition("-")[0]
    return f"/{_PLACES[series]}/{key}" if series in _PLACES else ""


_PLACES = {"INC": "incidents", **{kind.series: f"{kind}s" for kind in Kind}}


def undoing(action: str, timeline: Sequence[TimelineEntry]) -> Iterator[tuple[str, str, dict[str, str]]]:
    """What would undo an order that was just carried out: the word of the order, of the button, and its fields."""
    last = next((e for e in reversed(timeline) if e.kind in _SIGN_OF.get(action, ())), None)
    if action in _OPPOSITE:
        yield _OPPOSITE[action], _UNDO, {}
    elif last is not None and action in ("root", "priority") and last.old:
        yield action, f"Undo: {last.old} again", {_VALUE[action]: last.old}
    elif last is not None and action == "watch" and last.new:
        yield "unwatch", _UNDO, {"person": last.new}
    elif last is not None and action == "unwatch" and last.old:
        yield "watch", _UNDO, {"person": last.old}


_UNDO = "Undo"
_OPPOSITE = {"hold": "resume", "snooze": "unsnooze", "resolve": "reopen", "close": "reopen"}
_SIGN_OF = {
    "root": ("root_changed",),
    "priority": ("priority_changed",),
    "watch": ("watch",),
    "unwatch": ("watch",),
}
_VALUE = {"root": "ci", "priority": "priority"}
