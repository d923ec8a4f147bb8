"""Silences, made and ended here, and the maintenance that is announced."""

import uuid
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from fastapi import APIRouter, Request

from daemon.api.access import Caller
from daemon.api.orders import decided
from daemon.api.ports import Ports
from daemon.config.durations import parse_duration
from daemon.console.form_page import FormPage
from daemon.console.forms import Form
from daemon.console.pages import Pages
from daemon.console.visitor import visit
from daemon.store.rows import RecordSearch
from rules.change_windows import windows_of
from rules.decision import SilenceOrder
from rules.maintenance import Window
from rules.matchers import parse_matchers
from rules.record import Kind
from rules.silence import MAX_COMMENT, Silence, SilenceState, listed, wrong_with

MOST_CHANGES = 200
SHOWN_BACK = timedelta(days=7)


def upkeep_routes(ports: Ports, pages: Pages) -> APIRouter:
    """/admin/silences."""
    router = APIRouter(include_in_schema=False)
    FormPage(
        pages=pages,
        path="/admin/silences",
        template="silences.html",
        may=visit(ports, "write"),
        values=partial(_values, ports),
        act=partial(_act, ports),
    ).add_to(router)
    return router


def _act(ports: Ports, _: Request, caller: Caller, form: Form) -> None:
    if form.get("do") == "end":
        _end(ports, caller, form.get("id"))
    else:
        _add(ports, caller, form)


def _end(ports: Ports, caller: Caller, silence_id: str) -> None:
    if ports.store.silence(silence_id) is None:
        raise ValueError("there is no such silence any more")
    order = SilenceOrder(id=str(uuid.uuid4()), at=ports.clock.now(), actor=caller.name, ends=silence_id)
    decided(ports, order)


def _add(ports: Ports, caller: Caller, form: Form) -> None:
    """Keep the silence that the form asks for; ValueError or Problem in words."""
    now = ports.clock.now()
    texts = [line for line in form.get("matchers").splitlines() if line.strip()]
    # A bare word is an alert's name, as amtool has it.
    matchers = parse_matchers(text if any(c in text for c in "=~") else f"alertname={text.strip()}" for text in texts)
    silence = Silence(
        id="",
        matchers=matchers,
        starts_at=now,
        ends_at=now + _length(form.get("lasts")),
        updated_at=now,
        created_by=caller.name,
        comment=form.get("comment")[:MAX_COMMENT],
    )
    if wrong := wrong_with(silence, now):
        raise ValueError(f"{wrong[0]} {wrong[1]}")
    decided(ports, SilenceOrder(id=str(uuid.uuid4()), at=now, actor=caller.name, silence=silence))


def _length(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise ValueError(f"{error}; allowed: as in 2h or 1d") from None


def _values(ports: Ports) -> dict[str, Any]:
    now = ports.clock.now()
    return {
        "silences": [(s, s.state_at(now)) for s in listed(ports.store.silences(), now)],
        "over": SilenceState.EXPIRED,
        "windows": _windows(ports, now),
    }


def _windows(ports: Ports, now: datetime) -> list[Window]:
    """What is announced in the configuration and by changes, of the last week and to come, the next first."""
    changes = ports.store.records(RecordSearch(kind=Kind.CHANGE, since=now - SHOWN_BACK), limit=MOST_CHANGES)
    known = (*ports.policy().maintenance, *windows_of(changes))
    return sorted((w for w in known if w.ends_at >= now - SHOWN_BACK), key=lambda w: (w.ends_at < now, w.starts_at))
