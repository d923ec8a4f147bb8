"""The page of one incident: what failed, what it hits and why we think so, who does what, and everything one may do."""

import uuid
from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Any

import anyio
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse

from daemon.api.access import Caller
from daemon.api.incidents import Number
from daemon.api.orders import decided
from daemon.api.ports import Ports
from daemon.api.problems import Problem
from daemon.console import incident_shown as shown
from daemon.console.explained import asked_about, why
from daemon.console.forms import Form, Trouble, done_of, form_of, plain_address, told, trouble_of
from daemon.console.impact import Drawings, Sketch
from daemon.console.incident_orders import found_incident, incident_order_routes
from daemon.console.pages import Pages
from daemon.console.storm import Moment, moments_of
from daemon.console.visitor import visit
from rules.decision import RecordOrder, RecordVerb
from rules.incident import Incident, Priority
from rules.record import Given, Kind
from rules.words import WORTH_NAMING

_MAKING = 4
_TITLE_CHARS = 400


def incident_routes(ports: Ports, pages: Pages) -> tuple[APIRouter, ...]:
    """/incidents/{number}, its picture alone, and every order about it."""
    page = IncidentPage(ports, pages)
    return page.routes(), incident_order_routes(ports, page.again)


class IncidentPage:
    """Puts the page together."""

    def __init__(self, ports: Ports, pages: Pages) -> None:
        self._ports = ports
        self._pages = pages
        self._drawings = Drawings(ports)
        self._making = anyio.CapacityLimiter(_MAKING)

    def routes(self) -> APIRouter:
        """What is read, and records made of the incident."""
        router = APIRouter(include_in_schema=False)
        reading = Depends(visit(self._ports, by_service=True))
        writing = Depends(visit(self._ports, "write", by_service=True))

        @router.get("/incidents/{number}")
        def show(request: Request, number: Number, caller: Annotated[Caller, reading]) -> Response:
            return self._page(request, caller, found_incident(self._ports, number, caller))

        @router.get("/incidents/{number}/impact.svg")
        def picture(
            number: Number, caller: Annotated[Caller, reading], at: Annotated[int, Query(ge=0)] = 0
        ) -> Response:
            return self._picture(found_incident(self._ports, number, caller), caller, at)

        @router.post("/incidents/{number}/records")
        async def make(request: Request, number: Number, caller: Annotated[Caller, writing]) -> Response:
            form = await form_of(request)
            return await anyio.to_thread.run_sync(self._make, request, number, caller, form, limiter=self._making)

        return router

    def again(self, request: Request, caller: Caller, number: str, trouble: Trouble) -> Response:
        """The page with what went wrong on it."""
        return self._page(request, caller, found_incident(self._ports, number, caller), trouble)

    def _page(self, request: Request, caller: Caller, incident: Incident, trouble: Trouble | None = None) -> Response:
        asked = request.query_params if request.method == "GET" else {}
        alerts = self._ports.store.alerts_of(incident.number, shown.MOST_ALERTS + 1)
        timeline = self._ports.store.timeline(incident.number)
        done = None if trouble is not None else done_of(self._ports, request)
        return self._pages.page(
            request,
            caller,
            "incident.html",
            status=HTTPStatus.OK if trouble is None else HTTPStatus(trouble.status),
            incident=incident,
            here_is=f"/incidents/{incident.key}",
            live_address=plain_address(request, f"/incidents/{incident.key}"),
            trouble=trouble,
            done=done,
            undo=None if done is None else next(shown.undoing(done.action, timeline), None),
            may=shown.allowed_actions(incident, caller, self._ports),
            may_write="write" in caller.permissions,
            promises=shown.promises_of(incident, self._ports.clock.now()),
            link_addresses=shown.addresses_of(incident.links),
            may_unlink=shown.may_unlink,
            lines=len(timeline),
            **self._drawn(incident, caller, alerts, timeline, asked),
            **self._alerts(alerts, asked),
            **self._history(timeline, request),
            **self._told(incident, alerts, asked),
            **self._choices(incident),
            splittable=sorted({a.ci for a in alerts if a.ci is not None})[:100],
        )

    def _drawn(
        self, incident: Incident, caller: Caller, alerts: Sequence[Any], timeline: Sequence[Any], asked: Any
    ) -> dict[str, Any]:
        moments = moments_of(incident, alerts, timeline)
        step = _step(asked.get("at", ""), len(moments))
        moment = moments[step - 1] if step else None
        sketch = self._sketch(incident, alerts, moment)
        if sketch is not None and caller.services:
            sketch = sketch.without_links()
        return {"moments": moments, "step": step, "moment": moment, "sketch": sketch}

    def _sketch(self, incident: Incident, alerts: Sequence[Any], moment: Moment | None) -> Sketch | None:
        if moment is None:
            return self._drawings.sketch(incident, shown.alerting_now(alerts), root=incident.root.ci)
        return self._drawings.sketch(incident, moment.alerting, root=moment.root, is_replay=True)

    def _picture(self, incident: Incident, caller: Caller, at: int) -> Response:
        alerts = self._ports.store.alerts_of(incident.number, shown.MOST_ALERTS)
        drawn = self._drawn(incident, caller, alerts, self._ports.store.timeline(incident.number), {"at": str(at)})
        if drawn["sketch"] is None:
            raise Problem(HTTPStatus.NOT_FOUND, f"there is no picture of {incident.key}: its root is not in the CMDB")
        return self._pages.svg("impact.svg", sketch=drawn["sketch"], incident=incident, moment=drawn["moment"])

    def _alerts(self, alerts: Sequence[Any], asked: Any) -> dict[str, Any]:
        most = shown.MOST_ALERTS if asked.get("alerts") == "all" else shown.FIRST_ALERTS
        return {
            "alerts": shown.alert_rows(alerts, most),
            "alert_count": len(alerts),
            "firing_count": sum(a.is_firing for a in alerts),
            "most_alerts": shown.MOST_ALERTS,
        }

    def _history(self, timeline: Sequence[Any], request: Request) -> dict[str, Any]:
        kinds = request.query_params.getlist("kind")[:50]
        most = shown.MOST_ENTRIES if request.query_params.get("history") == "all" else shown.FIRST_ENTRIES
        entries = shown.entries_of(timeline, kinds, most)
        return {"entries": entries, "kinds": shown.kinds_of(timeline), "chosen_kinds": kinds}

    def _told(self, incident: Incident, alerts: Sequence[Any], asked: Any) -> dict[str, Any]:
        most = shown.MOST_NOTICES if asked.get("notices") == "all" else shown.FIRST_NOTICES
        rows = self._ports.store.notices(incident=incident.number, limit=most + 1)
        return {
            "notices": shown.notices_shown(self._ports, rows[:most]),
            "has_more_notices": len(rows) > most,
            "why": why(self._ports, incident, alerts, str(asked.get("why", ""))[:200]),
            "asked_about": asked_about(self._ports.roster(), tuple(self._ports.notifiers())),
            "ratings": self._ports.store.ratings.of_incident(incident.number),
        }

    def _choices(self, incident: Incident) -> dict[str, Any]:
        roster, policy = self._ports.roster(), self._ports.policy()
        likely = [c for c in incident.root.candidates if c.confidence >= WORTH_NAMING][:10] or incident.root.candidates[
            :1
        ]
        return {
            "priorities": list(Priority),
            "groups": sorted(roster.groups),
            "people": sorted((p.id, p.name) for p in roster.people.values())[:500],
            "name_of": roster.name,
            "codes": policy.resolution_codes,
            "candidates": [c.ci for c in incident.root.candidates],
            "likely": likely,
            "unlikely": [c.ci for c in incident.root.candidates if c not in likely][:20],
        }

    def _make(self, request: Request, number: str, caller: Caller, form: Form) -> Response:
        incident = found_incident(self._ports, number, caller)
        try:
            order = _record_order(self._ports, incident, caller, form)
            decided(self._ports, order)
        except Problem as problem:
            return self.again(request, caller, number, trouble_of(problem, "records", form.rest("back")))
        return RedirectResponse(told(f"/incidents/{incident.key}", "records", order.id), HTTPStatus.SEE_OTHER)


def _record_order(ports: Ports, incident: Incident, caller: Caller, form: Form) -> RecordOrder:
    """A request, problem or change made of the incident; Problem where it is none of these."""
    try:
        kind = Kind(form.get("kind"))
    except ValueError:
        detail = f"kind: allowed are {', '.join(kind.words for kind in Kind)}"
        raise Problem(HTTPStatus.BAD_REQUEST, detail) from None
    return RecordOrder(
        id=uuid.uuid4().hex,
        at=ports.clock.now(),
        actor=caller.name,
        kind=kind,
        verb=RecordVerb.CREATE,
        given=Given(title=form.get("title")[:_TITLE_CHARS] or incident.title),
        incidents=(incident.number,),
    )


def _step(text: str, steps: int) -> int:
    """The step of the replay that is asked for, from 1; 0 for how things are now."""
    return min(int(text), steps) if text.isdecimal() and len(text) < 6 else 0
