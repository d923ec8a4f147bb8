"""From the sections about who hears of what to subscriptions and manners; each mistake has its line."""

from collections.abc import Collection, Iterator, Mapping
from datetime import time
from typing import Any

from daemon.config.context import Context
from daemon.config.document import Loc
from daemon.config.fields import suggestion
from daemon.config.hours import read_hours
from daemon.config.notify_schema import Notify, OwnNotify, TellingSection
from daemon.config.notify_schema import When as WhenSection
from notifiers.settings import NotifierSettings, WebhookSettings
from rules.subscriptions import Digest, Subscription, When
from rules.telling import Manners

_TO_PEOPLE = ("person", "group", "role")


class Subscriptions:
    """Makes subscriptions of entries. `notifiers` are those of the configuration by name, None for one with mistakes;
    `people` and `groups` are the names that `rules.yaml` has."""

    def __init__(
        self,
        notifiers: Mapping[str, NotifierSettings | None],
        people: Collection[str] = (),
        groups: Collection[str] = (),
    ) -> None:
        self._notifiers = notifiers
        self._people = people
        self._groups = groups

    def of(self, context: Context, loc: Loc, section: Notify) -> Iterator[Subscription]:
        """One for every notifier named, or one for all the people."""
        self._check(context, loc, section)
        name = section.name or f"entry {int(loc[-1]) + 1} of notify"
        common = self._common(context, loc, section, name)
        for to in dict.fromkeys(section.to):
            settings = self._notifiers.get(to)
            batches = not isinstance(settings, WebhookSettings) if section.batch is None else section.batch
            yield Subscription(to=to, batches=batches, **common)
        if section.person or section.group or section.role:
            yield Subscription(
                people=frozenset(section.person),
                groups=frozenset(section.group),
                roles=frozenset(section.role),
                batches=True,
                **common,
            )

    def of_person(self, context: Context, loc: Loc, person: str, section: OwnNotify) -> Subscription:
        """One that a person has for themselves."""
        self._known(context, (*loc, "via"), section.via, self._notifiers, "notifier")
        name = section.name or "your own"
        return Subscription(people=frozenset({person}), batches=True, **self._common(context, loc, section, name))

    def _common(self, context: Context, loc: Loc, section: OwnNotify, name: str) -> dict[str, Any]:
        return {
            "name": name,
            "when": _when(context, (*loc, "when"), section.when),
            "via": tuple(section.via),
            "audience": section.audience or "",
            "digest": _digest(section.digest),
        }

    def _check(self, context: Context, loc: Loc, section: Notify) -> None:
        to_people = [key for key in _TO_PEOPLE if getattr(section, key)]
        if not section.to and not to_people:
            context.problem(loc, "the entry tells nobody", "allowed: to (notifiers), or person, group, role (people)")
        if section.to and to_people:
            what = f"to and {to_people[0]} exclude each other"
            context.problem((*loc, "to"), what, "allowed: to for a notifier's own recipients, via for people")
        if section.via and not to_people:
            context.problem((*loc, "via"), "via is for people", "allowed: beside person, group or role")
        if section.batch is not None and to_people:
            context.problem(
                (*loc, "batch"), "batch is for notifiers", "allowed: beside to; people always get summaries"
            )
        self._known(context, (*loc, "to"), section.to, self._notifiers, "notifier", "to: ")
        self._known(context, (*loc, "via"), section.via, self._notifiers, "notifier")
        self._known(context, (*loc, "person"), section.person, self._people, "person")
        self._known(context, (*loc, "group"), section.group, self._groups, "group")

    @staticmethod
    def _known(
        context: Context, loc: Loc, names: Collection[str], known: Collection[str], what: str, key: str = ""
    ) -> None:
        for name in names:
            if name not in known:
                allowed = suggestion(name, tuple(known)) if known else f"there are no {what}s"
                context.problem(loc, f'{key}there is no {what} "{name[:63]}"', allowed)


def make_manners(section: TellingSection) -> Manners:
    """How people are told."""
    usual = Manners()
    own = {name: getattr(section, name) for name in ("burst", "summary_every", "call_again")}
    given = {name: value for name, value in own.items() if value is not None}
    if section.urgent is not None:
        given["urgent"] = frozenset(section.urgent)
    if section.limit is not None:
        given |= {"limit": section.limit.messages, "within": section.limit.within}
    if section.updates is not None:
        given["updates"] = dict(section.updates)
    gather = {name: value for name, value in section.gather if value is not None}
    return Manners(gather={**usual.gather, **gather}, **given)


def _when(context: Context, loc: Loc, section: WhenSection) -> When:
    sets = ("priority", "event", "service", "group", "category", "ci", "under")
    words = {name: frozenset(getattr(section, name)) for name in sets}
    return When(**words, hours=read_hours(context, (*loc, "hours"), section.hours))


def _digest(times: list[time]) -> Digest | None:
    return Digest(minutes=tuple(sorted({at.hour * 60 + at.minute for at in times}))) if times else None
