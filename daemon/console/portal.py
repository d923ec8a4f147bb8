"""The portal: users of services report what does not work, ask for what they need, and follow their own tickets."""

import re
import uuid
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated
from urllib.parse import parse_qs

import anyio
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from daemon.api.access import Caller, limited
from daemon.api.ports import Ports
from daemon.api.problems import Problem as HttpProblem
from daemon.api.problems import wrong_field
from daemon.api.reports import NewIncident, registered
from daemon.api.sight import seen_services, within
from daemon.console.pages import Pages
from daemon.console.tickets import Ticket, carry_out, is_theirs, mails_of, own_tickets, ticket_of
from daemon.console.visitor import PageRefused, visit
from daemon.store.rows import RecordSearch, Search
from rules.decision import RecordOrder, RecordVerb
from rules.incident import ACTIVE, Incident, KnownError
from rules.record import Given, Kind, Problem, ProblemStatus
from rules.report import MAX_TEXT, MAX_TITLE, MAX_WORD
from rules.status_page import services_of

MOST_SERVICES = 500
MOST_KNOWN = 8
_MOST_PROBLEMS = 500
_MOST_FIELDS = 30
_WAITING = 8
_ID = re.compile(r"[0-9a-f]{32}")
_WORD = re.compile(r"\w{4,}")
KINDS = ("problem", "request")
BADLY = (
    ("down", "I cannot work with it at all"),
    ("degraded", "It works badly, or only in part"),
    ("at risk", "It still works, but something is wrong"),
)
SAID = {
    "sent": "Thank you. We have it; you can follow it here.",
    "note": "Your remark was added.",
    "confirm": "Thank you. It is closed.",
    "object": "It is open again.",
    "rate": "Thank you for your answer.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What somebody has typed into the form so far."""

    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    kind: str = "problem"
    title: str = ""
    description: str = ""
    service: str = ""
    badly: str = "degraded"
    name: str = ""
    mail: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known already about what somebody is about to report."""

    incidents: tuple[Incident, ...] = ()
    errors: tuple[KnownError, ...] = ()


def portal_routes(ports: Ports, pages: Pages) -> APIRouter:
    """/portal and /portal/{number}."""
    router = APIRouter(include_in_schema=False)
    waiting = anyio.CapacityLimiter(_WAITING)
    _add_form(router, ports, pages, waiting)
    _add_ticket(router, ports, pages, waiting)
    return router


def _add_form(router: APIRouter, ports: Ports, pages: Pages, waiting: anyio.CapacityLimiter) -> None:
    @router.get("/portal")
    def show(
        request: Request,
        caller: Annotated[Caller, Depends(visit(ports, "report", by_service=True))],
        service: Annotated[str, Query(max_length=256)] = "",
        title: Annotated[str, Query(max_length=MAX_TITLE)] = "",
        description: Annotated[str, Query(max_length=MAX_TEXT)] = "",
        kind: Annotated[str, Query(max_length=20)] = "problem",
        badly: Annotated[str, Query(max_length=20)] = "degraded",
    ) -> Response:
        contact = _contact_of(ports, caller)
        typed = Typed(kind=kind, title=title, description=description, service=service, badly=badly, **contact)
        return _form(request, ports, pages, caller, typed)

    def take(request: Request, caller: Caller, sent: dict[str, str]) -> Response:
        typed = _typed(sent)
        try:
            key = _reported(ports, caller, typed)
        except HttpProblem as problem:
            status = HTTPStatus(problem.status_code)
            return _form(request, ports, pages, caller, typed, status=status, problem=str(problem.detail))
        return RedirectResponse(f"/portal/{key}?did=sent" if key else "/portal?did=late", HTTPStatus.SEE_OTHER)

    @router.post("/portal")
    async def report(
        request: Request, caller: Annotated[Caller, Depends(visit(ports, "report", by_service=True))]
    ) -> Response:
        sent = _fields(await request.body())
        return await anyio.to_thread.run_sync(take, request, caller, sent, limiter=waiting)


def _form(
    request: Request,
    ports: Ports,
    pages: Pages,
    caller: Caller,
    typed: Typed,
    *,
    status: HTTPStatus = HTTPStatus.OK,
    problem: str = "",
) -> Response:
    estate = ports.estate()
    names = services_of(estate) or {i: estate.ci(i).title for i in sorted(estate.business_services)[:MOST_SERVICES]}
    return pages.page(
        request,
        caller,
        "portal.html",
        status=status,
        problem=problem,
        typed=typed,
        services=list(seen_services(caller, names).items())[:MOST_SERVICES],
        badly=BADLY,
        known=known_of(ports, caller, typed),
        has_looked=bool(typed.service or typed.title),
        tickets=own_tickets(ports, caller),
        is_late=request.query_params.get("did") == "late",
        limits={"title": MAX_TITLE, "text": MAX_TEXT, "word": MAX_WORD},
    )


def _fields(body: bytes) -> dict[str, str]:
    """The last value of each field that was sent, without blanks around it."""
    try:
        found = parse_qs(body.decode("utf-8", "replace").replace("\0", ""), max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise PageRefused(wrong_field("form", f"has more than {_MOST_FIELDS} fields")) from None
    return {name: values[-1].strip() for name, values in found.items()}


def _typed(sent: dict[str, str]) -> Typed:
    known = {name: sent[name][: 2 * MAX_TEXT] for name in Typed.__dataclass_fields__ if name in sent}
    if not _ID.fullmatch(known.get("id", "")):
        known.pop("id", None)
    return Typed(**known)


def _contact_of(ports: Ports, caller: Caller) -> dict[str, str]:
    """How to reach whoever asks, as far as it is known."""
    person = ports.roster().people.get(caller.name)
    name = person.name if person is not None else caller.name if caller.is_known else ""
    return {"name": name, "mail": next((m for m in sorted(mails_of(ports, caller)) if "@" in m), "")}


def _reported(ports: Ports, caller: Caller, typed: Typed) -> str:
    """The number of what was opened, empty where that is not decided yet. The same form sent twice opens one thing."""
    before = ports.store.reply(typed.id)
    if before is not None and before.done:
        return f"INC-{before.incident}" if before.incident is not None else before.subject
    if typed.kind not in KINDS:
        raise wrong_field("kind", "is not one of those on the page")
    if not typed.title:
        raise wrong_field("title", "say in a few words what it is about")
    return _asked_for(ports, caller, typed) if typed.kind == "request" else _broken(ports, caller, typed)


def _broken(ports: Ports, caller: Caller, typed: Typed) -> str:
    try:
        body = NewIncident.model_validate(
            {
                "title": typed.title,
                "description": typed.description,
                "service": typed.service,
                "disruption": typed.badly,
                "channel": "portal",
                "contact": {"name": typed.name, "mail": typed.mail, "phone": typed.phone},
            }
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise wrong_field(".".join(map(str, first["loc"])), first["msg"]) from None
    return registered(ports, caller, body, typed.id).incident or ""


def _asked_for(ports: Ports, caller: Caller, typed: Typed) -> str:
    for name, most in (("title", MAX_TITLE), ("description", MAX_TEXT)):
        if len(getattr(typed, name)) > most:
            raise wrong_field(name, f"has more than {most} characters")
    contact = ", ".join(filter(None, (typed.name, typed.mail, typed.phone)))[: 3 * MAX_WORD]
    description = "\n\n".join(filter(None, (typed.description, f"Contact: {contact}" if contact else "")))
    if caller.services and typed.service and typed.service not in caller.services:
        raise limited(caller)
    given = Given(title=typed.title, description=description, services=(typed.service,) if typed.service else ())
    order = RecordOrder(
        id=typed.id,
        at=ports.clock.now(),
        actor=caller.name,
        kind=Kind.REQUEST,
        verb=RecordVerb.CREATE,
        given=given,
        may_replace=False,
    )
    try:
        reply = ports.order(order)
    except TimeoutError:
        return ""
    if not reply.done:
        raise HttpProblem(HTTPStatus.CONFLICT, reply.message)
    return reply.subject


def known_of(ports: Ports, caller: Caller, typed: Typed) -> Known:
    """Open incidents and known errors of the service, and those that say the same words; nothing of services that the
    caller does not see."""
    if typed.kind != "problem":
        return Known()
    active, words = sorted(map(str, ACTIVE)), set(_WORD.findall(typed.title.casefold()))
    found: dict[int, Incident] = {}
    if typed.service:
        search = Search(statuses=active, services=[typed.service], sort="priority")
        found.update((i.number, i) for i in ports.store.incidents(within(caller, search), limit=MOST_KNOWN))
    if words:
        search = Search(statuses=active, text=" ".join(sorted(words)[:5]), sort="priority")
        found.update((i.number, i) for i in ports.store.incidents(within(caller, search), limit=MOST_KNOWN))
    errors = {e.problem: e for i in found.values() for e in i.known_errors}
    if typed.service or words:
        wanted = RecordSearch(kind=Kind.PROBLEM, statuses=[str(ProblemStatus.KNOWN_ERROR)])
        for record in ports.store.records(wanted, limit=_MOST_PROBLEMS):
            if not isinstance(record, Problem) or (caller.services and caller.services.isdisjoint(record.services)):
                continue
            if why := _speaks_of(record, typed.service, words):
                error = KnownError(problem=record.number, title=record.title, workaround=record.workaround, why=why)
                errors.setdefault(record.number, error)
    return Known(incidents=tuple(found.values())[:MOST_KNOWN], errors=tuple(errors.values())[:MOST_KNOWN])


def _speaks_of(problem: Problem, service: str, words: set[str]) -> str:
    """Why a known error may be what is being reported; empty where it hardly is."""
    if service and (service in problem.services or service in problem.cis):
        return "of this service"
    said = set(_WORD.findall(" ".join((problem.title, *problem.words)).casefold()))
    return "it says the same" if len(words & said) >= min(2, len(words)) and words else ""


def _add_ticket(router: APIRouter, ports: Ports, pages: Pages, waiting: anyio.CapacityLimiter) -> None:
    key_of = Annotated[str, Path(max_length=32)]

    def shown(
        request: Request, caller: Caller, key: str, status: HTTPStatus = HTTPStatus.OK, **values: str
    ) -> Response:
        ticket = _own(ports, caller, key)
        did = SAID.get(request.query_params.get("did", ""), "")
        every = {"problem": "", "typed": "", "did": "" if values else did, **values}
        return pages.page(request, caller, "ticket.html", status=status, ticket=ticket, limits=MAX_TEXT, **every)

    @router.get("/portal/{key}")
    def show(
        request: Request, key: key_of, caller: Annotated[Caller, Depends(visit(ports, "report", by_service=True))]
    ) -> Response:
        return shown(request, caller, key)

    def take(request: Request, caller: Caller, key: str, sent: dict[str, str]) -> Response:
        ticket, act = _own(ports, caller, key), sent.get("act", "")
        try:
            carry_out(ports, caller, ticket, act, sent.get("text", ""), sent.get("score", ""))
        except HttpProblem as problem:
            values = {"problem": str(problem.detail), "typed": sent.get("text", "")}
            return shown(request, caller, key, HTTPStatus(problem.status_code), **values)
        return RedirectResponse(f"/portal/{ticket.key}?did={act}", HTTPStatus.SEE_OTHER)

    @router.post("/portal/{key}")
    async def do(
        request: Request, key: key_of, caller: Annotated[Caller, Depends(visit(ports, "own", by_service=True))]
    ) -> Response:
        sent = _fields(await request.body())
        return await anyio.to_thread.run_sync(take, request, caller, key, sent, limiter=waiting)


def _own(ports: Ports, caller: Caller, key: str) -> Ticket:
    """The ticket of that number; a page that says so where there is none that is theirs. Staff may see all."""
    ticket = ticket_of(ports, caller, key)
    sees_all = caller.is_staff and not caller.services
    if ticket is None or not (sees_all or is_theirs(ports, caller, ticket)):
        detail = f"you have no ticket {key}: you see here what you reported or are the contact of"
        raise PageRefused(HttpProblem(HTTPStatus.NOT_FOUND, detail))
    return ticket
