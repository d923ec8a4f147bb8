"""From the sections about people to the roster, in which every name is known; each mistake has its line."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar
from zoneinfo import ZoneInfo

from daemon.config.context import Context
from daemon.config.document import Loc
from daemon.config.fields import suggestion
from daemon.config.hours import read_hours
from daemon.config.oncall_schema import (
    EscalationSection,
    GroupSection,
    LayerSection,
    PersonSection,
    RouteSection,
    ScheduleSection,
    StepSection,
)
from daemon.config.schema import Section
from daemon.config.subscriptions import Subscriptions
from notifiers.settings import NotifierSettings
from rules.escalation import EscalationPolicy, EscalationStep
from rules.roster import Contact, Group, Kind, Person, Roster
from rules.rotation import Layer, Schedule
from rules.routing import Route
from rules.service_level import ServiceLevel

SHORTEST_WAIT = timedelta(minutes=1)
"""Before an incident is handed to another group, or the steps begin anew: else people are called without a pause."""

SectionT = TypeVar("SectionT", bound=Section)


class _Named(Protocol):
    @property
    def name(self) -> str: ...


ValueT = TypeVar("ValueT", bound=_Named)


def make_roster(
    context: Context,
    raw: Mapping[str, Any],
    notifiers: Mapping[str, NotifierSettings | None],
    levels: Sequence[ServiceLevel] = (),
) -> Roster:
    """Everything that `rules.yaml` says about people. `notifiers` are those of the configuration by name, None for one
    that has mistakes; `levels` are the promises whose warnings and breaches steps can wait for."""
    return _Maker(context, raw, notifiers, levels).roster()


class _Maker:
    """Looks up names in all sections, also in those with mistakes, so that a mistake is reported once."""

    def __init__(
        self,
        context: Context,
        raw: Mapping[str, Any],
        notifiers: Mapping[str, NotifierSettings | None],
        levels: Sequence[ServiceLevel],
    ) -> None:
        self._context = context
        self._warnings = sorted({round(share * 100) for level in levels for share in level.warn_at})
        self._is_promised = any(level.targets for level in levels)
        self._raw = raw
        self._notifiers = notifiers
        self._people = self._names("people", "id")
        self._groups = self._names("groups")
        self._schedules = self._names("schedules")
        self._escalations = self._names("escalation")
        self._subscriptions = Subscriptions(notifiers)

    def roster(self) -> Roster:
        people = [self._person(loc, s) for loc, s in self._sections("people", PersonSection)]
        routes = [self._route(loc, s) for loc, s in self._sections("routing", RouteSection)]
        return Roster(
            people={p.id: p for p in people},
            groups=self._by_name("groups", GroupSection, self._group),
            routes=tuple(routes),
            schedules=self._by_name("schedules", ScheduleSection, self._schedule),
            escalations=self._by_name("escalation", EscalationSection, self._escalation),
        )

    def _by_name(self, key: str, model: type[SectionT], make: Callable[[Loc, SectionT], ValueT]) -> dict[str, ValueT]:
        return {value.name: value for value in (make(loc, s) for loc, s in self._sections(key, model))}

    def _sections(self, key: str, model: type[SectionT]) -> Iterable[tuple[Loc, SectionT]]:
        for loc, item in self._context.items((key,), self._raw.get(key)):
            section = self._context.section(loc, item, model)
            if section is not None:
                yield loc, section

    def _names(self, key: str, field: str = "name") -> tuple[str, ...]:
        places: dict[str, Loc] = {}
        listed = self._raw.get(key)
        for index, item in enumerate(listed if isinstance(listed, list) else ()):
            name = item.get(field) if isinstance(item, dict) else None
            loc: Loc = (key, index, field)
            if isinstance(name, str) and name in places:
                first = self._context.document.line(places[name])
                self._context.problem(loc, f'the {field} "{name[:63]}" is taken', f"it stands first on line {first}")
            elif isinstance(name, str):
                places[name] = loc
        return tuple(places)

    def _known(self, loc: Loc, names: Iterable[str | None], known: Collection[str], what: str) -> None:
        for name in names:
            if name and name not in known:
                allowed = suggestion(name, known) if known else f"rules.yaml has no {what}s"
                self._context.problem(loc, f'there is no {what} "{name[:63]}"', allowed)

    def _person(self, loc: Loc, section: PersonSection) -> Person:
        self._known((*loc, "manager"), [section.manager], self._people, "person")
        for index, contact in enumerate(section.contact):
            place = (*loc, "contact", index)
            self._known((*place, "via"), [contact.via], self._notifiers, "notifier")
            settings = self._notifiers.get(contact.via)
            if settings is not None and contact.address and (fault := settings.address_fault(contact.address)):
                what, _, allowed = fault.partition("; ")
                self._context.problem((*place, "to"), f"to: {what}", allowed)
        return Person(
            id=section.id,
            name=section.name or section.id,
            zone=ZoneInfo(section.time_zone),
            kind=Kind(section.kind),
            organisation=section.organisation,
            department=section.department,
            manager=section.manager or "",
            contacts=tuple(Contact(via=c.via, address=c.address) for c in section.contact),
            audience=section.audience,
            language=section.language or "",
            services=frozenset(section.services),
            quiet=read_hours(self._context, (*loc, "quiet"), section.quiet),
            notify=tuple(
                self._subscriptions.of_person(self._context, (*loc, "notify", index), section.id, own)
                for index, own in enumerate(section.notify)
            ),
        )

    def _group(self, loc: Loc, section: GroupSection) -> Group:
        self._known((*loc, "members"), section.members, self._people, "person")
        for key in ("lead", "manager"):
            self._known((*loc, key), [getattr(section, key)], self._people, "person")
        self._known((*loc, "schedule"), [section.schedule], self._schedules, "schedule")
        self._known((*loc, "escalation"), [section.escalation], self._escalations, "escalation")
        return Group(
            name=section.name,
            members=tuple(dict.fromkeys(section.members)),
            department=section.department,
            lead=section.lead or "",
            manager=section.manager or "",
            schedule=section.schedule or "",
            escalation=section.escalation or "",
        )

    def _route(self, loc: Loc, section: RouteSection) -> Route:
        self._known((*loc, "group"), [section.group], self._groups, "group")
        when = section.when
        return Route(
            group=section.group,
            name=section.name,
            owners=frozenset(when.owner),
            cis=frozenset(when.ci),
            types=frozenset(when.type),
            services=frozenset(when.service),
            categories=frozenset(when.category),
            hours=read_hours(self._context, (*loc, "when", "hours"), when.hours),
            zone=ZoneInfo(section.time_zone),
        )

    def _schedule(self, loc: Loc, section: ScheduleSection) -> Schedule:
        layers = [self._layer((*loc, "layers", index), layer) for index, layer in enumerate(section.layers)]
        return Schedule(name=section.name, zone=ZoneInfo(section.time_zone), layers=tuple(layers))

    def _layer(self, loc: Loc, section: LayerSection) -> Layer:
        for team in section.people:
            self._known((*loc, "people"), team, self._people, "person")
        return Layer(
            name=section.name,
            teams=tuple(tuple(team) for team in section.people),
            turn=section.turn,
            starts=datetime.combine(section.begin, section.hand_over),
            hours=read_hours(self._context, (*loc, "hours"), section.hours),
        )

    def _escalation(self, loc: Loc, section: EscalationSection) -> EscalationPolicy:
        if section.repeat and section.repeat_after < SHORTEST_WAIT:
            self._context.problem((*loc, "repeat_after"), "repeat_after is out of range", "allowed: 1m to 7d")
        steps = [self._step((*loc, "steps", index), step) for index, step in enumerate(section.steps)]
        return EscalationPolicy(
            name=section.name, steps=tuple(steps), repeat=section.repeat, repeat_after=section.repeat_after
        )

    def _step(self, loc: Loc, section: StepSection) -> EscalationStep:
        self._known((*loc, "person"), section.person, self._people, "person")
        self._known((*loc, "group"), section.group, self._groups, "group")
        self._known((*loc, "schedule"), section.schedule, self._schedules, "schedule")
        self._known((*loc, "hand_to"), [section.hand_to], self._groups, "group")
        calls = (section.person, section.group, section.schedule, section.on_call, section.lead, section.manager)
        if section.hand_to and any(calls):
            self._context.problem(loc, "a step either calls people or hands the incident over", "allowed: two steps")
        elif section.hand_to and section.after < SHORTEST_WAIT and section.on is None:
            self._context.problem((*loc, "after"), "after is out of range beside hand_to", "allowed: 1m to 7d")
        elif not section.hand_to and not any(calls):
            words = "person, group, schedule, on_call, lead, manager, hand_to"
            self._context.problem(loc, "the step reaches nobody", f"allowed: {words}")
        self._check_event(loc, section)
        return EscalationStep(
            after=section.after,
            on=section.on or "",
            share=(section.share or 0) / 100,
            people=tuple(section.person),
            groups=tuple(section.group),
            schedules=tuple(section.schedule),
            on_call=section.on_call,
            lead=section.lead,
            manager=section.manager,
            hand_to=section.hand_to or "",
            priorities=frozenset(section.when.priority),
            hours=read_hours(self._context, (*loc, "when", "hours"), section.when.hours),
        )

    def _check_event(self, loc: Loc, section: StepSection) -> None:
        """What a step waits for can happen."""
        if section.on is not None and not self._is_promised:
            allowed = "promises in service_levels, or no such step"
            self._context.problem((*loc, "on"), "on: nothing is promised, so it never happens", f"allowed: {allowed}")
        elif section.share is not None and not (section.on or "").endswith("_warning"):
            allowed = "beside on: response_warning or resolution_warning"
            self._context.problem((*loc, "share"), "share means a warning", f"allowed: {allowed}")
        elif section.share is not None and section.share not in self._warnings:
            allowed = ", ".join(map(str, self._warnings)) or "a warn_at of service_levels"
            what = f"share: nobody is warned at {section.share} %"
            self._context.problem((*loc, "share"), what, f"allowed: {allowed}")
