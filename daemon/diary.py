"""An operator's diary: what was decided, in one line of the log each."""

from collections.abc import Mapping

import structlog

from rules.decision import Decision, SourceState
from rules.policy import Policy
from rules.situation import Situation
from rules.trace import CHANGED
from rules.words import span

_log = structlog.get_logger(__name__)
# Lines of the diary that say what the whole incident is about, and what will happen by itself.
_HEADLINES = frozenset({"opened", "reopened", "root_changed"})
_NEXT = {
    "opened": "people are told in {settle} unless it proves to be part of another incident",
    "quiet": "it resolves if nothing fires again for {resolve_after}",
    "resolved": "a relapse within {reopen_within} reopens it",
}


def write_diary(decision: Decision, situation: Situation, before: Mapping[str, SourceState | None]) -> None:
    for entry in decision.timeline:
        if entry.subject:
            _log.info(f"record_{entry.kind}", record=entry.subject, actor=entry.actor, reason=entry.text)
            continue
        if entry.kind == CHANGED:
            continue
        incident = situation.incidents.get(entry.incident)
        known = {} if incident is None else {"ci": incident.root.ci, "priority": str(incident.priority)}
        if incident is not None and entry.kind in _HEADLINES:
            known |= {"title": incident.title, "why": "; ".join(incident.root.evidence[:2])}
        if entry.kind in _NEXT:
            known |= {"next": _next(entry.kind, situation.policy)}
        log = _log.error if entry.kind == "nobody_reached" else _log.info
        log(f"incident_{entry.kind}", incident=f"INC-{entry.incident}", **known, actor=entry.actor, reason=entry.text)
    for silence in decision.silences:
        state = silence.state_at(decision.at)
        matchers = ", ".join(m.text for m in silence.matchers)
        _log.info(f"silence_{state}", silence=silence.id, matchers=matchers, by=silence.created_by, why=silence.comment)
    for override in decision.overrides:
        _log.info(
            "oncall_override",
            schedule=override.schedule,
            people=override.people,
            begins=override.starts_at.isoformat(),
            ends=override.ends_at.isoformat(),
            by=override.made_by,
            why=override.reason,
        )
    for source in decision.sources:
        old = before[source.name]
        if source.is_up and (old is None or not old.is_up):
            _log.info("source_up", source=source.name)
        elif not source.is_up and (old is None or old.is_up):
            _log.warning("source_down", source=source.name, error=source.error)


def _next(kind: str, policy: Policy) -> str:
    waits = {"settle": policy.settle, "resolve_after": policy.resolve_after, "reopen_within": policy.reopen_within}
    return _NEXT[kind].format(**{name: span(wait) for name, wait in waits.items()})
