"""What people put over a schedule: a swap, a holiday's stand-in, or the shifts of a calendar."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from rules.decision import OverrideOrder, Reply
from rules.draft import Draft
from rules.roster import Roster
from rules.rotation import Override


def take_override(draft: Draft, order: OverrideOrder) -> None:
    """Keep overrides, or end one; the asker gets a `Reply`."""
    if order.ends:
        done, message = _ended(draft, order)
    elif order.until is not None:
        done, message = _imported(draft, order, order.until)
    else:
        done, message = _kept(draft, order)
    draft.replies.append(Reply(command=order.id, done=done, message=message))


def wrong_with(roster: Roster, override: Override, now: datetime) -> str:
    """Why the override cannot be kept, in words; empty where nothing is wrong with it."""
    if override.schedule not in roster.schedules:
        return f"there is no schedule {override.schedule}; {_allowed(roster.schedules)}"
    unknown = [p for p in override.people if p not in roster.people]
    if unknown or not override.people:
        return f"nobody is known as {unknown[0] if unknown else '(empty)'}; {_allowed(roster.people)}"
    if override.ends_at <= override.starts_at:
        return "it ends before it begins"
    return "it is over already" if override.ends_at <= now else ""


def _allowed(names: Iterable[str]) -> str:
    return f"allowed: {', '.join(sorted(names)) or 'nothing, rules.yaml has none'}"


def _kept(draft: Draft, order: OverrideOrder) -> tuple[bool, str]:
    roster = draft.situation.policy.roster
    for override in order.shifts:
        if wrong := wrong_with(roster, override, draft.now):
            return False, wrong
    for override in order.shifts:
        draft.put_override(override)
    told = [f"{roster.names(o.people)} from {_at(o.starts_at)} to {_at(o.ends_at)}" for o in order.shifts]
    return True, f"{order.schedule}: {'; '.join(told)}"


def _imported(draft: Draft, order: OverrideOrder, until: datetime) -> tuple[bool, str]:
    roster = draft.situation.policy.roster
    shifts = [o for o in order.shifts if o.ends_at > draft.now]
    for override in shifts:
        if wrong := wrong_with(roster, override, draft.now):
            return False, wrong
    if order.schedule not in roster.schedules:
        return False, f"there is no schedule {order.schedule}; {_allowed(roster.schedules)}"
    new = {o.id for o in shifts}
    gone = [o for o in _of_calendar(draft, order.schedule, until) if o.id not in new]
    for override in gone:
        draft.put_override(_over(override, draft.now))
    for override in shifts:
        draft.put_override(override)
    instead = f"in place of {len(gone)} earlier ones"
    return True, f"{order.schedule}: {len(shifts)} shifts of the calendar until {_at(until)}, {instead}"


def _of_calendar(draft: Draft, schedule: str, until: datetime) -> Iterator[Override]:
    for override in draft.all_overrides():
        is_its_own = override.schedule == schedule and override.is_imported
        if is_its_own and override.starts_at < until and draft.now < override.ends_at:
            yield override


def _ended(draft: Draft, order: OverrideOrder) -> tuple[bool, str]:
    known = next((o for o in draft.all_overrides() if o.id == order.ends), None)
    if known is None:
        return False, f"there is no override {order.ends}"
    if known.ends_at <= draft.now:
        return True, f"override {known.id} was over already"
    draft.put_override(_over(known, draft.now))
    return True, f"override {known.id} is over"


def _over(override: Override, now: datetime) -> Override:
    return replace(override, starts_at=min(override.starts_at, now), ends_at=now)


def _at(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
