"""What would go wrong at night, found by day: hours with nobody, people without a channel, rules that reach nobody."""

import enum
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from cmdb.graph import Estate
from rules.escalation import EscalationPolicy
from rules.incident import Priority
from rules.responders import known_overrides
from rules.roster import Roster
from rules.rotation import Override
from rules.trial import HOUR, Trial
from rules.words import span

_URGENT = str(Priority.P1)
"""Escalations are tried with the most urgent incident: that a lesser one calls nobody may be meant."""


class Flaw(enum.StrEnum):
    """What kind of thing is wrong."""

    GAP = "gap"
    NO_CHANNEL = "no_channel"
    UNKNOWN = "unknown"
    UNREACHED = "unreached"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong: about which schedule, person, group or rule, in words; when, where that is known."""

    flaw: Flaw
    subject: str
    words: str
    starts_at: datetime | None = None
    ends_at: datetime | None = None


def preflight(
    roster: Roster,
    overrides: Sequence[Override],
    estate: Estate,
    now: datetime,
    ahead: timedelta,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Finding]:
    """Everything that is wrong from now on for so long, the worst kinds first.

    Schedules are judged to the second; whether an escalation reaches anybody is tried once an hour. `on_progress` hears
    how many schedules and groups of how many have been looked at.
    """
    if not roster:
        words = "rules.yaml names no people, groups, schedules or escalation, so nobody is ever called"
        return [Finding(flaw=Flaw.UNREACHED, subject="rules.yaml", words=words)]
    current = [o for o in overrides if o.starts_at < now + ahead and o.ends_at > now]
    known = known_overrides(roster, current)
    trial = Trial(roster, known, now, ahead, _URGENT)
    receivers = _receivers(roster, estate)
    steps = _Steps(len(roster.schedules) + len(receivers), on_progress)
    return [
        *_gaps(roster, trial, steps),
        *_unreached(roster, trial, receivers, steps),
        *_without_channel(roster, known),
        *_unknown(roster, current, estate),
    ]


class _Steps:
    """How far the check has come."""

    def __init__(self, total: int, on_progress: Callable[[int, int], None] | None) -> None:
        self._total = total
        self._done = 0
        self._on_progress = on_progress

    def step(self) -> None:
        self._done += 1
        if self._on_progress is not None:
            self._on_progress(self._done, self._total)


def _gaps(roster: Roster, trial: Trial, steps: _Steps) -> Iterator[Finding]:
    for schedule in roster.schedules.values():
        for shift in trial.shifts(schedule.name):
            if not shift.people:
                when = _stretch(shift.starts_at, shift.ends_at, schedule.zone)
                yield Finding(
                    flaw=Flaw.GAP,
                    subject=f"schedule {schedule.name}",
                    words=f"nobody is on call {when}",
                    starts_at=shift.starts_at,
                    ends_at=shift.ends_at,
                )
        steps.step()


def _without_channel(roster: Roster, overrides: Sequence[Override]) -> Iterator[Finding]:
    for person_id in sorted(_named(roster, overrides)):
        person = roster.people.get(person_id)
        if person is not None and not person.contacts:
            words = "is to be called, but has no contact, so no call would arrive"
            yield Finding(flaw=Flaw.NO_CHANNEL, subject=f"person {person.name}", words=words)


def _named(roster: Roster, overrides: Sequence[Override]) -> set[str]:
    """Ids of everybody who may be called."""
    found = {p for o in overrides for p in o.people}
    for group in roster.groups.values():
        found.update((*group.members, group.lead, group.manager))
    for schedule in roster.schedules.values():
        found.update(schedule.people)
    for policy in roster.escalations.values():
        found.update(p for step in policy.steps for p in step.people)
    return found - {""}


def _unknown(roster: Roster, overrides: Sequence[Override], estate: Estate) -> Iterator[Finding]:
    for override in overrides:
        subject = f"override {override.id}"
        if override.schedule not in roster.schedules:
            words = f"is for the schedule {override.schedule}, which rules.yaml does not have any more"
            yield Finding(flaw=Flaw.UNKNOWN, subject=subject, words=words)
        for person in override.people:
            if person not in roster.people:
                words = f"puts {person} on call in {override.schedule}, whom rules.yaml does not know any more"
                yield Finding(flaw=Flaw.UNKNOWN, subject=subject, words=words)
    types = {ci.type for ci in estate}
    owners = {ci.owner for ci in estate}
    everything = ""
    for number, route in enumerate(roster.routes, start=1):
        subject = f"route {number}" + (f" “{route.name}”" if route.name else "")
        wanted = (
            ("CI", route.cis, lambda ci: ci in estate),
            ("service", route.services, lambda ci: ci in estate),
            ("type", route.types, types.__contains__),
            ("owner", route.owners, owners.__contains__),
        )
        yield from _unknown_words(subject, wanted)
        if everything:
            words = f"never counts: {everything}, which stands before it, takes everything"
            yield Finding(flaw=Flaw.UNREACHED, subject=subject, words=words)
        if not (any(words for _, words, _ in wanted) or route.categories or route.hours):
            everything = everything or subject


def _unknown_words(
    subject: str, wanted: Sequence[tuple[str, frozenset[str], Callable[[str], bool]]]
) -> Iterator[Finding]:
    for what, words, is_known in wanted:
        for word in sorted(w for w in words if not is_known(w)):
            told = f"asks for the {what} {word}, which the CMDB does not have"
            yield Finding(flaw=Flaw.UNKNOWN, subject=subject, words=told)


def _unreached(roster: Roster, trial: Trial, receivers: Mapping[str, int], steps: _Steps) -> Iterator[Finding]:
    """For each group that can get an incident: hours in which nobody is called, and steps that never call anybody."""
    for group, count in sorted(receivers.items()):
        subject = f"group {group}" if group else "incidents of unknown CIs"
        if count and group not in roster.groups:
            subject += f", owner of {count} CI{'s' if count != 1 else ''} and no group of rules.yaml"
        yield from _unreached_of(roster, trial, group, subject)
        steps.step()


def _unreached_of(roster: Roster, trial: Trial, group: str, subject: str) -> Iterator[Finding]:
    policy = roster.escalation_of(group)
    if policy is None:
        words = "nobody is called: it has no escalation, and there is none named default"
        yield Finding(flaw=Flaw.UNREACHED, subject=subject, words=words)
        return
    hours = range(len(trial.hours))
    silent = [trial.hours[hour] for hour in hours if not _reaches(roster, trial, policy, group, hour, frozenset())]
    for begin, end in _joined(silent):
        when = "at any hour" if len(silent) == len(hours) else _stretch(begin, end, UTC)
        words = f"escalation {policy.name} reaches nobody {when}"
        yield Finding(flaw=Flaw.UNREACHED, subject=subject, words=words, starts_at=begin, ends_at=end)
    if group in roster.groups and len(silent) < len(hours):
        yield from _idle_steps(trial, policy, group, subject)


def _receivers(roster: Roster, estate: Estate) -> Mapping[str, int]:
    """Groups that an incident can come to, with how many CIs they own; the empty name is that of unknown CIs."""
    found = dict.fromkeys([*roster.groups, *(r.group for r in roster.routes), ""], 0)
    for ci in estate:
        found[ci.owner] = found.get(ci.owner, 0) + 1
    return found


def _reaches(
    roster: Roster, trial: Trial, policy: EscalationPolicy, group: str, hour: int, seen: frozenset[str]
) -> bool:
    for number, step in enumerate(policy.steps):
        if step.on:
            continue  # called for by a promise, which need not be in danger
        other = roster.escalation_of(step.hand_to) if step.hand_to else None
        if step.hand_to and other is not None and step.hand_to not in seen:
            if _reaches(roster, trial, other, step.hand_to, hour, seen | {step.hand_to}):
                return True
        elif not step.hand_to and trial.reached(policy, number, group, hour).responders:
            return True
    return False


def _idle_steps(trial: Trial, policy: EscalationPolicy, group: str, subject: str) -> Iterator[Finding]:
    for number, step in enumerate(policy.steps):
        if step.hand_to or (step.priorities and _URGENT not in step.priorities):
            continue
        missed = _missed_always(trial, policy, number, group)
        if missed:
            words = f"step {number + 1} of escalation {policy.name} never reaches anybody: {missed}"
            yield Finding(flaw=Flaw.UNREACHED, subject=subject, words=words)


def _missed_always(trial: Trial, policy: EscalationPolicy, number: int, group: str) -> str:
    """Why the step calls nobody at any hour, in words of the first; empty where it calls somebody."""
    why = ""
    for hour in range(len(trial.hours)):
        found = trial.reached(policy, number, group, hour)
        if found.responders:
            return ""
        why = why or "; ".join(found.missed)
    return why


def _joined(hours: Sequence[datetime]) -> Iterator[tuple[datetime, datetime]]:
    """Beginning and end of each run of hours."""
    begin = end = None
    for at in hours:
        if begin is None or at != end:
            if begin is not None and end is not None:
                yield begin, end
            begin = at
        end = at + HOUR
    if begin is not None and end is not None:
        yield begin, end


def _stretch(begin: datetime, end: datetime, zone: tzinfo) -> str:
    there, back = begin.astimezone(zone), end.astimezone(zone)
    return f"from {there:%a %Y-%m-%d %H:%M} to {back:%a %Y-%m-%d %H:%M %Z} ({span(end - begin)})"
