"""Who is on call, now and in the next two weeks, who the people are, and who takes somebody else's turn."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from fastapi import APIRouter, Request

from daemon.api.access import Caller
from daemon.api.orders import decided
from daemon.api.ports import Ports
from daemon.config.durations import parse_duration
from daemon.config.moments import parse_moment
from daemon.console.drawn import WIDTH
from daemon.console.form_page import FormPage
from daemon.console.forms import Form
from daemon.console.pages import Pages
from daemon.console.visitor import visit
from rules.decision import OverrideOrder
from rules.overrides import wrong_with
from rules.preflight import preflight
from rules.responders import known_overrides
from rules.rotation import Override, Shift, duty_at, shifts

AHEAD = timedelta(days=14)
MOST_REASON = 400
COLOURS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One shift in the strip: where it is drawn, whose colour it has (0 is a gap), and what it says."""

    x: float
    width: float
    colour: int
    who: str
    shift: Shift


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """One schedule: who is on call now, and the shifts of two weeks side by side."""

    name: str
    zone: str
    now: str
    source: str
    pieces: tuple[Piece, ...]
    days: tuple[tuple[float, str], ...]
    people: tuple[tuple[str, str], ...]


def duty_routes(ports: Ports, pages: Pages) -> APIRouter:
    """/admin/oncall."""
    router = APIRouter(include_in_schema=False)
    FormPage(
        pages=pages,
        path="/admin/oncall",
        template="oncall.html",
        may=visit(ports, "write"),
        values=partial(_values, ports),
        act=partial(_act, ports),
    ).add_to(router)
    return router


def strips(ports: Ports, now: datetime) -> Iterator[Strip]:
    """One strip for each schedule, by name."""
    roster = ports.roster()
    overrides = known_overrides(roster, ports.store.overrides())
    for name, schedule in sorted(roster.schedules.items()):
        found = shifts(schedule, overrides, now, now + AHEAD)
        duty = duty_at(schedule, overrides, now)
        colours = {p: n % COLOURS + 1 for n, p in enumerate(dict.fromkeys(p for s in found for p in s.people))}
        pieces = [
            Piece(
                x=_place(shift.starts_at, now),
                width=round(_place(shift.ends_at, now) - _place(shift.starts_at, now), 2),
                colour=colours[shift.people[0]] if shift.people else 0,
                who=roster.names(shift.people),
                shift=shift,
            )
            for shift in found
        ]
        yield Strip(
            name=name,
            zone=schedule.zone.key,
            now=roster.names(duty.people),
            source=duty.source,
            pieces=tuple(pieces),
            days=tuple(_days(now)),
            people=tuple((p, roster.name(p)) for p in sorted({*schedule.people, *roster.people})),
        )


def _place(at: datetime, now: datetime) -> float:
    return round(WIDTH * ((at - now) / AHEAD), 2)


def _days(now: datetime) -> Iterator[tuple[float, str]]:
    """Where each day in UTC begins in the strip, with its name."""
    day = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    while day < now + AHEAD:
        yield _place(day, now), f"{day:%a %d}"
        day += timedelta(days=1)


def _act(ports: Ports, _: Request, caller: Caller, form: Form) -> None:
    now, order_id = ports.clock.now(), str(uuid.uuid4())
    if form.get("do") == "end":
        known = next((o for o in ports.store.overrides() if o.id == form.get("id")), None)
        if known is None:
            raise ValueError("there is no such stand-in any more")
        order = OverrideOrder(id=order_id, at=now, actor=caller.name, schedule=known.schedule, ends=known.id)
    else:
        override = _override(ports, caller, form, order_id, now)
        shifted = (override,)
        order = OverrideOrder(id=order_id, at=now, actor=caller.name, schedule=override.schedule, shifts=shifted)
    decided(ports, order)


def _override(ports: Ports, caller: Caller, form: Form, order_id: str, now: datetime) -> Override:
    """The stand-in that the form asks for; ValueError in words where that cannot be."""
    begin = parse_moment(form.get("from") or "now", now)
    override = Override(
        id=order_id,
        schedule=form.get("schedule"),
        people=tuple(filter(None, [form.get("person")])),
        starts_at=begin,
        ends_at=begin + parse_duration(form.get("lasts")),
        made_by=caller.name,
        made_at=now,
        reason=form.get("reason")[:MOST_REASON],
    )
    if wrong := wrong_with(ports.roster(), override, now):
        raise ValueError(wrong)
    return override


def _values(ports: Ports) -> dict[str, Any]:
    now, roster = ports.clock.now(), ports.roster()
    overrides = sorted((o for o in ports.store.overrides() if o.ends_at > now), key=lambda o: (o.starts_at, o.id))
    return {
        "strips": list(strips(ports, now)),
        "width": WIDTH,
        "overrides": overrides,
        "roster": roster,
        "people": sorted(roster.people.values(), key=lambda p: p.name),
        "groups": sorted(roster.groups.values(), key=lambda g: g.name),
        "findings": preflight(roster, overrides, ports.estate(), now, AHEAD),
    }
