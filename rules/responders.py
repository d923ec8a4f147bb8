"""Whom a step of an escalation reaches at a moment, and why each of them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from rules.escalation import EscalationStep
from rules.roster import Group, Person, Roster
from rules.rotation import Duty, Override, Schedule, duty_at
from rules.wallclock import wall_of

OnDuty = Callable[[Schedule, datetime], Duty]
"""Says who is on call in a schedule at a moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Responder:
    """A person to call, and the reason."""

    person: Person
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """The people that a step calls, once each, and in words whom it should have reached and does not."""

    responders: tuple[Responder, ...] = ()
    missed: tuple[str, ...] = ()


def reached(
    roster: Roster,
    on_duty: OnDuty,
    step: EscalationStep,
    group: str,
    priority: str,
    at: datetime,
    called: Iterable[str] = (),
) -> Reached:
    """Whom the step calls for an incident of that group, where `on_duty` says who is on call.

    `called` are ids of those called in vain: their managers stand in where the group has none.
    """
    if step.priorities and priority not in step.priorities:
        return Reached(missed=(f"it is for {', '.join(sorted(step.priorities))} only",))
    found: dict[str, Responder] = {}
    missed: list[str] = []
    for person_id, why in _asked(roster, on_duty, step, group, at, tuple(called)):
        person = roster.people.get(person_id)
        problem = _problem(person, step, at) if person is not None else why
        if person is None or problem:
            missed.append(problem)
        else:
            found.setdefault(person.id, Responder(person=person, why=why))
    return Reached(responders=tuple(found.values()), missed=tuple(dict.fromkeys(missed)))


def by_overrides(overrides: Sequence[Override]) -> OnDuty:
    """Who is on call where these overrides are put over the schedules."""
    return lambda schedule, at: duty_at(schedule, overrides, at)


def known_overrides(roster: Roster, overrides: Iterable[Override]) -> list[Override]:
    """The overrides without people whom the roster does not know any more."""
    return [replace(o, people=tuple(p for p in o.people if p in roster.people)) for o in overrides]


def manager_of(roster: Roster, group: Group | None, called: Iterable[str]) -> tuple[str, ...]:
    """Ids of the group's manager; where it has none, of the managers of its lead and of those who were called."""
    if group is not None and group.manager:
        return (group.manager,)
    juniors = [*([group.lead] if group is not None else []), *called]
    known = (roster.people.get(person) for person in juniors)
    return tuple(dict.fromkeys(p.manager for p in known if p is not None and p.manager))


def _problem(person: Person, step: EscalationStep, at: datetime) -> str:
    if not person.contacts:
        return f"{person.name} has no channel"
    wall = wall_of(at, person.zone)
    if step.hours and not any(hours.holds(wall) for hours in step.hours):
        return f"it is {wall:%a %H:%M} where {person.name} is"
    return ""


def _asked(
    roster: Roster,
    on_duty: OnDuty,
    step: EscalationStep,
    name: str,
    at: datetime,
    called: tuple[str, ...],
) -> Iterator[tuple[str, str]]:
    """Ids of people with the reason; an id that is empty comes with what is missing."""
    group = roster.groups.get(name)
    schedules = list(step.schedules)
    if step.on_call and group is not None and group.schedule:
        schedules.insert(0, group.schedule)
    elif step.on_call:
        yield "", f"the group {name or '(none)'} has no schedule"
    for schedule in schedules:
        yield from _on_call(roster, on_duty, schedule, at)
    for person in step.people:
        yield person, "named in this step"
    for each in step.groups:
        members = roster.groups[each].members if each in roster.groups else ()
        yield from ((member, f"member of {each}") for member in members)
        if not members:
            yield "", f"the group {each} has no members"
    if step.lead:
        lead = group.lead if group is not None else ""
        yield lead, f"lead of {name}" if lead else f"the group {name or '(none)'} has no lead"
    if step.manager:
        managers = manager_of(roster, group, called)
        yield from ((manager, f"manager responsible for {name}") for manager in managers)
        if not managers:
            yield "", f"the group {name or '(none)'} has no manager"


def _on_call(roster: Roster, on_duty: OnDuty, name: str, at: datetime) -> Iterator[tuple[str, str]]:
    schedule = roster.schedules.get(name)
    duty = on_duty(schedule, at) if schedule is not None else None
    if duty is None or not duty.people:
        yield "", f"nobody is on call in {name}"
    else:
        yield from ((person, f"on call in {name} ({duty.source})") for person in duty.people)
