"""People who are told of everything about one incident because somebody asked for it."""

from rules.decision import Command
from rules.draft import Draft
from rules.incident import Incident
from rules.refused import Refused, required
from rules.words import one_of

MOST_WATCHERS = 100
"""More is a mailing list: a subscription."""


def watch(draft: Draft, incident: Incident, command: Command) -> str:
    """Tell a person (by id) of everything about it from now on."""
    who = required(command, "the person who is to be told of it")
    people = draft.situation.policy.roster.people
    if who not in people:
        raise Refused(f"nobody is known as {who}; " + one_of(who, sorted(people)) if people else "nobody is known yet")
    if who in incident.watchers:
        raise Refused(f"{people[who].name} is told of {incident.key} already")
    if len(incident.watchers) >= MOST_WATCHERS:
        raise Refused(f"{incident.key} has {MOST_WATCHERS} watchers; subscribe people by `notify` instead")
    draft.change_incident(incident, watchers=tuple(sorted((*incident.watchers, who))))
    draft.note(incident.number, "watch", f"{people[who].name} is told of it", actor=command.actor, new=who)
    return f"{people[who].name} is told of {incident.key}"


def unwatch(draft: Draft, incident: Incident, command: Command) -> str:
    """Tell the person no more, but for what other subscriptions ask for."""
    who = required(command, "the person who is not to be told of it any more")
    name = draft.situation.policy.roster.name(who)
    if who not in incident.watchers:
        raise Refused(f"{name} does not watch {incident.key}")
    draft.change_incident(incident, watchers=tuple(w for w in incident.watchers if w != who))
    draft.note(incident.number, "watch", f"{name} is told of it no more", actor=command.actor, old=who)
    return f"{name} is told of {incident.key} no more"
