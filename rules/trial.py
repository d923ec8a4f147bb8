"""Whom escalations would reach at each of many hours, without asking anew what cannot have changed.

Every schedule is expanded once, into its shifts. Whom a step reaches at an hour depends on the shift under way in each
schedule and, where the step has hours, on whether it is within them in each zone in which people live; so it is worked
out once for each such state, not for each hour.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from rules.escalation import EscalationPolicy, EscalationStep
from rules.responders import Reached, reached
from rules.roster import Roster
from rules.rotation import Duty, Override, Schedule, Shift, shifts
from rules.wallclock import wall_of

HOUR = timedelta(hours=1)


class Trial:
    """A roster tried every hour from `begin` for so long, at least once, with incidents of one priority.

    `overrides` may be of other schedules and times. Hours are counted from 0.
    """

    def __init__(
        self, roster: Roster, overrides: Sequence[Override], begin: datetime, ahead: timedelta, priority: str
    ) -> None:
        self._roster = roster
        self._priority = priority
        self.hours = [begin + n * HOUR for n in range(max(1, int(ahead / HOUR)))]
        self._zones = sorted({p.zone for p in roster.people.values()}, key=str)
        by_schedule: dict[str, list[Override]] = {}
        for override in overrides:
            by_schedule.setdefault(override.schedule, []).append(override)
        self._overrides = by_schedule
        self._end = begin + ahead
        self._shifts: dict[str, list[Shift]] = {}
        self._under_way: dict[str, list[int]] = {}
        self._within: dict[tuple[str, int], list[int]] = {}
        self._states: dict[tuple[str, int, str], dict[tuple[int, ...], Reached]] = {}

    def shifts(self, name: str) -> list[Shift]:
        """The shifts of a schedule over the whole time, gaps among them."""
        found = self._shifts.get(name)
        if found is None:
            schedule = self._roster.schedules[name]
            found = shifts(schedule, self._overrides.get(name, ()), self.hours[0], self._end)
            self._shifts[name] = found
        return found

    def reached(self, policy: EscalationPolicy, number: int, group: str, hour: int) -> Reached:
        """Whom a step (from 0) of the policy calls at that hour for an incident that this group has."""
        step = policy.steps[number]
        states = self._states.setdefault((policy.name, number, group), {})
        state = tuple(self._shift_at(name, hour) for name in self._asked(step, group))
        if step.hours:
            state = (*state, self._within_at(policy, number, hour))
        found = states.get(state)
        if found is None:
            at = self.hours[hour]
            found = reached(self._roster, lambda s, _: self._duty(s, hour), step, group, self._priority, at)
            states[state] = found
        return found

    def _asked(self, step: EscalationStep, group: str) -> tuple[str, ...]:
        """The schedules whose shifts the step looks at."""
        known = self._roster.groups.get(group)
        own = (known.schedule,) if step.on_call and known is not None else ()
        return tuple(name for name in (*own, *step.schedules) if name in self._roster.schedules)

    def _duty(self, schedule: Schedule, hour: int) -> Duty:
        shift = self.shifts(schedule.name)[self._shift_at(schedule.name, hour)]
        return Duty(people=shift.people, source=shift.source)

    def _shift_at(self, name: str, hour: int) -> int:
        """The number of the shift under way at an hour."""
        found = self._under_way.get(name)
        if found is None:
            known, number, found = self.shifts(name), 0, []
            for at in self.hours:
                while known[number].ends_at <= at and number + 1 < len(known):
                    number += 1
                found.append(number)
            self._under_way[name] = found
        return found[hour]

    def _within_at(self, policy: EscalationPolicy, number: int, hour: int) -> int:
        """In which zones it is within the step's hours: a bit for each zone."""
        key = (policy.name, number)
        if key not in self._within:
            spans = policy.steps[number].hours
            self._within[key] = [
                sum(
                    any(span.holds(wall_of(at, zone)) for span in spans) << place
                    for place, zone in enumerate(self._zones)
                )
                for at in self.hours
            ]
        return self._within[key][hour]
